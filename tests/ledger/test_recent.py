"""The latest calls of each client, as the ledger reads them."""

from __future__ import annotations

import json

from flask.testing import FlaskClient
from sqlalchemy import update

from cds_service.ledger import recent
from cds_service.ledger.tables import calls
from cds_service.store.engine import Store
from tests.conformance.calls import VIEW, overdue, without_guidance


def read(store: Store) -> list[recent.OfClient]:
    with store.read() as connection:
        return recent.read(connection)


def test_the_newest_comes_first_with_time_and_cards(client: FlaskClient, store: Store) -> None:
    for body in (overdue(), without_guidance()):
        assert client.post(VIEW, json=body).status_code == 200
    (of,) = read(store)
    assert (of.client, of.count) == ("anyone", 2)
    assert [call.shown for call in of.newest] == [0, 1]
    assert of.newest[0].at >= of.newest[1].at
    assert of.slowest_ms is not None
    assert of.slowest_ms >= of.median_ms


def test_a_call_sent_again_shows_its_cards_again(client: FlaskClient, store: Store) -> None:
    body = overdue()
    for _ in range(2):
        client.post(VIEW, json=body)
    (of,) = read(store)
    assert [call.shown for call in of.newest] == [1, 1]


def test_calls_of_an_older_version_have_neither(client: FlaskClient, store: Store) -> None:
    client.post(VIEW, json=overdue())
    with store.write() as connection:
        connection.execute(update(calls).values(ms=None, shown=None))
    (of,) = read(store)
    assert (of.newest[0].ms, of.newest[0].shown, of.median_ms, of.slowest_ms) == (None,) * 4


def test_clients_are_kept_apart(client: FlaskClient, store: Store) -> None:
    client.post(VIEW, json=overdue())
    with store.write() as connection:
        connection.execute(update(calls).values(client="north"))
    client.post(VIEW, json=overdue())
    assert [(of.client, of.count) for of in read(store)] == [("anyone", 1), ("north", 1)]


def test_that_a_patient_has_died_is_not_told(client: FlaskClient, store: Store) -> None:
    body = json.loads(json.dumps(overdue()))
    body["prefetch"]["patient"]["deceasedBoolean"] = True
    client.post(VIEW, json=body)
    (of,) = read(store)
    assert (of.newest[0].silence, of.newest[0].shown) == ("", 0)
