"""EHRs that call and tell what became of the cards, and keep what they were told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from tests.conformance.calls import VIEW, overdue, without_guidance
from tests.ledger.telling import FEEDBACK, accepted

ATTEMPTS = 10  # of one call, each with a new token
REFUSED = {429, 502, 503, 504}


@dataclass
class Told:
    """What callers know; `unsound` is what no answer may be."""

    calls: int = 0
    cards: list[str] = field(default_factory=list)  # uuids, of answers that arrived
    silent: int = 0  # answers without a card, rightly
    feedback: list[str] = field(default_factory=list)  # uuids of cards, acknowledged
    refused: int = 0  # clearly, with a time to come back
    unsound: list[str] = field(default_factory=list)


Post = Callable[[Any, str], requests.Response]


@dataclass
class Clinic:
    """Calls at a steady rate. `at`: what happens at the call of a number, while others go on."""

    post: Post
    every: float = 0.04  # seconds between the beginnings of two calls
    at: dict[int, Callable[[], None]] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, calls: int, *, callers: int) -> Told:
        """That many calls more, every third about a patient of whom there is nothing to say."""
        first, begun = self.begun, time.monotonic()
        self.begun += calls

        def one(number: int) -> None:
            time.sleep(max(0.0, begun + (number - first) * self.every - time.monotonic()))
            if number in self.at:
                self.at[number]()
            self._one(number)

        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(one, range(first, self.begun)))
        return self.told

    def _one(self, number: int) -> None:
        quiet = number % 3 == 2
        body = without_guidance() if quiet else overdue()
        body["hookInstance"] = str(uuid4())
        body["context"] = body["context"] | {"userId": f"Practitioner/{number}"}
        answer = self._answered(body, VIEW)
        if answer is None:
            return
        cards = answer.json()["cards"]
        rules = [card["source"]["topic"]["code"] for card in cards]
        if rules != ([] if quiet else ["surgical-referral-overdue"]):
            self._note(f"call {number}: {rules}")
        with self.lock:
            self.told.calls += 1
            self.told.silent += quiet
            self.told.cards += [card["uuid"] for card in cards]
        for card in cards:
            if self._answered({"feedback": [accepted(card)]}, FEEDBACK) is not None:
                with self.lock:
                    self.told.feedback.append(card["uuid"])

    def _answered(self, body: Any, path: str) -> requests.Response | None:
        """The answer, after as many attempts as it takes."""
        for _ in range(ATTEMPTS):
            answer = self.post(body, path)
            if answer.status_code == 200:
                return answer
            with self.lock:
                self.told.refused += 1
            clear = answer.json().get("resourceType") == "OperationOutcome"
            if (
                answer.status_code not in REFUSED
                or "Retry-After" not in answer.headers
                or not clear
            ):
                self._note(f"{path}: {answer.status_code} {answer.text[:200]}")
            time.sleep(0.2)
        self._note(f"{path}: not answered in {ATTEMPTS} attempts")
        return None

    def _note(self, what: str) -> None:
        with self.lock:
            self.told.unsound.append(what)
