"""Tokens seen before, shared by all workers and machines of a deployment."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete

from cds_service.store.engine import Store, insert
from cds_service.store.tables import nonces


def remember(store: Store, *, client: str, jti: str, expires: datetime, now: datetime) -> bool:
    """Whether `jti` of `client` is new; from now on it is not.

    One INSERT decides, so of several attempts at once exactly one is new. A token is kept
    until it `expires`: after that its own date refuses it. Raises Unavailable.
    """

    def note(connection: Connection) -> bool:
        connection.execute(delete(nonces).where(nonces.c.expires < now))
        row = {"client": client, "jti": hashlib.sha256(jti.encode()).hexdigest()}
        statement = insert(connection, nonces).values(**row, expires=expires)
        new = statement.on_conflict_do_nothing().returning(nonces.c.jti)
        return connection.execute(new).first() is not None

    return store.bounded(note, write=True)
