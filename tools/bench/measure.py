"""Rounds that alternate between the servers, in an order shuffled anew each time.

A machine that slows down for a second slows all of them; the ratios stay.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tools.bench.bodies import Body
from tools.bench.load import Call, call, send
from tools.bench.servers import Server

SERVICE = "pht-patient-view"
#: the hookInstance of the fixture the bodies are made from
INSTANCE = b"0d54cee4-98d7-5cab-912b-81968578427b"
Sign = Callable[[str], str]  # the URL called -> a token, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A service under measurement: its endpoint, and how its client signs a call.

    `server`: None for a peer that somebody else started.
    """

    name: str
    url: str
    server: Server | None
    sign: Sign = lambda _url: ""

    @classmethod
    def of(cls, server: Server, sign: Sign = lambda _url: "") -> Subject:
        """The patient-view service of a server started here."""
        url = f"{server.url}/cds-services/{SERVICE}"
        return cls(name=server.name, url=url, server=server, sign=sign)


@dataclass(slots=True, kw_only=True)
class Sample:
    """All answers of one server to one body at one number of connections."""

    subject: str
    #: bytes: what the body was asked to have, and what it has
    asked: int
    size: int
    relevant: int
    resources: int
    connections: int
    #: seconds, in order of completion
    latencies: list[float] = field(default_factory=list)
    #: calls answered in each round, and the seconds it took
    rounds: list[tuple[int, float]] = field(default_factory=list)
    #: seconds of processor time in each round: of the server, and of this generator of load
    cpu: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """Seconds within which this share (0 to 1) of the calls was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def rate(self) -> float:
        """Calls a second: the median of the rounds."""
        rates = sorted(calls / seconds for calls, seconds in self.rounds)
        return rates[len(rates) // 2]

    def cost(self) -> float | None:
        """Seconds of processor time the server spends on a call, over all rounds."""
        return sum(self.cpu) / sum(calls for calls, _ in self.rounds) if self.cpu else None

    def share(self) -> float:
        """How much of one core this generator of load was busy: at 1 it would be the limit."""
        return sum(self.generator) / sum(seconds for _, seconds in self.rounds)


def calls(subject: Subject, body: Body, number: int) -> list[Call]:
    """As many calls, each with a hookInstance (and a token) of its own."""
    return [call(subject.url, marked(body), subject.sign(subject.url)) for _ in range(number)]


def marked(body: Body) -> bytes:
    """The call with a hookInstance of its own, as each call of an EHR has."""
    before, _, after = body.data.partition(INSTANCE)
    return b"".join((before, str(uuid.uuid4()).encode("ascii"), after))


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
    samples = {
        s.name: Sample(
            subject=s.name,
            asked=body.asked,
            size=body.size,
            relevant=body.relevant,
            resources=body.resources,
            connections=connections,
        )
        for s in subjects
    }
    for number in range(rounds + 1):
        for subject in chance.sample(list(subjects), len(subjects)):
            made, cpu = calls(subject, body, each), subject.server.cpu() if subject.server else 0.0
            outcome = send(subject.url, made, connections)
            if number == 0:
                continue
            sample = samples[subject.name]
            if subject.server:
                sample.cpu.append(subject.server.cpu() - cpu)
            sample.generator.append(outcome.cpu)
            sample.latencies += outcome.latencies
            sample.rounds.append((each, outcome.seconds))
            for status, count in outcome.statuses.items():
                sample.statuses[status] = sample.statuses.get(status, 0) + count
    yield from samples.values()
