"""A day in a clinic: users open charts, and the clinic keeps its own count of what became of it.

The clinic knows the service by HTTP alone. Which cards it must be spared, it works out for itself.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from tests import orders
from tests.conformance.calls import PATIENTS, SELECT, SIGN, VIEW, body, on_file, overdue
from tests.conformance.calls import without_guidance as nothing
from tests.ledger.telling import REASONS
from tests.strategies import chart, loading, pht
from tests.strategies import request as view

USERS, CHARTS, THREADS = 10, 200, 4
CODES = ("patient-declined", "record-wrong", "improving", "already-done", "")
HELD = "overridden by this user"
KINDS = {HELD: "repeat", "more than": "budget"}  # by how the reason begins; else precedence

Sent = tuple[str, dict[str, Any]]
Card = dict[str, Any]


def samples() -> list[Sent]:
    """What the charts hold, and at which hook."""
    steroid = orders.service("d1")
    four = chart(pht(), orders.LOADED, *orders.given(300, 200, 100, 5))
    recent = chart(pht(), orders.LOADED, *orders.given(10))
    treated = chart(pht(), orders.LOADED)
    return [
        *map(on_file, PATIENTS),
        (VIEW, overdue()),
        (VIEW, body(view(chart(pht(), loading(since=120))))),
        (VIEW, nothing()),
        (SIGN, body(orders.request(four, steroid))),
        (SELECT, body(orders.request(recent, steroid, hook="order-select"))),
        (SIGN, body(orders.request(treated, orders.ibuprofen(1000)))),
    ]


@dataclass
class Tally:
    """The clinic's own count: by rule and hook, what became of each finding; by reason."""

    calls: int = 0
    again: int = 0
    found: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.calls += other.calls
        self.again += other.again
        self.found += other.found
        self.reasons += other.reasons

    def of(self, what: str = "", *, rule: str = "", hook: str = "") -> int:
        return sum(
            number
            for (of_rule, at, became), number in self.found.items()
            if what in ("", became) and rule in ("", of_rule) and hook in ("", at)
        )


@dataclass
class Chart:
    """One patient's chart on this day. `chance` makes every run the same."""

    url: str
    sent: Sent
    patient: str
    user: str
    other: str
    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    session: requests.Session = field(default_factory=requests.Session)

    def day(self) -> Tally:
        """Opened, answered, perhaps opened again by the same user, and by another."""
        first = self.open(self.user)
        dismissed = self.answer(first)
        if self.chance.random() < 0.4:
            again = self.open(self.user, spared=dismissed)
            wanted = [one for one in map(known, first) if one not in dismissed]
            assert sorted(map(known, again)) == sorted(wanted), (again, dismissed)
            self.answer(again)
        if self.chance.random() < 0.3:
            assert sorted(map(known, self.open(self.other))) == sorted(map(known, first))
        return self.tally

    def open(self, user: str, spared: Iterable[tuple[str, str]] = ()) -> list[Card]:
        """The cards; sometimes the call is sent twice, as after a lost answer."""
        call = self._call(user)
        told = self._post(call)
        self.tally.calls += 1
        cards, withheld = told["cards"], rationale(told).get("withheld", [])
        if self.chance.random() < 0.2:
            assert self._post(call)["cards"] == cards
            self.tally.calls += 1
            self.tally.again += len(cards) + len(withheld)
        kinds = Counter(kind(one["reason"]) for one in withheld)
        assert kinds["repeat"] == len(list(spared))
        for one in withheld:
            self._count(one["rule"], kind(one["reason"]))
        for card in cards:
            self._count(rule(card), "ignored")
        return cards

    def answer(self, cards: list[Card]) -> set[tuple[str, str]]:
        """Tells what was done with the cards; the info cards whose last word is a dismissal."""
        dismissed = set()
        for card in cards:
            words = [self._word(card) for _ in range(self.chance.choice((0, 1, 1, 1, 2, 3)))]
            entries = [entry(card, w, minute) for minute, w in enumerate(words, start=1)]
            if not entries:
                continue
            for one in self._deliveries(entries):
                self._tell(one)
            self._count(rule(card), "ignored", -1)
            self._count(rule(card), words[-1][0])
            if words[-1][0] == "overridden":
                self.tally.reasons[words[-1][1] or "no-code"] += 1
                if card["indicator"] == "info":
                    dismissed.add(known(card))
        return dismissed

    def _word(self, card: Card) -> tuple[str, str]:
        if card.get("suggestions") and self.chance.random() < 0.5:
            return "accepted", ""
        return "overridden", self.chance.choice(CODES)

    def _deliveries(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Some arrive twice, some out of order."""
        sent = entries + [one for one in entries if self.chance.random() < 0.3]
        if self.chance.random() < 0.3:
            self.chance.shuffle(sent)
        return sent

    def _call(self, user: str) -> dict[str, Any]:
        _, sample = self.sent
        old = sample["context"]["patientId"]
        written = json.dumps(sample).replace(f"Patient/{old}", f"Patient/{self.patient}")
        call: dict[str, Any] = json.loads(written.replace(f'"{old}"', f'"{self.patient}"'))
        call["context"]["userId"] = user
        return call | {"hookInstance": str(uuid4())}

    def _post(self, call: dict[str, Any]) -> Any:
        answer = self.session.post(
            f"{self.url}{self.sent[0]}", params={"explain": "true"}, json=call, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _tell(self, one: dict[str, Any]) -> None:
        path = f"{self.url}{self.sent[0]}/feedback"
        answer = self.session.post(path, json={"feedback": [one]}, timeout=60)
        assert answer.status_code == 200, answer.text

    def _count(self, of: str, became: str, by: int = 1) -> None:
        self.tally.found[of, self.sent[1]["hook"], became] += by


def entry(card: Card, word: tuple[str, str], minute: int) -> dict[str, Any]:
    outcome, code = word
    told = {"card": card["uuid"], "outcome": outcome}
    told["outcomeTimestamp"] = f"2026-06-15T10:{minute:02}:00Z"
    if outcome == "accepted":
        return told | {"acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    if code:
        return told | {"overrideReason": {"reason": {"code": code, "system": REASONS}}}
    return told


def known(card: Card) -> tuple[str, str]:
    return rule(card), card["summary"]


def rule(card: Card) -> str:
    return str(card["source"]["topic"]["code"])


def kind(reason: str) -> str:
    return next((k for start, k in KINDS.items() if reason.startswith(start)), "precedence")


def rationale(told: Any) -> Any:
    return told.get("extension", {}).get("org.pht-cds.rationale", {})


def day(url: str) -> Tally:
    """The whole day: every chart by its own user, several at the same time."""
    kinds = samples()
    charts = []
    for number in range(CHARTS):
        chance = random.Random(number)
        users = chance.sample([f"Practitioner/u{n}" for n in range(USERS)], 2)
        sent = kinds[number % len(kinds)]
        charts.append(Chart(url, sent, f"chart-{number}", *users, chance))
    tally = Tally()
    with ThreadPoolExecutor(THREADS) as pool:
        for one in pool.map(Chart.day, charts):
            tally.add(one)
    return tally
