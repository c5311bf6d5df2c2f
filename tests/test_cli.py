from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service import checking
from cds_service.cli import main
from cds_service.errors import DataUnavailable
from cds_service.settings import Settings
from tests.trust.signing import Key, jwks
from tests.web.fakes import CARD, UNJUDGED, FakeDecision, FakeEngine

BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": {"resourceType": "Patient", "id": "1", "birthDate": "1980-01-01"}}],
}
REQUEST = {
    "hook": "patient-view",
    "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
    "context": {"patientId": "1", "userId": "Practitioner/1"},
    "prefetch": {"patient": {"resourceType": "Patient", "id": "1"}},
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(checking.engine, "answer", fake)
    return fake


def run(*arguments: str, sent: object = None) -> Result:
    data = sent if isinstance(sent, str | None) else json.dumps(sent)
    return CliRunner().invoke(main, arguments, input=data)


@pytest.mark.parametrize("sent", [BUNDLE, REQUEST], ids=["bundle", "request"])
def test_check_reads_a_bundle_or_a_whole_request(engine: FakeEngine, sent: Any) -> None:
    result = run("check", "-", "--json", sent=sent)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"cards": [CARD]}
    assert engine.asked[0].patient_id == "1"


def test_check_reads_a_file_at_a_given_date(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(BUNDLE))
    assert run("check", str(file), "--today", "2026-06-15").exit_code == 0
    assert str(engine.today) == "2026-06-15"


def test_types_a_bundle_does_not_have_are_known_to_be_empty(engine: FakeEngine) -> None:
    run("check", "-", sent=BUNDLE)
    prefetch = engine.asked[0].prefetch
    assert prefetch["conditions"]["total"] == 0
    assert prefetch["patient"]["id"] == "1"


def test_cards_are_shown_as_readable_text(engine: FakeEngine) -> None:
    text = run("check", "-", sent=BUNDLE).stdout
    for words in (
        "1 card",
        "WARNING",
        "steroid-overuse",
        CARD["summary"],
        "Facts",
        "Suggestion: Refer for a surgical opinion (recommended)",
        "create ServiceRequest",
        "https://x.example/why",
        "Source: The article",
    ):
        assert words in text
    assert "**" not in text


def test_control_characters_never_reach_the_terminal(engine: FakeEngine) -> None:
    engine.decision = FakeDecision(
        {"cards": [CARD | {"summary": "a\x1b[31mb", "detail": "c\x1bd"}]}
    )
    assert "\x1b" not in run("check", "-", sent=BUNDLE).stdout


def test_no_cards_is_said_and_what_was_not_judged(engine: FakeEngine) -> None:
    engine.decision = FakeDecision({"cards": [], "extension": UNJUDGED})
    text = run("check", "-", sent=BUNDLE).stdout
    assert "No cards" in text
    assert "Not judged: steroid-overuse (left): no Procedures" in text


def test_explain_is_passed_on(engine: FakeEngine) -> None:
    assert "why" in run("check", "-", "--explain", sent=BUNDLE).stdout


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ({"resourceType": "Patient", "id": "1"}, "Bundle or a whole hook request"),
        ({"resourceType": "Bundle"}, "one Patient"),
        ({"hook": "patient-view"}, "context: is required"),
        (REQUEST | {"hook": "nonsense"}, "No service answers this hook"),
        (REQUEST | {"hook": []}, "No service answers this hook"),
    ],
)
def test_what_cannot_be_read_is_said_with_exit_code_2(sent: Any, complaint: str) -> None:
    result = run("check", "-", sent=sent)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


def test_what_cannot_be_judged_is_said_with_its_place(engine: FakeEngine) -> None:
    engine.error = DataUnavailable("No Conditions.", expression=["prefetch.conditions"])
    result = run("check", "-", sent=BUNDLE)
    assert result.exit_code == 2
    assert "error: No Conditions. (at prefetch.conditions)" in result.stderr


def test_a_file_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.json")).exit_code == 2


def test_settings_lists_them_all_with_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_TIMEZONE", "Europe/London")
    monkeypatch.setenv("COLUMNS", "200")
    text = run("settings").stdout
    for variable, name in Settings.variables().items():
        assert variable in text
        assert str(Settings.model_fields[name].description)[:40] in text
    assert "Europe/London" in text


def test_a_wrong_setting_is_said_with_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_PORT", "x")
    for command in (["settings"], ["serve"], ["demo"]):
        result = run(*command)
        assert result.exit_code == 2
        assert "CDS_SERVICE_PORT" in result.stderr


def test_serve_refuses_without_authentication_and_names_the_setting() -> None:
    result = run("serve")
    assert result.exit_code == 2
    assert "CDS_SERVICE_AUTH=open" in result.stderr


def test_serve_refuses_other_machines_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_AUTH", "open")
    result = run("serve", "--host", "0.0.0.0")
    assert result.exit_code == 2
    assert "--allow-remote" in result.stderr


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site's file with one client, whose keys are in a file."""
    (tmp_path / "keys.json").write_bytes(jwks(Key("north-1")))
    file = tmp_path / "site.toml"
    file.write_text('[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n')
    monkeypatch.setenv("CDS_SERVICE_CONFIG", str(file))
    monkeypatch.setenv("COLUMNS", "200")
    return file


@pytest.mark.usefixtures("registered")
def test_clients_lists_who_may_call() -> None:
    text = run("clients").stdout
    assert "north" in text
    assert "https://ehr.example" in text


def test_the_keys_of_a_client_are_tried(registered: Path) -> None:
    assert "north-1" in run("clients", "--check", "north").stdout
    unknown = run("clients", "--check", "south")
    assert unknown.exit_code == 2
    assert "known: north" in unknown.stderr
    (registered.parent / "keys.json").write_text("{}")
    assert "is no JWK Set" in run("clients", "--check", "north").stderr
