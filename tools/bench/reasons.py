"""Why a target is missed: the part of the profile that accounts for it, or that none does.

The steps were timed in the same run, before anything else was started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tools.bench.steps import LEAST, WHOLE
from tools.bench.subjects import LEDGER
from tools.bench.subjects import WHOLE as TOKENS
from tools.bench.targets import FLOOR, MS, Figures, Kind, Target

PROFILE = "[profile.md](profile.md)"
COVERS = 0.8  # of what was measured, at least, so that it is called explained; or as much above
UNKNOWN = "not explained by the profile"


class Profiled(Protocol):
    """Of a run: steps of a call by shape, and of ledger, token and start, in seconds."""

    @property
    def figures(self) -> Figures: ...
    @property
    def steps(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def beside(self) -> Mapping[str, Mapping[str, float]]: ...


def shape(size: int, relevant: int) -> str:
    """The name of a body among `steps`."""
    return f"{size}-{relevant}"


def why(target: Target, run: Profiled) -> str:
    """One phrase for the page."""
    found = _accounted(target, run)
    if found is None:
        return UNKNOWN
    what, share = found
    measured, unit = target.measured.median, target.unit
    told = f"{what}: {share:.2f} of {measured:.2f} {unit}, {PROFILE}"
    if not target.at_most:
        told = f"{what} would give {share:.2f}, {PROFILE}"
    return told if COVERS <= share / measured <= 1 / COVERS else f"{UNKNOWN} ({told})"


def _accounted(target: Target, run: Profiled) -> tuple[str, float] | None:
    """What the profile has to say, and how much of the measured value that is, in its unit."""
    kind, own = target.kind, _own(target, run)
    parts = run.beside.get(kind.value)
    if kind is Kind.LATENCY and own is not None:
        return "the steps of a call", own
    if kind is Kind.RATIO and own is not None:
        floor = run.figures.of(FLOOR, *target.of[1:])
        return ("the steps of a call", 1 + own / (floor.percentile(0.5) * MS)) if floor else None
    if kind is Kind.THROUGHPUT:
        return _by_processor(target, run)
    if parts:
        return "its steps", sum(parts.values()) * (1 if kind is Kind.START else MS)
    return ("the functions", target.measured.median) if kind is Kind.DECIDE else None


def _own(target: Target, run: Profiled) -> float | None:
    """Milliseconds that the steps take above the floor's, with those of ledger and token."""
    subject, size, relevant = target.of
    steps = run.steps.get(shape(size, relevant))
    if steps is None:
        return None
    own = steps[WHOLE] - steps[LEAST]
    if subject in (LEDGER, TOKENS):
        own += sum(run.beside.get(Kind.LEDGER.value, {}).values())
    if subject == TOKENS:
        own += sum(run.beside.get(Kind.TOKEN.value, {}).values())
    return own * MS


def _by_processor(target: Target, run: Profiled) -> tuple[str, float] | None:
    """Where the processor is what both lack, calls a second follow from what each spends."""
    subject, size, relevant = target.of
    one = run.figures.of(subject, size, relevant, connections=8)
    floor = run.figures.of(FLOOR, size, relevant, connections=8)
    cost, least = (one and one.cost()), (floor and floor.cost())
    return ("processor time a call alone", least / cost) if cost and least else None
