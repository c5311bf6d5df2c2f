"""Clients that call and tell what became of their cards, while something breaks.

What they were told is compared with what stands in the database afterwards.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from sqlalchemy import func, select

from cds_service.ledger.tables import calls, cards, feedback
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Running
from tests.ledger.telling import FEEDBACK, accepted, overridden

ATTEMPTS = 300  # of one feedback entry, a tenth of a second apart
PAUSE = 0.1


def eventually(true: Callable[[], Any]) -> bool:
    for _ in range(ATTEMPTS):
        if true():
            return True
        time.sleep(PAUSE)
    return False


@dataclass
class Told:
    """What all clients together were told."""

    asked: int = 0  # calls sent, also those whose connection was lost
    answered: int = 0
    lost: int = 0  # connections lost
    cards: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)  # cards whose feedback was answered 200
    calls: Counter[int] = field(default_factory=Counter)  # by status
    refused: list[requests.Response] = field(default_factory=list)  # feedback not taken at once


class Load:
    """`each` calls by each of so many clients, with feedback on every card (or none).

    They make more, up to a limit, until what they were told is `enough`.
    """

    def __init__(
        self,
        servers: Sequence[Running],
        clients: int = 4,
        each: int = 12,
        *,
        telling: bool = True,
        enough: Callable[[Told], bool] = lambda _: True,
    ) -> None:
        self._telling = telling
        self._enough = enough
        self.told = Told()
        self._urls = [server.url for server in servers]
        self._clients, self._each = clients, each
        self._lock = threading.Lock()

    def run(self) -> Told:
        """Until all is answered."""
        with self.under_way():
            pass
        return self.told

    @contextmanager
    def under_way(self) -> Iterator[Load]:
        """While something is done to the service; ends when all is answered."""
        with ThreadPoolExecutor(self._clients) as pool:
            done = [pool.submit(self._client, number) for number in range(self._clients)]
            yield self
            for one in done:
                one.result()

    def reached(self, number: int) -> None:
        """Waits until so many calls were answered."""
        assert eventually(lambda: self.told.answered >= number), self.told

    def moved(self, *servers: Running) -> None:
        """From now on the clients call these."""
        self._urls = [server.url for server in servers]

    def _client(self, number: int) -> None:
        for turn in range(ATTEMPTS):
            if turn >= self._each and self._enough(self.told):
                return
            card = self._called(number + turn)
            if card is not None and self._telling:
                told = accepted(card) if turn % 2 else overridden(card, "patient-declined")
                self._tell(number + turn + 1, told)  # another server than it was issued by

    def _url(self, place: int) -> str:
        urls = self._urls
        return urls[place % len(urls)]

    def _called(self, place: int) -> dict[str, Any] | None:
        body = overdue() | {"hookInstance": str(uuid4())}
        for _ in range(ATTEMPTS):
            answer = self._sent(self._url(place) + VIEW, body, asked=1)
            if answer is None:
                continue
            with self._lock:
                self.told.calls[answer.status_code] += 1
                if answer.status_code != 200:
                    return None
                (card,) = answer.json()["cards"]
                self.told.answered += 1
                self.told.cards.append(card["uuid"])
            return dict(card)
        raise AssertionError("the service does not come back")

    def _tell(self, place: int, entry: dict[str, Any]) -> None:
        for _ in range(ATTEMPTS):
            answer = self._sent(self._url(place) + FEEDBACK, {"feedback": [entry]})
            if answer is not None and answer.status_code == 200:
                with self._lock:
                    self.told.feedback.append(entry["card"])
                return
            if answer is not None:
                self.told.refused.append(answer)
            time.sleep(PAUSE)
        raise AssertionError(f"feedback is never taken: {self.told.refused[-1].text}")

    def _sent(self, url: str, body: Any, asked: int = 0) -> requests.Response | None:
        """None when the connection was lost: the client sends the same again."""
        with self._lock:
            self.told.asked += asked
        try:
            return requests.post(url, json=body, timeout=60)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            with self._lock:
                self.told.lost += 1
            time.sleep(PAUSE)
            return None


@dataclass
class Base:
    """One database, the folder of one machine, and the settings of servers on both."""

    state: Path
    environment: dict[str, str]

    @property
    def spool(self) -> Path:
        return self.state / "spool"

    def waiting(self) -> int:
        return sum(file.stat().st_size for file in self.spool.glob("*.jsonl"))

    @contextmanager
    def opened(self) -> Iterator[Store]:
        names = {name: key for key, name in Settings.variables().items()}
        given = {n: self.environment[k] for n, k in names.items() if k in self.environment}
        store = open_store(Settings.load(**given), bounded=False)
        yield store
        store.close()

    def holds(self, told: Told) -> None:
        """All that was acknowledged stands once, and nothing twice."""
        assert eventually(lambda: self.waiting() == 0), "the spool was not drained"
        with self.opened() as store, store.read() as connection:
            shown = Counter(connection.scalars(select(cards.c.uuid)))
            kept = Counter(connection.scalars(select(feedback.c.card_uuid)))
            unlinked = select(func.count()).where(feedback.c.card.is_(None))
            made = connection.scalar(select(func.count()).select_from(calls)) or 0
            issued = connection.scalar(select(func.sum(cards.c.issued))) or 0
            assert connection.scalar(unlinked) == 0
        assert set(told.cards) <= set(shown)
        assert set(shown.values()) <= {1}
        assert kept == Counter(told.feedback)
        assert told.answered <= made <= told.asked
        assert issued == made  # each call had one card


def refused(running: Running, card: str = "5b3ab0a4-4a4b-4f0f-a1a6-1d4c34bd1b7d") -> bool:
    """Whether feedback is told to come back."""
    entry = overridden({"uuid": card})
    answer = requests.post(running.url + FEEDBACK, json={"feedback": [entry]}, timeout=60)
    if answer.status_code == 503:
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["issue"][0]["code"] == "transient"
    return answer.status_code == 503


def advised(running: Running) -> dict[str, Any]:
    """The card of one call, which is answered."""
    answer = requests.post(running.url + VIEW, json=overdue(), timeout=60)
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    return dict(card)


def parts(running: Running) -> dict[str, str]:
    """How each part of the server stands, by /ready."""
    told: dict[str, str] = requests.get(running.url + "/ready", timeout=60).json()["parts"]
    return told


def metric(running: Running, name: str) -> float:
    """The value of a metric that has no label."""
    text = requests.get(running.url + "/metrics", timeout=60).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def workers(running: Running) -> list[int]:
    """The process ids of the server's workers."""
    pid = running.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def without_workers(running: Running) -> Iterator[None]:
    """Kills them; until it is left, no others are started."""
    running.process.send_signal(signal.SIGSTOP)

    def none() -> bool:
        """It may have started another one before it stopped."""
        living = [pid for pid in workers(running) if _lives(pid)]
        for pid in living:
            os.kill(pid, signal.SIGKILL)
        return not living

    try:
        assert eventually(none)
        yield
    finally:
        running.process.send_signal(signal.SIGCONT)


def _lives(pid: int) -> bool:
    """Not one that only waits for its parent to be told that it ended."""
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


def kill_all(running: Running) -> None:
    """The server and its workers, at once, as when the machine loses power."""
    pids = workers(running)
    running.process.send_signal(signal.SIGSTOP)  # so that it starts no further ones
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    running.process.kill()
    running.process.wait(timeout=30)


def no_traceback(running: Running) -> None:
    """Every line of the log is one JSON object, and no fault is among them."""
    for line in running.log.read_text().splitlines():
        if line.startswith("WARNING: "):
            continue
        assert "fault" not in json.loads(line), line
