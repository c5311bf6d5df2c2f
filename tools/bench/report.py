"""What a run found: JSON with its raw samples, and a plot. `tables` writes the page."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from tools.bench.growth import Point, grown
from tools.bench.live import Live
from tools.bench.measure import Sample
from tools.bench.reasons import shape
from tools.bench.steps import DECIDE
from tools.bench.subjects import ROLES
from tools.bench.targets import (
    FEW,
    KB,
    MS,
    SOME,
    Figures,
    Target,
    of_processes,
    of_record,
    targets,
)

ROOT = Path(__file__).parents[2]
#: when memory was looked at
MOMENTS = FRESH, USUAL, LARGE = ("fresh", "after bodies up to 100 kB", "after those of 1 to 10 MB")
Memory = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run.

    `plan`: what was to be measured; `started`: server -> seconds of each start; `memory`: server
    -> when -> MB of each worker; `steps`: body -> step of a call in one process -> seconds;
    `beside`: those of a start; `live`: the steps in running servers; `footprint`: of one call in
    the database; `growth`: calls so far, seconds, MB; `recorded`: calls answered with a ledger,
    and on record.
    """

    machine: Mapping[str, Any]
    plan: Mapping[str, Any]
    samples: Sequence[Sample]
    started: Mapping[str, Sequence[float]]
    memory: Memory
    steps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    live: Sequence[Live] = ()
    footprint: Mapping[str, float] = field(default_factory=dict)
    growth: Sequence[Point] = ()
    recorded: tuple[int, int] = (0, 0)

    @property
    def figures(self) -> Figures:
        """All samples, to find one."""
        return Figures(self.samples)

    @property
    def decide(self) -> float | None:
        """Seconds of `decide()` for 20 relevant resources, their facts read."""
        return self.steps.get(shape(100 * KB, SOME), {}).get(DECIDE)

    @property
    def targets(self) -> list[Target]:
        """Each with what was measured."""
        whole = ROLES[0]
        after = self.memory.get(whole, {}).get(USUAL, ())
        largest = max((worker["resident"] for worker in after), default=0.0)
        started = self.started.get(whole, ())
        return [
            *targets(self.figures, *ROLES),
            *([of_record(*self.recorded)] if self.recorded[0] else []),
            *of_processes(started, largest, self.decide, grown(self.growth)),
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, latencies in microseconds."""
        told = asdict(self)
        told["targets"] = [asdict(one) | {"met": one.met} for one in self.targets]
        for one in told["samples"]:
            one["latencies"] = [round(seconds * 1e6) for seconds in one["latencies"]]
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The run that `as_json` told of."""
        samples = [
            Sample(
                **one
                | {
                    "latencies": [microseconds / 1e6 for microseconds in one["latencies"]],
                    "rounds": [tuple(pair) for pair in one["rounds"]],
                    "statuses": {int(status): n for status, n in one["statuses"].items()},
                }
            )
            for one in told["samples"]
        ]
        kept = {name: value for name, value in told.items() if name != "targets"}
        live = [Live.from_json(one) for one in told.get("live", ())]
        return cls(**kept | {"samples": samples, "live": live})


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
        "commit": _git("rev-parse", "--short=12", "HEAD") + ("+" if _changed() else ""),
        "date": _git("log", "-1", "--format=%cs"),
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
    }


def _changed() -> bool:
    """Whether the code is not as committed; results of an earlier run are no change of it."""
    return bool(_git("status", "--short", "--", ".", ":!docs/performance"))


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def plot(run: Run, file: Path) -> None:
    """p50 over body size, and calls a second over connections."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pht-cds"  # the same run gives the same file
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    for name in dict.fromkeys(one.subject for one in run.samples):
        mine = [
            one
            for one in run.samples
            if (one.subject, one.relevant, one.new) == (name, FEW, False) and one.latencies
        ]
        sizes = sorted(
            (one.size / KB, one.percentile(0.5) * MS) for one in mine if one.connections == 1
        )
        rates = sorted((one.connections, one.rate()) for one in mine if one.asked == 100 * KB)
        for axes, points in ((left, sizes), (right, rates)):
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", label=name)
    left.set(xscale="log", yscale="log", xlabel="body, kB", ylabel="p50, ms (1 connection)")
    right.set(yscale="log", xlabel="connections", ylabel="calls a second (100 kB)")
    for axes in (left, right):
        axes.grid(visible=True, which="both", alpha=0.2)
    left.legend()
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
