"""Measures the service beside the floor: `make bench`."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson

from tools.bench import report, subjects, tables
from tools.bench.bodies import body
from tools.bench.footprint import footprint
from tools.bench.growth import growth
from tools.bench.measure import Sample, Subject, measure
from tools.bench.steps import steps
from tools.bench.targets import KB, SOME

OUT = Path(__file__).parents[2] / "docs" / "performance"
#: bytes, relevant resources, connections, rounds, calls in each round
PLAN = (
    (10 * KB, 5, 1, 20, 50),
    (100 * KB, 5, 1, 20, 50),
    (100 * KB, 20, 1, 16, 40),
    (100 * KB, 100, 1, 12, 30),
    (10 * KB, 5, 8, 6, 200),
    (100 * KB, 5, 8, 8, 200),
    (100 * KB, 20, 8, 6, 150),
    (10 * KB, 5, 32, 5, 320),
    (100 * KB, 5, 32, 5, 256),
)
LARGE = (
    (1_000 * KB, 5, 1, 10, 10),
    (1_000 * KB, 20, 1, 10, 10),
    (1_000 * KB, 5, 8, 3, 24),
    (9_900 * KB, 5, 1, 4, 3),
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="Folder for the results.")
@click.option("--quick", is_flag=True, help="A quarter of the rounds: to see that it runs.")
@click.option("--growth", "many", default=0, metavar="CALLS", help="Also: does memory grow?")
@click.option("--peer", default="", help="URL of another CDS service's endpoint, measured beside.")
@click.option("--seed", default=1, show_default=True, help="Of the order of the rounds.")
def main(out: Path, peer: str, seed: int, many: int, *, quick: bool) -> None:
    """Tables, plot and JSON of one run, as ratios to the floor."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run = _run(folder, peer, random.Random(seed), 4 if quick else 1, many)
    told = "\n".join(tables.page(run)) + "\n"
    (out / "results.json").write_bytes(
        orjson.dumps(run.as_json(), option=orjson.OPT_NON_STR_KEYS) + b"\n"
    )
    (out / "results.md").write_text(told, encoding="utf-8")
    report.plot(run, out / "latency.svg")
    click.echo(told)


def _run(folder: Path, peer: str, chance: random.Random, share: int, many: int) -> report.Run:
    where = report.machine()  # before this run makes a load of its own
    alone = {"steps": steps(100 * KB, SOME), "footprint": footprint(folder / "footprint")}
    with subjects.subjects(folder, peer) as started:
        servers = [one.server for one in started if one.server]
        memory: dict[str, dict[str, Any]] = {one.name: {} for one in servers}
        samples: list[Sample] = []
        for moment, plan in zip(report.MOMENTS, ((), PLAN, LARGE), strict=True):
            samples += _samples(started, plan, chance, share)
            for one in servers:
                memory[one.name][moment] = one.memory()
        recorded = _recorded(folder, samples)
        whole = next(one for one in started if one.name == subjects.WHOLE)
        grown = list(growth(whole, many)) if many else []
    return report.Run(
        machine=where,
        samples=samples,
        started={one.name: one.started_in for one in servers},
        memory=memory,
        growth=grown,
        recorded=recorded,
        **alone,
    )


def _samples(
    started: Sequence[Subject],
    plan: Sequence[tuple[int, int, int, int, int]],
    chance: random.Random,
    share: int,
) -> Iterator[Sample]:
    for size, relevant, connections, rounds, each in plan:
        made = body(size, relevant)
        click.echo(
            f"{made.size:>10,} bytes, {relevant} relevant, {connections} connections", err=True
        )
        for sample in measure(
            started,
            made,
            connections=connections,
            rounds=max(2, rounds // share),
            each=each,
            chance=chance,
        ):
            if set(sample.statuses) != {200}:
                raise click.ClickException(f"{sample.subject} answered {sample.statuses}")
            yield sample


def _recorded(folder: Path, samples: Sequence[Sample]) -> tuple[int, int]:
    """Calls the whole service has answered, rounds that warm up included, and those on record."""
    mine = [one for one in samples if one.subject == subjects.WHOLE]
    warming = sum(each for *_, each in (*PLAN, *LARGE))
    answered = warming + sum(calls for one in mine for calls, _ in one.rounds)
    with closing(sqlite3.connect(subjects.database(folder))) as database:
        (kept,) = database.execute("SELECT count(*) FROM calls").fetchone()
    return answered, int(kept)


if __name__ == "__main__":
    main()
