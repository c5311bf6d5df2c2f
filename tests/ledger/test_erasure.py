"""A patient's or user's records are found by id, under every key, and erased, bytes and all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from cds_service.cli import main
from cds_service.ledger import erasure
from cds_service.ledger.erasure import Found, Wanted
from cds_service.ledger.spool import Spool
from cds_service.ledger.tables import calls, cards, feedback, suggestions
from cds_service.store import schema, wiping
from cds_service.store.engine import Store
from cds_service.store.keys import Keyring, new_line
from tests.conformance.calls import VIEW, overdue
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import accepted, overridden, tell
from tests.ledger.test_retention import bytes_of, count, run  # noqa: F401
from tests.stores import revert


def seen(client: FlaskClient, patient: str, **context: Any) -> dict[str, Any]:
    """The card on opening this patient's chart."""
    sent = overdue(**context)
    known = sent["context"]["patientId"]
    written = json.dumps(sent).replace(f"Patient/{known}", f"Patient/{patient}")
    body = json.loads(written.replace(f'"{known}"', f'"{patient}"'))
    body["hookInstance"] = str(uuid4())
    answer = client.post(VIEW, json=body)
    assert answer.status_code == 200, answer.json
    (card,) = answer.json["cards"]
    return card


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "state" / "spool", 10**6)


def of(patient: str, **more: Any) -> Wanted:
    return Wanted(reference=f"Patient/{patient}", **more)


def test_a_patient_is_found_and_erased_and_nobody_else(
    client: FlaskClient, store: Store, spool: Spool
) -> None:
    for patient in ("ann", "bob"):
        tell(client, overridden(seen(client, patient), "patient-declined"))
    found = erasure.find(store, spool, of("ann"))
    assert (found.calls, found.cards, found.feedback, found.waiting) == (1, 1, 1, 0)
    assert erasure.erase(store, spool, of("ann")) == found
    assert erasure.find(store, spool, of("ann")) == Found()
    assert erasure.find(store, spool, of("bob")).feedback == 1
    assert [count(store, table) for table in (calls, cards, feedback)] == [1, 1, 1]
    assert count(store, suggestions) > 0


def test_a_user_is_found_and_erased(client: FlaskClient, store: Store, spool: Spool) -> None:
    for number in (1, 2):
        seen(client, "ann", userId=f"Practitioner/{number}")
    wanted = Wanted(reference="Practitioner/1", is_user=True)
    assert erasure.erase(store, spool, wanted).calls == 1
    assert count(store, calls) == 1


def test_what_was_hashed_with_an_older_key_is_found(
    client: FlaskClient, store: Store, spool: Spool
) -> None:
    seen(client, "ann")
    name, _, value = new_line().partition(":")
    store.keys = Keyring(name, {name: bytes.fromhex(value), **store.keys.keys})
    assert erasure.find(store, spool, of("ann")).calls == 1


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"client": "anyone"}, 1),
        ({"client": "another"}, 0),
        ({"tenant": ""}, 1),
        ({"tenant": "t"}, 0),
        ({"fhir_base": ""}, 1),
        ({"fhir_base": "https://ehr.example/fhir"}, 0),
    ],
)
def test_the_same_id_elsewhere_is_someone_else(
    client: FlaskClient, store: Store, spool: Spool, given: dict[str, str], number: int
) -> None:
    seen(client, "ann")
    assert erasure.find(store, spool, of("ann", **given)).calls == number


def test_the_spool_and_feedback_that_waits_are_searched_too(
    client: FlaskClient, store: Store, spool: Spool
) -> None:
    revert(store)
    ann, bob = seen(client, "ann"), seen(client, "bob")
    (spool._folder / "rejected").write_bytes(spooled(spool))
    schema.migrate(store)
    tell(client, accepted(ann), accepted(bob))
    seen(client, "cid")  # so that the client is on record
    assert erasure.erase(store, spool, of("ann")).waiting in (1, 2)  # written meanwhile, or not
    assert erasure.find(store, spool, of("ann")) == Found()
    with store.read() as connection:
        left = set(connection.scalars(select(feedback.c.card_uuid)))
    assert left == {bob["uuid"]}
    assert ann["uuid"].encode() not in spooled(spool)
    assert bob["uuid"].encode() in (spool._folder / "rejected").read_bytes()
    while spool.size():
        client.application.extensions["cds_service"].ledger.drain()


def spooled(spool: Spool) -> bytes:
    return b"".join(file.read_bytes() for file in spool._folder.glob("*"))


def test_erased_bytes_are_gone_from_the_files_of_sqlite(
    make_app: MakeApp, store: Store, spool: Spool, tmp_path: Path
) -> None:
    client = make_app(keep_comments=True).test_client()
    for number in range(30):  # rows move between pages
        card = seen(client, f"other-{number}")
        tell(client, overridden(card) | {"overrideReason": {"userComment": "kept"}})
    card = seen(client, "ann")
    tell(client, overridden(card) | {"overrideReason": {"userComment": "Ann Example"}})
    with store.read() as connection:
        digest = connection.scalar(select(cards.c.patient).where(cards.c.uuid == card["uuid"]))
    if not store.is_sqlite:
        return  # its files are its own affair, as the command says
    marks = [card["uuid"].encode(), digest.encode(), b"Ann Example"]
    folder = tmp_path / "state"
    assert all(mark in bytes_of(folder) for mark in marks)
    erasure.erase(store, spool, of("ann"))
    assert wiping.rewrite(store)
    assert not any(mark in bytes_of(folder) for mark in marks)
    assert b"kept" in bytes_of(folder)


# --- the commands ---


def test_the_commands_say_what_went_and_what_they_could_not_reach(
    client: FlaskClient,
    store: Store,
    run: Any,  # noqa: F811
) -> None:
    seen(client, "ann")
    found = run("find", "--patient", "ann")
    assert "1 calls, 2026-06-15 to 2026-06-15, 1 cards" in found.stdout
    assert run("erase", "--patient", "ann", sent="n\n").exit_code == 1
    assert count(store, calls) == 1
    told = run("erase", "--patient", "Patient/ann", "--yes").stdout
    assert "Erased: 1 calls" in told
    assert "spools of other machines" in told
    assert ("space of PostgreSQL" in told) is not store.is_sqlite
    assert count(store, calls) == 0


@pytest.mark.parametrize("words", [[], ["--patient", "a", "--user", "b"]])
def test_it_must_be_said_whose(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["ledger", "find", *words])
    assert result.exit_code == 2
    assert "--patient or --user" in result.stderr
