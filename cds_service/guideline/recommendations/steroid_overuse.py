"""steroid-overuse: more steroid injections, or closer together, than the source allows.

Source says: "limit to 2-3 injections with 4-6 weeks between injections" (Intermediate Management,
  Adjunctive Therapies, C24, C25); "these may weaken the tendon structure if overused" (Pitfall 4,
  C41).
Evidence: expert opinion, very low (general tendon review, its full text not confirmed).
Origin: article C24, C25, C41
When: PHT is active and the injections already given on a side (one injection in several records
  counts once) are (a) certainly more than 3 in this episode: warning `over-limit`; (b) else two
  certain ones of this episode less than 28 days apart, the later at most 365 days ago: warning
  `too-close`; (c) else certainly 3 in this episode: info `limit-reached`; (d) else certainly more
  than 3 in all: info `earlier-episode`; (e) else more than 3 with the possible ones: info
  `uncertain-records`.
Unless: the disease is resolved, or the side was operated on in this episode.
Then: show the injections and their dates; offer a surgical opinion and a loading programme.
Unsure: undated, unsided (in bilateral disease), patient-reported or order-only records are
  possible, never certain; an interval between partial dates counts only when certain.
"""

from __future__ import annotations

from itertools import pairwise

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
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
from cds_service.guideline.wording import cited, counted, origin
from cds_service.patient.facts import CareKind
from cds_service.patient.injections import Event
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import YES, Answer

RECENT = Parameter(
    name="steroid-recent-days",
    value=365,
    unit="days",
    source=s.READING,
    place="steroid-overuse (b)",
    quote="",
    reading="an old breach of the interval is no longer worth a card",
    safe=(90, 730),
)


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    limit = case.whole(c.STEROID_LIMIT)
    possible = side.injections
    certain = [event for event in possible if event.certain]
    current = [event for event in certain if side.in_episode(event.when) is YES]
    close = _closest_pair(case, current)
    variants = (
        Variant(
            "over-limit",
            "warning",
            (_more(current, limit, "certain, in this episode"),),
            lambda: _advise(case, side, len(current)),
        ),
        Variant(
            "too-close",
            "warning",
            (_too_close(case, close),),
            lambda: _advise_close(case, side, close),
        ),
        Variant(
            "limit-reached",
            "info",
            (_exactly(current, limit),),
            lambda: _advise_reached(case, side, len(current)),
        ),
        Variant(
            "earlier-episode",
            "info",
            (_more(certain, limit, "certain, in all episodes"),),
            lambda: _advise_earlier(case, side, len(certain), len(current)),
        ),
        Variant(
            "uncertain-records",
            "info",
            (_more(possible, limit, "certain or possible"),),
            lambda: _advise_uncertain(case, side),
        ),
    )
    common = (ask.active(side), ask.not_operated(side))
    return judge(RULE.id, side.side, common, variants, weight=len(current))


def _more(events: list[Event] | tuple[Event, ...], limit: int, which: str) -> Criterion:
    facts = tuple(ask.used_event(event) for event in events)
    question = f"more than {limit} injections ({which})"
    return Criterion(question, Answer.of(len(events) > limit), f"{len(events)} on record", facts)


def _exactly(events: list[Event], limit: int) -> Criterion:
    facts = tuple(ask.used_event(event) for event in events)
    question = f"{limit} injections (certain, in this episode)"
    return Criterion(question, Answer.of(len(events) == limit), f"{len(events)} on record", facts)


Pair = tuple[Event, Event, int]


def _closest_pair(case: Case, events: list[Event]) -> Pair | None:
    """Two injections certainly too close, the later one recent; the closest of them."""
    pairs: list[Pair] = []
    for earlier, later in pairwise(events):
        if earlier.when is None or later.when is None:
            continue
        apart = earlier.when.days_until(later.when)
        recent = later.when.days_until(case.today).at_most(case[RECENT])
        if (apart.less_than(case[c.STEROID_INTERVAL]) & recent) is YES:
            pairs.append((earlier, later, apart.most))
    return min(pairs, key=lambda pair: pair[2], default=None)


def _too_close(case: Case, pair: Pair | None) -> Criterion:
    question = (
        f"two injections certainly less than {case[c.STEROID_INTERVAL]:g} days apart,"
        f" the later at most {case[RECENT]:g} days ago"
    )
    if pair is None:
        return Criterion(question, Answer.NO, "no such pair on record")
    facts = tuple(ask.used_event(event) for event in pair[:2])
    return Criterion(question, YES, f"{pair[2]} days apart", facts)


# --- words ---


def _advise(case: Case, side: SideTimeline, number: int) -> Advice:
    summary = f"{number} steroid injections at {origin(side.side)}; source limit is 2-3"
    return _advice(
        case,
        side,
        summary,
        "Avoid a further injection; review loading and consider a surgical opinion.",
    )


def _advise_reached(case: Case, side: SideTimeline, number: int) -> Advice:
    summary = f"{number} steroid injections at {origin(side.side)}; source limit is 2-3"
    return _advice(
        case, side, summary, "A further injection would pass the limit; plan other options now."
    )


def _advise_earlier(case: Case, side: SideTimeline, number: int, current: int) -> Advice:
    summary = (
        f"{number} steroid injections at {origin(side.side)} over all episodes; source limit is 2-3"
    )
    start = side.episode.start
    exact = start is not None and start.exact
    counts = f"{counted(current, 'injection')} certainly in this episode, {number} in all"
    unsure = "" if exact else "; the start of the episode is not exactly recorded"
    ask_for = f"{counts}{unsure}. The source sets no time window, and the tendon does not reset."
    return _advice(case, side, summary, ask_for)


def _advise_uncertain(case: Case, side: SideTimeline) -> Advice:
    number = len(side.injections)
    summary = (
        f"Up to {number} steroid injections at {origin(side.side)}, some uncertain;"
        " source limit is 2-3"
    )
    return _advice(case, side, summary, "Check the uncertain records before any further injection.")


def _advise_close(case: Case, side: SideTimeline, pair: Pair | None) -> Advice:
    days = pair[2] if pair else 0
    summary = f"Two steroid injections {days} days apart at {origin(side.side)} (source: 4-6 weeks)"
    return _advice(
        case, side, summary, "Leave at least 4, better 6, weeks before any further injection."
    )


def _advice(case: Case, side: SideTimeline, summary: str, ask_for: str) -> Advice:
    doubtful = [event for event in side.injections if not event.certain]
    return Advice(
        summary=summary,
        ask=ask_for,
        facts=(
            *cited(ask.used_event(e) for e in side.injections),
            *_intervals(side),
            _so_far(case, side),
        ),
        source=(
            "Source: limit to 2-3 injections, 4-6 weeks apart; short-term relief only; overuse may"
            " weaken the tendon.",
            "In trials of other tendons the benefit reversed later (Coombes 2010).",
        ),
        unknown=(f"{counted(len(doubtful), 'record')} uncertain, as marked above.",)
        if doubtful
        else (),
        suggestions=_suggestions(case, side),
    )


def _intervals(side: SideTimeline) -> tuple[str, ...]:
    dated = [event.when for event in side.injections if event.when is not None]
    apart = [str(first.days_until(second)) for first, second in pairwise(dated)]
    return (f"Days between them: {', '.join(apart)}",) if apart else ()


def _so_far(case: Case, side: SideTimeline) -> str:
    """What the episode shows of loading, shockwave and referral."""
    loading = f"{side.clock.days} days of loading" if side.clock else "no loading programme dated"
    given = side.began((CareKind.SHOCKWAVE,), steroids=False)
    shockwave = "shockwave given" if given else "no shockwave given"
    open_referral = ask.no_surgical_referral(case, side).answer is not YES
    referred = "surgical referral open" if open_referral else "no surgical referral open"
    return f"This episode: {loading}, {shockwave}, {referred}"


def _suggestions(case: Case, side: SideTimeline) -> tuple[Suggestion, ...]:
    offered = []
    if ask.no_surgical_referral(case, side).answer is YES:
        offered.append(Suggestion("Refer for a surgical opinion", Treat.SURGICAL_REFERRAL))
    if ask.no_loading(side).answer is YES:
        offered.append(
            Suggestion("Refer to physiotherapy for progressive loading", Treat.PHYSIOTHERAPY)
        )
    return tuple(offered)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(
        ("Condition",),
        ("Procedure",),
        ("MedicationStatement", "MedicationRequest", "MedicationAdministration"),
    ),
    parameters=(
        c.STEROID_LIMIT,
        c.STEROID_INTERVAL,
        RECENT,
        c.SAME_INJECTION,
        c.ORDER_BEFORE_INJECTION,
        c.COMPLETED_REFERRAL,
    ),
    override_reasons=(
        "directed-by-specialist",
        "benefit-outweighs-risk",
        "different-site",
        "record-wrong",
    ),
    sources=(s.COOMBES_2010, s.WILSON_2005),
    assess=assess,
    at_most_one=True,
)
