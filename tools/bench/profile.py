"""Where the time of one call goes: step by step, and function by function.

    python -m tools.bench.profile [--out docs/performance/profile.md]

Step by step in running servers, and once more in one process in a tight loop; function by function
in one process, where calls are made as gunicorn makes them but without HTTP.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import random
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.web import create_app
from tools.bench import subjects
from tools.bench.in_process import caller
from tools.bench.live import LOADS, Live, started
from tools.bench.live_tables import HEADING, live_tables
from tools.bench.report import machine
from tools.bench.starting import imports, start_steps
from tools.bench.steps import SHAPES, ledger_steps, steps, token_steps
from tools.bench.targets import FLOOR, KB, MANY, MS

OUT = Path(__file__).parents[2] / "docs" / "performance" / "profile.md"
#: those whose functions are listed, and after how many calls
LISTED = ((100 * KB, 5, 100), (100 * KB, 20, 100), (100 * KB, 100, 50), (1_000 * KB, 20, 20))
FUNCTIONS = 25
#: up to the package: no page tells where this machine keeps its files
_PLACE = re.compile(r"\S*(?:site-packages|lib/python[\d.]+|wt-\w+|main)/(?=\S+:\d)")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="File for the page.")
def main(out: Path) -> None:
    """Writes the page, and shows it."""
    with tempfile.TemporaryDirectory() as folder:
        told = "\n".join(_page(Path(folder))) + "\n"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(told, encoding="utf-8")
    click.echo(told)


def _page(folder: Path) -> Iterator[str]:
    where = machine()
    yield from ("# Where the time of one call goes", "", "Made by `make profile`; do not edit.", "")
    yield f"Commit {where['commit']}, {where['cpu']}, Python {where['python']}."
    yield from _section(HEADING, live_tables(_live(folder / "live")))
    yield from _section("In a tight loop", _alone(folder))
    yield from _section("Start-up", _start())
    for size, relevant, calls in LISTED:
        heading = f"Functions: {size // KB:,} kB, {relevant} relevant resources"
        own = folder / f"{size}-{relevant}"
        yield from _section(heading, _functions(own, size, relevant, calls))


def _section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {heading}", "")
    yield from lines


def _alone(folder: Path) -> Iterator[str]:
    yield (
        "The same step over and over, in a process that does nothing else: this shows what a change"
        " of one step does, and not what it takes in a server, which is told above. Milliseconds of"
        " processor time, the median of 100."
    )
    yield ""
    yield from _steps({shape: steps(*shape) for shape in SHAPES})
    yield ""
    yield "The ledger on SQLite and a token, in milliseconds of wall time, whatever the body:"
    yield ""
    for name, seconds in (ledger_steps(folder / "a") | token_steps(folder / "b")).items():
        yield f"- {name}: {seconds * MS:.2f}"


def _live(folder: Path) -> list[Live]:
    """Of the whole service, and the floor."""
    loads = [one for one in LOADS if one.relevant != MANY]
    return list(started(folder, loads, random.Random(1), only=(FLOOR, subjects.WHOLE)))


def _start() -> Iterator[str]:
    for name, seconds in start_steps().items():
        yield f"- {name}: {seconds * MS:.0f} ms"
    yield from ("", "Milliseconds until a module, and all that it is the first to need, is loaded,")
    yield from ("with Python's own account of it:", "", "| Module | ms |", "|---|---|")
    for name, seconds in imports():
        yield f"| {name} | {seconds * MS:.0f} |"


def _steps(found: Mapping[tuple[int, int], Mapping[str, float]]) -> Iterator[str]:
    heads = [f"{size // KB:,} kB, {relevant} relevant" for size, relevant in found]
    yield f"| Step | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for name in next(iter(found.values())):
        times = " | ".join(f"{one[name] * MS:.3f}" for one in found.values())
        yield f"| {name} | {times} |"


def _functions(folder: Path, size: int, relevant: int, calls: int) -> Iterator[str]:
    yield f"{calls} calls with the ledger. The profiler itself makes small functions look slow."
    yield ""
    yield "```"
    yield from _listed(folder, size, relevant, calls)
    yield "```"


def _listed(folder: Path, size: int, relevant: int, calls: int) -> Iterator[str]:
    today = subjects.TODAY
    settings = Settings.load(auth="open", state=folder, today=today, database_timeout=5_000)
    # Unbounded, so that SQL runs in this thread: the profiler sees no other.
    app = create_app(settings, store=open_store(settings, bounded=False))
    call = caller(app, size, relevant)
    call()
    profile = cProfile.Profile(time.thread_time)  # not the time it waits for its turn or the disk
    profile.enable()
    for _ in range(calls):
        call()
    profile.disable()
    told = io.StringIO()
    pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(FUNCTIONS)
    lines = told.getvalue().splitlines()
    start = next(n for n, line in enumerate(lines) if "ncalls" in line)
    yield from (_PLACE.sub("", line).rstrip() for line in lines[start:] if line.strip())


if __name__ == "__main__":
    main()
