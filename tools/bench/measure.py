"""Rounds that alternate between the servers, in an order shuffled anew each time.

A machine that slows down for a second slows all of them; the ratios stay.
"""

from __future__ import annotations

import math
import random
import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import accumulate, pairwise

from tools.bench.bodies import NEW, Body
from tools.bench.load import Call, call, send
from tools.bench.servers import Server

SERVICE = "pht-patient-view"
#: the hookInstance of the fixture the bodies are made from
INSTANCE = b"0d54cee4-98d7-5cab-912b-81968578427b"
USER = b'"userId":"Practitioner/osei"'
Sign = Callable[[str], str]  # the URL called -> a token, or ""


def unsigned(_url: str) -> str:
    """For a service that asks for no token."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A service under measurement: its endpoint, and how its client signs a call.

    `server`: None for a peer that somebody else started.
    """

    name: str
    url: str
    server: Server | None
    sign: Sign = unsigned

    @classmethod
    def of(cls, server: Server, sign: Sign = unsigned) -> Subject:
        """The patient-view service of a server started here."""
        url = f"{server.url}/cds-services/{SERVICE}"
        return cls(name=server.name, url=url, server=server, sign=sign)


@dataclass(slots=True, kw_only=True)
class Sample:
    """All answers of one server to one body at one number of connections.

    The rounds of all servers alternate: the same place in two samples is the same moment.
    """

    subject: str
    #: bytes: what the body was asked to have, and what it has
    asked: int
    size: int
    relevant: int
    resources: int
    connections: int
    #: the body's padding has texts that no call had before
    new: bool = False
    #: seconds of the answers 200, in order of completion
    latencies: list[float] = field(default_factory=list)
    #: calls answered in each round, and the seconds it took
    rounds: list[tuple[int, float]] = field(default_factory=list)
    #: seconds of processor time in each round: of the server, and of this generator of load
    cpu: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    #: why a peer could not be measured
    fault: str = ""

    def percentile(self, share: float) -> float:
        """Seconds within which this share (0 to 1) of the calls was answered; NaN: none was."""
        ordered = sorted(self.latencies)
        if not ordered:
            return math.nan
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def rate(self) -> float:
        """Calls a second: the median of the rounds."""
        return statistics.median(self.rates()) if self.rounds else math.nan

    def rates(self) -> list[float]:
        """Calls a second of each round."""
        return [calls / seconds for calls, seconds in self.rounds]

    def medians(self) -> list[float]:
        """Seconds: the p50 of each round."""
        ends = accumulate((calls for calls, _ in self.rounds), initial=0)
        parts = [self.latencies[a:b] for a, b in pairwise(ends)]
        return [statistics.median(part) if part else math.nan for part in parts]

    def refused(self) -> float:
        """Which share of the calls was not answered with 200."""
        return 1 - self.statuses.get(HTTPStatus.OK, 0) / max(1, sum(self.statuses.values()))

    def cost(self) -> float | None:
        """Seconds of processor time the server spends on a call, over all rounds."""
        return sum(self.cpu) / max(1, len(self.latencies)) if self.cpu else None

    def share(self) -> float:
        """How much of one core this generator of load was busy: at 1 it would be the limit."""
        taken = sum(seconds for _, seconds in self.rounds)
        return sum(self.generator) / taken if taken else 0.0


def calls(subject: Subject, body: Body, number: int) -> list[Call]:
    """As many calls, each with a hookInstance (and a token) of its own."""
    return [call(subject.url, marked(body), subject.sign(subject.url)) for _ in range(number)]


def marked(body: Body) -> bytes:
    """The call with a hookInstance of its own, as each call of an EHR has, and its new words.

    It is another user's: no ledger holds thousands of cards of one user about one patient.
    """
    own = str(uuid.uuid4()).encode("ascii")
    data = body.data.replace(USER, USER.replace(b"osei", own[:4]), 1)
    before, _, after = data.partition(INSTANCE)
    if body.new:
        after = after.replace(NEW, own[: len(NEW)])
        before = before.replace(NEW, own[: len(NEW)])
    return b"".join((before, own, after))


def measure(
    subjects: Sequence[Subject],
    body: Body,
    *,
    connections: int,
    rounds: int,
    each: int,
    chance: random.Random,
) -> Iterator[Sample]:
    """One Sample for each subject, from so many rounds of `each` calls; one round warms up."""
    samples = {one.name: _sample(one, body, connections) for one in subjects}
    for number in range(rounds + 1):
        for subject in chance.sample(list(subjects), len(subjects)):
            sample = samples[subject.name]
            if not sample.fault:
                _round(subject, body, sample, (connections, each), warms_up=number == 0)
    yield from samples.values()


def _sample(subject: Subject, body: Body, connections: int) -> Sample:
    return Sample(
        subject=subject.name,
        asked=body.asked,
        size=body.size,
        relevant=body.relevant,
        resources=body.resources,
        connections=connections,
        new=body.new,
    )


def _round(
    subject: Subject, body: Body, sample: Sample, load: tuple[int, int], *, warms_up: bool
) -> None:
    """`load`: connections, and calls. What a peer does ends no run."""
    connections, each = load
    made, cpu = calls(subject, body, each), subject.server.cpu() if subject.server else 0.0
    try:
        outcome = send(subject.url, made, connections)
    except (OSError, ValueError) as error:
        if subject.server:
            raise
        sample.fault = f"{type(error).__name__}: {error}".replace("|", "/")[
            :100
        ]  # a cell of a table
        return
    if warms_up:
        return
    if subject.server:
        sample.cpu.append(subject.server.cpu() - cpu)
    sample.generator.append(outcome.cpu)
    sample.latencies += outcome.latencies
    sample.rounds.append((len(outcome.latencies), outcome.seconds))
    for status, count in outcome.statuses.items():
        sample.statuses[status] = sample.statuses.get(status, 0) + count
