"""One run: its plan, what was seen, and what the answers are held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from tools.soak.books import Promise
from tools.soak.client import RIGHT, SHED, Answered, Tally
from tools.soak.trouble import BURST, CUTS, FILLS, MORE, Event
from tools.soak.world import GOOD

GROWTH_MB = 5.0  # by so much a process may grow in the second half of the run
LATEST = 10.0  # seconds within which even the last call of a burst must be answered
SPARE = 0.05  # less may be right of the few calls at one FHIR server: a burst hits more of them
MARGIN = 5.0  # seconds after its end within which trouble may still be felt


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`number` calls; `rate` a second, or 0: as fast as they are answered.

    `rounds` of all kinds of trouble, spread over the run; `timed`: promises about time count.
    `right`: the share of calls, trouble or not, that must be answered as the engine does.
    """

    number: int
    rate: float
    rounds: int
    workers: int = 2
    timed: bool = True
    right: float = 0.95


@dataclass(slots=True, kw_only=True)
class Result:
    """`memory`: seconds since the start, process id, MB resident."""

    plan: Plan
    tally: Tally
    happened: list[Event]
    memory: list[tuple[float, int, float]] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        return all(one.kept for one in self.promises)


def answers(result: Result, troubles: Sequence[str] = ()) -> Iterator[Promise]:
    """What must be true of the answers. `troubles`: what went wrong for those who made trouble."""
    wrong = {*result.tally.wrong, *troubles}
    yield Promise(
        name="every call is answered as the engine does, or refused clearly",
        found=tuple(sorted(wrong)[:10]),
    )
    bursts = sum(one.name == MORE for one in result.happened)
    expected, answered = result.plan.number + BURST * bursts, len(result.tally.answers)
    yield Promise(
        name="every call is answered",
        found=() if answered == expected else (f"{answered} of {expected}",),
    )
    yield from _rightly(result)
    yield _unbroken(result)
    if result.plan.rounds:
        yield Promise(
            name="calls beyond those worked on are told to come back",
            found=() if result.tally.verdicts[SHED] else ("none was",),
        )
    if result.plan.timed:
        yield from _timed(result)


def _rightly(result: Result) -> Iterator[Promise]:
    """A service that refuses all it is asked, or never asks a FHIR server, is of no use."""
    for whose, fhir, least in (
        ("with all they need", "", result.plan.right),
        ("at the good FHIR server", GOOD, result.plan.right - SPARE),
    ):
        asked = [one for one in result.tally.answers if one.fhir == fhir]
        right = sum(one.verdict == RIGHT for one in asked)
        enough = right and right >= least * len(asked)
        yield Promise(
            name=f"of the calls {whose} {least:.0%} are answered as the engine does",
            found=() if enough else (f"{right} of {len(asked)}",),
        )


def _unbroken(result: Result) -> Promise:
    lost = [at for at in result.tally.lost if not _during(result.happened, CUTS, at, at)]
    return Promise(
        name="connections break only when a process is killed",
        found=(f"{len(lost)} others, the first after {min(lost):.0f} s",) if lost else (),
    )


def _timed(result: Result) -> Iterator[Promise]:
    told = [one for one in result.tally.answers if one.verdict == SHED]
    shed = [one.at for one in told if not _full(result, one)]
    yield Promise(
        name="none is told to come back but in a burst, at a reload, or without a database",
        found=(f"{len(shed)} were, the first after {min(shed):.0f} s",) if shed else (),
    )
    latest = max((one.seconds for one in result.tally.answers), default=0.0)
    yield Promise(
        name=f"no call waits longer than {LATEST:.0f} s",
        found=() if latest <= LATEST else (f"{latest:.1f} s",),
    )
    if not result.plan.rounds:
        grown = growth(result)
        yield Promise(
            name=f"no process grows by more than {GROWTH_MB:.0f} MB in the second half",
            found=tuple(f"{mb:.1f} MB" for mb in grown.values() if mb > GROWTH_MB),
        )


def _full(result: Result, one: Answered) -> bool:
    return _during(result.happened, FILLS, one.at, one.at + one.seconds)


def _during(happened: Sequence[Event], names: frozenset[str], begin: float, end: float) -> bool:
    """Whether any of these was felt at any moment from `begin` to `end`."""
    return any(
        one.name in names and one.at <= end and begin <= one.until + MARGIN for one in happened
    )


def growth(result: Result) -> dict[int, float]:
    """MB by which each process grew over the second half of its life: its end against its middle.

    At first each process grows: threads start, caches and the memory of used tokens fill.
    """
    grown = {}
    for pid in {pid for _, pid, _ in result.memory}:
        own = [mb for _, one, mb in result.memory if one == pid]
        half, tenth = len(own) // 2, max(1, len(own) // 10)
        grown[pid] = fmean(own[-tenth:]) - fmean(own[half : half + tenth])
    return grown
