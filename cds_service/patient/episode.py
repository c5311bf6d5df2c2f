"""Episodes: the active disease of one side, and when it began (guideline G3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from cds_service.patient.facts import Diagnosis
from cds_service.patient.sides import LEFT, NOT_STATED, RIGHT, Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When, earliest_of


@dataclass(frozen=True)
class Episode:
    """`side` is NOT_STATED when no active diagnosis states one.

    `active` is UNKNOWN when the only diagnosis is an encounter diagnosis that may be too old.
    """

    side: Laterality
    diagnoses: tuple[Diagnosis, ...]
    active: Answer

    @cached_property
    def start(self) -> When | None:
        """Earliest onset, else recorded date, of the diagnoses that make the episode."""
        return earliest_of([d.start for d in self._dated() if d.start])

    @cached_property
    def diagnosed(self) -> When | None:
        """Earliest recorded date, else onset."""
        return earliest_of([d.diagnosed for d in self._dated() if d.diagnosed])

    def _dated(self) -> tuple[Diagnosis, ...]:
        """A diagnosis without a side lends no date to a side that has one of its own."""
        sided = tuple(d for d in self.diagnoses if d.side is not NOT_STATED)
        return sided or self.diagnoses


def episodes(
    diagnoses: Sequence[Diagnosis], today: date, encounter_days: int
) -> tuple[Episode, ...]:
    """The current episodes, left before right; one without side only when no side is stated."""
    known = [d for d in diagnoses if d.certain]
    sided = [_episode(known, side, today, encounter_days) for side in (LEFT, RIGHT)]
    found = tuple(episode for episode in sided if episode)
    if any(episode.active is YES for episode in found):
        return found
    unsided = _episode(known, NOT_STATED, today, encounter_days)
    if unsided and (unsided.active is YES or not found):
        return (unsided,)
    return found


def _episode(
    known: list[Diagnosis], side: Laterality, today: date, encounter_days: int
) -> Episode | None:
    if side is NOT_STATED:
        here = [d for d in known if d.side is NOT_STATED]
    else:
        here = [d for d in known if d.side.covers(side) is YES]
    listed = [d for d in here if not d.encounter_only]
    judged = [(d, _active(d, today, encounter_days)) for d in (listed or here)]
    open_ones = [(d, answer) for d, answer in judged if answer is not NO]
    if not open_ones:
        return None
    certain = [d for d, answer in open_ones if answer is YES]
    if certain:
        return Episode(side, tuple(certain), YES)
    return Episode(side, tuple(d for d, _ in open_ones), UNKNOWN)


def _active(diagnosis: Diagnosis, today: date, encounter_days: int) -> Answer:
    """G3: an encounter diagnosis without clinical status is active only if recorded lately."""
    if not (diagnosis.encounter_only and diagnosis.status_missing):
        return diagnosis.active
    if diagnosis.active is NO:
        return NO
    if diagnosis.recorded is None:
        return UNKNOWN
    return diagnosis.recorded.days_until(today).at_most(encounter_days)
