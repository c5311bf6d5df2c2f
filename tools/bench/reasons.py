"""Why a target is missed: the steps that account for it, or that none do.

What is about the time of a call, by its steps in the running servers; what is not, by those timed
in one process. Both were timed in the same run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from tools.bench.live import Live
from tools.bench.live_tables import HEADING
from tools.bench.targets import FLOOR, MS, Figures, Kind, Target

PROFILE = "[profile.md](profile.md)"
LIVE = f"[in the running server](#{HEADING.lower().replace(' ', '-')})"
COVERS = 0.8  # of what was measured, at least, so that it is called explained; or as much above
UNKNOWN = "not explained by the profile"
NO_STEPS = "its steps in the running server are not in this run"
THEN = "; the client measured, while they were timed,"
MOST = 4  # steps that are named
OF_CALLS = frozenset(
    {Kind.LATENCY, Kind.RATIO, Kind.THROUGHPUT, Kind.SPREAD, Kind.LEDGER, Kind.TOKEN}
)
MANY_AT_ONCE = frozenset({Kind.THROUGHPUT, Kind.SPREAD})


class Profiled(Protocol):
    """Of a run: steps in one process by shape, and of a start, in seconds; those of servers."""

    @property
    def figures(self) -> Figures: ...
    @property
    def steps(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def beside(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def live(self) -> Sequence[Live]: ...


class Account(NamedTuple):
    """What the steps make of a target: in its unit, and as a share of what is to be explained.

    `then`: what the client measured while they were timed; another figure means another machine.
    """

    told: str
    covered: float
    then: str = ""


def shape(size: int, relevant: int) -> str:
    """The name of a body among `steps`."""
    return f"{size}-{relevant}"


def why(target: Target, run: Profiled) -> str:
    """One phrase for the page."""
    if target.kind in OF_CALLS:
        found = _of_calls(target, run)
        if found is None:
            return f"{UNKNOWN}: {NO_STEPS}"
    elif target.kind is Kind.SLOPE:
        return _of_slope(target, run)
    else:
        found = _in_process(target, run)
        if found is None:
            return UNKNOWN
    explained = COVERS <= found.covered <= 1 / COVERS
    return found.told if explained else f"{UNKNOWN} ({found.told}{found.then})"


def _in_process(target: Target, run: Profiled) -> Account | None:
    measured, unit = target.measured.median, target.unit
    if target.kind is Kind.DECIDE:
        what, share = "the functions", measured
    elif parts := run.beside.get(target.kind.value):
        what, share = "its steps", sum(parts.values())
    else:
        return None
    return Account(f"{what}: {share:.2f} of {measured:.2f} {unit}, {PROFILE}", share / measured)


def _of_slope(target: Target, run: Profiled) -> str:
    """The floor does nothing but parse: what is above it may grow as the body all the same."""
    subject, larger, _ = target.of
    own, least = (run.figures.of_sizes(name) for name in (subject, FLOOR))
    at = next((n for n, (size, _) in enumerate(own) if round(math.exp(size)) == larger), 0)
    if not at or len(least) != len(own):
        return UNKNOWN
    (x1, y1), (x2, y2) = own[at - 1 : at + 1]
    (f1, f2) = (y for _, y in least[at - 1 : at + 1])
    parses = (f2 - f1) / (x2 - x1)
    above = math.log((math.exp(y2) - math.exp(f2)) / (math.exp(y1) - math.exp(f1))) / (x2 - x1)
    told = f"the floor's is {parses:.2f}, of what is above it {above:.2f}"
    return told if above <= target.limit < parses else f"{UNKNOWN} ({told})"


# --- calls ---


def _of_calls(target: Target, run: Profiled) -> Account | None:
    """By the steps of the server it is about, and of the one with which that is compared."""
    one, other = _server(target.of[0], target, run), _server(target.over, target, run)
    if one is None or other is None:
        return None
    if target.kind is Kind.SPREAD:
        return _by_slow_calls(target, one)
    if target.kind is Kind.THROUGHPUT:
        return _by_clock(target, one, other)
    above = _above(one.waited, other.waited)
    measured, whole = target.measured.median, sum(above.values())
    if target.kind is Kind.RATIO:
        least = other.timed.p50 * MS
        told = f"{_largest(above)}; all steps would give {1 + whole / least:.2f} x, {LIVE}"
        then = f"{THEN} {one.timed.p50 / other.timed.p50:.2f} x"
        return Account(told, whole / least / (measured - 1), then)
    told = f"{_largest(above)}; all steps {whole:.2f} of {measured:.2f} ms, {LIVE}"
    then = f"{THEN} {(one.timed.p50 - other.timed.p50) * MS:.2f} ms"
    return Account(told, whole / measured, then)


def _by_clock(target: Target, one: Live, other: Live) -> Account:
    """Each connection sends its next call when one is answered: so many are under way at once."""
    takes, least = sum(one.waited.values()), sum(other.waited.values())
    seen = other.timed.p50  # what the floor's client waits for beyond the server is no step
    share = seen / (seen + takes - least)
    spent, least_spent = sum(one.worked.values()), sum(other.worked.values())
    told = (
        f"a call takes {takes * MS:.2f} ms by the clock, the floor's {least * MS:.2f}; of processor"
        f" time {spent * MS:.2f} and {least_spent * MS:.2f}. Above it by the clock:"
        f" {_largest(_above(one.waited, other.waited))}; all steps would give {share:.2f}, {LIVE}"
    )
    return Account(told, share / target.measured.median)


def _by_slow_calls(target: Target, one: Live) -> Account:
    """What slow calls wait for longer than usual ones; the server does not see all of either."""
    usual, slow = ({name: both[n] for name, both in one.apart.items()} for n in (0, 1))
    multiple = sum(slow.values()) / sum(usual.values())
    told = (
        f"slow calls beside usual ones: {_largest(_above(slow, usual))}; all steps would give"
        f" {multiple:.2f} x, {LIVE}"
    )
    return Account(told, multiple / target.measured.median)


def _server(subject: str, target: Target, run: Profiled) -> Live | None:
    _, size, relevant = target.of
    wanted = (size, relevant, 8 if target.kind in MANY_AT_ONCE else 1)
    mine = (one for one in run.live if one.subject == subject and one.load == wanted)
    return next(mine, None)


def _above(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of each step above those of the other server; some are below."""
    return {name: (seconds - other[name]) * MS for name, seconds in one.items()}


def _largest(above: Mapping[str, float]) -> str:
    """The largest steps, with what they are together."""
    named = sorted(above.items(), key=lambda step: -step[1])[:MOST]
    told = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in named)
    return f"{told} ({sum(value for _, value in named):.2f} ms together)"
