"""What the benchmark finds without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.settings import Settings
from cds_service.web import create_app
from tools.bench import profile
from tools.bench import steps as module
from tools.bench.bodies import body
from tools.bench.ehr import Ehr
from tools.bench.footprint import footprint
from tools.bench.measure import SERVICE, marked
from tools.bench.starting import imports, start_steps
from tools.bench.steps import DECIDE, LEAST, WHOLE, steps, token_steps


def test_a_call_is_one_reading_and_two_writing_transactions(tmp_path: Path) -> None:
    found = footprint(tmp_path, calls=10)
    assert round(found["reads"]) == 1
    assert found["writes"] == 2  # the used token, and the record
    assert found["rows"] >= 2  # the call and its card
    assert found["bytes"] > 0


def test_deciding_is_timed_apart_from_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEATS", 3)
    found = steps(10_000, 5)
    assert all(seconds >= 0 for seconds in found.values())
    assert {DECIDE, "evidence to facts", WHOLE, LEAST} < set(found)


def test_tokens_are_timed_as_they_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEATS", 3)
    verified, _kept = token_steps(tmp_path / "tokens").values()
    assert verified > 0


def test_the_profile_sees_what_the_ledger_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "FUNCTIONS", 5_000)
    told = "\n".join(profile._functions(tmp_path, 10_000, 5, calls=2))
    assert "sqlite3.Cursor" in told
    assert "cds_service/ledger/past.py" in told


def test_a_start_is_made_of_imports_and_of_the_application() -> None:
    assert all(seconds > 0 for seconds in start_steps().values())
    names = [name for name, _ in imports()]
    assert "cds_service.web" in names
    assert len(names) == len(set(names)) == 25


def test_the_service_takes_the_tokens_of_the_benchmark(tmp_path: Path) -> None:
    ehr = Ehr()
    site = ehr.register(tmp_path)
    app = create_app(Settings.load(config=site, public_url="http://127.0.0.1:8000"))
    path = f"/cds-services/{SERVICE}"

    def answered(url: str) -> int:
        headers = {"Authorization": f"Bearer {ehr.sign(url)}", "Content-Type": "application/json"}
        return (
            app.test_client().post(path, data=marked(body(10_000, 5)), headers=headers).status_code
        )

    assert answered(f"http://127.0.0.1:8000{path}") == 200
    assert answered(f"http://127.0.0.1:8001{path}") == 401
