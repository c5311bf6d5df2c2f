"""Feedback as ONC HTI-1 asks for it, and as FHIR that validates."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.auditevent import AuditEvent
from flask.testing import FlaskClient

from cds_service import exporting
from cds_service.cli import main
from cds_service.store.engine import Store
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import REASONS, accepted, opened, overridden, tell

Export = Callable[..., str]
ASKED = ("intervention", "action", "userFeedback", "userKeyedHash", "date", "client", "tenant",
         "encounterKeyedHash")  # fmt: skip


@pytest.fixture
def export(store: Store, monkeypatch: pytest.MonkeyPatch) -> Export:
    class Opened:
        def __enter__(self) -> Store:
            return store

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(exporting, "opened", Opened)

    def made(shape: str, *words: str) -> str:
        result = CliRunner().invoke(main, ["feedback", "export", "--format", shape, *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    return made


@pytest.fixture
def told(make_app: MakeApp) -> FlaskClient:
    """A card overridden with a comment, then accepted; and one nobody answered."""
    client = make_app(keep_comments=True).test_client()
    (card,) = opened(client, encounterId="e1")
    entry = overridden(card, "patient-declined", at="2026-06-15T09:30:00Z")
    entry["overrideReason"]["userComment"] = "=HYPERLINK(1) not today"
    tell(client, entry, accepted(card, at="2026-06-15T09:31:00Z"))
    opened(client)
    return client


@pytest.mark.usefixtures("told")
def test_the_columns_of_hti1(export: Export) -> None:
    first, last = csv.DictReader(io.StringIO(export("hti1-csv")))
    assert set(ASKED) <= set(first)
    assert first["intervention"] == "surgical-referral-overdue"
    assert (first["action"], first["overrideReasonDisplay"]) == ("overridden", "Patient declined")
    assert first["userFeedback"] == "'=HYPERLINK(1) not today"
    assert first["date"] == "2026-06-15T09:30:00.000Z"
    assert (first["client"], len(first["userKeyedHash"])) == ("anyone", 64)
    assert len(first["encounterKeyedHash"]) == 64
    assert (first["lastWord"], last["lastWord"]) == ("False", "True")
    assert (last["action"], last["acceptedKinds"]) == ("accepted", "surgical-referral")


@pytest.mark.usefixtures("told")
def test_json_says_what_its_values_are(export: Export) -> None:
    whole = json.loads(export("hti1-json"))
    assert "keyed hash" in whole["about"]["user"]
    assert "no place" in whole["about"]["location"]
    lines = [json.loads(line) for line in export("hti1-ndjson").splitlines()]
    assert whole["feedback"] == lines
    assert len(lines) == 2


@pytest.mark.usefixtures("told")
@pytest.mark.requirement("3.0-43")
def test_the_audit_events_are_valid_fhir(export: Export) -> None:
    events = [json.loads(line) for line in export("fhir-ndjson").splitlines()]
    assert len(events) == 2
    for event in events:
        AuditEvent.model_validate(event)
    first = events[0]
    assert first["subtype"][0]["code"] == "overridden"
    assert first["purposeOfEvent"][0]["coding"] == [
        {"system": REASONS, "code": "patient-declined", "display": "Patient declined"}
    ]
    details = {one["type"]: one["valueString"] for one in first["entity"][0]["detail"]}
    assert details["user feedback"] == "=HYPERLINK(1) not today"
    assert first["entity"][1]["role"]["display"] == "Patient"


def test_no_id_is_in_an_export(make_app: MakeApp, export: Export) -> None:
    client = make_app().test_client()
    (card,) = opened(client, userId="Practitioner/marked-user", encounterId="marked-encounter")
    tell(client, accepted(card))
    for shape in exporting.FORMATS:
        assert "marked" not in export(shape)


@pytest.mark.usefixtures("told")
def test_days_bound_it(export: Export) -> None:
    assert len(export("fhir-ndjson", "--since", "2026-06-15").splitlines()) == 2
    assert export("fhir-ndjson", "--since", "2026-06-16") == ""
    assert export("fhir-ndjson", "--until", "2026-06-14") == ""


@pytest.mark.parametrize("shape", exporting.FORMATS)
def test_nothing_on_record_is_an_export_too(export: Export, shape: str) -> None:
    empty: Any = export(shape)
    if shape == "hti1-json":
        assert json.loads(empty)["feedback"] == []
    else:
        assert len(empty.splitlines()) == (1 if shape == "hti1-csv" else 0)


def test_more_than_one_batch_is_read_in_order(
    client: FlaskClient, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.ledger.export.BATCH", 2)
    (card,) = opened(client)
    for minute in range(5):
        tell(client, accepted(card, at=f"2026-06-15T09:3{minute}:00Z"))
    dates = [json.loads(line)["date"] for line in export("hti1-ndjson").splitlines()]
    assert dates == sorted(dates)
    assert len(dates) == 5
