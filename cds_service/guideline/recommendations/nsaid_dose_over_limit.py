"""nsaid-dose-over-limit: ibuprofen beyond the source's daily ceiling.

Source says: "Ibuprofen (1.2g daily initially, can be increased to 2.4g if needed)" (Initial
  Management, First-line Treatments, C08, C09).
Evidence: moderate for the cardiovascular point (EMA), expert opinion for the ceiling; the dose was
  probably taken from arthritis guidance.
Origin: article C08, C09
When: PHT is active, ibuprofen is ordered, and the highest daily doses of the order and of all
  active systemic ibuprofen together are more than 2400 mg: warning `over-2400`; more than 3200 mg:
  critical `over-3200`. 2400 mg exactly is silent.
  More only when a statement that names no prescription is not one of those on record: one level
  lower, `uncertain-records`.
Unless: topical; another NSAID (the source sets no limit); PHT is not active. A prescription that
  the order replaces, and a statement that names one that is counted, are not counted again.
Then: offer 400 mg three times a day when the total then is 2400 mg or less and nothing speaks
  against an oral NSAID, else to remove the order; a topical NSAID when nothing speaks against it.
Unsure: an order whose dose or timing is not computable is silent and named here; of what is taken
  already such a dose counts nothing and is named: the total is then at least what the card says.
  As needed counts the maximum per period, else the timing.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.guideline import conventions as c
from cds_service.guideline import ibuprofen, ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Change,
    Criterion,
    Indicator,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Used,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.ibuprofen import Total
from cds_service.guideline.wording import cited, escape, listed
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.safety import RUNNING
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, UNKNOWN, YES, Answer

CEILING = Parameter(
    name="ibuprofen-ceiling",
    value=2400,
    unit="mg a day",
    source=s.ARTICLE,
    place="Initial Management, First-line Treatments (C09, A13)",
    quote="can be increased to 2.4g if needed",
    reading="2400 mg exactly is allowed",
    safe=(1200, 2400),
)
MAXIMUM = Parameter(
    name="ibuprofen-maximum",
    value=3200,
    unit="mg a day",
    source=s.FDA_LABEL,
    place="nsaid-dose-over-limit (A13)",
    quote="",
    reading="the maximum of the US label",
    safe=(2400, 3200),
)
STARTING_DOSE = 1200  # mg a day: what the offered lower dose amounts to (C08)


def assess(case: Case) -> list[Outcome]:
    if not ibuprofen.ordered(case):
        return ordering.none_ordered(RULE.id, "ibuprofen")
    return [_assess_total(case, ibuprofen.total(case))]


def _assess_total(case: Case, total: Total) -> Outcome:
    """All drafts of ibuprofen together: the patient takes their sum."""
    common = (ordering.ordered(total.orders[0]), ordering.disease(case), _computed(total))
    levels: tuple[tuple[Parameter, Indicator], ...] = (
        (MAXIMUM, "critical"),
        (CEILING, "warning"),
    )
    variants = [
        Variant(
            f"over-{parameter.value:g}",
            indicator,
            (_more(case, total, parameter),),
            lambda: _advise(case, total),
        )
        for parameter, indicator in levels
    ]
    variants.append(_perhaps(case, total))
    about = tuple(sorted(d.reference for order in total.orders for d in order.drafts))
    return judge(RULE.id, NOT_STATED, common, variants, about=about)


def _computed(total: Total) -> Criterion:
    """What is ordered must be computable; what is taken already is named where it is not."""
    unclear = any(order.daily_mg is None for order in total.orders)
    return Criterion(
        "the dose ordered can be computed",
        UNKNOWN if unclear else YES,
        listed(total.unknown) or "computed",
        _parts(total),
    )


def _more(case: Case, total: Total, limit: Parameter) -> Criterion:
    answer = Answer.of(total.mg > case[limit])
    if answer is NO and (total.unknown or total.most > case[limit]):
        answer = UNKNOWN
    more = " or more" if total.unknown else ""
    return Criterion(f"more than {case[limit]:g} mg a day", answer, f"{total.span} mg a day{more}")


def _perhaps(case: Case, total: Total) -> Variant:
    """One level lower (G6)."""
    question = f"perhaps more than {case[CEILING]:g} mg a day"
    answer = Answer.of(total.most > case[CEILING])
    return Variant(
        "uncertain-records",
        "warning" if total.most > case[MAXIMUM] else "info",
        (Criterion(question, answer, f"at most {total.most:g} mg a day computed"),),
        lambda: _advise(case, total),
    )


def _parts(total: Total) -> tuple[Used, ...]:
    ordered = (
        ordering.used(o, o.reference, f"{o.label}, ordered: {_mg(o.daily_mg)}")
        for o in total.orders
    )
    taken = (
        Used(c.reference, f"{c.label}: {_mg(c.daily_mg)}", str(c.start or ""))
        for c in total.running
    )
    return (*ordered, *taken)


def _mg(daily: float | None) -> str:
    return "dose not computable" if daily is None else f"{daily:g} mg a day"


def _advise(case: Case, total: Total) -> Advice:
    least = "at least " if total.unknown else ""
    ceiling = f"source ceiling is {case[CEILING]:g} mg/day"
    topical = "" if case.gate.any_nsaid else ", or offer a topical NSAID instead"
    return Advice(
        summary=f"Ibuprofen total {least}{total.span} mg/day; {ceiling}",
        ask=f"Lower the dose{topical}.",
        facts=cited(_parts(total)),
        source=(
            "Source: start with 1.2 g a day, may rise to 2.4 g if needed; short-term effect only.",
            "EMA: a small cardiovascular risk at 2400 mg a day or more, none seen at 1200 mg or"
            " less (not from the article).",
        ),
        unknown=tuple(map(escape, _unknown(total))),
        suggestions=_suggestions(case, total),
    )


def _unknown(total: Total) -> Iterator[str]:
    for words in total.unknown:
        yield f"Dose not computable: {words}."
    if total.told_twice:
        yield f"May tell of the same tablets: {listed(total.told_twice)}."


def _suggestions(case: Case, total: Total) -> tuple[Suggestion, ...]:
    highest = max(total.orders, key=lambda order: (order.daily_mg or 0, order.reference))
    offered: list[Suggestion] = []
    lowered = total.most - (highest.daily_mg or 0) + STARTING_DOSE
    enough = lowered <= case[CEILING] and not total.unknown
    if ordering.named(highest) and enough and _reducible(highest) and not _against(case):
        label = "Change the order to 400 mg three times a day"
        offered.append(Suggestion(label, change=Change.REDUCE_DOSE, drafts=highest.drafts))
    else:
        offered += ordering.delete(highest)
    if not case.gate.any_nsaid:
        offered.append(Suggestion("Prescribe a topical NSAID", Treat.TOPICAL_NSAID))
    return tuple(offered)


def _reducible(order: Order) -> bool:
    """Ibuprofen alone, by mouth: tablets that also hold another drug are not for us to change."""
    other = " / " in order.product or "Injection" in order.product
    return not other


def _against(case: Case) -> bool:
    """The gate on oral NSAIDs, but for the ibuprofen itself, which the total counts."""
    return any(reason != RUNNING for reason in case.gate.oral_nsaid)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",), ("MedicationStatement", "MedicationRequest")),
    parameters=(
        CEILING,
        MAXIMUM,
        c.PREGNANCY,
        c.EGFR_CAUTION,
        c.EGFR_AGE,
        c.CAUTIOUS_AGE,
    ),
    override_reasons=("directed-by-specialist", "different-site", "record-wrong", "not-daily"),
    sources=(s.EMA_IBUPROFEN, s.WILSON_2005),
    assess=assess,
    orders=(OrderKind.NSAID,),
    at_most_one=True,
)
