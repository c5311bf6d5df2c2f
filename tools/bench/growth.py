"""Whether a worker's memory grows over very many calls."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tools.bench.bodies import body
from tools.bench.load import send
from tools.bench.measure import Subject, calls

SIZE, RELEVANT = 10_000, 5
CONNECTIONS = 8
BATCH = 1_000  # calls; their tokens are signed just before they are sent
POINTS = 20


def growth(subject: Subject, number: int) -> Iterator[tuple[int, float]]:
    """(calls so far, MB of the largest worker), at `POINTS` moments of `number` calls."""
    if subject.server is None:
        raise ValueError("only the memory of a server started here can be seen")
    step = max(BATCH, number // POINTS)
    for done in range(0, number + 1, BATCH):
        if done % step < BATCH:
            click.echo(f"{done:>10,} calls", err=True)
            yield done, max(worker["resident"] for worker in subject.server.memory())
        if done < number:
            outcome = send(subject.url, calls(subject, body(SIZE, RELEVANT), BATCH), CONNECTIONS)
            if set(outcome.statuses) != {200}:
                raise click.ClickException(f"answered {outcome.statuses}")
