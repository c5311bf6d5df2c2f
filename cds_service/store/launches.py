"""Views of the SMART app: each for one patient, encrypted by whoever keeps it here, and short."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from cds_service.store.engine import Store
from cds_service.store.tables import launches


def keep(store: Store, *, id: str, sealed: bytes, expires: datetime, now: datetime) -> None:  # noqa: A002
    """Keeps `sealed` until it expires, and forgets what has. Raises Unavailable."""

    def note(connection: Connection) -> None:
        connection.execute(delete(launches).where(launches.c.expires <= now))
        connection.execute(delete(launches).where(launches.c.id == id))
        connection.execute(insert(launches).values(id=id, sealed=sealed, expires=expires))

    store.bounded(note, write=True)


def find(store: Store, id: str, now: datetime) -> bytes | None:  # noqa: A002
    """What is kept under `id`, unless it has expired. Raises Unavailable."""
    wanted = select(launches.c.sealed).where(launches.c.id == id, launches.c.expires > now)
    return store.bounded(lambda connection: connection.execute(wanted).scalar())


def end(store: Store, id: str) -> None:  # noqa: A002
    """Forgets it. Raises Unavailable."""
    store.bounded(lambda c: c.execute(delete(launches).where(launches.c.id == id)), write=True)
