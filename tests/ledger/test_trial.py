"""What a trial would have shown, beside what live clients were shown."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from cds_service import reporting
from cds_service.cli import main
from cds_service.ledger import trial
from cds_service.ledger.analytics import Period
from cds_service.ledger.tables import calls
from cds_service.ledger.trial import Comparison
from cds_service.settings import Settings
from cds_service.site import CLIENT_IN_SHADOW, RULE_IN_SHADOW
from cds_service.store.engine import Store
from cds_service.web import create_app
from tests.conformance.calls import VIEW, overdue
from tests.ledger.advised import advised
from tests.trust.signing import Ehr, Key, jwks

MAY, JUNE = date(2026, 5, 10), date(2026, 6, 10)
IN_MAY = Period(date(2026, 5, 1), date(2026, 5, 31))
IN_JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
ALWAYS = Period()
SILENT = {"state": "shadow", "why": CLIENT_IN_SHADOW, "mode": "shadow"}


def compared(
    store: Store, period: Period = ALWAYS, against: Period | None = None, least: int = 0
) -> Comparison:
    with store.read() as connection:
        return trial.compare(connection, period, against or period, least)


def rows(made: Comparison) -> dict[str, dict[str, Any]]:
    return {row["rule"]: row for row in made.rows()}


def test_live_clients_stand_beside_those_in_shadow(store: Store) -> None:
    advised(store, 8)
    advised(store, 2, rule="nsaid-caution")
    advised(store, 3, **SILENT)
    advised(store, 1, rule="eswt-caution", **SILENT)
    told = compared(store)
    assert dict(told.calls) == {"live": 10, "shadow": 4}
    one = rows(told)["steroid-overuse"]
    assert (one["shown"], one["shownPer100Calls"]) == (8, 80.0)
    assert (one["wouldShow"], one["wouldShowPer100Calls"]) == (3, 75.0)
    assert rows(told)["eswt-caution"]["shown"] == 0
    assert (rows(told)["all"]["shown"], rows(told)["all"]["wouldShow"]) == (10, 4)


def test_a_trial_is_compared_with_another_period(store: Store) -> None:
    advised(store, 3, day=MAY, **SILENT)
    advised(store, 6, day=JUNE)
    advised(store, 9, day=MAY)
    one = rows(compared(store, IN_MAY, IN_JUNE))["steroid-overuse"]
    assert (one["wouldShow"], one["shown"]) == (3, 6)


def test_rules_in_shadow_are_told(store: Store) -> None:
    advised(store, 4, state="shadow", why=RULE_IN_SHADOW)
    one = rows(compared(store))["steroid-overuse"]
    assert (one["ruleInShadow"], one["wouldShow"], one["shown"]) == (4, 0, 0)


def test_small_numbers_are_hidden_with_what_would_give_them_away(store: Store) -> None:
    advised(store, 30)
    advised(store, 3, **SILENT)
    told = compared(store, least=5)
    assert told.as_json()["callsInShadow"] == "<5"
    assert told.as_json()["callsLive"] == ">=5"
    one = rows(told)["all"]
    assert (one["wouldShow"], one["wouldShowPer100Calls"]) == ("<5", None)
    assert one["shownPer100Calls"] is None


def test_the_mode_of_a_client_is_on_record(store: Store, tmp_path: Path) -> None:
    """A client in shadow mode as it calls, by its token."""
    key = Key("k1")
    (tmp_path / "keys.json").write_bytes(jwks(key))
    file = tmp_path / "site.toml"
    table = '[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\nmode = "shadow"\n'
    file.write_text(table)
    given = {"config": file, "public_url": "https://cds.example", "state": tmp_path / "state"}
    app = create_app(Settings.load(today="2026-06-15", **given), store=store)
    token = Ehr(key).token(f"https://cds.example{VIEW}")
    sent = {"Authorization": f"Bearer {token}"}
    answer = app.test_client().post(VIEW, json=overdue(), headers=sent)
    assert answer.json["cards"] == [], answer.json
    with store.read() as connection:
        assert list(connection.scalars(select(calls.c.mode))) == ["shadow"]
    assert rows(compared(store))["surgical-referral-overdue"]["wouldShow"] == 1


# --- the command ---


def run(store: Store, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    class Opened:
        def __enter__(self) -> Store:
            return store

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(reporting, "opened", Opened)
    monkeypatch.setenv("CDS_SERVICE_SMALL_NUMBERS", "0")
    return CliRunner().invoke(main, ["feedback", "report", "--shadow", *words])


def test_every_format_tells_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    advised(store, 3, day=MAY, **SILENT)
    advised(store, 6, day=JUNE)
    period = ("--since", "2026-05-01", "--until", "2026-05-31", "--against-since", "2026-06-01")

    def told(shape: str) -> str:
        result = run(store, monkeypatch, *period, "--format", shape)
        assert result.exit_code == 0, result.output
        return result.stdout

    whole = json.loads(told("json"))
    lines = [json.loads(line) for line in told("ndjson").splitlines()]
    table = list(csv.DictReader(io.StringIO(told("csv"))))
    assert whole["rows"] == lines
    assert [(r["rule"], r["wouldShow"], r["shown"]) for r in table] == [
        ("steroid-overuse", "3", "6"),
        ("all", "3", "6"),
    ]
    assert "Calls of live clients: 6; of clients in shadow mode: 3." in told("table")


def test_it_is_by_rule(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(store, monkeypatch, "--by", "hook").exit_code == 2
