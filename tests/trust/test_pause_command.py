"""`cds-service pause`: on a running service, on both its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from cds_service.cli import main
from tests.conftest import ROOT, Start

SERVICE = "/cds-services/pht-patient-view"
CASE = ROOT / "fixtures" / "fhir" / "delayed-referral"
RULE = "surgical-referral-overdue"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CDS_SERVICE_STATE", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_what_is_paused_is_listed_with_who_when_and_why() -> None:
    assert "Nothing is paused" in run("pause").stdout
    done = run("pause", RULE, "--reason", "under review", "--by", "Dr Osei")
    assert done.exit_code == 0, done.output
    (line,) = run("pause").stdout.splitlines()
    assert line.startswith(RULE)
    assert "Dr Osei" in line
    assert "under review" in line
    assert str(datetime.now(UTC).year) in line
    assert "Nothing is paused" in run("resume", RULE, "--by", "Dr Osei").stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["pause", "surgical-referral", "--reason", "x"], "did you mean surgical-referral-"),
        (["pause", RULE], "--reason"),
        (["pause", RULE, "--reason", "x", "--until", "2020-01-01"], "is over already"),
        (["resume", RULE], "is not paused"),
        (["resume", "nonsense"], "is not a rule"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(arguments: list[str], complaint: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert "Nothing is paused" in run("pause").stdout


def eventually(true: Callable[[], bool]) -> bool:
    for _ in range(120):
        if true():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("what", [RULE, "all"])
def test_a_pause_takes_effect_on_a_running_service_and_is_explained(
    start: Start, state: Path, what: str
) -> None:
    environment = {"CDS_SERVICE_STATE": str(state), "CDS_SERVICE_AUTH": "open"}
    running = start("serve", "--workers", "2", CDS_SERVICE_TODAY="2026-06-15", **environment)
    body = json.loads((CASE / "request.json").read_text())

    def shown() -> set[str]:
        """By any of the workers."""
        answers = [
            requests.post(f"{running.url}{SERVICE}?explain=true", json=body, timeout=20).json()
            for _ in range(6)
        ]
        told.extend(json.dumps(answer) for answer in answers)
        return {card["source"]["topic"]["code"] for a in answers for card in a["cards"]}

    def command(*words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "cds_service", *words], check=True, env=os.environ | environment
        )

    told: list[str] = []
    assert RULE in shown()
    command("pause", what, "--reason", "under review")
    assert eventually(lambda: RULE not in shown())
    assert "under review" in told[-1]
    command("resume", what)
    assert eventually(lambda: RULE in shown())
