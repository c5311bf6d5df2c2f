from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.web.log import JsonLines


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO)

    def read() -> list[dict[str, Any]]:
        records = [r for r in caplog.records if r.name.startswith("cds_service")]
        return [json.loads(JsonLines().format(record)) for record in records]

    return read


def test_a_call_leaves_one_line(client: FlaskClient, call: dict[str, Any], lines: Any) -> None:
    answer = client.post("/cds-services/fake", json=call)
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line.pop("ms") > 0
    assert line == {
        "level": "info",
        "logger": "cds_service.request",
        "event": "request",
        "request_id": answer.headers["X-Request-Id"],
        "client": "anyone",
        "service": "fake",
        "route": "/cds-services/<service_id>",
        "method": "POST",
        "status": 200,
        "rules": ["steroid-overuse"],
    }


def test_nothing_about_patient_or_token_is_logged(
    demo_client: FlaskClient, call: dict[str, Any], lines: Any
) -> None:
    token = {"Authorization": "Bearer secret"}
    demo_client.post("/cds-services/fake?explain=rosa", json=call, headers=token)
    demo_client.get("/demo/fhir/Patient/rosa", headers=token)
    demo_client.get("/demo/fhir/Condition?patient=rosa")
    demo_client.get("/demo/chart?patient=rosa")
    demo_client.get("/rosa/nothing")
    text = json.dumps(lines())
    assert len(lines()) == 5
    assert "rosa" not in text
    assert "secret" not in text


def test_a_refusal_is_logged_by_type(client: FlaskClient, lines: Any) -> None:
    client.post("/cds-services/fake", json={})
    (line,) = lines()
    assert (line["status"], line["error"]) == (400, "BadRequest")


def test_a_request_id_of_the_caller_is_kept_when_it_is_a_uuid(client: FlaskClient) -> None:
    known = "c316efae-69b0-4666-995c-8494082b1dec"
    assert client.get("/health", headers={"X-Request-Id": known}).headers["X-Request-Id"] == known
    odd = client.get("/health", headers={"X-Request-Id": "Jane"}).headers["X-Request-Id"]
    assert "Jane" not in odd


def test_an_exception_is_written_by_type_and_place_only() -> None:
    try:
        int("Jane Doe")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), info)
    line = json.loads(JsonLines().format(record))
    assert line["fault"]["type"] == "ValueError"
    assert "test_log.py" in line["fault"]["at"]
    assert "Jane" not in json.dumps(line)
