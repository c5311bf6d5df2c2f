"""What a run found, as JSON with its raw samples, as a page of tables, and as a plot."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.bench.measure import Sample
from tools.bench.targets import FEW, FLOOR, KB, MS, Figures, Target

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `started`: name -> seconds; `memory`: name -> when -> MB of each worker."""

    machine: Mapping[str, Any]
    samples: Sequence[Sample]
    targets: Sequence[Target]
    started: Mapping[str, float]
    memory: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]

    def as_json(self) -> dict[str, Any]:
        """Everything, latencies in microseconds."""
        return {
            "machine": dict(self.machine),
            "targets": [asdict(one) | {"met": one.met} for one in self.targets],
            "started": dict(self.started),
            "memory": {name: dict(told) for name, told in self.memory.items()},
            "samples": [
                asdict(one) | {"latencies": [round(s * 1e6) for s in one.latencies]}
                for one in self.samples
            ],
        }


def machine() -> dict[str, Any]:
    """What the figures were measured on, and of which commit."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD") + ("+" if _git("status", "-s") else ""),
        "date": _git("log", "-1", "--format=%cs"),
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def page(run: Run) -> Iterator[str]:
    """The tables in Markdown, line by line."""
    told = run.machine
    yield f"Commit {told['commit']}, {told['cpu']}, {told['cores']} cores, Python {told['python']}."
    yield ""
    yield "| Target | Measured | Limit | |"
    yield "|---|---|---|---|"
    for one in run.targets:
        sign = "at most" if one.at_most else "at least"
        limit = f"{sign} {one.limit:g} {one.unit}".strip()
        measured = f"{one.measured:.2f} {one.unit}".strip()
        yield f"| {one.name} | {measured} | {limit} | {'met' if one.met else '**missed**'} |"
    yield ""
    yield from _answers(run)
    yield ""
    yield from _processes(run)


def _answers(run: Run) -> Iterator[str]:
    yield (
        "| Body | Relevant of all resources | Connections | Server | p50 ms | p95 ms | p99 ms"
        " | Calls a second | p50 over the floor's |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    figures = Figures(run.samples)
    for one in run.samples:
        floor = figures.of(FLOOR, one.asked, one.relevant, one.connections)
        ratio = one.percentile(0.5) / floor.percentile(0.5) if floor else float("nan")
        times = " | ".join(f"{one.percentile(p) * MS:.2f}" for p in (0.5, 0.95, 0.99))
        yield (
            f"| {one.asked // KB:,} kB | {one.relevant} of {one.resources:,} | {one.connections} |"
            f" {one.subject} | {times} | {one.rate():,.0f} | {ratio:.2f} |"
        )


def _processes(run: Run) -> Iterator[str]:
    yield "| Server | Start-up s | Memory of a worker MB, fresh | after the run |"
    yield "|---|---|---|---|"
    for name, seconds in run.started.items():
        sizes = run.memory.get(name, {})
        fresh, after = (_largest(sizes.get(when, ())) for when in ("fresh", "after"))
        yield f"| {name} | {seconds:.2f} | {fresh} | {after} |"


def _largest(workers: Sequence[Mapping[str, float]]) -> str:
    sizes = [worker["resident"] for worker in workers]
    return f"{max(sizes):.0f}" if sizes else "-"


def plot(run: Run, file: Path) -> None:
    """p50 over body size, one connection, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pht-cds"  # the same run gives the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2))
    for name in dict.fromkeys(one.subject for one in run.samples):
        points = sorted(
            (one.size / KB, one.percentile(0.5) * MS)
            for one in run.samples
            if (one.subject, one.connections, one.relevant) == (name, 1, FEW)
        )
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="body, kB", ylabel="p50, ms")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
