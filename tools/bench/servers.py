"""What is measured: started as a user starts it, on free loopback ports, stopped by process id."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

_PROPORTIONAL = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^Rss:\s+(\d+) kB", re.MULTILINE)
START_LIMIT = 30  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. `started_in`: seconds from its start to its first answer."""

    name: str
    url: str
    pid: int
    started_in: float

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in listed.split()]

    def memory(self) -> list[dict[str, float]]:
        """MB of each worker: `resident`, and `proportional` (shared pages divided by users)."""
        return [memory_of(pid) for pid in self.workers()]

    def cpu(self) -> float:
        """Seconds of processor time all its processes have used, by /proc (Linux)."""
        return sum(_cpu_of(pid) for pid in (self.pid, *self.workers()))


def _cpu_of(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> dict[str, float]:
    """MB a process holds, by /proc (Linux)."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    sizes = {"resident": _RESIDENT.search(told), "proportional": _PROPORTIONAL.search(told)}
    return {name: int(found[1]) / 1024 for name, found in sizes.items() if found}


@contextmanager
def running(
    name: str, arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """`python -m <arguments>`, where PORT stands for a free port, until the block ends.

    Raises RuntimeError with the end of its log when it does not answer /health in time.
    """
    port = free_port()
    command = [sys.executable, "-m", *(a.replace("PORT", str(port)) for a in arguments)]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CDS_SERVICE_")}
    given = {k: v.replace("PORT", str(port)) for k, v in environment.items()}
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=clean | given)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log)
        yield Server(name=name, url=url, pid=process.pid, started_in=time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.perf_counter() + START_LIMIT
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.01)
    told = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"{url} did not start:\n{told}")
