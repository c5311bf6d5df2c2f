"""steroid-too-early: a steroid injection ordered before four weeks of conservative care.

Source says: "If symptoms persist after 4 weeks of conservative management" (Intermediate
  Management, C18); "If minimal improvement after 4-8 weeks, consider shockwave therapy or
  injection options" (Treatment Algorithm step 3, C45).
Evidence: expert opinion.
Origin: article C18, C22, C45
When: PHT is active and, on the planned day, the conservative duration is certainly under 28 days,
  or no loading is on file and onset was under 28 days ago: warning `under-4-weeks`; the duration
  straddles 28 days: info `imprecise-date`; no loading on file and onset 28 days ago or more, or
  unknown: info `no-conservative-care-documented`.
Unless: steroid-count-limit fires for the order; 28 days of conservative care or more.
Then: offer to remove or move the order, and a loading programme.
Unsure: absence of records is no proof of absence: the card asks. Physiotherapy of unrecorded
  content is neither loading nor its absence: silent.
"""

from __future__ import annotations

from datetime import date

from cds_service.guideline import criteria as ask
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
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.loading import Clock
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, Answer, Days

EARLIEST = Parameter(
    name="steroid-early-days",
    value=28,
    unit="days",
    source=s.ARTICLE,
    place="Intermediate Management (4-8 weeks) (C18, A05)",
    quote="If symptoms persist after 4 weeks of conservative management",
    safe=(28, 56),
)


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.STEROID)
    if not orders:
        return ordering.none_ordered(RULE.id, "a local steroid injection")
    return [
        _assess_side(case, order, side) for order in orders for side in ordering.sides(case, order)
    ]


def _assess_side(case: Case, order: Order, side: SideTimeline) -> Outcome:
    clock = side.clock_on(order.planned.latest)
    onset = _since_onset(order, side)
    least = case[EARLIEST]
    common = (ordering.ordered(order), ask.active(side))
    days = clock.days if clock else None
    variants = (
        Variant(
            "under-4-weeks",
            ordering.level(order, "warning"),
            (_under(side, clock, onset, least),),
            lambda: _advise(case, order, side, clock, onset),
        ),
        Variant(
            "imprecise-date",
            "info",
            (_straddles(days, least),),
            lambda: _advise(case, order, side, clock, onset),
        ),
        Variant(
            "no-conservative-care-documented",
            "info",
            (_nothing_on_file(side), _onset_not_recent(onset, least)),
            lambda: _advise_undocumented(order, side),
        ),
    )
    return judge(RULE.id, side.side, common, variants, about=ordering.about(order))


def _since_onset(order: Order, side: SideTimeline) -> Days | None:
    return side.episode.start.days_until(order.planned) if side.episode.start else None


def _nothing_on_file(side: SideTimeline) -> Criterion:
    """No loading, certain or possible."""
    return ask.no_loading(side)


def _under(side: SideTimeline, clock: Clock | None, onset: Days | None, least: float) -> Criterion:
    question = f"conservative care, or the disease, lasts certainly fewer than {least:g} days"
    if clock is not None:
        because = f"{clock.days} days of loading on the planned day"
        facts = tuple(ask.used_care(care) for care in side.loading)
        return Criterion(question, clock.days.less_than(least), because, facts)
    if side.loading or side.unspecified_physiotherapy:
        return Criterion(question, UNKNOWN, "loading or physiotherapy on record, its time unclear")
    if onset is None:
        return Criterion(question, UNKNOWN, "no loading and no onset on record")
    return Criterion(question, onset.less_than(least), f"no loading; onset {onset} days before")


def _straddles(days: Days | None, least: float) -> Criterion:
    question = f"conservative care lasts perhaps fewer than {least:g} days"
    if days is None:
        return Criterion(question, NO, "no loading programme dated")
    answer = Answer.of(days.less_than(least) is UNKNOWN)
    return Criterion(question, answer, f"{days} days")


def _onset_not_recent(onset: Days | None, least: float) -> Criterion:
    question = f"onset {least:g} days ago or more, or not recorded"
    if onset is None:
        return Criterion(question, Answer.YES, "not recorded")
    recent = onset.less_than(least)
    return Criterion(question, Answer.of(recent is not Answer.YES), f"{onset} days before")


# --- words ---


def _advise(
    case: Case, order: Order, side: SideTimeline, clock: Clock | None, onset: Days | None
) -> Advice:
    days = clock.days if clock else Days(0, 0)
    summary = (
        f"Steroid injection ordered after {days} days of conservative care;"
        " source suggests at least 4 weeks first"
    )
    begun = f"Loading since {clock.started}" if clock else "No loading on record"
    since = f"Onset {onset} days before the planned day" if onset else "Onset not recorded"
    facts = (begun, since, *cited(ask.used_care(care) for care in side.loading))
    start = clock.started if clock else side.episode.start
    later = start.plus(case.whole(EARLIEST)).latest if start else None
    return _advice(order, side, summary, "Give loading at least 4 weeks first.", facts, later=later)


def _advise_undocumented(order: Order, side: SideTimeline) -> Advice:
    summary = "Steroid injection ordered: no loading programme on record. Done elsewhere?"
    ask_for = "Was loading done elsewhere? If so, record its start date."
    return _advice(order, side, summary, ask_for, cited(ask.diagnoses(side)))


def _advice(
    order: Order,
    side: SideTimeline,
    summary: str,
    ask_for: str,
    facts: tuple[str, ...],
    *,
    later: date | None = None,
) -> Advice:
    return Advice(
        summary=summary,
        ask=ask_for,
        facts=facts,
        source=(
            "Source: injections only if symptoms persist after 4 weeks of conservative management.",
            "Relief is short term; the long-term outcome is not improved and possibly worse"
            " (Coombes 2010, other tendons, not from the article).",
        ),
        unknown=("If care happened elsewhere, record its start date.", *ordering.unsure(order)),
        suggestions=_suggestions(order, side, later),
    )


def _suggestions(order: Order, side: SideTimeline, later: date | None) -> tuple[Suggestion, ...]:
    offered = []
    removed = ordering.delete(order)
    if removed and later and later > order.planned.latest:
        label = f"Move the order to {later.isoformat()}"
        offered.append(Suggestion(label, change=Change.POSTPONE, drafts=order.drafts, day=later))
    offered += removed
    if ask.no_loading(side).answer is Answer.YES:
        offered.append(Suggestion("Refer to physiotherapy for loading", Treat.PHYSIOTHERAPY))
    return tuple(offered)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",), ("Procedure",)),
    parameters=(EARLIEST,),
    override_reasons=(
        "already-done",
        "benefit-outweighs-risk",
        "directed-by-specialist",
        "record-wrong",
    ),
    sources=(s.COOMBES_2010, s.WILSON_2005),
    assess=assess,
    orders=(OrderKind.STEROID,),
    at_most_one=True,
    yields_to=("steroid-count-limit",),
)
