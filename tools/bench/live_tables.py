"""The steps of running servers, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.bench.live import KEPT, Live
from tools.bench.stopwatch import BEYOND, Step
from tools.bench.targets import KB, MS

HEADING = "In the running server"
NOT_HERE = "Not in this run."
_TOLD = (
    "Each step is timed where it happens, in servers that are otherwise those measured: by the"
    " clock, to which waiting for the interpreter, for locks and for the disk belongs, and by"
    " processor time, to which threads of the database add theirs. A step within a step is taken"
    f" off it. In milliseconds, means over the same calls, without the slowest {1 - KEPT:.0%} of"
    " those that the server, and that the client, saw. In brackets: what no client waits for. The"
    " floor parses with orjson alone and checks nothing. Slow calls are those around p99, usual"
    " ones those around p50, as the server saw them.",
    "",
    "The same servers, not timed, take turns with them: what timing adds is in the last row.",
)


def live_tables(found: Sequence[Live]) -> Iterator[str]:
    """One for each load, with two columns for each server."""
    if not found:
        yield NOT_HERE
        return
    yield from _TOLD
    for load in dict.fromkeys(one.load for one in found):
        size, relevant, connections = load
        many = "connections" if connections > 1 else "connection"
        yield ""
        yield f"### {size // KB:,} kB, {relevant} relevant, {connections} {many}"
        yield ""
        servers = [one for one in found if one.load == load]
        yield from _table(servers)
        if connections > 1:
            yield from _slow(servers)


def _table(servers: Sequence[Live]) -> Iterator[str]:
    heads = [f"{one.subject}: ms | CPU ms" for one in servers]
    yield f"| Step | {' | '.join(heads)} |"
    yield f"|---{'|---|---' * len(servers)}|"
    for step in Step:
        if any(any(one.steps[step.told]) for one in servers):
            yield f"| {step.told} | {' | '.join(_cells(one, step) for one in servers)} |"
    for name, told in (
        ("**all steps**", _whole),
        ("left: the kernel, the client, gunicorn's loop until it sees a call", _left),
        ("the client's mean, and the processes' CPU", _seen),
        ("the client's p50", lambda one: f"{one.timed.p50 * MS:.2f} | -"),
        ("not timed: the client's p50, and the processes' CPU", _plain),
        ("what timing adds to p50, and its range", _added),
    ):
        yield f"| {name} | {' | '.join(told(one) for one in servers)} |"


def _slow(servers: Sequence[Live]) -> Iterator[str]:
    """What the calls wait for that p99 tells of."""
    yield from ("", "By the clock, in milliseconds, usual calls beside slow ones:", "")
    heads = [f"{one.subject}: usual | slow" for one in servers]
    yield f"| Step | {' | '.join(heads)} |"
    yield f"|---{'|---|---' * len(servers)}|"
    for name in servers[0].apart:
        if any(any(one.apart[name]) for one in servers):
            both = ("{:.2f} | {:.2f}".format(*(s * MS for s in one.apart[name])) for one in servers)
            yield f"| {name} | {' | '.join(both)} |"


def _cells(one: Live, step: Step) -> str:
    wall, cpu = one.steps[step.told]
    if not wall and not cpu:
        return "- | -"
    clock = f"({wall * MS:.2f})" if step in BEYOND else f"{wall * MS:.2f}"
    return f"{clock if wall else '-'} | {cpu * MS:.2f}"


def _whole(one: Live) -> str:
    waited, worked = sum(one.waited.values()), sum(one.worked.values())
    return f"**{waited * MS:.2f}** | **{worked * MS:.2f}**"


def _left(one: Live) -> str:
    waited, worked = sum(one.waited.values()), sum(one.worked.values())
    return f"{(one.timed.mean - waited) * MS:.2f} | {(one.timed.cpu - worked) * MS:.2f}"


def _seen(one: Live) -> str:
    return f"{one.timed.mean * MS:.2f} | {one.timed.cpu * MS:.2f}"


def _plain(one: Live) -> str:
    return f"{one.plain.p50 * MS:.2f} | {one.plain.cpu * MS:.2f}"


def _added(one: Live) -> str:
    added = one.added
    return f"{added.median * MS:.2f} ({added.low * MS:.2f} to {added.high * MS:.2f}) | -"
