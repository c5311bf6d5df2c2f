"""What a user did with earlier cards about a patient, read for `decide`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, select

from cds_service.guideline.overrides import meant
from cds_service.ledger import scope as names
from cds_service.ledger.entry import SHOWN
from cds_service.ledger.last_word import place
from cds_service.ledger.measures import OTHER
from cds_service.ledger.scope import FACTS, Scope
from cds_service.ledger.tables import cards, feedback
from cds_service.protocol.request import HookRequest
from cds_service.repeats import History, Override
from cds_service.site import LONGEST_REPEAT, NO_REASON
from cds_service.store.direct import Direct, Row
from cds_service.store.keys import Keyring
from cds_service.store.statements import Statement

OVERRIDDEN = "overridden"


@cache
def _answered(keys: int) -> Statement:
    found = (
        select(
            cards.c.rule,
            cards.c.fingerprint,
            feedback.c.outcome,
            feedback.c.reason,
            feedback.c.reason_system,
            feedback.c.day,
        )
        .join(feedback, feedback.c.card == cards.c.id)
        .where(_mine(keys), feedback.c.day > bindparam("after"))
        .order_by(*place(feedback))
    )
    return Statement(lambda _: found)


@cache
def _seen(keys: int) -> Statement:
    found = select(cards.c.fingerprint).where(
        _mine(keys),
        _under_any_key(cards.c.encounter, keys),
        cards.c.service != bindparam("service"),
        cards.c.state == SHOWN,
    )
    return Statement(lambda _: found)


def _mine(keys: int) -> ColumnElement[bool]:
    return and_(
        _under_any_key(cards.c.patient, keys),
        _under_any_key(cards.c.user, keys),
        cards.c.client == bindparam("client"),
        cards.c.tenant == bindparam("tenant"),
    )


def _under_any_key(column: Column[Any], keys: int) -> ColumnElement[bool]:
    """A place for each key: a list of open length would be written into the SQL at each call."""
    return column.in_([bindparam(f"{column.name}{n}") for n in range(keys)])


def _placed(name: str, digests: tuple[str, ...]) -> dict[str, str]:
    return {f"{name}{n}": digest for n, digest in enumerate(digests)}


def read(
    direct: Direct,
    request: HookRequest,
    *,
    scope: Scope,
    service: str,
    keys: Keyring,
    today: date,
    once_per_encounter: bool,
) -> History:
    """The last word on each finding, and what other hooks have shown in this encounter."""
    mine = {
        **_placed("patient", scope.digests(keys, names.patient(request))),
        **_placed("user", scope.digests(keys, request.user_id)),
        "client": scope.owner.client,
        "tenant": scope.owner.tenant,
    }
    after = today - timedelta(days=LONGEST_REPEAT)
    answered = direct.rows(_answered(len(keys.keys)), mine | {"after": after})
    last = {row[:2]: row for row in answered}
    elsewhere: frozenset[str] = frozenset()
    encounter = names.encounter(request)
    if once_per_encounter and encounter:
        here = _placed("encounter", scope.digests(keys, encounter)) | {"service": service}
        seen = direct.rows(_seen(len(keys.keys)), mine | here)
        elsewhere = frozenset(digest for (digest,) in seen)
    overrides = tuple(_overrides(last.values()))

    def same(fingerprint: str, digest: str) -> bool:
        return digest in keys.digests(FACTS, fingerprint)

    return History(overrides, elsewhere, same)


def _overrides(last: Iterable[Row]) -> Iterator[Override]:
    for rule, digest, outcome, reason, system, day in last:
        if outcome == OVERRIDDEN:
            known = reason if meant(reason, system) else OTHER
            yield Override(rule=rule, digest=digest, reason=known if reason else NO_REASON, day=day)
