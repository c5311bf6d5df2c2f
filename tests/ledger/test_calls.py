"""What is issued is on record before it leaves, and holds no id of a patient or user."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from cds_service.errors import Unavailable
from cds_service.ledger.entry import write
from cds_service.ledger.feedback import keep, read_entry
from cds_service.ledger.scope import Owner
from cds_service.ledger.tables import calls, cards, feedback, suggestions
from cds_service.store import schema
from cds_service.store.direct import Direct
from cds_service.store.engine import Store
from cds_service.store.tables import nonces
from cds_service.web import clock
from tests.conformance.calls import VIEW, overdue, without_guidance
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import accepted, opened, overridden, tell, warnings
from tests.stores import revert


def rows(store: Store, table: Any) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table)))


def test_a_call_and_its_cards_are_on_record(client: FlaskClient, store: Store) -> None:
    (shown,) = opened(client)
    (call,), (card,) = rows(store, calls), rows(store, cards)
    assert (call.service, call.hook, call.client) == ("pht-patient-view", "patient-view", "anyone")
    assert (call.edition, len(call.config)) == ("2026.11", 64)
    assert (card.uuid, card.rule, card.state) == (
        shown["uuid"],
        shown["source"]["topic"]["code"],
        "shown",
    )
    kept = {one.uuid for one in rows(store, suggestions)}
    assert kept == {one["uuid"] for one in shown["suggestions"]}


def test_a_call_without_advice_is_on_record_too(client: FlaskClient, store: Store) -> None:
    assert opened(client, without_guidance()) == []
    assert len(rows(store, calls)) == 1
    assert rows(store, cards) == []


def test_what_was_withheld_is_on_record_with_the_reason(
    make_app: MakeApp, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[rules.surgical-referral-overdue]\nmode = "shadow"\n')
    opened(make_app(config=file).test_client())
    held = {row.rule: (row.state, row.why) for row in rows(store, cards)}
    assert held["surgical-referral-overdue"] == ("shadow", "the rule is in shadow mode")


def test_ids_are_kept_as_keyed_hashes_alone(client: FlaskClient, store: Store) -> None:
    sent = overdue()
    marks = {"userId": "Practitioner/marked-user", "encounterId": "marked-encounter"}
    (card,) = opened(client, sent, **marks)
    tell(client, overridden(card, "patient-declined"))
    patient = sent["context"]["patientId"]
    for table in (calls, cards, suggestions, feedback):
        for row in rows(store, table):
            assert "marked" not in str(row)
            assert f"/{patient}" not in str(row)
            assert patient not in row


def test_the_same_call_again_is_the_same_card_issued_twice(
    client: FlaskClient, store: Store
) -> None:
    sent = overdue()
    first, second = (client.post(VIEW, json=sent).json["cards"] for _ in range(2))
    assert first == second
    (card,) = rows(store, cards)
    assert card.issued == 2
    assert len(rows(store, calls)) == 2


def test_without_a_database_advice_goes_out_and_is_written_later(
    client: FlaskClient, store: Store
) -> None:
    ledger = client.application.extensions["cds_service"].ledger
    revert(store)
    (card,) = opened(client)
    assert ledger.status().waiting > 0
    assert ledger.status().schema == "stale"
    schema.migrate(store)
    while ledger.status().waiting:
        ledger.drain()
    (kept,) = rows(store, cards)
    assert kept.uuid == card["uuid"]


def test_a_site_may_want_no_advice_without_a_record(make_app: MakeApp, store: Store) -> None:
    client = make_app(ledger_required=True).test_client()
    revert(store)
    answer = client.post(VIEW, json=overdue())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json["issue"][0]["code"] == "transient"


@pytest.mark.parametrize("required", [True, False])
def test_nor_does_a_fault_of_the_record_let_advice_out_then(
    make_app: MakeApp, store: Store, required: bool
) -> None:
    client = make_app(ledger_required=required).test_client()
    refusal = (
        "CREATE TRIGGER no BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'no'); END"
        if store.is_sqlite
        else "ALTER TABLE calls ADD CONSTRAINT no CHECK (client <> 'anyone')"
    )
    with store.write() as connection:
        connection.exec_driver_sql(refusal)
    assert client.post(VIEW, json=overdue()).status_code == (503 if required else 200)
    lost = client.application.extensions["cds_service"].ledger.status().lost
    assert lost == (0 if required else 1)  # advice that went out and is on no record


def test_what_is_drained_twice_is_counted_once(client: FlaskClient, store: Store) -> None:
    ledger = client.application.extensions["cds_service"].ledger
    revert(store)
    opened(client)
    spool = next(ledger._spool._folder.glob("*.jsonl"))
    line = spool.read_bytes()
    spool.write_bytes(line + line + b'\n{"call": {"id"')  # and one that a crash cut short
    schema.migrate(store)
    while ledger._spool.size():
        ledger.drain()
    assert len(rows(store, calls)) == len(rows(store, cards)) == 1


@pytest.mark.parametrize(
    "poison",
    [
        {"call": {}, "cards": []},
        {"cards": []},
        {"call": {"id": None, "at": "2026-06-15T09:30:00+00:00", "day": "2026-06-15"}, "cards": []},
        {"call": {"id": "x", "at": "yesterday", "day": "2026-06-15"}, "cards": []},
        {"call": {"id": "x", "at": "2026-06-15T09:30:00+00:00", "day": "2026-06-15", "new": 1}},
        {"call": {"id": "x", "at": "2026-06-15T09:30:00+00:00", "day": "2026-06-15"}, "cards": 1},
        {"call": 1, "cards": []},
    ],
    ids=str,
)
def test_an_entry_the_database_never_takes_is_set_aside_and_the_rest_written(
    client: FlaskClient, store: Store, poison: Any
) -> None:
    ledger = client.application.extensions["cds_service"].ledger
    ledger._spool.add(poison)
    revert(store)
    opened(client)
    schema.migrate(store)
    while ledger.status().waiting:
        ledger.drain()
    assert len(rows(store, calls)) == 1
    assert ledger.status().rejected > 0


def test_what_does_not_fit_in_the_spool_is_told_as_lost(make_app: MakeApp, store: Store) -> None:
    client = make_app(spool_limit=10).test_client()
    revert(store)
    assert opened(client)
    status = client.application.extensions["cds_service"].ledger.status()
    assert (status.lost, status.waiting) == (1, 0)


def test_feedback_that_comes_before_its_card_finds_it(client: FlaskClient, store: Store) -> None:
    ledger = client.application.extensions["cds_service"].ledger
    revert(store)
    (card,) = opened(client)
    schema.migrate(store)
    tell(client, accepted(card))
    while ledger._spool.size():
        ledger.drain()
    with store.read() as connection:
        linked = select(func.count()).where(feedback.c.card == cards.c.id)
        assert connection.scalar(linked) == 1


def test_a_clock_put_back_loses_and_holds_back_nothing(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = opened(client)
    assert tell(client, accepted(first)).status_code == 200
    earlier = clock.now() - timedelta(hours=3)
    monkeypatch.setattr(clock, "now", lambda: earlier)
    (second,) = opened(client)
    told = [accepted(second), overridden(first, "patient-declined", at="2026-06-15T06:30:00Z")]
    assert warnings(tell(client, *told)) == []
    assert len(rows(store, cards)) == 2
    assert sorted(row.card_uuid for row in rows(store, feedback)) == sorted(
        [first["uuid"], first["uuid"], second["uuid"]]
    )


def test_migrations_down_and_up_again_keep_what_is_older(client: FlaskClient, store: Store) -> None:
    (card,) = opened(client)
    tell(client, accepted(card))
    note = {"client": "c", "jti": "j", "expires": clock.now()}
    with store.write() as connection:
        connection.execute(insert(nonces).values(**note))
    revert(store, "0001")
    assert schema.version(store) is schema.Version.STALE
    assert [row.jti for row in rows(store, nonces)] == ["j"]
    schema.migrate(store)
    assert rows(store, cards) == []
    (again,) = opened(client)
    assert tell(client, accepted(again)).status_code == 200
    assert len(rows(store, cards)) == len(rows(store, feedback)) == 1


def spooled(client: FlaskClient, store: Store) -> tuple[Any, Any]:
    """A card that was shown, and its call, which waits and is not written yet."""
    ledger = client.application.extensions["cds_service"].ledger
    revert(store)
    (card,) = opened(client)
    schema.migrate(store)
    (made,) = ledger._spool.remove(lambda _, __: True)
    return card, made


def test_a_call_that_waited_since_an_older_version_is_written(
    client: FlaskClient, store: Store
) -> None:
    _, made = spooled(client, store)
    for name in ("mode", "ms", "shown"):  # columns it did not know
        del made["call"][name]
    for one in made["cards"]:
        del one["day"]
    store.direct(lambda direct: write(direct, made, shared_id=""), write=True)
    (call,), (card,) = rows(store, calls), rows(store, cards)
    assert (call.mode, call.ms, call.shown, card.day) == ("live", None, None, None)


Then = Callable[[], object]


def write_card(store: Store, made: Any, _card: Any, then: Then) -> None:
    def work(direct: Direct) -> None:
        write(direct, made, shared_id="")
        then()

    store.direct(work, write=True)


def write_feedback(store: Store, made: Any, card: Any, then: Then) -> None:
    told = [read_entry(0, accepted(card), comments=False, zone=UTC)]
    owner, name = Owner(client=made["call"]["client"]), made["call"]["service"]
    now = {"now": clock.now(), "day": clock.now().date()}
    with store.write() as connection:
        keep(connection, told, owner=owner, service=name, services=[name], **now)
        then()


@pytest.mark.parametrize(
    ("one", "other"), [(write_card, write_feedback), (write_feedback, write_card)]
)
def test_a_card_and_its_feedback_written_at_the_same_moment_find_each_other(
    client: FlaskClient, store: Store, one: Callable[..., None], other: Callable[..., None]
) -> None:
    """As when the card waits in a spool that is just being written."""
    card, made = spooled(client, store)
    begun, running = threading.Event(), []

    def meanwhile() -> None:
        begun.set()
        other(store, made, card, lambda: None)

    def until_it_waits() -> None:
        running.append(pool.submit(meanwhile))
        assert begun.wait(30)
        time.sleep(0.3)  # or has read what it can read before this is committed

    with ThreadPoolExecutor(1) as pool:
        one(store, made, card, until_it_waits)
        running[0].result(timeout=30)
    (kept,), (row,) = rows(store, feedback), rows(store, cards)
    assert kept.card == row.id


def test_each_of_several_cards_finds_its_feedback(client: FlaskClient, store: Store) -> None:
    card, made = spooled(client, store)
    (first,) = made["cards"]
    another = first | {"id": str(uuid4()), "uuid": str(uuid4()), "fingerprint": "f" * 64}
    made["cards"] += [another | {"suggestions": []}]
    for uuid in (card["uuid"], another["uuid"]):
        write_feedback(store, made, card | {"uuid": uuid}, lambda: None)
    write_card(store, made, card, lambda: None)
    of = {row.card: row.card_uuid for row in rows(store, feedback)}
    assert of == {row.id: row.uuid for row in rows(store, cards)}


def test_reading_fails_loudly_where_it_must(store: Store) -> None:
    revert(store)
    with pytest.raises(Unavailable):
        rows(store, calls)
