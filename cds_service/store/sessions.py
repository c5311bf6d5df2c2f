"""Who is logged in, on all machines of a deployment. The database holds no secret of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from cds_service.store.engine import Store
from cds_service.store.tables import sessions

TOUCH = timedelta(seconds=60)  # the row is not written again for each request


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`id` and `proof` are keyed hashes: of the browser's secret, and of the password's line."""

    id: str
    operator: str
    proof: str
    seen: datetime
    expires: datetime


def begin(store: Store, session: Session) -> None:
    """Puts the session on record, and forgets those that are over. Raises Unavailable."""

    def note(connection: Connection) -> None:
        connection.execute(delete(sessions).where(sessions.c.expires <= session.seen))
        connection.execute(delete(sessions).where(sessions.c.id == session.id))
        row = {name: getattr(session, name) for name in Session.__dataclass_fields__}
        connection.execute(insert(sessions).values(**row))

    store.bounded(note, write=True)


def find(store: Store, ids: tuple[str, ...]) -> Session | None:
    """The session under one of these ids, also one that is over. Raises Unavailable."""

    def look(connection: Connection) -> Session | None:
        row = connection.execute(select(sessions).where(sessions.c.id.in_(ids))).mappings().first()
        return Session(**row) if row else None

    return store.bounded(look)


def touch(store: Store, session: Session, now: datetime) -> None:
    """Notes that it is in use, at most once a minute. Raises Unavailable."""
    if now - session.seen < TOUCH:
        return
    mine = sessions.c.id == session.id
    store.bounded(lambda c: c.execute(update(sessions).where(mine).values(seen=now)), write=True)


def end(store: Store, ids: tuple[str, ...]) -> None:
    """Logs out. Raises Unavailable."""
    store.bounded(lambda c: c.execute(delete(sessions).where(sessions.c.id.in_(ids))), write=True)
