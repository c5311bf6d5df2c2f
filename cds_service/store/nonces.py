"""Tokens seen before, shared by all workers and machines of a deployment."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import bindparam, delete

from cds_service.store.direct import Direct
from cds_service.store.engine import Store
from cds_service.store.statements import Statement, insert
from cds_service.store.tables import nonces

_EXPIRED = Statement(lambda _: delete(nonces).where(nonces.c.expires < bindparam("now")))
_NEW = Statement(lambda dialect: insert(dialect, nonces).on_conflict_do_nothing())


def remember(
    store: Store, *, client: str, jti: str, expires: datetime, now: datetime, sweep: bool = True
) -> bool:
    """Whether `jti` of `client` is new; from now on it is not.

    One INSERT decides, so of several attempts at once exactly one is new. A token is kept
    until it `expires`: after that its own date refuses it, and the next `sweep` deletes it.
    Raises Unavailable.

    It need not be durable: what the call issues is written after it, and is.
    """
    digest = hashlib.sha256(jti.encode()).hexdigest()

    def note(direct: Direct) -> bool:
        if sweep:
            direct.run(_EXPIRED, {"now": now})
        return direct.run(_NEW, {"client": client, "jti": digest, "expires": expires}) == 1

    return store.quick(note, write=True, durable=False, single=not sweep)
