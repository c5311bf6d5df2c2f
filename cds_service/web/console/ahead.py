"""The days on which the guideline has something more to say, for one side of a patient.

They count from the start of loading; while no loading is on record, from the diagnosis and from
the first treatment.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.recommendations.step_up_options import FROM_DAYS, UNKNOWN_FROM_DAYS
from cds_service.patient.loading import Clock
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import NO, UNKNOWN, YES, When
from cds_service.web.console.picture import Threshold

OF_LOADING: tuple[tuple[Parameter, str], ...] = (
    (FROM_DAYS, "step-up options if little has changed"),
    (UNKNOWN_FROM_DAYS, "step-up options also without scores"),
    (c.CONSIDER_SURGERY, "a surgical opinion may be considered"),
    (c.OVERDUE_SURGERY, "after this day a surgical opinion is overdue"),
)
PROVISO = {
    YES: "",
    UNKNOWN: "if loading lasted so long: ",
    NO: "if loading is taken up again in time: ",
}


def thresholds(case: Case, side: SideTimeline) -> tuple[Threshold, ...]:
    """In order of time; none where the clock has stopped for longer than a gap may be."""
    if side.clock is None:
        return tuple(_before_loading(case, side))
    if side.clock.idle.at_most(case[c.LOADING_GAP]) is NO:
        return ()
    return tuple(_of_loading(case, side.clock))


def _of_loading(case: Case, clock: Clock) -> Iterator[Threshold]:
    """What was not reached when loading ended comes only where it is taken up again."""
    ended = clock.idle.at_most(0) is NO
    for one, words in OF_LOADING:
        after = 1 if one is c.OVERDUE_SURGERY else 0
        reached = clock.days.at_least(case[one] + after) if ended else YES
        found = _threshold(case, one, clock.started, f"{PROVISO[reached]}{words}")
        if reached is not NO or found.when.latest > case.today:
            yield found


def _before_loading(case: Case, side: SideTimeline) -> Iterator[Threshold]:
    if side.episode.diagnosed is not None:
        words = "after diagnosis: the initial phase ends"
        yield _threshold(case, c.INITIAL_PHASE, side.episode.diagnosed, words)
    treatments = ask.first_treatment(side, with_physiotherapy=True)
    if treatments:
        words = "of treatment without loading: after this day a surgical opinion is overdue"
        yield _threshold(case, c.OVERDUE_SURGERY, treatments[0].start, words)


def _threshold(case: Case, parameter: Parameter, start: When, words: str) -> Threshold:
    return Threshold(
        parameter=parameter.name,
        days=case[parameter],
        when=start.plus(case.whole(parameter)),
        words=words,
        set_by_site=case[parameter] != parameter.value,
    )
