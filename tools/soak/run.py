"""One run: calls at a steady rate or as fast as they go, trouble meanwhile, promises at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import fmean

from tools.bench.servers import memory_of
from tools.soak.books import Promise, promises
from tools.soak.calls import Call, Expected, record
from tools.soak.client import SHED, Clients, Tally
from tools.soak.trouble import ACTS, BURST, Trouble
from tools.soak.world import STALLS, World, world

POOL = 1_500  # calls prepared; longer runs send them again
AHEAD = 64  # calls that wait for a free connection; more would only take memory
GROWTH_MB = 5.0  # by so much a process may grow in the second half of the run
LATEST = 10.0  # seconds within which even the last call of a burst must be answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`number` calls; `rate` a second, or 0: as fast as they are answered.

    `rounds` of all kinds of trouble, spread over the run; `timed`: promises about time count.
    """

    number: int
    rate: float
    rounds: int
    workers: int = 2
    timed: bool = True


@dataclass(slots=True, kw_only=True)
class Result:
    """`memory`: seconds since the start, process id, MB resident."""

    plan: Plan
    tally: Tally
    happened: list[tuple[float, str]]
    memory: list[tuple[float, int, float]] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        return all(one.kept for one in self.promises)


def run(plan: Plan) -> Result:
    """Starts everything, calls, and holds the service to its promises."""
    with world(record(), plan.workers) as running:
        expected = Expected(running)
        bad = plan.rate > 0  # what stalls would take the time of a run that is to be long
        calls = expected.calls(min(plan.number, POOL), bad=bad)
        clients = Clients(running, 32 if plan.rate else 8)
        trouble = Trouble(running, clients, expected.stalled(STALLS))
        result = Result(plan=plan, tally=clients.tally, happened=trouble.happened)
        with _sampled(running, result):
            clients.tally.began = time.monotonic()
            _drive(plan, calls, clients, trouble)
            clients.finish()
            result.seconds = time.monotonic() - clients.tally.began
        result.promises = [
            *_answers(result, trouble),
            *promises(running, clients.tally),
            *(_timed(result) if plan.timed else ()),
        ]
        return result


def _drive(plan: Plan, calls: Sequence[Call], clients: Clients, trouble: Trouble) -> None:
    """Sends all; trouble comes after equal shares of the calls."""
    acts = plan.rounds * len(ACTS)
    share = plan.number / (acts + 1)
    making: list[threading.Thread] = []
    began = time.monotonic()
    for index in range(plan.number):
        _pace(plan, clients, began, index)
        clients.submit(calls[index % len(calls)], telling=index % 2 == 0)
        if len(making) < acts and index >= share * (len(making) + 1):
            if making:
                making[-1].join()  # one thing after the other
            making.append(threading.Thread(target=trouble.make, args=(len(making),)))
            making[-1].start()
    for one in making:
        one.join()


def _pace(plan: Plan, clients: Clients, began: float, index: int) -> None:
    if plan.rate:
        time.sleep(max(0.0, began + index / plan.rate - time.monotonic()))
        return
    while index - len(clients.tally.answers) > AHEAD:
        time.sleep(0.005)


@contextmanager
def _sampled(world: World, result: Result) -> Iterator[None]:
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(world, result, over))
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()


def _sample(world: World, result: Result, over: threading.Event) -> None:
    while not over.wait(1.0):
        at = time.monotonic() - result.tally.began
        for pid in world.service.workers():
            with suppress(OSError, KeyError):  # it may just have been killed
                result.memory.append((at, pid, memory_of(pid)["resident"]))


# --- promises ---


def _answers(result: Result, trouble: Trouble) -> Iterator[Promise]:
    wrong = [*result.tally.wrong, *trouble.wrong]
    yield Promise(
        name="every call is answered as the engine does, or refused clearly",
        found=tuple(sorted(set(wrong))[:10]),
    )
    expected = result.plan.number + BURST * sum(
        name == "more calls than are worked on" for _, name in result.happened
    )
    answered = len(result.tally.answers)
    yield Promise(
        name="every call is answered",
        found=() if answered == expected else (f"{answered} of {expected}",),
    )
    shed = result.tally.verdicts[SHED]
    if result.plan.rounds:
        yield Promise(
            name="calls beyond those worked on are told to come back",
            found=() if shed else ("none was",),
        )


def _timed(result: Result) -> Iterator[Promise]:
    latest = max((one.seconds for one in result.tally.answers), default=0.0)
    yield Promise(
        name=f"no call waits longer than {LATEST:.0f} s",
        found=() if latest <= LATEST else (f"{latest:.1f} s",),
    )
    if not result.plan.rounds:
        grown = growth(result)
        yield Promise(
            name=f"no process grows by more than {GROWTH_MB:.0f} MB in the second half",
            found=tuple(f"{mb:.1f} MB" for mb in grown.values() if mb > GROWTH_MB),
        )


def growth(result: Result) -> dict[int, float]:
    """MB by which each process grew over the second half of its life: its end against its middle.

    At first each process grows: threads start, caches and the memory of used tokens fill.
    """
    grown = {}
    for pid in {pid for _, pid, _ in result.memory}:
        own = [mb for _, one, mb in result.memory if one == pid]
        half, tenth = len(own) // 2, max(1, len(own) // 10)
        grown[pid] = fmean(own[-tenth:]) - fmean(own[half : half + tenth])
    return grown
