"""nsaid-caution: an oral NSAID ordered where something on record speaks against it.

Source says: nothing of cautions; "Consider topical NSAIDs which may have fewer systemic side
  effects" (Initial Management, C10). This rule is external.
Evidence: moderate to high (FDA 2020, EMA, Risser 2009).
Origin: EXTERNAL (not in the article)
When: PHT is active, an oral NSAID is ordered, and: eGFR under 30: critical `egfr-under-30`; eGFR
  under 60 or chronic kidney disease, gastrointestinal bleeding or peptic ulcer, an anticoagulant,
  pregnancy, heart failure, cirrhosis: warning; myocardial infarction, stroke or ischaemic heart
  disease with ibuprofen at 2400 mg a day or more, with what is taken already: warning
  `cv-disease-ge-2400`; only perhaps so much, as a statement may tell of a prescription: info.
Unless: topical, injected or otherwise not oral; nothing of it is on record.
Then: offer to remove the order, a topical NSAID or paracetamol.
Unsure: unknown is silent, and named where the medicines or the eGFR could not be obtained, or
  where the eGFR is a bound ("> 59") that leaves the limit open.
  Gestation is read only where it is coded, and no code for it is verified, so pregnancy stays a
  warning. A site that has its own drug checks can switch this card off; the gate on suggestions
  stays.
"""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import ibuprofen, ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Used,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.facts import Caution, Order, OrderKind
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, UNKNOWN, YES, Answer

EGFR_CRITICAL = Parameter(
    name="nsaid-egfr-critical",
    value=30,
    unit="mL/min/1.73 m2",
    source=s.RISSER_2009,
    place="nsaid-caution (external)",
    quote="",
    safe=(15, 45),
)
HIGH_DOSE = Parameter(
    name="ibuprofen-high-dose",
    value=2400,
    unit="mg a day",
    source=s.EMA_IBUPROFEN,
    place="nsaid-caution (external, A13)",
    quote="",
    reading="high dose begins at 2400 mg",
    safe=(1200, 2400),
)
CAUTIONS = (
    Caution.KIDNEY_DISEASE,
    Caution.GI_BLEED,
    Caution.ANTICOAGULANT,
    Caution.PREGNANCY,
    Caution.HEART_FAILURE,
    Caution.CIRRHOSIS,
)
MEDICINES = ("MedicationRequest", "MedicationStatement")
SHOWN = 2  # reasons in the summary, which is short


def assess(case: Case) -> list[Outcome]:
    orders = [order for order in ordering.orders(case, OrderKind.NSAID) if order.oral]
    if not orders:
        return ordering.none_ordered(RULE.id, "an oral NSAID")
    return [_assess_order(case, order) for order in orders]


def _assess_order(case: Case, order: Order) -> Outcome:
    reasons = _reasons(case)
    total = ibuprofen.total(case)
    high = order in total.orders and total.most >= case[HIGH_DOSE]
    heart = _heart(case) if high else ()
    kidney = case.filtration
    severe = kidney.under(case[EGFR_CRITICAL]) if kidney else NO
    value = f"{kidney} on {kidney.when}" if kidney else "no eGFR within a year"
    unclear = f"{value}: may be low" if kidney and _low(case) is UNKNOWN else ""
    unseen = ordering.unseen(case, MEDICINES, ("Observation",)) or unclear
    variants = (
        Variant(
            "egfr-under-30",
            "critical",
            (Criterion(f"eGFR under {case[EGFR_CRITICAL]:g}", severe, value),),
            lambda: _advise(case, order, reasons),
        ),
        Variant(
            "",
            "warning",
            (ordering.on_record("a caution on record", reasons, unseen),),
            lambda: _advise(case, order, reasons),
        ),
        Variant(
            "cv-disease-ge-2400",
            "warning" if total.mg >= case[HIGH_DOSE] else "info",
            (
                Criterion(
                    f"cardiovascular disease and ibuprofen {case[HIGH_DOSE]:g} mg a day or more",
                    Answer.of(bool(heart)),
                    f"{total.span} mg a day computed",
                    heart,
                ),
            ),
            lambda: _advise(case, order, heart),
        ),
    )
    common = (ordering.ordered(order), ordering.disease(case))
    return judge(RULE.id, NOT_STATED, common, variants, about=ordering.about(order))


def _reasons(case: Case) -> tuple[Used, ...]:
    found = tuple(
        Used(f.reference, f.label, str(f.when or ""), recognised_by=f.recognised_by)
        for f in case.cautions
        if f.caution in CAUTIONS
    )
    kidney = case.filtration
    if kidney is None or _low(case) is not YES:
        return found
    return (Used(kidney.reference, str(kidney), str(kidney.when)), *found)


def _low(case: Case) -> Answer:
    return case.filtration.under(case[c.EGFR_CAUTION]) if case.filtration else NO


def _heart(case: Case) -> tuple[Used, ...]:
    return tuple(
        Used(f.reference, f.label, str(f.when or ""), recognised_by=f.recognised_by)
        for f in case.cautions
        if f.caution is Caution.CARDIOVASCULAR
    )


def _advise(case: Case, order: Order, reasons: tuple[Used, ...]) -> Advice:
    words = list(dict.fromkeys(used.words for used in reasons))
    shown = words if len(words) <= SHOWN else [*words[:SHOWN], "more"]
    offered = list(ordering.delete(order))
    if not case.gate.any_nsaid:
        offered.append(Suggestion("Prescribe a topical NSAID", Treat.TOPICAL_NSAID))
    offered.append(Suggestion("Prescribe paracetamol", Treat.PARACETAMOL))
    topical = "" if case.gate.any_nsaid else "topical NSAID or "
    return Advice(
        summary=f"Oral NSAID with {listed(shown)}: consider {topical}paracetamol",
        ask=f"Consider {topical}paracetamol instead of an oral NSAID.",
        facts=cited(reasons),
        source=(
            "FDA: avoid NSAIDs from about 20 weeks of pregnancy. EMA: avoid ibuprofen at 2400 mg a"
            " day or more in serious cardiovascular disease.",
            "Source: consider topical NSAIDs, which may have fewer systemic side effects.",
        ),
        suggestions=tuple(offered),
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",),),
    parameters=(EGFR_CRITICAL, c.EGFR_CAUTION, c.EGFR_AGE, HIGH_DOSE, c.PREGNANCY),
    override_reasons=(
        "benefit-outweighs-risk",
        "tolerated-before",
        "directed-by-specialist",
        "will-monitor",
    ),
    sources=(s.EMA_IBUPROFEN, s.RISSER_2009),
    assess=assess,
    orders=(OrderKind.NSAID,),
    at_most_one=True,
    external=True,
)
