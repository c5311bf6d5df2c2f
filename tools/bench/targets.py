"""What the figures are held against: each target with its measured value and its limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.bench.measure import Sample

FLOOR = "floor"
FEW, SOME, MANY = 5, 20, 100  # relevant resources
MS = 1000.0
KB = 1000
#: above the floor's p50: a fixed part, and a part for each relevant resource, in ms
FIXED_MS, EACH_MS = 1.0, 0.12
LARGE_RATIO = 1.3
THROUGHPUT_RATIO = 0.65
SPREAD = 5.0
JWT_MS, LEDGER_MS = 1.2, 1.0
SLOPE = 1.1
POINTS = 3  # two make a line of anything
START_S = 1.5
MEMORY_MB = 120.0
DECIDE_MS = 1.0
GROWTH_MB = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`measured` and `limit` in `unit`; `at_most`: False where more is better."""

    name: str
    measured: float
    limit: float
    unit: str
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the measured value lies on the right side of the limit."""
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


@dataclass(frozen=True, slots=True)
class Figures:
    """All samples of one run, found by who answered what."""

    samples: Sequence[Sample]

    def of(self, subject: str, size: int, relevant: int, connections: int = 1) -> Sample | None:
        """The sample whose body was asked for at this size (bytes)."""
        return next(
            (
                one
                for one in self.samples
                if (one.subject, one.asked, one.relevant, one.connections)
                == (subject, size, relevant, connections)
            ),
            None,
        )

    def above_floor(self, subject: str, size: int, relevant: int) -> float | None:
        """Milliseconds of p50 above the floor's, for one connection."""
        pair = self.of(subject, size, relevant), self.of(FLOOR, size, relevant)
        if pair[0] is None or pair[1] is None:
            return None
        return (pair[0].percentile(0.5) - pair[1].percentile(0.5)) * MS


def targets(figures: Figures, whole: str, base: str, bare: str) -> Iterator[Target]:
    """Targets on answers. `whole`: all of it on; `base`: no authentication; `bare`: no ledger.

    An answer's own time is held against the limit with the ledger on; a token may add its share.
    """
    yield from _latency(figures, base)
    if whole != base:
        yield from _latency(figures, whole, more=JWT_MS)
    yield from _large(figures, base)
    yield from _under_load(figures, base)
    yield from _extras(figures, whole, base, bare)
    if (slope := _slope(figures, base)) is not None:
        yield Target(
            name="log-log slope of cost, 10 kB to 10 MB", measured=slope, limit=SLOPE, unit=""
        )


def _latency(figures: Figures, subject: str, more: float = 0.0) -> Iterator[Target]:
    for relevant in (FEW, SOME, MANY):
        if (above := figures.above_floor(subject, 100 * KB, relevant)) is not None:
            yield Target(
                name=f"p50 above the floor, 100 kB, {relevant} relevant resources, {subject}",
                measured=above,
                limit=FIXED_MS + EACH_MS * relevant + more,
                unit="ms",
            )


def _large(figures: Figures, subject: str) -> Iterator[Target]:
    one, floor = figures.of(subject, 1000 * KB, SOME), figures.of(FLOOR, 1000 * KB, SOME)
    if one and floor:
        yield Target(
            name="p50 as a multiple of the floor's, 1,000 kB",
            measured=one.percentile(0.5) / floor.percentile(0.5),
            limit=LARGE_RATIO,
            unit="x",
        )


def _under_load(figures: Figures, subject: str) -> Iterator[Target]:
    one = figures.of(subject, 100 * KB, FEW, connections=8)
    floor = figures.of(FLOOR, 100 * KB, FEW, connections=8)
    if one is None or floor is None:
        return
    yield Target(
        name="calls a second as a share of the floor's, 100 kB, 8 connections",
        measured=one.rate() / floor.rate(),
        limit=THROUGHPUT_RATIO,
        unit="x",
        at_most=False,
    )
    yield Target(
        name="p99 as a multiple of p50, 8 connections",
        measured=one.percentile(0.99) / one.percentile(0.5),
        limit=SPREAD,
        unit="x",
    )


def _extras(figures: Figures, subject: str, base: str, bare: str) -> Iterator[Target]:
    for name, more, less, limit in (
        ("authentication", subject, base, JWT_MS),
        ("the ledger", base, bare, LEDGER_MS),
    ):
        if more == less:  # not switched on in this run: nothing was measured
            continue
        with_it, without = figures.of(more, 100 * KB, FEW), figures.of(less, 100 * KB, FEW)
        if with_it and without:
            added = (with_it.percentile(0.5) - without.percentile(0.5)) * MS
            yield Target(name=f"{name} adds to p50, 100 kB", measured=added, limit=limit, unit="ms")


def _slope(figures: Figures, subject: str) -> float | None:
    """Of log(p50) over log(size), by least squares."""
    points = [
        (math.log(one.size), math.log(one.percentile(0.5)))
        for one in figures.samples
        if one.subject == subject and one.connections == 1 and one.relevant == FEW
    ]
    if len(points) < POINTS:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return over / sum((x - mean_x) ** 2 for x, _ in points)


def of_processes(
    started: float, memory: float, decide: float | None, grown: float | None
) -> Iterator[Target]:
    """Targets on what was measured beside the answers: seconds, MB, seconds, MB.

    `decide`: for 20 relevant resources, their facts read; `grown`: over the run for growth.
    """
    yield Target(name="start-up", measured=started, limit=START_S, unit="s")
    name = "memory of a worker after bodies up to 100 kB"
    yield Target(name=name, measured=memory, limit=MEMORY_MB, unit="MB")
    if decide is not None:
        name = "decide(), facts read, 20 relevant resources"
        yield Target(name=name, measured=decide * MS, limit=DECIDE_MS, unit="ms")
    if grown is not None:
        name = "growth of a worker's memory, after the first fifth of the calls"
        yield Target(name=name, measured=grown, limit=GROWTH_MB, unit="MB")
