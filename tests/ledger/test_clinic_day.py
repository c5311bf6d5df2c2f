"""A day in a clinic over HTTP: the report's figures are those the clinic has counted itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.keys import new_line
from cds_service.store.opening import open_store
from tests.conftest import Start
from tests.ledger import clinic
from tests.ledger.clinic import Tally
from tests.stores import BOTH

KINDS = ("accepted", "overridden", "ignored", "repeat", "precedence", "budget")


@pytest.fixture(scope="module", params=BOTH)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The settings of a server on SQLite, or on PostgreSQL."""
    folder = tmp_path_factory.mktemp("clinic")
    given = {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_TODAY": "2026-06-15",
        "CDS_SERVICE_STATE": str(folder / "state"),
        "CDS_SERVICE_DATABASE_TIMEOUT": "20000",  # the figures count here, not the speed
        "CDS_SERVICE_SMALL_NUMBERS": "0",
    }
    if request.param == "postgresql":
        keys = folder / "keys"
        keys.write_text(new_line())
        keys.chmod(0o600)
        url = request.getfixturevalue("postgres").create(f"t{uuid4().hex}")
        given |= {"CDS_SERVICE_DATABASE_URL": url, "CDS_SERVICE_KEYS": str(keys)}
        settings = Settings.load(database_url=url, keys=keys, state=folder / "state")
        store = open_store(settings, bounded=False)
        schema.migrate(store)
        store.close()
    return given


@pytest.fixture(scope="module")
def clinic_day(start: Start, environment: dict[str, str]) -> Tally:
    """What the clinic has counted, when the server has stopped and all is written."""
    server = start("serve", **environment)
    tally = clinic.day(server.url)
    server.stop()
    assert not list(Path(environment["CDS_SERVICE_STATE"]).glob("spool/*.jsonl"))
    return tally


def report(environment: dict[str, str], *words: str) -> Any:
    """What `cds-service feedback report` prints, as JSON."""
    told = subprocess.run(
        [sys.executable, "-m", "cds_service", "feedback", "report", "--format", "json", *words],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        timeout=120,
        check=True,
    )
    return json.loads(told.stdout)


@pytest.mark.slow
def test_the_report_counts_what_the_clinic_has_counted(
    clinic_day: Tally, environment: dict[str, str]
) -> None:
    told = report(environment, "--by", "rule")
    assert all(clinic_day.of(kind) for kind in ("accepted", "overridden", "ignored", "repeat"))
    assert told["calls"] == clinic_day.calls > clinic.CHARTS
    assert told["feedbackWithoutCard"] == 0
    assert told["total"]["findings"] == clinic_day.of()
    assert told["total"]["again"] == clinic_day.again > 0
    assert {k: told["total"][k] for k in KINDS} == {k: clinic_day.of(k) for k in KINDS}
    rows = {row["rule"]: row for row in told["rows"]}
    assert set(rows) == {rule for (rule, _, _), number in clinic_day.found.items() if number}
    for rule, row in rows.items():
        assert {k: row[k] for k in KINDS} == {k: clinic_day.of(k, rule=rule) for k in KINDS}, rule


@pytest.mark.slow
def test_so_do_the_breakdowns_by_hook_reason_and_day(
    clinic_day: Tally, environment: dict[str, str]
) -> None:
    for row in report(environment, "--by", "hook")["rows"]:
        counted = {k: clinic_day.of(k, hook=row["hook"]) for k in KINDS}
        assert {k: row[k] for k in KINDS} == counted, row["hook"]
    reasons = report(environment, "--by", "reason")["rows"]
    assert {row["reason"]: row["overridden"] for row in reasons} == dict(clinic_day.reasons)
    (day,) = report(environment, "--by", "day", "--since", "2026-06-15")["rows"]
    assert (day["day"], day["findings"]) == ("2026-06-15", clinic_day.of())
    assert report(environment, "--since", "2026-06-16")["calls"] == 0
