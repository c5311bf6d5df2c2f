"""Measures the service beside the floor: `make bench`."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from tools.bench import live, report, subjects, tables
from tools.bench.bodies import body
from tools.bench.footprint import footprint
from tools.bench.growth import Point, growth
from tools.bench.measure import Sample, Subject, measure
from tools.bench.reasons import shape
from tools.bench.starting import start_steps
from tools.bench.steps import steps
from tools.bench.targets import KB, SOME

ROOT = Path(__file__).parents[2]
OUT, QUICK = ROOT / "docs" / "performance", ROOT / "build" / "performance"


class Shape(NamedTuple):
    """A body, and how often it is sent. `each`: calls in one round; `new`: as in `Body`."""

    size: int
    relevant: int
    connections: int
    rounds: int
    each: int
    new: bool = False


PLAN = (
    Shape(10 * KB, 5, 1, 20, 50),
    Shape(100 * KB, 5, 1, 20, 50),
    Shape(100 * KB, 20, 1, 16, 40),
    Shape(100 * KB, 100, 1, 12, 30),
    Shape(10 * KB, 5, 8, 6, 200),
    Shape(100 * KB, 5, 8, 8, 200),
    Shape(100 * KB, 20, 8, 6, 150),
    Shape(10 * KB, 5, 32, 5, 320),
    Shape(100 * KB, 5, 32, 5, 256),
    Shape(10 * KB, 5, 1, 8, 50, new=True),
    Shape(100 * KB, 5, 1, 8, 50, new=True),
    Shape(100 * KB, 5, 8, 6, 100, new=True),
)
LARGE = (
    Shape(1_000 * KB, 5, 1, 10, 10),
    Shape(1_000 * KB, 20, 1, 10, 10),
    Shape(1_000 * KB, 5, 8, 3, 24),
    Shape(9_900 * KB, 5, 1, 4, 3),
    Shape(1_000 * KB, 5, 1, 6, 10, new=True),
)
#: once more against a service that takes only as many calls as its defaults say
REFUSING = (Shape(100 * KB, 5, 32, 5, 256),)
STARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`share`: by which the rounds are divided; `many`: calls of the run for growth, or 0."""

    peer: str = ""
    seed: int = 1
    share: int = 1
    many: int = 0

    def rounds(self, shape: Shape) -> int:
        """So many, after one that warms up."""
        return max(2, shape.rounds // self.share)

    def loads(self) -> list[live.Load]:
        """Of the servers whose steps are timed."""
        return [one._replace(rounds=max(2, one.rounds // self.share)) for one in live.LOADS]

    def as_json(self) -> dict[str, Any]:
        """The plan, as it stands with the results."""
        shapes = [one._replace(rounds=self.rounds(one)) for one in (*PLAN, *LARGE, *REFUSING)]
        return {
            "quick": self.share > 1,
            "seed": self.seed,
            "peer": self.peer,
            "growth": self.many,
            "shapes": [one._asdict() for one in shapes],
            "live": [one._asdict() for one in self.loads()],
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
    with subjects.subjects(folder, options.peer) as started:
        servers = [one.server for one in started if one.server]
        memory: dict[str, dict[str, Any]] = {one.name: {} for one in servers}
        samples: list[Sample] = []
        for moment, plan in zip(report.MOMENTS, ((), PLAN, LARGE), strict=True):
            samples += _samples(started, plan, chance, options)
            for one in servers:
                memory[one.name][moment] = one.memory()
        recorded = _recorded(folder, samples)
    with subjects.whole(folder / "defaults", subjects.DEFAULTS, limited=True) as limited:
        samples += _samples([limited], REFUSING, chance, options)
    click.echo("the steps of a call, in running servers", err=True)
    timed = list(live.started(folder / "live", options.loads(), chance))
    return report.Run(
        machine=where,
        plan=options.as_json(),
        samples=samples,
        memory=memory,
        growth=_growth(folder / "growth", options.many),
        recorded=recorded,
        live=timed,
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


def _samples(
    started: Sequence[Subject], plan: Sequence[Shape], chance: random.Random, options: Options
) -> Iterator[Sample]:
    for one in plan:
        made = body(one.size, one.relevant, new=one.new)
        what = f"{one.relevant} relevant{', new words' if one.new else ''}"
        click.echo(f"{made.size:>10,} bytes, {what}, {one.connections} connections", err=True)
        for sample in measure(
            started,
            made,
            connections=one.connections,
            rounds=options.rounds(one),
            each=one.each,
            chance=chance,
        ):
            if sample.subject not in (subjects.PEER, subjects.DEFAULTS) and sample.refused():
                raise click.ClickException(f"{sample.subject} answered {sample.statuses}")
            yield sample


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
