"""In a running server the time of each call is told by its steps, all of it and none twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import thread_time
from typing import Any, NamedTuple

import orjson
import pytest
import requests

from tools.bench import handed, places, stopwatch, subjects
from tools.bench.bodies import body
from tools.bench.live import Live, Load, apart, means, started
from tools.bench.live_tables import live_tables
from tools.bench.load import send
from tools.bench.measure import Subject, calls
from tools.bench.places import Place
from tools.bench.records import Record, Records
from tools.bench.report import Run
from tools.bench.stopwatch import BEYOND, Call, Step, here, timed
from tools.bench.targets import FLOOR

CALLS = 12
SHOWN = (FLOOR, subjects.WHOLE)
#: what a call of the floor consists of
LEAST = {
    Step.WAITING,
    Step.HEAD,
    Step.BODY,
    Step.JSON,
    Step.ANSWER,
    Step.FREE,
    Step.FLASK,
    Step.GUNICORN,
    Step.WRITE,
    Step.AFTER,
}


class Timed(NamedTuple):
    folder: Path
    servers: dict[str, Subject]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timed]:
    folder = tmp_path_factory.mktemp("live") / "timed"
    with subjects.timed(folder, only=SHOWN) as servers:
        yield Timed(folder, {one.name: one for one in servers})


@contextmanager
def in_thread() -> Iterator[Call]:
    """A call that this thread answers."""
    call = Call()
    call.taken_up()
    try:
        yield call
    finally:
        call.left()


# --- without a server ---


def test_each_step_is_found_where_it_is_said_to_be() -> None:
    found = {(place.owner, place.name) for place in places.PLACES}
    assert len(found) == len(places.PLACES)  # none is wrapped twice
    assert len(list(places.wrapped())) == len(found)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("cds_service.web.services", "gone"),
        ("cds_service.store.engine:Store", "gone"),
        ("cds_service.store.engine:Gone", "bounded"),
        ("cds_service.gone", "x"),
    ],
)
def test_a_step_that_is_no_longer_there_is_named(owner: str, name: str) -> None:
    with pytest.raises(LookupError, match=rf"^{owner} has no {name}: tools/bench/places.py"):
        places.owner_of(Place(owner, name, lambda function: function))


def test_a_moment_belongs_to_the_innermost_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))  # a second passes from each look to the next
    monkeypatch.setattr(stopwatch, "perf_counter", lambda: next(clock))
    card = timed(lambda: None, Step.CARDS)
    rules = timed(lambda: (card(), card()), Step.RULES, then=Step.FREE)
    around = timed(lambda: (rules(), card()), Step.FLASK)
    with in_thread() as call:
        around()
    took = {step: seconds for step, seconds in zip(Step, call.wall, strict=True) if seconds}
    assert took == {
        Step.WAITING: 1,
        Step.GUNICORN: 2,  # before and after the application
        Step.FLASK: 2,  # before the rules, and behind the last card
        Step.RULES: 3,
        Step.CARDS: 3,
        Step.FREE: 1,  # from the end of the rules to the next card
    }
    assert call.ended - call.began == sum(took.values()) == 12


def test_what_fails_ends_its_step_too() -> None:
    def fails() -> None:
        raise ValueError

    with in_thread() as call:
        with pytest.raises(ValueError, match=r"^$"):
            timed(fails, Step.RULES)()
        assert call.within is Step.GUNICORN


def test_nothing_is_timed_where_no_call_is_answered() -> None:
    assert getattr(here, "call", None) is None
    assert timed(lambda: 5, Step.RULES)() == 5
    assert handed.bounded(lambda _store, work, **_: work("connection"))(None, str.upper) == (
        "CONNECTION"
    )


def test_work_handed_over_is_told_from_the_wait_for_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = of_store(lambda work: pool.submit(work).result())
    assert found.cpu[Step.TOKEN_HANDED] > 0


def test_work_done_at_once_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()  # a second passes from each look to the next
    for module in (stopwatch, handed):
        monkeypatch.setattr(module, "thread_time", lambda: next(looks))
    here.cpu = 0
    found = of_store(lambda work: work())
    del here.cpu
    assert sum(found.cpu) == next(looks) - 1


def of_store(run: Callable[[Callable[[], object]], object]) -> Call:
    """A call in which a token is noted; `run` does the work that is handed over."""

    class Store:
        def transact(self, work: Callable[[str], object]) -> object:
            return work("connection")

        def bounded(self, work: Callable[[str], object]) -> object:
            return run(lambda: self.transact(work))

    asked: list[str] = []
    for name, wrap in (("transact", handed.transaction), ("bounded", handed.bounded)):
        setattr(Store, name, wrap(getattr(Store, name)))
    with in_thread() as call:
        timed(lambda: Store().bounded(asked.append), Step.TOKEN)()
    assert asked == ["connection"]
    parts = Step.TOKEN_HANDED, Step.TOKEN_BEGIN, Step.TOKEN_SQL, Step.TOKEN_COMMIT
    assert all(call.wall[step] > 0 for step in parts)
    assert sum(call.wall) == pytest.approx(call.ended - call.began)
    return call


class Shared:
    """A store in which whoever leads does the work of two."""

    def __init__(self) -> None:
        self.works: list[Callable[[str], object]] = []
        self.joined, self.done = threading.Event(), threading.Event()

    def transact(self, work: Callable[[str], object], *, leads: bool) -> None:
        self.works.append(work)
        if not leads:
            self.joined.set()
            self.done.wait(20)
            return
        self.joined.wait(20)
        for one in self.works:
            one("connection")
        self.done.set()


def busy(_connection: str) -> None:
    until = thread_time() + 0.02
    while thread_time() < until:
        pass


def test_work_that_another_thread_does_is_told_to_whose_it_is() -> None:
    store, transact = Shared(), handed.transaction(Shared.transact)

    def called(leads: bool) -> Call:
        with in_thread() as call, ThreadPoolExecutor(1) as hand:

            def quick(_store: object, work: Callable[[str], object]) -> None:
                hand.submit(transact, store, work, leads=leads).result()

            timed(lambda: handed.bounded(quick)(None, busy), Step.TOKEN)()
        return call

    with ThreadPoolExecutor(2) as pool:
        calls = list(pool.map(called, (True, False)))
    for call in calls:
        assert sum(call.wall) == pytest.approx(call.ended - call.began)
        assert all(seconds > -1e-6 for seconds in (*call.wall, *call.cpu))
        assert call.cpu[Step.TOKEN_SQL] >= 0.02
        assert call.cpu[Step.TOKEN_COMMIT] + call.cpu[Step.TOKEN_BEGIN] < 0.02


def test_work_that_is_given_up_is_all_wait() -> None:
    held = threading.Event()

    def late(_store: object, work: Any) -> None:
        raise TimeoutError

    with in_thread() as call, pytest.raises(TimeoutError):
        timed(lambda: handed.bounded(late)(None, held.wait), Step.TOKEN)()
    assert call.wall[Step.TOKEN_HANDED] > 0
    assert call.wall[Step.TOKEN_SQL] == 0
    assert sum(call.wall) == pytest.approx(call.ended - call.began)


def test_the_slowest_are_left_out_of_all_steps_alike() -> None:
    def record(rules: float, after: float) -> Record:
        wall = [0.0] * len(Step)
        wall[Step.RULES], wall[Step.AFTER] = rules, after
        return Record(0.0, 1.0, wall, [one / 2 for one in wall])

    usual = [record(1.0, 1.0) for _ in range(18)]
    found = means([*usual, record(50.0, 0.0), record(1.0, 20.0)])
    # no client waits for what is after the answer: that call was not slow
    assert found[Step.RULES.told] == (1.0, 0.5)
    assert found[Step.AFTER.told] == (pytest.approx(38 / 19), pytest.approx(19 / 19))


def test_slow_calls_are_those_around_p99_and_usual_ones_those_around_p50() -> None:
    def record(milliseconds: int) -> Record:
        wall = [0.0] * len(Step)
        wall[Step.RULES], wall[Step.AFTER] = milliseconds / 1000, 1.0
        return Record(0.0, 1.0, wall, wall)

    found = apart([record(n) for n in reversed(range(1000))])
    usual, slow = found[Step.RULES.told]
    assert (usual, slow) == (pytest.approx(0.4995), pytest.approx(0.9895))
    assert Step.AFTER.told not in found  # no client waits for it
    assert apart([record(7)])[Step.RULES.told] == (0.007, 0.007)


def test_calls_that_were_not_timed_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.bench.records.LATE", 0.05)
    with pytest.raises(RuntimeError, match=r"^3 calls were made, and 0 timed in the server$"):
        Records(tmp_path).new(3)


# --- in servers ---


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 4])
def test_the_steps_of_each_call_add_up_to_the_whole_of_it(running: Timed, connections: int) -> None:
    for name, server in running.servers.items():
        for one in called(running, server, connections):
            assert sum(one.wall) == pytest.approx(one.ended - one.began, abs=1e-6), name
            assert all(seconds > -1e-6 for seconds in (*one.wall, *one.cpu)), name


@pytest.mark.slow
def test_each_step_of_the_whole_service_is_seen_and_of_the_floor_its_own(running: Timed) -> None:
    for name, expected in (
        (subjects.WHOLE, set(Step)),
        (FLOOR, LEAST | {Step.LOOP}),
    ):
        for one in called(running, running.servers[name], 2):
            taken = {step for step in Step if one.wall[step] or one.cpu[step]}
            assert taken == expected, name
            assert not one.wall[Step.LOOP]  # beside the calls: no part of any


@pytest.mark.slow
def test_what_no_call_is_counts_as_none(running: Timed) -> None:
    server = running.servers[subjects.WHOLE]
    assert requests.get(f"{server.url.partition('/cds-services')[0]}/health", timeout=5).ok
    assert len(called(running, server, 1)) == CALLS


def called(running: Timed, server: Subject, connections: int) -> list[Record]:
    """The records of as many calls as are sent."""
    records = Records(running.folder / server.name)
    outcome = send(server.url, calls(server, body(10_000, 5), CALLS), connections)
    assert outcome.statuses == {200: CALLS}
    return records.new(CALLS)


@pytest.mark.slow
def test_timed_servers_are_measured_beside_the_same_not_timed(tmp_path: Path) -> None:
    loads = [Load(10_000, 5, 1, 2, 4), Load(10_000, 5, 2, 2, 6)]
    found = list(started(tmp_path, loads, random.Random(1), only=SHOWN))
    assert [(one.subject, one.load, one.calls) for one in found] == [
        (FLOOR, (10_000, 5, 1), 8),
        (subjects.WHOLE, (10_000, 5, 1), 8),
        (FLOOR, (10_000, 5, 2), 12),
        (subjects.WHOLE, (10_000, 5, 2), 12),
    ]
    for one in found:
        assert set(one.steps) == {step.told for step in Step}
        assert set(one.waited) == {step.told for step in Step if step not in BEYOND}
        assert sum(one.waited.values()) > 0
        assert set(one.apart) == set(one.waited)
        assert one.timed.mean > 0 < one.plain.mean
    told = "\n".join(live_tables(found))
    assert told.count("| token verified | - | - |") == 2
    assert "\n".join(live_tables([Live.from_json(one) for one in as_kept(found)])) == told


def as_kept(found: list[Live]) -> list[dict[str, Any]]:
    """As the file of a run has it."""
    made = Run(machine={}, plan={}, samples=[], started={}, memory={}, live=found)
    return orjson.loads(orjson.dumps(made.as_json(), option=orjson.OPT_NON_STR_KEYS))["live"]
