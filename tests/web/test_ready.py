"""/ready: 503 only where calls would be refused here, and what is the matter in words of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.ledger.ledger import Status
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.keys import new_line
from cds_service.trust.keys import Held
from cds_service.web import create_app, readiness
from cds_service.web.readiness import Part, Readiness, Standing
from tests.conftest import Running, Start
from tests.postgres import Postgres
from tests.stores import revert
from tests.trust.signing import Ehr, Key, jwks, key_server
from tests.trust.test_reload import eventually, hang_up

UP = Status(database=True, schema="current", waiting=0, spooled=0, lost=0)
SLOW = pytest.mark.slow
Open = Callable[..., Store]


class Parts:
    """A ledger and an authenticator that stand as a test says; `looks` counts."""

    def __init__(self, held: tuple[Held, ...] = (Held.CURRENT,), **status: Any) -> None:
        self._held = held
        self.told = Status(**({name: getattr(UP, name) for name in UP.__slots__} | status))
        self.looks = 0

    def held(self) -> list[Held]:
        return list(self._held)

    def status(self) -> Status:
        self.looks += 1
        return self.told


def standing(parts: Parts, **settings: Any) -> dict[str, Part]:
    made = Readiness(Settings.load(**settings), parts, parts)  # type: ignore[arg-type]
    return made.parts()


@pytest.mark.parametrize(
    ("given", "settings", "part", "state", "expected"),
    [
        ({}, {}, "database", "up", "ready"),
        ({"database": False, "schema": "unknown"}, {}, "database", "down", "degraded"),
        ({"database": False}, {"ledger_required": True}, "database", "down", "not-ready"),
        ({"database": False}, {"replay": "strict"}, "database", "down", "not-ready"),
        ({}, {}, "schema", "current", "ready"),
        ({"schema": "newer"}, {}, "schema", "newer", "ready"),
        ({"schema": "stale"}, {}, "schema", "stale", "not-ready"),
        ({"database": False, "schema": "unknown"}, {}, "schema", "unknown", "degraded"),
        ({}, {}, "spool", "empty", "ready"),
        ({"waiting": 5}, {}, "spool", "waiting", "degraded"),
        ({"waiting": 5, "lost": 1}, {}, "spool", "lost", "degraded"),
        ({"waiting": 5, "rejected": 9}, {}, "spool", "set-aside", "degraded"),
        ({"held": (Held.CURRENT, Held.CURRENT)}, {}, "keys", "held", "ready"),
        ({"held": (Held.CURRENT, Held.STALE)}, {}, "keys", "stale", "degraded"),
        ({"held": (Held.CURRENT, Held.NONE)}, {}, "keys", "some-missing", "degraded"),
        ({"held": (Held.NONE, Held.NONE)}, {}, "keys", "none", "not-ready"),
    ],
)
def test_each_part_counts_as_documented(
    given: dict[str, Any], settings: dict[str, Any], part: str, state: str, expected: str
) -> None:
    assert standing(Parts(**given), **settings)[part] == Part(state, Standing(expected))


def test_who_asks_often_makes_it_look_no_more_often() -> None:
    parts, clock = Parts(), [0.0]
    made = Readiness(Settings.load(), parts, None, now=lambda: clock[0])  # type: ignore[arg-type]
    for _ in range(50):
        made.parts()
    assert parts.looks == 1
    clock[0] += readiness.EVERY
    made.parts()
    assert parts.looks == 2


def test_tables_seen_to_be_stale_stay_so_while_the_database_is_down() -> None:
    parts, clock = Parts(schema="stale"), [0.0]
    made = Readiness(Settings.load(), parts, None, now=lambda: clock[0])  # type: ignore[arg-type]
    assert made.parts()["schema"].state == "stale"
    parts.told = Status(database=False, schema="unknown", waiting=0, spooled=0, lost=0)
    clock[0] += readiness.EVERY
    assert made.parts()["schema"].state == "stale"


def test_it_is_ready_over_either_database(store: Store, tmp_path: Path) -> None:
    settings = Settings.load(auth="open", state=tmp_path / "state")
    answer = create_app(settings, store=store).test_client().get("/ready")
    assert answer.status_code == 200
    assert answer.json["status"] == "ready"
    assert answer.json["parts"] == {
        "configuration": "current",
        "database": "up",
        "schema": "current",
        "spool": "empty",
        "pauses": "known",
    }


def test_tables_that_were_not_migrated_are_not_ready(open_new: Open, tmp_path: Path) -> None:
    store = open_new(migrated=False)
    if store.is_sqlite:  # which is migrated as it is opened
        revert(store)
    settings = Settings.load(auth="open", state=tmp_path / "state")
    answer = create_app(settings, store=store).test_client().get("/ready")
    assert answer.status_code == 503
    assert answer.json["parts"]["schema"] == "stale"


# --- the running server ---


def answered(running: Running) -> tuple[int, dict[str, Any]]:
    answer = requests.get(running.url + "/ready", timeout=20)
    return answer.status_code, answer.json()


@SLOW
def test_a_shared_database_that_stops_takes_no_machine_out(
    start: Start, postgres: Postgres, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(new_line())
    (tmp_path / "keys").chmod(0o600)
    shared = {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_DATABASE_URL": postgres.create("ready"),
        "CDS_SERVICE_KEYS": str(tmp_path / "keys"),
        "CDS_SERVICE_DATABASE_TIMEOUT": "2000",
    }
    tolerant = start("serve", **shared)
    demanding = start("serve", CDS_SERVICE_LEDGER_REQUIRED="true", **shared)
    for one in (tolerant, demanding):
        assert eventually(lambda one=one: answered(one)[1]["parts"]["schema"] == "stale")
        assert answered(one)[0] == 503
    migrate(shared)
    for one in (tolerant, demanding):
        assert eventually(lambda one=one: [answered(one)[0] for _ in range(30)] == [200] * 30)
    postgres.stop()
    try:
        assert eventually(lambda: answered(tolerant)[1]["parts"]["database"] == "down")
        assert answered(tolerant)[0] == 200
        assert answered(tolerant)[1]["status"] == "degraded"
        assert eventually(lambda: answered(demanding)[0] == 503)
        assert requests.get(demanding.url + "/health", timeout=20).status_code == 200
    finally:
        postgres.start()
    for one in (tolerant, demanding):
        assert eventually(lambda one=one: answered(one)[1]["status"] == "ready")


def migrate(environment: dict[str, str]) -> None:
    """As an operator does, by the command."""
    words = [sys.executable, "-m", "cds_service", "ledger", "migrate"]
    subprocess.run(words, check=True, env={**os.environ, **environment}, timeout=60)


CONFIGURATION = """
[clients.north-hospital]
iss = "https://ehr.example"
jku = "{jku}"
jku_private = true
"""


@SLOW
def test_keys_are_obtained_without_a_call_and_not_for_each_probe(
    start: Start, tmp_path: Path
) -> None:
    with key_server(tmp_path) as keys:
        keys.body, keys.status = jwks(Ehr(Key("a")).key), 200
        running = guarded(start, tmp_path, keys.url)
        assert eventually(lambda: [answered(running)[0] for _ in range(6)] == [200] * 6)
        for _ in range(30):
            status, told = answered(running)
            assert (status, told["parts"]["keys"]) == (200, "held")
        assert 1 <= keys.asked <= 2  # each worker once
        text = requests.get(running.url + "/ready", timeout=20).text
        assert "north" not in text
        assert "ehr.example" not in text
        assert "127.0.0.1" not in text


@SLOW
def test_without_the_keys_of_any_client_it_is_not_ready(start: Start, tmp_path: Path) -> None:
    with key_server(tmp_path) as keys:
        keys.status = 500
        running = guarded(start, tmp_path, keys.url)
        for _ in range(20):
            status, told = answered(running)
            assert (status, told["parts"]["keys"]) == (503, "none")
        assert keys.asked <= 2  # after a failure each worker waits
        assert requests.get(running.url + "/health", timeout=20).status_code == 200


def guarded(start: Start, folder: Path, jku: str) -> Running:
    (folder / "site.toml").write_text(CONFIGURATION.format(jku=jku))
    return start(
        "serve",
        CDS_SERVICE_CONFIG=str(folder / "site.toml"),
        CDS_SERVICE_PUBLIC_URL="https://cds.example",
        CDS_SERVICE_CA_FILE=str(folder / "ca.pem"),
    )


@SLOW
def test_a_reload_that_failed_is_shown_until_one_succeeds(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("")
    running = start("serve", CDS_SERVICE_AUTH="open", CDS_SERVICE_CONFIG=str(file))
    assert answered(running)[1]["parts"]["configuration"] == "current"
    file.write_text("[clients")
    hang_up(running, "configuration not reloaded")
    assert eventually(lambda: configuration(running) == {"reload-failed"})
    assert answered(running)[0] == 200
    file.write_text("")
    running.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: configuration(running) == {"current"})


def configuration(running: Running) -> set[str]:
    return {answered(running)[1]["parts"]["configuration"] for _ in range(6)}
