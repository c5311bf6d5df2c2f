"""What a start consists of: what is imported, and the application made."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice

_LINE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \|( *)(\S+)")
_TIMES = 3
_MOST = 25  # modules listed
_SERVE = (
    "import time; began = time.perf_counter();"
    "import cds_service.cli, gunicorn.app.base;"
    "from cds_service.settings import Settings; from cds_service.web import create_app, server;"
    "loaded = time.perf_counter(); create_app(Settings.load(auth='open'));"
    "print(loaded - began, time.perf_counter() - loaded)"
)


def start_steps() -> dict[str, float]:
    """Step of a start -> median seconds, each time in a process of its own."""
    found = [map(float, _run("-c", _SERVE).stdout.split()) for _ in range(_TIMES)]
    loaded, made = map(statistics.median, zip(*found, strict=True))
    return {"modules loaded": loaded, "the application made, without a database": made}


def imports() -> Iterator[tuple[str, float]]:
    """Modules and seconds, the slowest first; each with all that it is the first to load."""
    told = _run("-X", "importtime", "-c", _SERVE).stderr
    found = {name: int(micro) / 1e6 for micro, _, name in _LINE.findall(told)}
    return islice(sorted(found.items(), key=lambda one: -one[1]), _MOST)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
