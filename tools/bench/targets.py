"""What the figures are held against: each target with its measured value and its limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from operator import truediv

from tools.bench.measure import Sample
from tools.bench.resolved import Measured, paired

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
ENOUGH = 200  # answers, for a p99
START_S = 1.5
MEMORY_MB = 120.0
DECIDE_MS = 1.0
GROWTH_MB = 5.0


class Kind(StrEnum):
    """What a target is about: where to look for the reason when it is missed."""

    LATENCY = "latency"
    RATIO = "ratio"
    THROUGHPUT = "throughput"
    SPREAD = "spread"
    TOKEN = "token"
    LEDGER = "ledger"
    SLOPE = "slope"
    RECORD = "record"
    START = "start"
    MEMORY = "memory"
    DECIDE = "decide"
    GROWTH = "growth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`measured` and `limit` in `unit`; `at_most`: False where more is better.

    `of`: the sample it is about, as (server, bytes, relevant resources); `over`: the server with
    which that one is compared.
    """

    kind: Kind
    name: str
    measured: Measured
    limit: float
    unit: str
    at_most: bool = True
    of: tuple[str, int, int] = ("", 0, 0)
    over: str = FLOOR

    @property
    def met(self) -> bool | None:
        """Whether the whole range lies on the right side of the limit; None: on both."""
        low, high = self.measured.low, self.measured.high
        right = high <= self.limit if self.at_most else low >= self.limit
        wrong = low > self.limit if self.at_most else high < self.limit
        return None if not (right or wrong) else right


@dataclass(frozen=True, slots=True)
class Figures:
    """All samples of one run, found by who answered what."""

    samples: Sequence[Sample]

    def of(
        self, subject: str, size: int, relevant: int, connections: int = 1, *, new: bool = False
    ) -> Sample | None:
        """The sample whose body was asked for at this size (bytes)."""
        wanted = (subject, size, relevant, connections, new)
        return next(
            (
                one
                for one in self.samples
                if (one.subject, one.asked, one.relevant, one.connections, one.new) == wanted
                and one.latencies
            ),
            None,
        )

    def of_sizes(self, subject: str) -> list[tuple[float, float]]:
        """log(bytes) and log(p50) of the bodies with few relevant resources, by size."""
        return sorted(
            (math.log(one.size), math.log(one.percentile(0.5)))
            for one in self.samples
            if (one.subject, one.connections, one.relevant, one.new) == (subject, 1, FEW, False)
        )

    def added(self, more: str, less: str, size: int, relevant: int) -> Measured | None:
        """Milliseconds by which p50 of `more` is above that of `less`, round by round."""
        one, other = self.of(more, size, relevant), self.of(less, size, relevant)
        if one is None or other is None:
            return None
        return paired(one.medians(), other.medians(), lambda a, b: (a - b) * MS)


def targets(figures: Figures, whole: str, base: str, bare: str) -> Iterator[Target]:
    """Targets on answers. `whole`: all of it on; `base`: no authentication; `bare`: no ledger.

    An answer's own time is held against the limit with the ledger on; a token may add its share.
    """
    yield from _latency(figures, base)
    if whole != base:
        yield from _latency(figures, whole, more=JWT_MS)
    yield from _large(figures, base)
    yield from _under_load(figures, base)
    yield from _spread(figures, base)
    yield from _extras(figures, whole, base, bare)
    yield from _slopes(figures, base)


def _latency(figures: Figures, subject: str, more: float = 0.0) -> Iterator[Target]:
    for relevant in (FEW, SOME, MANY):
        above = figures.added(subject, FLOOR, 100 * KB, relevant)
        if above is not None:
            yield Target(
                kind=Kind.LATENCY,
                name=f"p50 above the floor, 100 kB, {relevant} relevant resources, {subject}",
                measured=above,
                limit=FIXED_MS + EACH_MS * relevant + more,
                unit="ms",
                of=(subject, 100 * KB, relevant),
            )


def _large(figures: Figures, subject: str) -> Iterator[Target]:
    one, floor = figures.of(subject, 1000 * KB, SOME), figures.of(FLOOR, 1000 * KB, SOME)
    if one and floor:
        yield Target(
            kind=Kind.RATIO,
            name="p50 as a multiple of the floor's, 1,000 kB",
            measured=paired(one.medians(), floor.medians(), truediv),
            limit=LARGE_RATIO,
            unit="x",
            of=(subject, 1000 * KB, SOME),
        )


def _under_load(figures: Figures, subject: str) -> Iterator[Target]:
    one = figures.of(subject, 100 * KB, FEW, connections=8)
    floor = figures.of(FLOOR, 100 * KB, FEW, connections=8)
    if one and floor:
        yield Target(
            kind=Kind.THROUGHPUT,
            name="calls a second as a share of the floor's, 100 kB, 8 connections",
            measured=paired(one.rates(), floor.rates(), truediv),
            limit=THROUGHPUT_RATIO,
            unit="x",
            at_most=False,
            of=(subject, 100 * KB, FEW),
        )


def _spread(figures: Figures, subject: str) -> Iterator[Target]:
    """Of the usual body, and the worst of all bodies and of all that the service can switch on."""
    usual = figures.of(subject, 100 * KB, FEW, connections=8)
    if usual and len(usual.latencies) >= ENOUGH:
        yield _apart("p99 as a multiple of p50, 100 kB, 8 connections", usual)
    others = [
        one
        for one in figures.samples
        if one.cpu and one.subject != FLOOR and one.connections == 8  # noqa: PLR2004  # the target's
        if len(one.latencies) >= ENOUGH
    ]
    if others:
        worst = max(others, key=_multiple)
        words = ", new words" if worst.new else ""
        which = f"{worst.asked // KB:,} kB{words}, {worst.relevant} relevant, {worst.subject}"
        yield _apart(f"the same, the worst of {len(others)}: {which}", worst)


def _apart(name: str, one: Sample) -> Target:
    return Target(
        kind=Kind.SPREAD,
        name=name,
        measured=Measured.exactly(_multiple(one)),
        limit=SPREAD,
        unit="x",
        of=("", 0, 0) if one.new else (one.subject, one.asked, one.relevant),
    )


def _multiple(one: Sample) -> float:
    return one.percentile(0.99) / one.percentile(0.5)


def _extras(figures: Figures, whole: str, base: str, bare: str) -> Iterator[Target]:
    for kind, what, more, less, limit in (
        (Kind.TOKEN, "authentication", whole, base, JWT_MS),
        (Kind.LEDGER, "the ledger", base, bare, LEDGER_MS),
    ):
        if more == less:  # not switched on in this run: nothing was measured
            continue
        added = figures.added(more, less, 100 * KB, FEW)
        if added is not None:
            name = f"{what} adds to p50, 100 kB"
            yield Target(
                kind=kind,
                name=name,
                measured=added,
                limit=limit,
                unit="ms",
                of=(more, 100 * KB, FEW),
                over=less,
            )


def _slopes(figures: Figures, subject: str) -> Iterator[Target]:
    """Of log(p50) over log(size): by least squares, which hides its end, and the steepest part."""
    points = figures.of_sizes(subject)
    if len(points) < POINTS:
        return
    steepest, larger = max(
        (_between(*both), both[1][0])
        for both in pairwise(points)
        if both[1][0] > math.log(2 * 100 * KB)
    )
    for name, slope, size in (
        ("log-log slope of cost, 10 kB to 10 MB", _slope(points), 0),
        ("the same between two sizes, the steepest from 100 kB up", steepest, math.exp(larger)),
    ):
        yield Target(
            kind=Kind.SLOPE,
            name=name,
            measured=Measured.exactly(slope),
            limit=SLOPE,
            unit="",
            of=(subject, round(size), FEW),
        )


def _between(one: Sequence[float], other: Sequence[float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


def _slope(points: Sequence[tuple[float, float]]) -> float:
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return over / sum((x - mean_x) ** 2 for x, _ in points)


def of_record(answered: int, recorded: int) -> Target:
    """Calls answered with a ledger, against those it holds."""
    return Target(
        kind=Kind.RECORD,
        name="calls answered and not on record, or on record and not answered",
        measured=Measured.exactly(abs(answered - recorded)),
        limit=0,
        unit="calls",
    )


def of_processes(
    started: Sequence[float], memory: float, decide: float | None, grown: Measured | None
) -> Iterator[Target]:
    """Targets on what was measured beside the answers: seconds, MB, seconds, MB.

    `decide`: for 20 relevant resources, their facts read; `grown`: over the run for growth.
    """
    for kind, name, measured, limit, unit in (
        (Kind.START, "start-up", Measured.of(started) if started else None, START_S, "s"),
        (Kind.MEMORY, "memory of a worker after bodies up to 100 kB",
         Measured.exactly(memory), MEMORY_MB, "MB"),
        (Kind.DECIDE, "decide(), facts read, 20 relevant resources",
         None if decide is None else Measured.exactly(decide * MS), DECIDE_MS, "ms"),
        (Kind.GROWTH, "growth of a worker's memory, once its memories are full",
         grown, GROWTH_MB, "MB"),
    ):  # fmt: skip
        if measured is not None:
            yield Target(kind=kind, name=name, measured=measured, limit=limit, unit=unit)
