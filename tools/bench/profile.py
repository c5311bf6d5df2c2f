"""Where the time of one call goes: step by step, and function by function.

    python -m tools.bench.profile [--out docs/performance/profile.md]

Calls are made in one process, as gunicorn makes them but without HTTP: a profile of the whole.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.web import create_app
from tools.bench.bodies import body
from tools.bench.measure import SERVICE, marked
from tools.bench.report import machine
from tools.bench.steps import ledger_steps, steps
from tools.bench.subjects import TODAY
from tools.bench.targets import KB, MS

OUT = Path(__file__).parents[2] / "docs" / "performance" / "profile.md"
SHAPES = ((10 * KB, 5), (100 * KB, 5), (100 * KB, 20), (100 * KB, 100), (1_000 * KB, 20))
#: those whose functions are listed, and after how many calls
LISTED = ((100 * KB, 5, 100), (100 * KB, 100, 50), (1_000 * KB, 20, 20))
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
    yield "# Where the time of one call goes"
    yield ""
    yield "Made by `make profile`; do not edit."
    yield ""
    yield f"Commit {where['commit']}, {where['cpu']}, Python {where['python']}."
    yield ""
    yield "## Steps"
    yield ""
    yield "Milliseconds of processor time, the median of 100."
    yield ""
    yield from _steps({shape: steps(*shape) for shape in SHAPES})
    yield ""
    yield "The ledger on SQLite, in milliseconds of wall time, whatever the body:"
    yield ""
    for name, seconds in ledger_steps(folder / "steps").items():
        yield f"- {name}: {seconds * MS:.2f}"
    for size, relevant, calls in LISTED:
        yield ""
        yield f"## Functions: {size // KB:,} kB, {relevant} relevant resources"
        yield ""
        yield f"{calls} calls with the ledger. The profiler itself makes small functions look slow."
        yield ""
        yield "```"
        yield from _functions(folder / f"{size}-{relevant}", size, relevant, calls)
        yield "```"


def _steps(found: Mapping[tuple[int, int], Mapping[str, float]]) -> Iterator[str]:
    heads = [f"{size // KB:,} kB, {relevant} relevant" for size, relevant in found]
    yield f"| Step | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for name in next(iter(found.values())):
        times = " | ".join(f"{one[name] * MS:.3f}" for one in found.values())
        yield f"| {name} | {times} |"


def _functions(folder: Path, size: int, relevant: int, calls: int) -> Iterator[str]:
    settings = Settings.load(auth="open", state=folder, today=TODAY, database_timeout=5_000)
    app = create_app(settings, store=open_store(settings))
    call = _caller(app, size, relevant)
    call()
    profile = cProfile.Profile(time.thread_time)  # not the time it waits for its turn
    profile.enable()
    for _ in range(calls):
        call()
    profile.disable()
    told = io.StringIO()
    pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(FUNCTIONS)
    lines = told.getvalue().splitlines()
    start = next(n for n, line in enumerate(lines) if "ncalls" in line)
    yield from (_PLACE.sub("", line).rstrip() for line in lines[start:] if line.strip())


def _caller(app: Any, size: int, relevant: int) -> Callable[[], None]:
    def call() -> None:
        data = marked(body(size, relevant))
        statuses: list[str] = []
        answer = app(_environ(data), lambda status, _headers: statuses.append(status))
        b"".join(answer)
        answer.close()
        if statuses != ["200 OK"]:
            raise click.ClickException(f"answered {statuses}")

    return call


def _environ(data: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/cds-services/{SERVICE}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(data)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


if __name__ == "__main__":
    main()
