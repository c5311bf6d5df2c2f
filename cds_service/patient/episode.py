"""Episodes: the active disease of one side, and when it began (guideline G3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from cds_service.patient.facts import Diagnosis
from cds_service.patient.sides import LEFT, NOT_STATED, RIGHT, Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When, earliest_of


@dataclass(frozen=True)
class Episode:
    """`side` is NOT_STATED when no active diagnosis states one.

    `active` is UNKNOWN when the only diagnosis is an encounter diagnosis that may be too old.
    `perhaps`: diagnoses without a side that may be of the other side as well.
    """

    side: Laterality
    diagnoses: tuple[Diagnosis, ...]
    active: Answer
    perhaps: tuple[Diagnosis, ...] = ()

    @cached_property
    def start(self) -> When | None:
        """Earliest onset, else recorded date, of the diagnoses that make the episode."""
        return self._earliest(lambda diagnosis: diagnosis.start)

    @cached_property
    def diagnosed(self) -> When | None:
        """Earliest recorded date, else onset."""
        return self._earliest(lambda diagnosis: diagnosis.diagnosed)

    def _earliest(self, day: Callable[[Diagnosis], When | None]) -> When | None:
        sure = earliest_of([when for d in _listed(self.diagnoses) if (when := day(d))])
        perhaps = earliest_of([when for d in self.perhaps if (when := day(d))])
        if sure is None or perhaps is None:
            return sure
        return When(min(sure.earliest, perhaps.earliest), sure.latest, sure.last)


def episodes(
    diagnoses: Sequence[Diagnosis], today: date, encounter_days: int, *, both_sides: bool
) -> tuple[Episode, ...]:
    """The current episodes, left before right; one without side only when no side is stated.

    `both_sides`: records of the hamstring name left and right.
    """
    known = [d for d in diagnoses if d.certain]
    sided = [_episode(known, side, today, encounter_days) for side in (LEFT, RIGHT)]
    found = tuple(episode for episode in sided if episode)
    unsided = _episode(known, NOT_STATED, today, encounter_days)
    if any(episode.active is YES for episode in found):
        return tuple(_with_unsided(episode, unsided, both_sides) for episode in found)
    if unsided and (unsided.active is YES or not found):
        return (unsided,)
    return found


def _with_unsided(episode: Episode, unsided: Episode | None, both_sides: bool) -> Episode:
    """A diagnosis without a side is of the only side on record; where both are, of either (G3)."""
    if unsided is None or unsided.active is not YES:
        return episode
    more = unsided.diagnoses
    if any(not d.encounter_only for d in episode.diagnoses):
        more = tuple(d for d in more if not d.encounter_only)
    if both_sides:
        return replace(episode, perhaps=more)
    return replace(episode, diagnoses=(*episode.diagnoses, *more))


def _listed(diagnoses: Sequence[Diagnosis]) -> Sequence[Diagnosis]:
    """Those of the problem list, where there is one: encounter diagnoses are then ignored (G3)."""
    return [d for d in diagnoses if not d.encounter_only] or diagnoses


def _episode(
    known: list[Diagnosis], side: Laterality, today: date, encounter_days: int
) -> Episode | None:
    if side is NOT_STATED:
        here = [d for d in known if d.side is NOT_STATED]
    else:
        here = [d for d in known if d.side.covers(side) is YES]
    judged = [(d, _active(d, today, encounter_days)) for d in _listed(here)]
    open_ones = [(d, answer) for d, answer in judged if answer is not NO]
    if not open_ones:
        return None
    certain = [d for d, answer in open_ones if answer is YES]
    if certain:
        return Episode(side, tuple(certain), YES)
    return Episode(side, tuple(d for d, _ in open_ones), UNKNOWN)


def _active(diagnosis: Diagnosis, today: date, encounter_days: int) -> Answer:
    if not (diagnosis.encounter_only and diagnosis.status_missing):
        return diagnosis.active
    if diagnosis.active is NO:
        return NO
    return seen_within(encounter_days, diagnosis.recorded, diagnosis.onset, today)


def seen_within(days: int, recorded: When | None, begun: When | None, today: date) -> Answer:
    """G3: an encounter diagnosis without clinical status stands only so many days.

    What began within them was recorded within them.
    """
    if begun and begun.days_until(today).at_most(days) is YES:
        return YES
    return recorded.days_until(today).at_most(days) if recorded else UNKNOWN
