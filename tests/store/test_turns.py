"""Turns to write: between threads and between processes, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cds_service.errors import Unavailable
from cds_service.store.turns import Turns

#: another process that takes a turn, and tells so
TAKES = """
import sys, time
from pathlib import Path
from cds_service.store.turns import Turns
with Turns(Path(sys.argv[1]), 20).take():
    print("mine", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    """Threads that share one, and others as other processes have theirs."""
    shared = Turns(tmp_path / "lock", 20)
    inside: list[int] = []

    def write(turns: Turns) -> int:
        with turns.take():
            inside.append(1)
            time.sleep(0.002)
            return len(inside) - (inside.pop() or 0)

    with ThreadPoolExecutor(8) as pool:
        each = [shared, Turns(tmp_path / "lock", 20)] * 20
        assert set(pool.map(write, each)) == {0}


def test_it_is_not_waited_for_longer_than_told(tmp_path: Path) -> None:
    first, second = Turns(tmp_path / "lock", 20), Turns(tmp_path / "lock", 0.2)
    with first.take(), pytest.raises(Unavailable), second.take():  # another process's
        pytest.fail("not our turn")
    with second.take(), ThreadPoolExecutor(1) as pool:  # another thread's

        def late() -> None:
            with second.take():
                pytest.fail("not our turn")

        assert type(pool.submit(late).exception(20)) is Unavailable
    with second.take():
        pass


def test_a_process_that_is_killed_holds_up_nobody(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKES, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(Unavailable), Turns(tmp_path / "lock", 0.1).take():
            pytest.fail("not our turn")
        other.kill()
        with Turns(tmp_path / "lock", 20).take():
            pass


def test_what_is_raised_within_ends_it(tmp_path: Path) -> None:
    for turns in (Turns(tmp_path / "lock", 0.5), Turns(tmp_path / "nowhere" / "lock", 0.5)):
        for error in (LookupError, OSError):
            with pytest.raises(error), turns.take():
                raise error
        with turns.take():
            pass


def held(lock: Path) -> int:
    """How often this process has it open."""
    found = (file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink())
    return list(found).count(lock)


def test_closed_it_holds_nothing_open_and_may_be_used_again(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "lock", 1)
    for _ in range(2):
        with turns.take():
            assert held(tmp_path / "lock") == 1
        turns.close()
        turns.close()
        assert held(tmp_path / "lock") == 0


def test_the_lock_is_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    with Turns(tmp_path / "lock", 1).take():
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_hold_its_parents_turn(tmp_path: Path) -> None:
    turns, (reading, writing) = Turns(tmp_path / "lock", 20), os.pipe()
    with suppress(OSError), turns.take():  # which is not given back
        child = os.fork()
        if child == 0:
            turns.forget()
            os.write(writing, b"x")
            time.sleep(60)
        os.read(reading, 1)
        turns.forget()  # as the end of this process would
    try:
        with Turns(tmp_path / "lock", 5).take():
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
