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
  content is neither loading nor its absence: silent. So is a record that cannot be read where it
  may be loading. In bilateral disease an order that names no side, too early for one side only,
  speaks one level lower.
"""

from __future__ import annotations

from functools import partial

from cds_service.guideline import criteria as ask
from cds_service.guideline import ordering
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
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Order, OrderKind
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, Days

MAY_BE_LOADING = ("Procedure", "CarePlan")

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
        outcome
        for order in orders
        for outcome in ordering.for_either_side(case, order, partial(_assess_side, case, order))
    ]


def _assess_side(case: Case, order: Order, side: SideTimeline) -> Outcome:
    days = _loading_days(order, side)
    onset = _since_onset(order, side)
    least = case[EARLIEST]
    nothing = _nothing_on_file(case, side)
    common = (ordering.ordered(order), ordering.aimed(case, order), ask.active(side))
    dated = partial(_advise, case, order, side, days, onset)
    level = ordering.level(order, "warning")
    variants = (
        Variant("under-4-weeks", level, _under(side, days, onset, least, nothing), dated),
        Variant("imprecise-date", "info", (_straddles(days, least),), dated),
        Variant(
            "no-conservative-care-documented",
            "info",
            (nothing, _onset_not_recent(onset, least)),
            lambda: _advise_undocumented(case, order, side),
        ),
    )
    return judge(RULE.id, side.side, common, variants, about=ordering.about(order))


def _loading_days(order: Order, side: SideTimeline) -> Days | None:
    """Days of loading on the planned day, which may itself be known only as a month."""
    first, last = side.clock_on(order.planned.earliest), side.clock_on(order.planned.latest)
    return Days(first.days.least, last.days.most) if first and last else None


def _since_onset(order: Order, side: SideTimeline) -> Days | None:
    return side.episode.start.days_until(order.planned) if side.episode.start else None


def _nothing_on_file(case: Case, side: SideTimeline) -> Criterion:
    """No loading, certain or possible; a record that cannot be read may be loading (G7)."""
    found = ask.no_loading(side)
    broken = [u.reference for u in case.facts.unreadable if u.resource_type in MAY_BE_LOADING]
    if found.answer is YES and broken:
        return found._replace(answer=UNKNOWN, because=f"{broken[0]} cannot be read")
    return found


def _under(
    side: SideTimeline, days: Days | None, onset: Days | None, least: float, nothing: Criterion
) -> tuple[Criterion, ...]:
    question = f"conservative care, or the disease, lasts certainly fewer than {least:g} days"
    if days is not None:
        because = f"{days} days of loading on the planned day"
        facts = tuple(ask.used_care(care) for care in side.loading)
        return (Criterion(question, days.less_than(least), because, facts),)
    if onset is None:
        return nothing, Criterion(question, UNKNOWN, "no onset on record")
    return nothing, Criterion(question, onset.less_than(least), f"onset {onset} days before")


def _straddles(days: Days | None, least: float) -> Criterion:
    question = f"conservative care lasts perhaps fewer than {least:g} days"
    if days is None:
        return Criterion(question, NO, "no loading programme dated")
    answer = Answer.of(days.less_than(least) is UNKNOWN)
    return Criterion(question, answer, f"{days} days")


def _onset_not_recent(onset: Days | None, least: float) -> Criterion:
    question = f"onset {least:g} days ago or more, or not recorded"
    if onset is None:
        return Criterion(question, YES, "not recorded")
    recent = onset.less_than(least)
    return Criterion(question, Answer.of(recent is not YES), f"{onset} days before")


# --- words ---


def _advise(
    case: Case, order: Order, side: SideTimeline, days: Days | None, onset: Days | None
) -> Advice:
    summary = (
        f"Steroid injection ordered after {days or 0} days of conservative care;"
        " source suggests at least 4 weeks first"
    )
    begun = f"Loading since {side.clock.started}" if side.clock else "No loading on record"
    since = f"Onset {onset} days before the planned day" if onset else "Onset not recorded"
    facts = (begun, since, *cited(ask.used_care(care) for care in side.loading))
    ask_for = "Give loading at least 4 weeks first."
    return _advice(case, order, side, (summary, ask_for), facts)


def _advise_undocumented(case: Case, order: Order, side: SideTimeline) -> Advice:
    summary = "Steroid injection ordered: no loading programme on record. Done elsewhere?"
    ask_for = "Was loading done elsewhere? If so, record its start date."
    return _advice(case, order, side, (summary, ask_for), cited(ask.diagnoses(side)))


def _advice(
    case: Case, order: Order, side: SideTimeline, words: tuple[str, str], facts: tuple[str, ...]
) -> Advice:
    summary, ask_for = words
    return Advice(
        summary=summary,
        ask=ask_for,
        facts=facts,
        source=(
            "Source: injections only if symptoms persist after 4 weeks of conservative management.",
            "Relief is short term; the long-term outcome is not improved and possibly worse"
            " (Coombes 2010, other tendons, not from the article).",
        ),
        unknown=(
            "If care happened elsewhere, record its start date.",
            *ordering.unknown(case, order),
        ),
        suggestions=_suggestions(case, order, side),
    )


def _suggestions(case: Case, order: Order, side: SideTimeline) -> tuple[Suggestion, ...]:
    offered: list[Suggestion] = []
    if side.clock and side.clock.idle.most == 0:  # loading that goes on will last long enough
        enough = side.clock.started.plus(case.whole(EARLIEST)).latest
        offered += ordering.postpone(order, enough)
    offered += ordering.delete(order)
    if ask.no_loading(side).answer is YES:
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
