"""What the benchmark finds without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.settings import Settings
from cds_service.web import create_app
from tools.bench import steps as module
from tools.bench.bodies import body
from tools.bench.ehr import Ehr
from tools.bench.footprint import footprint
from tools.bench.measure import SERVICE, marked
from tools.bench.steps import DECIDE, steps


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
    assert {DECIDE, "evidence to facts"} < set(found)


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
