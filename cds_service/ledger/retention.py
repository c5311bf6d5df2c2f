"""Records that have been kept long enough are deleted, in short transactions.

`calls` with their cards, suggestions and feedback, also those in the spool of this machine;
`comments`, which may hold patient data and have a shorter time of their own; `pending`: feedback
whose card never came.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Delete, Select, Update, delete, func, select, update

from cds_service.ledger.entry import Entry
from cds_service.ledger.spool import Spool
from cds_service.ledger.tables import calls, feedback
from cds_service.site import KEPT
from cds_service.store.engine import Store

BATCH = 100  # rows in one transaction: requests wait for it
PAUSE = 0.02  # least seconds between two, in which requests get their turn

CALLS, COMMENTS, PENDING = KEPT


def due(store: Store, kind: str, before: datetime) -> int:
    """How many records of this kind are older."""
    with store.read() as connection:
        old = _old(kind, before).subquery()
        return connection.scalar(select(func.count()).select_from(old)) or 0


def purge(store: Store, kind: str, before: datetime, batch: int = BATCH) -> int:
    """Deletes what is older; how many. Raises Unavailable; what is done by then stays done."""
    return sum(_batches(store, kind, before, batch))


def due_in_spool(spool: Spool, before: datetime) -> int:
    """How many calls that wait, or were set aside, are older."""
    return len(spool.find(lambda entry, changed: _is_older(entry, changed, before)))


def purge_spool(spool: Spool, before: datetime) -> int:
    """Takes them out; how many. Raises OSError."""
    return len(spool.remove(lambda entry, changed: _is_older(entry, changed, before)))


def _is_older(entry: Entry, changed: float, before: datetime) -> bool:
    """Of one that does not say how old it is, its file tells: people may want to look at it."""
    try:
        return datetime.fromisoformat(entry["call"]["at"]) < before
    except (LookupError, TypeError, ValueError):
        return datetime.fromtimestamp(changed, UTC) < before


def _batches(store: Store, kind: str, before: datetime, batch: int) -> Iterator[int]:
    """How many each transaction took; the service has the database for half of the time."""
    while True:
        began = time.monotonic()
        with store.write() as connection:
            ids = list(connection.scalars(_old(kind, before).limit(batch)))
            if ids:
                connection.execute(_removal(kind, ids))
        if not ids:
            return
        yield len(ids)
        time.sleep(max(PAUSE, time.monotonic() - began))


def _old(kind: str, before: datetime) -> Select[Any]:
    """The ids, oldest first."""
    if kind == CALLS:
        return select(calls.c.id).where(calls.c.at < before).order_by(calls.c.at)
    older = select(feedback.c.id).where(feedback.c.received < before)
    if kind == COMMENTS:
        return older.where(feedback.c.comment.is_not(None)).order_by(feedback.c.received)
    return older.where(feedback.c.card.is_(None)).order_by(feedback.c.received)


def _removal(kind: str, ids: list[str]) -> Delete | Update:
    if kind == CALLS:
        return delete(calls).where(calls.c.id.in_(ids))  # and by cascade all that hangs on them
    if kind == COMMENTS:
        return update(feedback).where(feedback.c.id.in_(ids)).values(comment=None)
    return delete(feedback).where(feedback.c.id.in_(ids))
