"""Whether a worker's memory grows over very many calls, none of them like another."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence

import click

from tools.bench.bodies import body
from tools.bench.ehr import LIFE
from tools.bench.load import Call, call, send
from tools.bench.measure import Subject, marked
from tools.bench.resolved import Measured

#: bytes, relevant resources; in turns
SHAPES = ((10_000, 5), (30_000, 20))
CONNECTIONS = 8
BATCH = 250  # calls; their tokens are signed just before they are sent, and must not expire
POINTS = 20
FULL = 0.2  # of the calls, after which what is remembered of codes and texts has reached its bounds
SETTLED = LIFE + 15  # seconds, after which as many tokens are forgotten as come
COMPARED = 3  # points at the beginning and at the end, of which the median counts
PATIENT = b"delayed-referral"  # in every id of the bodies
#: calls so far, seconds so far, MB of the largest worker
Point = tuple[int, float, float]


def growth(subject: Subject, number: int) -> Iterator[Point]:
    """`POINTS` moments of `number` calls, each of another patient and with words of its own."""
    if subject.server is None:
        raise ValueError("only the memory of a server started here can be seen")
    step, began = max(BATCH, number // POINTS), time.monotonic()
    for done in range(0, number + 1, BATCH):
        if done % step < BATCH:
            click.echo(f"{done:>10,} calls", err=True)
            largest = max(worker["resident"] for worker in subject.server.memory())
            yield done, round(time.monotonic() - began, 1), largest
        if done < number:
            outcome = send(subject.url, _batch(subject), CONNECTIONS)
            if set(outcome.statuses) != {200}:
                raise click.ClickException(f"answered {outcome.statuses}")


def _batch(subject: Subject) -> list[Call]:
    made = []
    for index in range(BATCH):
        size, relevant = SHAPES[index % len(SHAPES)]
        patient = f"patient-{uuid.uuid4().hex[:12]}".encode("ascii")
        data = marked(body(size, relevant, new=True)).replace(PATIENT, patient)
        made.append(call(subject.url, data, subject.sign(subject.url)))
    return made


def grown(points: Sequence[Point]) -> Measured | None:
    """MB from when all that is remembered has reached its bounds to the end; None: too short."""
    if not points:
        return None
    last = points[-1][0]
    settled = [mb for calls, at, mb in points if calls >= FULL * last and at >= SETTLED]
    if len(settled) < 2 * COMPARED:
        return None
    first, end = sorted(settled[:COMPARED]), sorted(settled[-COMPARED:])
    middle = COMPARED // 2
    return Measured(end[middle] - first[middle], end[0] - first[-1], end[-1] - first[0])
