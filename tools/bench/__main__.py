"""Measures the service beside the floor: `make bench`."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson

from tools.bench import report, subjects, tables
from tools.bench.footprint import footprint
from tools.bench.growth import Point, growth
from tools.bench.live import LOADS, Live, Load, Watched, beside
from tools.bench.measure import Sample, Subject
from tools.bench.reasons import shape
from tools.bench.starting import start_steps
from tools.bench.steps import steps
from tools.bench.targets import KB, SOME

ROOT = Path(__file__).parents[2]
OUT, QUICK = ROOT / "docs" / "performance", ROOT / "build" / "performance"


PLAN = (
    Load(10 * KB, 5, 1, 20, 50),
    Load(100 * KB, 5, 1, 20, 50),
    Load(100 * KB, 20, 1, 16, 40),
    Load(100 * KB, 100, 1, 12, 30),
    Load(10 * KB, 5, 8, 6, 200),
    Load(100 * KB, 5, 8, 8, 200),
    Load(100 * KB, 20, 8, 6, 150),
    Load(10 * KB, 5, 32, 5, 320),
    Load(100 * KB, 5, 32, 5, 256),
    Load(10 * KB, 5, 1, 8, 50, new=True),
    Load(100 * KB, 5, 1, 8, 50, new=True),
    Load(100 * KB, 5, 8, 6, 100, new=True),
)
LARGE = (
    Load(1_000 * KB, 5, 1, 10, 10),
    Load(1_000 * KB, 20, 1, 10, 10),
    Load(1_000 * KB, 5, 8, 3, 24),
    Load(9_900 * KB, 5, 1, 4, 3),
    Load(1_000 * KB, 5, 1, 6, 10, new=True),
)
#: once more against a service that takes only as many calls as its defaults say
REFUSING = (Load(100 * KB, 5, 32, 5, 256),)
STARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`share`: by which the rounds are divided; `many`: calls of the run for growth, or 0."""

    peer: str = ""
    seed: int = 1
    share: int = 1
    many: int = 0

    def plan(self, loads: Iterable[Load]) -> list[Load]:
        """With so many rounds, after one that warms up."""
        return [one._replace(rounds=max(2, one.rounds // self.share)) for one in loads]

    def as_json(self) -> dict[str, Any]:
        """The plan, as it stands with the results."""
        return {
            "quick": self.share > 1,
            "seed": self.seed,
            "peer": self.peer,
            "growth": self.many,
            "shapes": [one._asdict() for one in self.plan((*PLAN, *LARGE, *REFUSING))],
        }


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--quick", is_flag=True, help="A quarter of the rounds, into build/: a trial.")
@click.option("--growth", "many", default=0, metavar="CALLS", help="Also: does memory grow?")
@click.option("--peer", default="", help="URL of another CDS service's endpoint, measured beside.")
@click.option("--seed", default=1, show_default=True, help="Of the order of the rounds.")
def main(out: Path | None, peer: str, seed: int, many: int, *, quick: bool) -> None:
    """Tables, plot and JSON of one run, as ratios to the floor."""
    out = out or (QUICK if quick else OUT)
    out.mkdir(parents=True, exist_ok=True)
    options = Options(peer=peer, seed=seed, share=4 if quick else 1, many=many)
    with tempfile.TemporaryDirectory() as made:
        run = _run(Path(made), options)
    kept = orjson.dumps(run.as_json(), option=orjson.OPT_NON_STR_KEYS) + b"\n"
    (out / "results.json").write_bytes(kept)
    run = report.Run.from_json(orjson.loads(kept))  # page and plot tell what is kept, rounded
    told = "\n".join(tables.page(run)) + "\n"
    (out / "results.md").write_text(told, encoding="utf-8")
    report.plot(run, out / "latency.svg")
    click.echo(told)


def _run(folder: Path, options: Options) -> report.Run:
    where = report.machine()  # before this run makes a load of its own
    alone = _alone(folder, options)
    chance = random.Random(options.seed)
    samples: list[Sample] = []
    lives: list[Live] = []
    with (
        subjects.subjects(folder, options.peer) as started,
        subjects.timed(folder / "timed") as timed,
    ):
        watched = Watched(timed, folder / "timed")
        servers = [one.server for one in started if one.server]
        memory: dict[str, dict[str, Any]] = {one.name: {} for one in servers}
        for moment, plan in zip(report.MOMENTS, ((), PLAN, LARGE), strict=True):
            for load in options.plan(plan):
                found, told = _measured(started, load, chance, watched)
                samples += found
                lives += told
            for one in servers:
                memory[one.name][moment] = one.memory()
        recorded = _recorded(folder, samples)
    with subjects.whole(folder / "defaults", subjects.DEFAULTS, limited=True) as limited:
        for load in options.plan(REFUSING):
            samples += _measured([limited], load, chance)[0]
    return report.Run(
        machine=where,
        plan=options.as_json(),
        samples=samples,
        memory=memory,
        growth=_growth(folder / "growth", options.many),
        recorded=recorded,
        live=lives,
        **alone,
    )


def _alone(folder: Path, options: Options) -> dict[str, Any]:
    """What is measured while no other server runs."""
    return {
        "started": subjects.start_ups(folder / "starts", max(2, STARTS // options.share)),
        "steps": {shape(100 * KB, SOME): steps(100 * KB, SOME)},  # for decide() alone
        "beside": {"start": start_steps()},
        "footprint": footprint(folder / "footprint"),
    }


def _growth(folder: Path, many: int) -> list[Point]:
    """Of a server that nothing else has called: what others left in memory would hide it."""
    if not many:
        return []
    with subjects.whole(folder) as fresh:
        return list(growth(fresh, many))


def _measured(
    started: Sequence[Subject],
    load: Load,
    chance: random.Random,
    watched: Watched | None = None,
) -> tuple[list[Sample], list[Live]]:
    """With the steps of those `watched` where a target or the profile is about this load."""
    what = f"{load.relevant} relevant{', new words' if load.new else ''}"
    click.echo(f"{load.size // KB:>6,} kB, {what}, {load.connections} connections", err=True)
    wanted = load.what in {one.what for one in LOADS}
    samples, lives = beside(started, load, chance, watched if wanted else None)
    for one in samples:
        if one.subject not in (subjects.PEER, subjects.DEFAULTS) and one.refused():
            raise click.ClickException(f"{one.subject} answered {one.statuses}")
    return samples, lives


def _recorded(folder: Path, samples: Sequence[Sample]) -> tuple[int, int]:
    """Calls the whole service has answered, rounds that warm up included, and those on record."""
    mine = [one for one in samples if one.subject == subjects.WHOLE]
    warming = sum(one.each for one in (*PLAN, *LARGE))
    answered = warming + sum(calls for one in mine for calls, _ in one.rounds)
    with closing(sqlite3.connect(subjects.database(folder))) as database:
        (kept,) = database.execute("SELECT count(*) FROM calls").fetchone()
    return answered, int(kept)


if __name__ == "__main__":
    main()
