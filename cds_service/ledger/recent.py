"""The latest calls of each client: what it asked, how long it took, what came of it.

No column about a patient, a user or an encounter is read. Calls that were refused are not in
the ledger; the log has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, select

from cds_service.ledger.tables import calls
from cds_service.service import DECEASED

LOOKED_AT = 1000  # calls, of all clients together
SHOWN = 20  # of each client


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """One call. `ms` and `shown` (cards) are None where an older version wrote it."""

    at: datetime
    tenant: str
    service: str
    hook: str
    ms: int | None
    shown: int | None
    unjudged: int
    silence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClient:
    """A client's calls among the last of all: how many, and the newest of them."""

    client: str
    count: int
    newest: tuple[Recent, ...]
    median_ms: float | None
    slowest_ms: int | None


def read(connection: Connection) -> list[OfClient]:
    """By client, the one that called last first."""
    named = (calls.c.at, calls.c.client, calls.c.tenant, calls.c.service, calls.c.hook)
    told = (calls.c.ms, calls.c.shown, calls.c.unjudged, calls.c.silence)
    newest = select(*named, *told).order_by(calls.c.at.desc()).limit(LOOKED_AT)
    by_client: dict[str, list[Any]] = {}
    for row in connection.execute(newest):
        by_client.setdefault(row.client, []).append(row)
    return [_of_client(client, rows) for client, rows in by_client.items()]


def _of_client(client: str, rows: Sequence[Any]) -> OfClient:
    timed = [row.ms for row in rows if row.ms is not None]
    return OfClient(
        client=client,
        count=len(rows),
        newest=tuple(_recent(row) for row in rows[:SHOWN]),
        median_ms=median(timed) if timed else None,
        slowest_ms=max(timed, default=None),
    )


def _recent(row: Any) -> Recent:
    return Recent(
        at=row.at,
        tenant=row.tenant,
        service=row.service,
        hook=row.hook,
        ms=row.ms,
        shown=row.shown,
        unjudged=row.unjudged,
        silence="" if row.silence == DECEASED else row.silence,
    )
