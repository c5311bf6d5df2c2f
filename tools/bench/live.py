"""The steps of a call where they happen: in running servers, beside the same ones not timed.

Means are of the same calls for all steps, so that they add up to that of the whole. The slowest
are left out, by the server and by the client: what held them up was mostly no step.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import sub
from pathlib import Path
from typing import Any, NamedTuple, Self

from tools.bench.bodies import body
from tools.bench.measure import Sample, Subject, measure
from tools.bench.records import Record, Records
from tools.bench.resolved import Measured, paired
from tools.bench.stopwatch import BEYOND, Step
from tools.bench.subjects import ALL, subjects
from tools.bench.subjects import timed as timed_subjects
from tools.bench.targets import FEW, KB, MANY, SOME

KEPT = 0.95  # of the calls: the slowest are left out
#: calls of which so many are quicker: the usual ones, and the slow ones that p99 tells of
USUAL, SLOW = (0.45, 0.55), (0.985, 0.995)
TIMED = ", timed"


class Load(NamedTuple):
    """A body, and how often it is sent. `each`: calls in one round; `new`: as in `Body`."""

    size: int
    relevant: int
    connections: int
    rounds: int
    each: int
    new: bool = False

    @property
    def what(self) -> tuple[int, int, int, bool]:
        """How often aside."""
        return self.size, self.relevant, self.connections, self.new


#: one for each target that is about time, and those of the profile
LOADS = (
    Load(100 * KB, FEW, 1, 8, 25),
    Load(100 * KB, SOME, 1, 8, 25),
    Load(100 * KB, MANY, 1, 6, 25),
    Load(1_000 * KB, SOME, 1, 6, 10),
    Load(10 * KB, FEW, 8, 6, 100),
    Load(100 * KB, FEW, 8, 6, 100),
    Load(100 * KB, SOME, 8, 6, 100),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the client saw of one server, in seconds: the mean without the slowest, and the p50.

    `cpu`: of the server's processes, a call.
    """

    mean: float
    p50: float
    cpu: float

    @classmethod
    def of(cls, sample: Sample) -> Seen:
        """Of all rounds."""
        quickest = sorted(sample.latencies)[: _kept(len(sample.latencies))]
        return cls(
            mean=statistics.fmean(quickest), p50=sample.percentile(0.5), cpu=sample.cost() or 0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Of one server under one load. `steps`: name -> seconds by the clock, and of the processor.

    `apart`: name -> seconds by the clock of the usual calls, and of the slow ones.
    `calls`: those whose steps were timed, the slowest included; `timed` and `plain`: what the
    client saw of that server, and of the same one not timed; `added`: to its p50, by timing, round
    by round.
    """

    subject: str
    size: int
    relevant: int
    connections: int
    calls: int
    steps: Mapping[str, Sequence[float]]
    apart: Mapping[str, Sequence[float]]
    timed: Seen
    plain: Seen
    added: Measured

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """As it stands in the file of a run."""
        seen = {name: Seen(**told[name]) for name in ("timed", "plain")}
        return cls(**{**told, **seen, "added": Measured(**told["added"])})

    @property
    def load(self) -> tuple[int, int, int]:
        """Bytes, relevant resources, connections."""
        return self.size, self.relevant, self.connections

    @property
    def waited(self) -> dict[str, float]:
        """Seconds of the steps that the client waits for."""
        beyond = {step.told for step in BEYOND}
        return {name: wall for name, (wall, _) in self.steps.items() if name not in beyond}

    @property
    def worked(self) -> dict[str, float]:
        """Seconds of processor time of every step."""
        return {name: cpu for name, (_, cpu) in self.steps.items()}


class Watched:
    """Servers whose steps are timed, each into a folder of its name in `folder`."""

    def __init__(self, timed: Sequence[Subject], folder: Path) -> None:
        self.names = tuple(one.name for one in timed)
        #: under names of their own beside those not timed
        self.subjects = tuple(replace(one, name=one.name + TIMED) for one in timed)
        self._records = {name: Records(folder / name) for name in self.names}

    def told(self, load: Load, found: Mapping[str, Sample]) -> list[Live]:
        """Of the calls just made. `found`: samples of these servers, and of those not timed."""
        made = (load.rounds + 1) * load.each
        return [
            _live(
                name,
                load,
                self._records[name].new(made)[load.each :],  # one round warms up
                found[name + TIMED],
                found[name],
            )
            for name in self.names
        ]


def started(
    folder: Path, loads: Sequence[Load], chance: random.Random, only: Collection[str] = ALL
) -> Iterator[Live]:
    """Of servers that nothing else has called, timed or not; started in `folder`, and stopped."""
    own, timed = folder / "plain", folder / "timed"
    own.mkdir(parents=True)
    with subjects(own, only=only) as plain, timed_subjects(timed, only) as servers:
        watched = Watched(servers, timed)
        for load in loads:
            yield from beside(plain, load, chance, watched)[1]


def beside(
    plain: Sequence[Subject], load: Load, chance: random.Random, watched: Watched | None = None
) -> tuple[list[Sample], list[Live]]:
    """Samples of `plain`, and the steps of those `watched`, which take turns with them."""
    found = {
        sample.subject: sample
        for sample in measure(
            [*plain, *(watched.subjects if watched else ())],
            body(load.size, load.relevant, new=load.new),
            connections=load.connections,
            rounds=load.rounds,
            each=load.each,
            chance=chance,
        )
    }
    told = watched.told(load, found) if watched else []
    return [found[one.name] for one in plain], told


def _live(
    subject: str, load: Load, records: Sequence[Record], timed: Sample, plain: Sample
) -> Live:
    return Live(
        subject=subject,
        size=load.size,
        relevant=load.relevant,
        connections=load.connections,
        calls=len(records),
        steps=means(records),
        apart=apart(records),
        timed=Seen.of(timed),
        plain=Seen.of(plain),
        added=paired(timed.medians(), plain.medians(), sub),
    )


def means(records: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Name of a step -> mean seconds, by the clock and of the processor, without the slowest."""
    quickest = sorted(records, key=lambda one: one.waited)[: _kept(len(records))]
    walls = zip(*(one.wall for one in quickest), strict=True)
    cpus = zip(*(one.cpu for one in quickest), strict=True)
    return {
        step.told: (statistics.fmean(wall), statistics.fmean(cpu))
        for step, wall, cpu in zip(Step, walls, cpus, strict=True)
    }


def apart(records: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Name of a step the client waits for -> mean seconds by the clock, of usual and slow calls."""
    ordered = sorted(records, key=lambda one: one.waited)
    usual, slow = (_walls(ordered, *part) for part in (USUAL, SLOW))
    found = zip(Step, usual, slow, strict=True)
    return {step.told: (one, other) for step, one, other in found if step not in BEYOND}


def _walls(ordered: Sequence[Record], low: float, high: float) -> list[float]:
    """Means of the part between these shares, of one call at least."""
    first = int(low * len(ordered))
    part = ordered[first : max(first + 1, int(high * len(ordered)))]
    return [statistics.fmean(walls) for walls in zip(*(one.wall for one in part), strict=True)]


def _kept(calls: int) -> int:
    return max(1, int(KEPT * calls))
