"""Measures the service beside the floor: `make bench`."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import orjson

from tools.bench import report, subjects
from tools.bench.bodies import body
from tools.bench.measure import Sample, Subject, measure
from tools.bench.servers import Server
from tools.bench.targets import KB, MEMORY_MB, START_S, Figures, Target, targets

OUT = Path(__file__).parents[2] / "docs" / "performance"
#: bytes, relevant resources, connections, rounds, calls in each round
PLAN = (
    (10 * KB, 5, 1, 10, 60),
    (100 * KB, 5, 1, 10, 60),
    (100 * KB, 20, 1, 10, 40),
    (100 * KB, 100, 1, 10, 30),
    (1_000 * KB, 5, 1, 6, 10),
    (1_000 * KB, 20, 1, 6, 10),
    (9_900 * KB, 5, 1, 3, 3),
    (10 * KB, 5, 8, 6, 200),
    (100 * KB, 5, 8, 8, 200),
    (100 * KB, 20, 8, 6, 150),
    (10 * KB, 5, 32, 6, 320),
    (100 * KB, 5, 32, 6, 256),
    (1_000 * KB, 5, 8, 3, 24),
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="Folder for the results.")
@click.option("--quick", is_flag=True, help="A quarter of the rounds: to see that it runs.")
@click.option("--peer", default="", help="URL of another CDS service's endpoint, measured beside.")
@click.option("--seed", default=1, show_default=True, help="Of the order of the rounds.")
def main(out: Path, peer: str, seed: int, *, quick: bool) -> None:
    """Table, plot and JSON of one run, as ratios to the floor."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, subjects.subjects(Path(folder), peer) as started:
        run = _run(started, seed, 4 if quick else 1)
    (out / "results.json").write_bytes(
        orjson.dumps(run.as_json(), option=orjson.OPT_NON_STR_KEYS) + b"\n"
    )
    (out / "results.md").write_text("\n".join(report.page(run)) + "\n", encoding="utf-8")
    report.plot(run, out / "latency.svg")
    click.echo("\n".join(report.page(run)))


def _run(started: Sequence[Subject], seed: int, share: int) -> report.Run:
    servers = [one.server for one in started if one.server]
    fresh = {one.name: one.memory() for one in servers}
    samples = list(_samples(started, random.Random(seed), share))
    memory = {one.name: {"fresh": fresh[one.name], "after": one.memory()} for one in servers}
    whole = next(one for one in servers if one.name == subjects.ROLES[0])
    return report.Run(
        machine=report.machine(),
        samples=samples,
        targets=[
            *targets(Figures(samples), *subjects.ROLES),
            *_processes(whole, memory[whole.name]["after"]),
        ],
        started={one.name: one.started_in for one in servers},
        memory=memory,
    )


def _samples(started: Sequence[Subject], chance: random.Random, share: int) -> Iterator[Sample]:
    for size, relevant, connections, rounds, each in PLAN:
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


def _processes(whole: Server, after: Sequence[Mapping[str, float]]) -> Iterator[Target]:
    largest = max((worker["resident"] for worker in after), default=0.0)
    yield Target(name="start-up", measured=whole.started_in, limit=START_S, unit="s")
    yield Target(
        name="memory of a worker after the run", measured=largest, limit=MEMORY_MB, unit="MB"
    )


if __name__ == "__main__":
    main()
