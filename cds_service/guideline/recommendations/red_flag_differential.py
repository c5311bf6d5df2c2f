"""red-flag-differential: check the diagnosis before following the tendinopathy pathway.

Source says: nothing; it has no diagnosis section. This rule is external.
Evidence: low (reviews, editorials); consequence high.
Origin: EXTERNAL (not in the article)
When: PHT is active and a complete avulsion, an avulsion fracture of the ischium or a suspected
  cauda equina syndrome is coded: critical; a rupture or high-grade tear, an acute pop with
  bruising, a neurological deficit, a suspected malignancy or a bone stress injury is coded, or age
  is under 18 (`under-18`): warning. While it fires, all pathway cards are off.
Unless: refuted, resolved, inactive or abated; an avulsion, pop or bone stress injury that names the
  other side; an observation older than 365 days, or an encounter diagnosis without a clinical
  status recorded longer ago; an avulsion or pop before surgery on that side in this episode.
Then: offer MRI of the hamstring origin or the lumbar spine, and an urgent surgical opinion or an
  emergency referral, by what was found.
Unsure: only coded, unrefuted, positive findings; an age that only may be under 18 is an info. A
  finding whose date does not say whether it is of the last 365 days speaks one level lower.
  No code of a public system is verified for the pop, the deficit, cauda equina, the malignancy and
  the bone stress injury: they are recognised only where an EHR sends this service's own codes.
"""

from __future__ import annotations

from functools import partial

from cds_service.guideline import conventions as c
from cds_service.guideline import ordering, redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.facts import Flag, FlagKind
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import UNKNOWN, YES, Answer, Days


def assess(case: Case) -> list[Outcome]:
    flags = redflags.standing(case)
    grave = [flag for flag in flags if flag.kind in redflags.CRITICAL]
    sure = [flag for flag in flags if redflags.stands(case, flag) is YES]
    critical = [flag for flag in grave if flag in sure]
    urgent = [flag for flag in flags if flag in sure or flag in grave]
    young = redflags.under_age(case)
    side = flags[0].side if flags else NOT_STATED
    advise = partial(_advise, case, flags)
    variants = (
        Variant("", "critical", (_found(case, "a critical", critical),), advise),
        Variant("", "warning", (_found(case, "an urgent", urgent),), advise),
        Variant("under-18", "warning", (_young(case, young, YES),), lambda: _advise_young(case)),
        Variant("", "info", (_found(case, "perhaps an urgent", flags),), advise),
        Variant("under-18", "info", (_young(case, young, UNKNOWN),), lambda: _advise_young(case)),
    )
    return [judge(RULE.id, side, (ordering.disease(case),), variants)]


def _found(case: Case, grade: str, flags: list[Flag]) -> Criterion:
    facts = redflags.facts(flags, partial(redflags.stands, case))
    words = listed([flag.label for flag in flags]) or "none coded"
    return Criterion(f"{grade} finding is coded", Answer.of(bool(flags)), words, facts)


def _young(case: Case, young: Answer, wanted: Answer) -> Criterion:
    sure = "certainly" if wanted is YES else "perhaps"
    question = f"age {sure} under {case[c.MINIMUM_AGE]:g}"
    ages = case.facts.patient.age(case.today)
    because = "no birth date on record" if ages is None else f"age {Days(*ages)}"
    return Criterion(question, Answer.of(young is wanted and ages is not None), because)


def _advise(case: Case, flags: list[Flag]) -> Advice:
    first, *rest = sorted(flags, key=lambda flag: flag.kind not in redflags.CRITICAL)
    more = f" and {len(rest)} more" if rest else ""
    facts = cited(redflags.facts(flags, partial(redflags.stands, case)))
    return _advice(f"{first.label}{more}", facts, _suggestions({flag.kind for flag in flags}))


def _advise_young(case: Case) -> Advice:
    ages = Days(*(case.facts.patient.age(case.today) or (0, 0)))
    finding = f"age {ages}: think of the ischial growth plate"
    return _advice(finding, (f"Age {ages}",), _suggestions(set()))


def _suggestions(kinds: set[FlagKind]) -> tuple[Suggestion, ...]:
    """MRI of what the findings point to; cauda equina is for the emergency department."""
    spinal = kinds & set(redflags.SPINAL)
    offered = []
    if FlagKind.CAUDA_EQUINA in kinds:
        offered.append(Suggestion("Refer as an emergency", Treat.EMERGENCY_REFERRAL))
    if spinal:
        offered.append(Suggestion("Request MRI of the lumbar spine", Treat.LUMBAR_MRI))
    if not spinal or kinds - spinal:
        offered.append(Suggestion("Request MRI of the hamstring origin", Treat.MRI))
    if FlagKind.CAUDA_EQUINA not in kinds:
        label = "Refer urgently for a surgical opinion"
        offered.append(Suggestion(label, Treat.URGENT_SURGICAL_REFERRAL))
    return tuple(offered)


def _advice(finding: str, facts: tuple[str, ...], offered: tuple[Suggestion, ...]) -> Advice:
    return Advice(
        summary=f"Check the diagnosis before the tendinopathy pathway: {finding}",
        ask="Check the diagnosis first; the tendinopathy pathway is held back.",
        facts=facts,
        source=(
            "Avulsion is often missed and does worse when delayed (van der Made 2019).",
            "Also think of lumbar or sacroiliac referral, sciatic entrapment and ischiofemoral"
            " impingement; in adolescents of the ischial apophysis.",
        ),
        suggestions=offered,
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Patient",), ("Condition",), ("Procedure",)),
    parameters=(c.MINIMUM_AGE, redflags.OBSERVED),
    override_reasons=("already-done", "record-wrong", "directed-by-specialist"),
    sources=(s.VAN_DER_MADE_2019, s.DEGEN_2019),
    assess=assess,
    external=True,
)
