"""A file that keeps entries while the database is down, shared by the processes of a machine.

One line an entry. What is being written to the database is first moved aside, so that new
entries never wait for it; what was moved aside and not finished is taken up again. An entry
that the database will never take is put into a file of its own: it must not hold up the rest.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import orjson

OPEN = "entries.jsonl"
LOCK = "lock"  # held while an entry is added, and while the open file is moved aside
REJECTED = "rejected"  # for people to look at; never tried again

#: of an entry, and of when (seconds since the epoch) the last was added to its file
Wanted = Callable[[dict[str, Any], float], bool]


class SpoolFull(Exception):
    """No room for another entry, or no way to write it; the message says which."""


class Rejected(Exception):
    """An entry that can never be written."""


class Spool:
    """`limit` in bytes, over all that waits."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit

    def add(self, entry: dict[str, Any]) -> None:
        """Keeps `entry`. Raises SpoolFull, also when the disk is."""
        # The line break before it ends a line that a crash has cut short.
        line = b"\n" + orjson.dumps(entry) + b"\n"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if self.size() + self.rejected() + len(line) > self._limit:
                raise SpoolFull("the spool is full")
            with self._alone():
                file = _appended(self._folder / OPEN)
                file.write(line)
                file.flush()
            with file:  # the disk is waited for outside the lock
                os.fsync(file.fileno())
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "OSError")
            raise SpoolFull(f"the state folder cannot be written to ({code})") from error

    def size(self) -> int:
        """Bytes that wait."""
        return sum(_size(path) for path in self._files())

    def rejected(self) -> int:
        """Bytes of entries that were set aside."""
        return _size(self._folder / REJECTED)

    def drain(self, write: Callable[[dict[str, Any]], None]) -> int:
        """Hands each entry to `write`; how many it took.

        What it raises leaves the rest in place, but for Rejected, which sets the entry aside.
        Raises OSError when the folder cannot be written to. An entry may be handed over again
        after a crash: `write` must not mind.
        """
        self._set_aside()
        done = 0
        for path in sorted(self._files()):
            if path.name != OPEN:
                done += self._drain(path, write)
        return done

    def _drain(self, path: Path, write: Callable[[dict[str, Any]], None]) -> int:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return 0  # another process has finished it
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 0  # another process is at it
            if not _is_at(file, path):
                return 0  # another process has finished it meanwhile
            done = sum(self._hand_over(line, write) for line in file)
            path.unlink(missing_ok=True)
            return done

    def _hand_over(self, line: bytes, write: Callable[[dict[str, Any]], None]) -> bool:
        """Whether `write` took the entry of this line."""
        entry = _entry(line)
        if entry is None:
            return False
        try:
            write(entry)
        except Rejected:
            with self._alone(), _appended(self._folder / REJECTED) as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            return False
        return True

    def find(self, wanted: Wanted) -> list[dict[str, Any]]:
        """The entries that are wanted, of all that wait."""
        return [
            entry
            for path in self._all()
            for entry in _entries(path)
            if wanted(entry, _changed(path))
        ]

    def remove(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Takes out the entries that are wanted, and hands them back; also of those set aside.

        A file that is just being written to the database is waited for.
        """
        self._set_aside()
        gone: list[dict[str, Any]] = []
        for path in self._all():
            mine = self._alone() if path.name in (OPEN, REJECTED) else _waited_for(path)
            with suppress(FileNotFoundError), mine:
                gone += _rewrite(path, wanted)
        return gone

    def _all(self) -> list[Path]:
        return [*self._files(), self._folder / REJECTED]

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.jsonl"))

    def _set_aside(self) -> None:
        if _size(self._folder / OPEN):
            with self._alone(), suppress(FileNotFoundError):  # another process may be first
                name = f"{time.time_ns():020}-{uuid4()}.jsonl"  # they are written in this order
                (self._folder / OPEN).rename(self._folder / name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """For a moment only: who adds must not wait for what is being written to the database."""
        with _appended(self._folder / LOCK) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _appended(path: Path) -> IO[bytes]:
    """The file open at its end; made, for its owner alone, where there is none."""
    return os.fdopen(os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "ab")


@contextmanager
def _waited_for(path: Path) -> Iterator[None]:
    """A file set aside, while no process writes it to the database. Raises FileNotFoundError."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _is_at(file, path):
            raise FileNotFoundError
        yield


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(FileNotFoundError), path.open("rb") as file:
        yield from filter(None, map(_entry, file))


def _rewrite(path: Path, wanted: Wanted) -> list[dict[str, Any]]:
    """The same file without what is wanted, in its place at once."""
    kept: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    changed = _changed(path)
    for entry in _entries(path):
        (gone if wanted(entry, changed) else kept).append(entry)
    if gone:
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.writelines(orjson.dumps(entry) + b"\n" for entry in kept)
            file.flush()
            os.fsync(file.fileno())
        os.utime(new, (changed, changed))
        new.replace(path)
    return gone


def _entry(line: bytes) -> dict[str, Any] | None:
    """None for an empty line, or one that a crash has cut short: its call was never answered."""
    try:
        return orjson.loads(line) if line.strip() else None
    except orjson.JSONDecodeError:
        return None


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _changed(path: Path) -> float:
    """Now, where another process has just finished the file."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
