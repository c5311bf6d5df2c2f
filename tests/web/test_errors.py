from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.fakes import FakeEngine

SERVICE = "/cds-services/fake"


def outcome(answer: TestResponse, status: int, code: str) -> str:
    """Asserts the one shape all errors have; its diagnostics."""
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    assert answer.json["resourceType"] == "OperationOutcome"
    issue = answer.json["issue"][0]
    assert (issue["severity"], issue["code"]) == ("error", code)
    return str(issue["diagnostics"])


def post(client: FlaskClient, data: bytes, **kwargs: Any) -> TestResponse:
    return client.post(SERVICE, data=data, **({"content_type": "application/json"} | kwargs))


def test_malformed_json_is_refused_with_line_and_column(client: FlaskClient) -> None:
    told = outcome(post(client, b'{"hook": 1,\n  oops}'), 400, "invalid")
    assert "line 2, column 3" in told


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_json_does_not_have_are_refused(client: FlaskClient, value: bytes) -> None:
    outcome(post(client, b'{"a": ' + value + b"}"), 400, "invalid")


def test_invalid_utf_8_is_refused_with_its_position(client: FlaskClient) -> None:
    assert "byte 8" in outcome(post(client, b'{"a": "\xff"}'), 400, "invalid")


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "x:y", "b": 1, "b": 2}',
        b'{"a": 1, "a": 2, "b": "\\u003a"}',
        b'{"a": [{"c": ":", "\\u0063": 2}]}',
        b'{"a": ' + b"1" * 300 + b', "a": 1}',
    ],
)
def test_a_key_given_twice_is_refused(client: FlaskClient, data: bytes) -> None:
    assert "same key twice" in outcome(post(client, data), 400, "invalid")


def test_colons_in_text_are_no_repeated_keys(client: FlaskClient, call: dict[str, Any]) -> None:
    data = json.dumps(call | {"extension": {"a:b": "::", "c": ":"}}).replace("::", "\\u003a:")
    assert post(client, data.encode()).status_code == 200


@pytest.mark.parametrize("data", [b"[" * 2000, b'{"a":' * 300 + b"1" + b"}" * 300])
def test_deep_nesting_is_refused(client: FlaskClient, data: bytes) -> None:
    outcome(post(client, data), 400, "invalid")


def test_an_empty_body_is_refused(client: FlaskClient) -> None:
    outcome(post(client, b" "), 400, "required")


def test_a_byte_order_mark_is_tolerated(client: FlaskClient, call: dict[str, Any]) -> None:
    assert post(client, b"\xef\xbb\xbf" + json.dumps(call).encode()).status_code == 200


def test_schema_faults_carry_their_json_path(client: FlaskClient, call: dict[str, Any]) -> None:
    del call["context"]["patientId"]
    answer = client.post(SERVICE, json=call)
    outcome(answer, 400, "required")
    assert answer.json["issue"][0]["expression"] == ["context.patientId"]


def test_an_unknown_service_is_404_and_names_the_known_ones(
    client: FlaskClient, call: dict[str, Any]
) -> None:
    told = outcome(client.post("/cds-services/nope", json=call), 404, "not-found")
    assert "fake" in told
    assert "nope" not in told


@pytest.mark.parametrize(
    "path", ["/nope", "/cds-services/fake/more", "/static/nope", "/demo/fhir/Patient"]
)
def test_an_unknown_address_is_404(client: FlaskClient, path: str) -> None:
    outcome(client.get(path), 404, "not-found")


def test_a_wrong_method_is_405_and_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.get(SERVICE)
    outcome(answer, 405, "not-supported")
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_a_body_over_the_limit_is_413(make_app: Callable[..., Flask]) -> None:
    client = make_app(body_limit=1000).test_client()
    assert "1000 bytes" in outcome(post(client, b" " * 1001), 413, "too-long")


@pytest.mark.parametrize(
    "sent",
    [
        {"content_type": "text/plain"},
        {"content_type": ""},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/json; charset=latin-1"},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_what_is_not_plain_json_is_415(client: FlaskClient, sent: dict[str, Any]) -> None:
    outcome(post(client, b"{}", **sent), 415, "not-supported")


@pytest.mark.parametrize("kind", ["application/fhir+json", "application/json; charset=UTF-8"])
def test_json_under_its_other_names_is_read(
    client: FlaskClient, call: dict[str, Any], kind: str
) -> None:
    assert post(client, json.dumps(call).encode(), content_type=kind).status_code == 200


def test_a_fault_of_ours_tells_nobody_what_was_read(
    client: FlaskClient,
    call: dict[str, Any],
    engine: FakeEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine.error = KeyError("Jane Doe")
    with caplog.at_level(logging.INFO):
        answer = client.post(SERVICE, json=call)
    told = outcome(answer, 500, "exception")
    assert answer.headers["X-Request-Id"] in told
    assert "Jane" not in answer.text
    assert "Jane" not in caplog.text
    fault = next(record for record in caplog.records if record.name == "cds_service.error")
    assert vars(fault)["fault"]["type"] == "KeyError"
    assert vars(fault)["request_id"] == answer.headers["X-Request-Id"]
