"""Records of calls: written by each process of a server, read by who measures it."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.bench.stopwatch import BEYOND, SIZE, Step

KIND = "d"  # of an array: as a record is written
LATE = 10.0  # seconds within which the last records of a round are there


class Written:
    """The file of this process: it is another one after a fork."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = self._file = 0

    def add(self, figures: list[float]) -> None:
        """One record, whole: so much is written at once."""
        if self._process != os.getpid():
            self._process = os.getpid()
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._file = os.open(self._folder / str(self._process), flags, 0o600)
        os.write(self._file, array(KIND, figures).tobytes())


class Record(NamedTuple):
    """One call in a server, seconds; `wall` and `cpu` in the order of the steps."""

    began: float
    ended: float
    wall: Sequence[float]
    cpu: Sequence[float]

    @property
    def waited(self) -> float:
        """How long the client waits for it, as far as the server sees."""
        return sum(wall for step, wall in zip(Step, self.wall, strict=True) if step not in BEYOND)


class Records:
    """What the processes of one server write into its folder from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = {file: file.stat().st_size for file in folder.iterdir()}  # bytes

    def new(self, calls: int) -> list[Record]:
        """So many, which were not read before, by their begin. Raises RuntimeError."""
        found: list[Record] = []
        deadline = time.perf_counter() + LATE
        while len(found) < calls and time.perf_counter() < deadline:
            for file in self._folder.iterdir():
                found += self._of(file)
            time.sleep(0.01)
        if len(found) != calls:
            raise RuntimeError(f"{calls} calls were made, and {len(found)} timed in the server")
        return sorted(found)

    def _of(self, file: Path) -> Iterator[Record]:
        with file.open("rb") as written:
            written.seek(self._read.get(file, 0))
            figures = array(KIND, written.read())
        self._read[file] = self._read.get(file, 0) + len(figures) * figures.itemsize
        for at in range(0, len(figures), SIZE):
            began, ended, *rest = figures[at : at + SIZE]
            yield Record(began, ended, rest[: len(Step)], rest[len(Step) :])
