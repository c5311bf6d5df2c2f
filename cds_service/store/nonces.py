"""Tokens seen before, shared by all workers and machines of a deployment."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete
from sqlalchemy.sql.dml import ReturningInsert

from cds_service.store.engine import Store
from cds_service.store.statements import insert, once
from cds_service.store.tables import nonces

_EXPIRED = delete(nonces).where(nonces.c.expires < bindparam("now"))


@once
def _new(dialect: str) -> ReturningInsert[Any]:
    return insert(dialect, nonces).on_conflict_do_nothing().returning(nonces.c.jti)


def remember(
    store: Store, *, client: str, jti: str, expires: datetime, now: datetime, sweep: bool = True
) -> bool:
    """Whether `jti` of `client` is new; from now on it is not.

    One INSERT decides, so of several attempts at once exactly one is new. A token is kept
    until it `expires`: after that its own date refuses it, and the next `sweep` deletes it.
    Raises Unavailable.

    It need not be durable: what the call issues is written after it, and is.
    """

    def note(connection: Connection) -> bool:
        if sweep:
            connection.execute(_EXPIRED, {"now": now})
        digest = hashlib.sha256(jti.encode()).hexdigest()
        row = {"client": client, "jti": digest, "expires": expires}
        return connection.execute(_new(connection), row).first() is not None

    return store.bounded(note, write=True, durable=False)
