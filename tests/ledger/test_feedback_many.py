"""A thousand entries in one request: in few statements, in parts, and whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from cds_service.ledger import ledger
from cds_service.ledger.tables import cards, feedback, suggestions
from cds_service.store.engine import Store
from tests.ledger.advised import advised
from tests.ledger.telling import accepted, overridden, tell, warnings

MOST = 1000


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What is sent to the database meanwhile; one for many rows is one."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


@pytest.fixture
def entries(store: Store) -> list[dict[str, Any]]:
    """Every other one about a card that is known."""
    advised(store, MOST // 2, client="anyone")
    with store.read() as connection:
        known = list(connection.scalars(select(cards.c.uuid)))
    return [
        entry
        for number, uuid in enumerate(known)
        for entry in (overridden({"uuid": uuid}), overridden({"uuid": f"unknown-{number}"}))
    ]


def kept(store: Store) -> tuple[int, int]:
    """Entries on record; those of them that found their card."""
    with store.read() as connection:
        row = connection.execute(select(func.count(), func.count(feedback.c.card))).one()
        return row[0], row[1]


def test_a_thousand_entries_are_kept_once_however_often_they_come(
    client: FlaskClient, store: Store, entries: list[dict[str, Any]]
) -> None:
    unknown = [f"feedback[{place}].card" for place in range(1, MOST, 2)]
    for _ in range(2):
        with statements(store) as sent:
            answer = tell(client, *entries)
        assert answer.status_code == 200
        assert warnings(answer) == unknown
        assert kept(store) == (MOST, MOST // 2)
        assert len(sent) <= 12 * MOST / ledger.PART


def test_parts_that_were_kept_count_once_when_all_comes_again(
    client: FlaskClient,
    store: Store,
    entries: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the database goes away between two parts."""
    bounded, parts = store.bounded, iter(range(2))

    def twice(*given: Any, **more: Any) -> Any:
        if next(parts, None) is None:
            raise ledger.Unavailable("gone")
        return bounded(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(store, "bounded", twice)
        assert tell(client, *entries).status_code == 503
    assert kept(store)[0] == 2 * ledger.PART
    assert tell(client, *entries).status_code == 200
    assert kept(store) == (MOST, MOST // 2)


def test_suggestions_are_looked_for_on_their_own_card(client: FlaskClient, store: Store) -> None:
    first, second = advised(store, 2, client="anyone")
    with store.write() as connection:
        place = {"place": 0, "kind": "", "recommended": False}
        for card in (first, second):
            row = {"card": card, "uuid": f"of-{card}"[:36]} | place
            connection.execute(suggestions.insert().values(**row))
        uuids = dict(connection.execute(select(cards.c.id, cards.c.uuid)).all())  # type: ignore[arg-type]

    def taken(card: str, suggestion: str) -> dict[str, Any]:
        named = {"uuid": uuids[card], "suggestions": [{"uuid": f"of-{suggestion}"[:36]}]}
        return accepted(named)

    answer = tell(client, taken(first, first), taken(second, first), taken(second, second))
    assert warnings(answer) == ["feedback[1].acceptedSuggestions[0].id"]
