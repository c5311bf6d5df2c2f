"""The records of one patient or user: found by id, under every key, and erased.

The tables hold keyed hashes of ids within a client, a tenant and a FHIR server. So for every
such scope on record the hash is made anew, with every key of the file of keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, delete, func, select

from cds_service.ledger.entry import Entry
from cds_service.ledger.scope import Owner, Scope
from cds_service.ledger.spool import Spool
from cds_service.ledger.tables import calls, cards, feedback
from cds_service.store.engine import Store
from cds_service.store.keys import Keyring

BATCH = 500  # calls in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`reference`: a patient's or a user's, such as Patient/123. None stands for any."""

    reference: str
    is_user: bool = False
    client: str | None = None
    tenant: str | None = None
    fhir_base: str | None = None

    @property
    def column(self) -> str:
        return "user" if self.is_user else "patient"

    def digests(self, keys: Keyring, scopes: Iterable[Scope]) -> set[str]:
        """The hashes of the reference in those of the scopes that are meant."""
        return {one for s in scopes if self._means(s) for one in s.digests(keys, self.reference)}

    def _means(self, scope: Scope) -> bool:
        asked = (self.client, self.tenant, self.fhir_base)
        have = (scope.owner.client, scope.owner.tenant, scope.fhir_base)
        return all(want in (None, one) for want, one in zip(asked, have, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many records there are, or were. `waiting`: calls in this machine's spool."""

    calls: int = 0
    cards: int = 0
    feedback: int = 0
    waiting: int = 0
    first: date | None = None
    last: date | None = None


def find(store: Store, spool: Spool, wanted: Wanted) -> Found:
    """What is on record here. Raises Unavailable."""
    waiting = spool.find(lambda entry, _: _is_of(entry, wanted, store.keys))
    with store.read() as connection:
        digests = wanted.digests(store.keys, _scopes(connection))
        return replace(_found(connection, wanted, digests), waiting=len(waiting))


def erase(store: Store, spool: Spool, wanted: Wanted) -> Found:
    """Deletes it, in short transactions; what it was. Raises Unavailable, OSError.

    The spool first: what is just being written from it is in the tables afterwards.
    """
    waiting = spool.remove(lambda entry, _: _is_of(entry, wanted, store.keys))
    with store.write() as connection:
        digests = wanted.digests(store.keys, _scopes(connection))
        found = _found(connection, wanted, digests)
        for entry in waiting:
            _delete_unmatched(connection, entry["call"], [one["uuid"] for one in entry["cards"]])
    while _erase_some(store, wanted, digests):
        pass
    return replace(found, waiting=len(waiting))


def _scopes(connection: Connection) -> list[Scope]:
    """Every client, tenant and FHIR server on record."""
    rows = connection.execute(select(calls.c.client, calls.c.tenant, calls.c.fhir_base).distinct())
    return [_scope(*row) for row in rows]


def _scope(client: str, tenant: str, fhir_base: str) -> Scope:
    return Scope(owner=Owner(client=client, tenant=tenant), fhir_base=fhir_base)


def _is_of(entry: Entry, wanted: Wanted, keys: Keyring) -> bool:
    call = entry["call"]
    scope = _scope(call["client"], call["tenant"], call["fhir_base"])
    return call[wanted.column] in wanted.digests(keys, [scope])


def _found(connection: Connection, wanted: Wanted, digests: set[str]) -> Found:
    mine = calls.c[wanted.column].in_(digests)
    number, first, last = connection.execute(
        select(func.count(), func.min(calls.c.day), func.max(calls.c.day)).where(mine)
    ).one()
    shown = select(cards.c.id).where(cards.c[wanted.column].in_(digests))
    told = select(func.count()).where(feedback.c.card.in_(shown))
    return Found(
        calls=number,
        cards=connection.scalar(select(func.count()).select_from(shown.subquery())) or 0,
        feedback=connection.scalar(told) or 0,
        first=first,
        last=last,
    )


def _erase_some(store: Store, wanted: Wanted, digests: set[str]) -> bool:
    """One batch of calls with all that hangs on them; False when none is left."""
    with store.write() as connection:
        mine = calls.c[wanted.column].in_(digests)
        some = list(connection.scalars(select(calls.c.id).where(mine).limit(BATCH)))
        of_them = select(cards.c.client, cards.c.tenant, cards.c.uuid)
        for client, tenant, uuid in connection.execute(of_them.where(cards.c.call.in_(some))):
            _delete_unmatched(connection, {"client": client, "tenant": tenant}, [uuid])
        connection.execute(delete(calls).where(calls.c.id.in_(some)))
    return bool(some)


def _delete_unmatched(connection: Connection, owner: Entry, uuids: list[str]) -> None:
    """Feedback about these cards that has not found them."""
    connection.execute(
        delete(feedback).where(
            feedback.c.card.is_(None),
            feedback.c.card_uuid.in_(uuids),
            feedback.c.client == owner["client"],
            feedback.c.tenant == owner["tenant"],
        )
    )
