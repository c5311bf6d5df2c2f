"""A run as Markdown, JSON and a plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tools.bench.report import machine
from tools.soak.result import Result, growth
from tools.soak.world import GOOD

MS = 1000.0
STEP = 5.0  # seconds a point of the plot stands for
SHORT = 60  # points at least, also of a short run


def write(result: Result, stem: Path) -> None:
    """`stem`.md, .json and .svg."""
    stem.with_suffix(".json").write_bytes(
        orjson.dumps(as_json(result), option=orjson.OPT_NON_STR_KEYS) + b"\n"
    )
    page_of = "\n".join(page(result, stem.name)) + "\n"
    stem.with_suffix(".md").write_text(page_of, encoding="utf-8")
    plot(result, stem.with_suffix(".svg"))


def as_json(result: Result) -> dict[str, Any]:
    """All that was measured; times in seconds, memory in MB."""
    plan, tally = result.plan, result.tally
    return {
        "machine": machine(),
        "plan": {"calls": plan.number, "rate": plan.rate, "workers": plan.workers},
        "seconds": result.seconds,
        "promises": [
            {"name": one.name, "kept": one.kept, "found": one.found} for one in result.promises
        ],
        "answers": dict(tally.verdicts),
        "connections_lost": [round(at, 2) for at in tally.lost],
        "feedback": {"taken": tally.feedback.total(), "told_to_wait": tally.refused},
        "trouble": [[one.name, round(one.at, 2), round(one.until, 2)] for one in result.happened],
        "latencies": [
            [round(one.at, 2), round(one.seconds, 4), one.verdict, one.fhir]
            for one in sorted(tally.answers, key=lambda one: one.at)
        ],
        "memory": [[round(at, 1), pid, round(mb, 1)] for at, pid, mb in result.memory],
    }


def page(result: Result, name: str) -> Iterator[str]:
    """The tables, line by line."""
    told, plan, tally = machine(), result.plan, result.tally
    yield from ("# Soak", "", "Made by `make soak`; do not edit.", "")
    yield "What is done, and what each promise means: [developer.md](../developer.md#soak)."
    yield ""
    yield f"Commit {told['commit']}, {told['cpu']}, {told['cores']} cores, Python {told['python']}."
    rate = f"at {plan.rate:g} a second" if plan.rate else "as fast as they were answered"
    yield (
        f"{plan.number:,} calls {rate}, {result.seconds:,.0f} s, {plan.workers} processes,"
        f" PostgreSQL; {len(result.happened)} times something was done to the service."
    )
    yield from ("", "| Promise | |", "|---|---|")
    for one in result.promises:
        yield f"| {one.name} | {'kept' if one.kept else '**broken**: ' + '; '.join(one.found)} |"
    yield from ("", "| Calls | Number | p50 ms | p99 ms | longest ms |", "|---|---|---|---|---|")
    yield from _latencies(result)
    yield ""
    yield (
        f"Connections lost and called again: {len(tally.lost)}. Feedback taken:"
        f" {tally.feedback.total():,}; told to wait meanwhile: {tally.refused:,}."
    )
    yield from ("", "| Trouble | Times |", "|---|---|")
    for what, times in Counter(one.name for one in result.happened).items():
        yield f"| {what} | {times} |"
    yield from ("", *_memory(result), "", f"![Answers and memory over time]({name}.svg)")


def _latencies(result: Result) -> Iterator[str]:
    groups: dict[str, list[float]] = {}
    for one in result.tally.answers:
        kind = {"": "complete", GOOD: "at the good FHIR server"}.get(one.fhir, "at a bad one")
        groups.setdefault(f"{kind}: {one.verdict}", []).append(one.seconds)
    for name, seconds in sorted(groups.items()):
        times = (percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds))
        yield f"| {name} | {len(seconds):,} | " + " | ".join(f"{t * MS:,.0f}" for t in times) + " |"


def _memory(result: Result) -> Iterator[str]:
    yield from (
        "| Process | MB at first | MB at most | in the second half |",
        "|---|---|---|---|",
    )
    grown = growth(result)
    for number, pid in enumerate(dict.fromkeys(pid for _, pid, _ in result.memory), 1):
        own = [mb for _, one, mb in result.memory if one == pid]
        yield f"| {number} | {own[0]:.0f} | {max(own):.0f} | {grown[pid]:+.1f} |"


def percentile(values: Sequence[float], share: float) -> float:
    """Within which this share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def plot(result: Result, file: Path) -> None:
    """p50 and p99 of complete calls, and the memory of each process, over time."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pht-cds"
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 5.5))
    step = min(STEP, result.seconds / SHORT)
    slots: dict[int, list[float]] = {}
    for one in result.tally.answers:
        if not one.fhir:
            slots.setdefault(int(one.at / step), []).append(one.seconds * MS)
    at = [slot * step for slot in sorted(slots)]
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        above.plot(at, [percentile(slots[s], share) for s in sorted(slots)], label=name)
    for event in result.happened:
        for axes in (above, below):
            axes.axvline(event.at, color="grey", alpha=0.4, linewidth=0.7)
    for pid in dict.fromkeys(pid for _, pid, _ in result.memory):
        below.plot(*zip(*[(t, mb) for t, one, mb in result.memory if one == pid], strict=True))
    above.set(yscale="log", ylabel="ms, complete calls")
    above.legend()
    below.set(xlabel="s (grey: something was done to the service)", ylabel="MB of a process")
    below.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
