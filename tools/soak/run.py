"""One run: calls at a steady rate or as fast as they go, trouble meanwhile, promises at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tools.bench.servers import memory_of
from tools.soak.books import promises
from tools.soak.calls import Call, Expected, record
from tools.soak.client import Clients
from tools.soak.result import Plan, Result, answers
from tools.soak.trouble import ACTS, Trouble
from tools.soak.world import STALLS, World, world

POOL = 4_000  # calls prepared; longer runs send them again
AHEAD = 64  # calls that wait for a free connection; more would only take memory


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
            *answers(result, trouble.wrong),
            *promises(running, clients.tally),
        ]
        return result


def _drive(plan: Plan, calls: Sequence[Call], clients: Clients, trouble: Trouble) -> None:
    """Sends all; trouble comes after equal shares of the calls."""
    acts = plan.rounds * len(ACTS)
    share = plan.number / (acts + 1)
    making: list[threading.Thread] = []
    began = time.monotonic()
    for index in range(plan.number):
        due = _paced(plan, clients, began, index)
        clients.submit(calls[index % len(calls)], telling=index % 2 == 0, due=due)
        if len(making) < acts and index >= share * (len(making) + 1):
            if making:
                making[-1].join()  # one thing after the other
            making.append(threading.Thread(target=trouble.make, args=(len(making),)))
            making[-1].start()
    for one in making:
        one.join()


def _paced(plan: Plan, clients: Clients, began: float, index: int) -> float | None:
    """Waits until the call may be sent; when it is due, if there is a rate."""
    if plan.rate:
        due = began + index / plan.rate
        time.sleep(max(0.0, due - time.monotonic()))
        return due
    while index - clients.tally.done > AHEAD:
        time.sleep(0.005)
    return None


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
