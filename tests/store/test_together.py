"""Writers to SQLite that wait for the same turn: one transaction, and each its own fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from cds_service.errors import Unavailable
from cds_service.store.direct import Direct
from cds_service.store.engine import Store
from cds_service.store.statements import Statement
from cds_service.store.tables import nonces
from cds_service.store.threads import Overdue
from cds_service.store.together import Together, Work
from tests.store.test_threads import later
from tests.stores import revert
from tests.trust.test_reload import eventually

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
NEW = Statement(lambda _: insert(nonces))
ON_SQLITE = pytest.mark.parametrize("open_new", ["sqlite"], indirect=True)


def note(direct: Direct, jti: str = "a") -> int:
    """The thread that did it."""
    direct.run(NEW, {"client": "c", "jti": jti, "expires": NOW})
    return threading.get_ident()


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(nonces)) or 0


@contextmanager
def while_another_writes(
    store: Store, works: list[Callable[[Direct], Any]]
) -> Iterator[list[Future[Any]]]:
    """All of `works` wait for the turn; on leaving, it is theirs and they are done."""
    joined = store._writers[True]._next
    with ThreadPoolExecutor(len(works)) as pool:
        with store._turns.take():
            futures = [
                pool.submit(store.direct, lambda direct, work=work: work(direct), write=True)
                for work in works
            ]
            assert eventually(lambda: len(joined) == len(works))
        yield futures


@ON_SQLITE
def test_those_who_wait_are_written_by_one_of_them_at_once(store: Store) -> None:
    works = [lambda direct, n=n: note(direct, f"{n}") for n in range(6)]
    with while_another_writes(store, works) as futures:
        threads = {future.result(20) for future in futures}
    assert len(threads) == 1
    assert count(store) == 6
    assert store.direct(lambda direct: note(direct, "alone"), write=True) == threading.get_ident()


@ON_SQLITE
@pytest.mark.parametrize("faulty", range(3))
def test_a_fault_is_told_to_whose_it_is_and_costs_no_other(store: Store, faulty: int) -> None:
    store.direct(note, write=True)
    works = [lambda direct, n=n: note(direct, "a" if n == faulty else f"{n}") for n in range(3)]
    with while_another_writes(store, works) as futures:
        for number, future in enumerate(futures):
            if number == faulty:
                with pytest.raises(IntegrityError):
                    future.result(20)
            else:
                assert future.result(20)
    assert count(store) == 3


@ON_SQLITE
def test_a_value_that_is_none_of_a_column_costs_no_other(store: Store) -> None:
    """As a damaged line of a spool may have; of the driver it would look like a lost database."""

    def damaged(direct: Direct) -> None:
        direct.run(NEW, {"client": {"an": "object"}, "jti": "b", "expires": NOW})

    with while_another_writes(store, [note, damaged]) as (well, ill):
        assert well.result(20)
        with pytest.raises(StatementError, match="list or an object"):
            ill.result(20)
    assert count(store) == 1


@ON_SQLITE
def test_a_turn_is_given_up_before_whoever_waits_for_the_work_does(
    open_new: Callable[..., Store],
) -> None:
    """Otherwise this process would rest from the database, for which there is no reason."""
    store, other = open_new(database_timeout=1000), open_new()
    with other._turns.take(), pytest.raises(Unavailable):  # as another process
        store.quick(note, write=True)
    assert store.quick(note, write=True)


@ON_SQLITE
def test_when_the_database_cannot_be_used_each_is_told_at_once(store: Store) -> None:
    revert(store)
    tried: list[int] = []

    def fails(direct: Direct) -> None:
        tried.append(1)
        note(direct)

    with while_another_writes(store, [fails, fails, fails]) as futures:
        told = [future.exception(20) for future in futures]
    assert {type(one) for one in told} == {Unavailable}
    assert {getattr(one, "cause", "") for one in told} == {"SQLITE_ERROR"}
    assert len({id(one) for one in told}) == 3
    assert len(tried) == 1  # no use in trying each


@ON_SQLITE
def test_who_comes_too_late_for_a_turn_has_the_next(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(direct: Direct) -> int:
        begun.set()
        go_on.wait(20)
        return note(direct, "slow")

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(store.direct, slow, write=True)
        begun.wait(20)
        other = pool.submit(store.direct, lambda direct: note(direct, "next"), write=True)
        assert eventually(lambda: len(store._writers[True]._next) == 1)
        go_on.set()
        assert one.result(20) != other.result(20)
    assert count(store) == 2


@ON_SQLITE
def test_a_turn_that_does_not_come_is_not_waited_for_longer_than_the_timeout(
    open_new: Callable[..., Store],
) -> None:
    store = open_new(database_timeout=300)
    with ThreadPoolExecutor(3) as pool, store._turns.take():
        futures = [
            pool.submit(store.direct, lambda direct, n=n: note(direct, f"{n}"), write=True)
            for n in range(3)
        ]
        assert {type(future.exception(20)) for future in futures} == {Unavailable}
    assert count(store) == 0
    store.direct(note, write=True)
    assert count(store) == 1


def after(event: threading.Event) -> Callable[[], AbstractContextManager[None]]:
    """A turn that comes with `event`."""

    @contextmanager
    def turn() -> Iterator[None]:
        event.wait(20)
        yield

    return turn


class Interrupted(BaseException):
    """As a keyboard's interrupt."""


@pytest.mark.parametrize("done", [0, 1])
def test_whatever_ends_the_one_who_writes_is_told_to_all(done: int) -> None:
    """One was done before by itself, and keeps what it returned."""
    works: list[Work[Any]] = []

    def transact(joined: Any) -> list[str]:
        works[:] = works or joined
        if len(joined) > 1 and done:
            raise LookupError
        if len(works) > 1 and joined == works[:done]:
            return ["well"]
        raise Interrupted

    waiting = threading.Event()
    together = Together(after(waiting), transact, 20)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(together.run, lambda _direct: None) for _ in range(2)]
        assert eventually(lambda: len(together._next) == 2)
        waiting.set()
        told = [future.exception(20) or future.result() for future in futures]
    assert sorted(map(type, told), key=str) == sorted(
        [str] * done + [Interrupted] * (2 - done), key=str
    )
    assert together._next == []


@pytest.mark.parametrize("taken", [True, False])
def test_what_was_done_stays_done(taken: bool) -> None:
    work = Work(lambda _direct: "well", single=False)
    work.returned("well")
    if taken:
        assert work.result(later(1)) == "well"
        work.raised(Interrupted())
        with pytest.raises(Overdue):  # nothing more is told
            work.result(later(0.01))
    else:
        work.raised(Interrupted())
        assert work.result(later(1)) == "well"


def test_one_is_not_waited_for_longer_than_told() -> None:
    go_on, joined = threading.Event(), threading.Event()

    def transact(works: Any) -> list[None]:
        go_on.wait(20)
        return [None for _ in works]

    together = Together(after(joined), transact, 0.2)
    with ThreadPoolExecutor(2) as pool:
        leads = pool.submit(together.run, lambda _direct: None)
        assert eventually(lambda: len(together._next) == 1)
        follows = pool.submit(together.run, lambda _direct: None)
        assert eventually(lambda: len(together._next) == 2)
        joined.set()
        with pytest.raises(Unavailable, match="in time"):
            follows.result(20)
        go_on.set()
        assert leads.result(20) is None


def test_an_error_holds_nobody() -> None:
    """No ring of an error, its traceback and the frame in it is left for the collector."""
    import gc
    import weakref

    class Kept:
        def __call__(self, _direct: Direct) -> None: ...

    def transact(_works: Any) -> list[None]:
        raise LookupError

    kept = Kept()
    gone = weakref.ref(kept)
    gc.disable()
    try:
        with pytest.raises(LookupError):
            Together(nullcontext, transact, 1).run(kept)
        del kept
        assert gone() is None
    finally:
        gc.enable()
