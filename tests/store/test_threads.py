"""Threads that are waited for so long and no longer."""

from __future__ import annotations

import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from cds_service.store.threads import Overdue, Threads
from tests.trust.test_reload import eventually

LONG = 30.0  # seconds


def later(seconds: float) -> float:
    return time.monotonic() + seconds


def name() -> str:
    return threading.current_thread().name


def test_work_is_done_in_another_thread_which_is_used_again() -> None:
    crew = Threads(4, "some")
    assert {crew.run(name, later(LONG)) for _ in range(5)} == {"some_0"}
    crew.close()


def test_the_one_that_rested_last_is_next() -> None:
    crew = Threads(3, "some")
    together = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: crew.run(lambda: together.wait(LONG), later(LONG)), range(3)))
    assert len({crew.run(name, later(LONG)) for _ in range(5)}) == 1
    crew.close()


def test_what_work_raises_is_raised_where_it_is_waited_for() -> None:
    crew = Threads(1, "some")

    def fails() -> None:
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        crew.run(fails, later(LONG))
    assert crew.run(lambda: "well", later(LONG)) == "well"
    crew.close()


def test_work_that_hangs_is_left_and_none_is_begun_when_all_threads_hang() -> None:
    crew = Threads(2, "some")
    release, begun = threading.Event(), []

    def hangs() -> None:
        begun.append(1)
        release.wait(LONG)

    for _ in range(4):
        with pytest.raises(Overdue):
            crew.run(hangs, later(0.2))
    assert len(begun) == 2
    release.set()
    assert crew.run(lambda: "free again", later(LONG)) == "free again"
    crew.close()


def test_one_that_waits_goes_on_as_soon_as_a_thread_is_free() -> None:
    crew = Threads(1, "some")
    begun, release = threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        release.wait(LONG)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(crew.run, busy, later(LONG))
        assert begun.wait(LONG)
        second = pool.submit(crew.run, name, later(LONG))
        release.set()
        assert second.result(LONG) == "some_0"
        first.result(LONG)
    crew.close()


def test_closing_waits_for_what_was_begun_and_ends_all_threads() -> None:
    crew = Threads(2, "closing")
    begun, done = threading.Event(), []

    def works() -> None:
        begun.set()
        time.sleep(0.2)
        done.append(1)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(crew.run, works, later(LONG))
        assert begun.wait(LONG)
        crew.close()
        assert done
        running.result(LONG)
        assert crew.run(name, later(LONG)).startswith("closing")  # who came too late
    crew.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("closing")]


def test_a_thread_that_hangs_keeps_no_process_from_ending() -> None:
    crew = Threads(1, "some")
    assert crew.run(lambda: threading.current_thread().daemon, later(LONG))
    crew.close()


class Thing:
    """What a result may be."""


def test_a_thread_at_rest_holds_nothing_of_its_work() -> None:
    crew = Threads(1, "some")
    made = crew.run(Thing, later(LONG))
    seen = weakref.ref(made)
    del made
    assert eventually(lambda: seen() is None)
    crew.close()
