"""The lane of the diagnosis: the episode from its start to today, and what it is told by."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.patient.episode import Episode
from cds_service.patient.facts import Diagnosis
from cds_service.patient.timeline import SideTimeline
from cds_service.patient.when import YES
from cds_service.web.console.picture import Bar, Lane, Mark, Told


def lane(side: SideTimeline) -> Lane:
    """The episode is one bar; every diagnosis stands on the days of its own."""
    episode = side.episode
    told = [(one, Told(words=one.label, references=(one.reference,))) for one in episode.diagnoses]
    told += [(one, _perhaps(one)) for one in episode.perhaps]
    # Their onset is the start of the episode's bar.
    first = [one for one in episode.diagnoses if one.start == episode.start]
    return Lane(
        name="Diagnosis",
        marks=tuple(mark for one, words in told for mark in _days(one, words, one not in first)),
        bars=tuple(_course(episode, first)),
        undated=tuple(words for one, words in told if one.start is None),
    )


def _perhaps(one: Diagnosis) -> Told:
    doubts = ("the record does not say which side",)
    return Told(words=one.label, references=(one.reference,), doubts=doubts)


def _days(one: Diagnosis, told: Told, began: bool) -> Iterator[Mark]:
    for word, when in (("recorded", one.recorded), ("began", one.onset if began else None)):
        if when is not None:
            words = f"{told.words}, {word}"
            yield Mark(words=words, references=told.references, doubts=told.doubts, when=when)


def _course(episode: Episode, first: list[Diagnosis]) -> Iterator[Bar]:
    """From the start the rules count from."""
    if episode.start is not None:
        by = first or episode.diagnoses
        yield Bar(
            words=", ".join(dict.fromkeys(one.label for one in by)),
            references=tuple(one.reference for one in by),
            doubts=() if episode.active is YES else ("perhaps no longer active",),
            start=episode.start,
            end=None,
        )
