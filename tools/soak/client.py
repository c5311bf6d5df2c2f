"""EHRs that call, judge each answer, and tell what became of the cards until that is taken."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson
import urllib3

from tools.soak.calls import Call, canonical
from tools.soak.world import PUBLIC, World

RIGHT, SHED, PARTLY = "right", "shed (503)", "named what is missing"
TIMEOUT = 60.0  # seconds
LIFE = 60  # seconds of a token: so long the service remembers it
MOST = 128  # connections at once, all together
ATTEMPTS = 8  # of one call whose connection breaks
PAUSE = 0.3  # seconds between two attempts
FEEDBACK_ATTEMPTS = 200
REASONS = "https://pht-cds.example.org/fhir/CodeSystem/override-reason"
START = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Answered:
    """One call that was answered: seconds from the start to when it was due, and to its answer.

    Lost connections and their repetition count as waiting. `fhir`: as in `Call`.
    """

    at: float
    seconds: float
    verdict: str
    fhir: str


@dataclass(slots=True)
class Tally:
    """What clients saw and were told. `wrong`: what no document of the service allows."""

    began: float = field(default_factory=time.monotonic)
    answers: list[Answered] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)  # connections: seconds since the start
    lost_calls: int = 0  # connections of calls among them: such a call may be on record
    recorded: int = 0  # calls answered 200
    done: int = 0  # calls, answered or given up
    cards: Counter[str] = field(default_factory=Counter)  # uuid -> times told
    feedback: Counter[str] = field(default_factory=Counter)  # uuid -> entries answered 200
    refused: int = 0  # feedback told to come back
    lock: threading.Lock = field(default_factory=threading.Lock)


class Clients:
    """So many connections at most; each call and each feedback has a token and one of its own."""

    def __init__(self, world: World, connections: int = 32) -> None:
        self.tally = Tally()
        self._url = world.service.url
        self._ehr = world.ehr
        self._calls = ThreadPoolExecutor(connections, thread_name_prefix="call")
        self._tells = ThreadPoolExecutor(4, thread_name_prefix="tell")
        self._pool = urllib3.PoolManager(maxsize=MOST, retries=False, timeout=TIMEOUT)
        self._entries = 0

    def submit(self, call: Call, *, telling: bool = False, due: float | None = None) -> None:
        """Sends it as soon as a connection is free. `due`: when it should be sent, else then."""
        self._calls.submit(self._answered, call, telling=telling, due=due)

    def burst(self, call: Call, number: int) -> None:
        """So many at once, on connections of their own; returns when all are answered."""
        with ThreadPoolExecutor(number) as pool:
            for _ in range(number):
                pool.submit(self._answered, call, due=time.monotonic())

    def finish(self) -> Tally:
        """When all is answered, feedback too."""
        self._calls.shutdown()
        self._tells.shutdown()
        return self.tally

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whatever it is, the run must tell of it
            self._complain(f"the client failed: {type(error).__name__}: {error}")

    def _answered(self, call: Call, *, telling: bool = False, due: float | None = None) -> None:
        self._guarded(lambda: self._call(call, telling=telling, due=due or time.monotonic()))
        with self.tally.lock:
            self.tally.done += 1

    def _call(self, call: Call, *, telling: bool, due: float) -> None:
        path = f"/cds-services/{call.service}"
        for _ in range(ATTEMPTS):
            answer = self._sent(path, call.data)
            if answer is None:
                with self.tally.lock:
                    self.tally.lost_calls += 1
                continue
            seconds = time.monotonic() - due
            verdict, cards = judged(call, answer)
            self._note(Answered(due - self.tally.began, seconds, verdict, call.fhir), cards)
            if telling and verdict == RIGHT and not call.fhir:
                for card in cards or ():
                    self._tell_later(path, card)
            return
        self._complain(f"{path} was not answered in {ATTEMPTS} attempts")

    def _note(self, one: Answered, cards: list[dict[str, Any]] | None) -> None:
        tally = self.tally
        with tally.lock:
            tally.answers.append(one)
            tally.verdicts[one.verdict] += 1
            if cards is not None:
                tally.recorded += 1
                tally.cards.update(card["uuid"] for card in cards)
            if one.verdict not in (RIGHT, SHED, PARTLY):
                tally.wrong.append(one.verdict)

    def _complain(self, words: str) -> None:
        with self.tally.lock:
            self.tally.wrong.append(words)

    # --- feedback ---

    def _tell_later(self, path: str, card: dict[str, Any]) -> None:
        with self.tally.lock:
            self._entries += 1
            entry = _entry(card, START + timedelta(seconds=self._entries))
        if entry:
            self._tells.submit(self._guarded, lambda: self._tell(f"{path}/feedback", entry))

    def _tell(self, path: str, entry: dict[str, Any]) -> None:
        data = orjson.dumps({"feedback": [entry]})
        for _ in range(FEEDBACK_ATTEMPTS):
            answer = self._sent(path, data)
            if answer is not None and answer.status == HTTPStatus.OK:
                with self.tally.lock:
                    self.tally.feedback[entry["card"]] += 1
                return
            if answer is not None and not _told_to_wait(answer):
                self._complain(f"feedback was answered {answer.status}")
                return
            with self.tally.lock:
                self.tally.refused += answer is not None
            time.sleep(PAUSE)
        self._complain("feedback was never taken")

    def _sent(self, path: str, data: bytes) -> urllib3.BaseHTTPResponse | None:
        """None when the connection was lost."""
        headers = {"Content-Type": "application/json", "Connection": "close"}
        headers |= self._ehr.bearer(PUBLIC + path, exp=int(time.time()) + LIFE)
        try:
            return self._pool.request("POST", self._url + path, body=data, headers=headers)
        except urllib3.exceptions.HTTPError:
            with self.tally.lock:
                self.tally.lost.append(time.monotonic() - self.tally.began)
            time.sleep(PAUSE)
            return None


def judged(call: Call, answer: urllib3.BaseHTTPResponse) -> tuple[str, list[dict[str, Any]] | None]:
    """What this answer is worth, and its cards; None where it was no 200."""
    if answer.status == HTTPStatus.OK:
        told = orjson.loads(answer.data)
        return _judged_cards(call, told), told["cards"]
    if _told_to_wait(answer):
        return SHED, None
    unfetched = call.fhir and answer.status == HTTPStatus.PRECONDITION_FAILED
    if answer.status == call.status or unfetched:
        if not _is_outcome(answer):
            return f"{answer.status} without an outcome", None
        return (RIGHT if answer.status == call.status else PARTLY), None
    return f"{call.fhir or 'complete'}: {answer.status} in place of {call.status}", None


def _judged_cards(call: Call, told: Any) -> str:
    same = call.status == HTTPStatus.OK and canonical(told) == call.answer
    if not call.fhir:
        return RIGHT if same else "another answer than the engine's"
    if not {card["summary"] for card in told["cards"]} <= call.most:
        return f"{call.fhir}: cards that nothing speaks for"
    if same:
        return RIGHT
    # A FHIR server that did not answer in time: less is shown, and that is said.
    return PARTLY if told.get("extension") else f"{call.fhir}: what is missing is not named"


def _told_to_wait(answer: urllib3.BaseHTTPResponse) -> bool:
    return (
        answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        and "Retry-After" in answer.headers
        and _is_outcome(answer)
    )


def _is_outcome(answer: urllib3.BaseHTTPResponse) -> bool:
    return bool(orjson.loads(answer.data).get("resourceType") == "OperationOutcome")


def _entry(card: dict[str, Any], when: datetime) -> dict[str, Any] | None:
    """What a user does: takes the first suggestion, or overrides a warning.

    Overridden warnings are shown again, overridden information is not: the answers stay the same.
    """
    told = {"card": card["uuid"], "outcomeTimestamp": when.isoformat()}
    if card.get("suggestions"):
        taken = [{"id": card["suggestions"][0]["uuid"]}]
        return told | {"outcome": "accepted", "acceptedSuggestions": taken}
    if card["indicator"] == "info":
        return None
    reason = {"code": "patient-declined", "system": REASONS}
    return told | {"outcome": "overridden", "overrideReason": {"reason": reason}}
