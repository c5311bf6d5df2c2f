"""Processes that are killed and files that are gone: what was acknowledged stands, once.

Real servers under a load of a fixed number of calls, on both databases.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from cds_service.store.opening import DATABASE
from tests.conftest import Running
from tests.ledger.conftest import Bases
from tests.ledger.load import Base, Load, advised, eventually, kill_all, refused, workers

pytestmark = pytest.mark.slow
Serve = Callable[..., Running]


def test_workers_killed_in_mid_call_lose_and_double_nothing(base: Base, serve: Serve) -> None:
    running = serve(base)
    load = Load([running], clients=4, each=15, enough=lambda told: told.lost > 0)
    over = threading.Event()

    def killing() -> None:
        """A worker each time another call was answered: a slow machine gets on too."""
        answered = -1
        while not over.wait(0.4):
            if load.told.answered == answered:
                continue
            answered = load.told.answered
            for pid in workers(running)[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    with load.under_way():
        killer = threading.Thread(target=killing)
        killer.start()
        load.reached(40)
        assert eventually(lambda: load.told.lost), (
            "no call was under way when its worker was killed"
        )
        over.set()
        killer.join()
    assert set(load.told.calls) == {200}
    base.holds(load.told)


def test_a_server_killed_whole_starts_again_with_all_it_acknowledged(
    base: Base, serve: Serve
) -> None:
    first = serve(base)
    load = Load([first], clients=3, each=8)
    with load.under_way():
        load.reached(8)
        kill_all(first)
        load.moved(serve(base))
    assert load.told.lost > 0
    base.holds(load.told)


def test_what_waits_in_the_spool_is_written_by_the_next_server(
    new_base: Bases, serve: Serve
) -> None:
    base = new_base("sqlite", CDS_SERVICE_DATABASE_TIMEOUT="200")
    first = serve(base)
    with held(base):
        told = Load([first], clients=2, each=3, telling=False).run()
        assert told.answered == 6
        assert base.waiting() > 0
        kill_all(first)
    serve(base)
    base.holds(told)


# --- SQLite's file ---


@contextmanager
def held(base: Base) -> Iterator[None]:
    """The file locked by another process, as a careless backup does."""
    other = sqlite3.connect(base.state / DATABASE, isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_a_locked_file_holds_up_feedback_but_no_advice(new_base: Bases, serve: Serve) -> None:
    base = new_base("sqlite", CDS_SERVICE_DATABASE_TIMEOUT="200")
    running = serve(base)
    load = Load([running], clients=2, each=6)
    with held(base):
        ending = ExitStack()
        ending.enter_context(load.under_way())
        load.reached(2)  # each client now comes back with its feedback, time and again
        assert eventually(lambda: len(load.told.refused) >= 4)
        assert base.waiting() > 0
    ending.close()
    assert {one.status_code for one in load.told.refused} == {503}
    base.holds(load.told)


def test_a_file_deleted_under_way_is_noticed_and_what_follows_waits(
    new_base: Bases, serve: Serve
) -> None:
    base = new_base("sqlite")
    running = serve(base)
    advised(running)
    for file in base.state.glob(DATABASE + "*"):
        file.unlink()
    card = advised(running)
    assert refused(running)
    assert base.waiting() > 0
    assert not (base.state / DATABASE).exists()
    running.stop()
    again = serve(base)
    assert eventually(lambda: base.waiting() == 0)
    assert not refused(again, card["uuid"])
    with base.opened() as store, store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM cards").scalar() == 1


def started(base: Base) -> subprocess.CompletedProcess[str]:
    """A start that is expected to be refused."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith("CDS_SERVICE_")}
    return subprocess.run(
        [sys.executable, "-m", "cds_service", "serve", "--port", "1"],
        env=usual | base.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("damage", ["not SQLite at all" * 100, ""], ids=["overwritten", "torn"])
def test_a_damaged_file_stops_the_start_and_is_named(new_base: Bases, damage: str) -> None:
    base = new_base("sqlite")
    file: Path = base.state / DATABASE
    whole = file.read_bytes()
    file.write_bytes(damage.encode() or whole[:100] + os.urandom(len(whole) - 100))
    done = started(base)
    assert done.returncode == 2
    assert f"{file}: is damaged or no SQLite database. Put back a backup" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_servers_that_start_at_once_both_serve(new_base: Bases, serve: Serve) -> None:
    base = new_base("sqlite")
    for file in base.state.glob(DATABASE + "*"):
        file.unlink()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: serve(base, workers=1), range(2)))
    load = Load(both, clients=2, each=2)
    base.holds(load.run())
