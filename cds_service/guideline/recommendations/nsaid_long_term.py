"""nsaid-long-term: an oral NSAID that has gone on beyond the short term.

Source says: "NSAIDs: Effective for short-term pain relief, though they don't affect long-term
  outcomes" (Initial Management, First-line Treatments, C06, C07).
Evidence: SORT level B for short-term pain; the number of days is this service's reading.
Origin: article C06, C07
When: PHT is active and a systemic NSAID has certainly been taken for more than 28 days without a
  gap of more than 7 days (different NSAIDs join), and still is, or ended at most 7 days ago; at
  signing only when an NSAID is being signed.
Unless: another NSAID indication on the order; topical; 28 days or fewer.
Then: consider stopping, or a topical NSAID; keep loading going. Offer to stop an active order where
  its own EHR sent it.
Unsure: no start or supply period is silent; dates that only may exceed 28 days have no lower
  level to speak at and are silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds_service.guideline import conventions as c
from cds_service.guideline import ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Change,
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
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Care, CareKind, DraftResource, Given, OrderKind
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.supply import Supply, supply
from cds_service.patient.when import NO

LONG = Parameter(
    name="nsaid-long-days",
    value=28,
    unit="days",
    source=s.ARTICLE,
    place="Initial Management (0-4 weeks) (C06, A14)",
    quote="Effective for short-term pain relief",
    reading="the length of the phase it is listed in; more than this is long",
    safe=(14, 90),
)
GAP = Parameter(
    name="nsaid-gap-days",
    value=7,
    unit="days",
    source=s.READING,
    place="nsaid-long-term (A14)",
    quote="",
    reading="a shorter gap does not interrupt; an NSAID that ended this recently is current",
    safe=(1, 14),
)


def assess(case: Case) -> list[Outcome]:
    signing = bool(case.facts.orders)
    if signing and not ordering.orders(case, OrderKind.NSAID):
        return ordering.none_ordered(RULE.id, "an NSAID")
    about = tuple(r for o in ordering.orders(case, OrderKind.NSAID) for r in ordering.about(o))
    taken = [care for care in case.facts.care if _counts(care)]
    found = supply(taken, case.today, case.whole(GAP))
    variants = (Variant("", "info", (_long(case, found),), lambda: _advise(case, found, taken)),)
    return [judge(RULE.id, NOT_STATED, (ordering.disease(case),), variants, about=about)]


def _counts(care: Care) -> bool:
    return (
        care.kind is CareKind.NSAID
        and care.systemic
        and not care.other_indication
        and care.given is Given.DONE
        and care.start is not None
        and care.supplied
    )


def _long(case: Case, found: Supply | None) -> Criterion:
    question = f"a systemic NSAID for more than {case[LONG]:g} days, still current"
    if found is None:
        return Criterion(question, NO, "no NSAID with a start and a supply period on record")
    answer = found.days.more_than(case[LONG]) & found.since_end.at_most(case[GAP])
    because = f"{found.days} days, ended {found.since_end} days ago"
    return Criterion(question, answer, because, _used(found.parts))


def _used(parts: Sequence[Care]) -> tuple[Used, ...]:
    return tuple(
        Used(c.reference, c.label, f"{c.start} to {c.end}" if c.end else f"since {c.start}")
        for c in parts
    )


def _advise(case: Case, found: Supply | None, taken: list[Care]) -> Advice:
    days = found.days.least if found else 0
    offered = list(_stops(found.parts if found else ()))
    if not case.gate.any_nsaid:
        offered.append(Suggestion("Prescribe a topical NSAID", Treat.TOPICAL_NSAID))
    topical = "" if case.gate.any_nsaid else ", or a topical NSAID"
    return Advice(
        summary=(
            f"Oral NSAID for {days} days: short-term relief only, no effect on long-term outcome"
        ),
        ask=f"Consider stopping it{topical}; keep loading going.",
        facts=cited(_used(found.parts if found else taken)),
        source=(
            "Source: effective for short-term pain relief; does not affect long-term outcomes.",
            "If it must go on, check renal function, gastrointestinal risk and blood pressure (not"
            " from the article).",
        ),
        suggestions=tuple(offered),
    )


def _stops(parts: Sequence[Care]) -> Iterator[Suggestion]:
    """One for each drug: it stops all its active prescriptions."""
    orders: dict[str, list[DraftResource]] = {}
    for care in parts:
        if care.order:
            orders.setdefault(care.label, []).append(care.order)
    for label, found in orders.items():
        many = f" ({len(found)} prescriptions)" if len(found) > 1 else ""
        yield Suggestion(f"Stop {label}{many}", change=Change.STOP, drafts=tuple(found))


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",), ("MedicationStatement", "MedicationRequest")),
    parameters=(
        LONG,
        GAP,
        c.PREGNANCY,
    ),
    override_reasons=("different-site", "benefit-outweighs-risk", "not-daily"),
    sources=(s.WILSON_2005,),
    assess=assess,
    orders=(OrderKind.NSAID,),
    at_most_one=True,
)
