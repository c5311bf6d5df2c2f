"""Where the processes of one server count together: small files in memory, one for each slot.

prometheus-client names these files by process id, and what a dead process counted must stay, so
that they would grow in number with each restart and each SIGHUP. Here a worker has a slot: the
lowest that no living worker has. It goes on counting where the last worker of its slot stopped.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from prometheus_client import values

PREFIX = "cds-service-metrics-"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # by which prometheus-client finds the files
_LOCK = "lock"
_slot = "main"


@contextmanager
def shared() -> Iterator[None]:
    """Until it is left, all that is counted is counted together with the processes forked.

    Enter it before anything is counted. The folder is removed by the process that made it.
    """
    owner, usual = os.getpid(), values.ValueClass
    sweep(memory())
    folder, _lock = _locked_folder()
    os.environ[FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
            os.environ.pop(FOLDER, None)
            values.ValueClass = usual


def folder() -> str | None:
    """The folder of the files; None where this process counts for itself."""
    return os.environ.get(FOLDER)


def free_slot(taken: Iterable[int]) -> int:
    """The lowest that is not `taken`."""
    used = set(taken)
    return next(number for number in range(len(used) + 1) if number not in used)


def take(slot: int) -> None:
    """From now on this process counts in the files of `slot`."""
    global _slot  # noqa: PLW0603  # one process, one slot
    _slot = str(slot)


def assign_slot(arbiter: Any, worker: Any) -> None:
    """Called by gunicorn before it forks a worker."""
    worker.slot = free_slot(other.slot for other in arbiter.WORKERS.values())


def take_slot(_arbiter: Any, worker: Any) -> None:
    """Called by gunicorn in the new worker."""
    take(worker.slot)


def memory() -> Path:
    """Where files are in memory: no full or slow disk must end or hold up a call."""
    here = Path("/dev/shm")  # noqa: S108  # the folder made in it is ours alone
    return here if os.access(here, os.W_OK) else Path(tempfile.gettempdir())


def sweep(place: Path) -> None:
    """Removes what servers that were killed have left: nobody holds its lock."""
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if left.is_symlink() or left.stat().st_uid != os.geteuid():
                continue
            with (left / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)


def _locked_folder() -> tuple[Path, IO[bytes]]:
    """A new folder. It gets the name that is swept when it is locked already."""
    new = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}", dir=memory()))
    lock = (new / _LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)  # also held by the workers, until the last one ends
    return new.rename(new.with_name(new.name.removeprefix("new-"))), lock
