from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import DATA

RECORDED = DATA / "sandbox" / "recorded"
PREFLIGHTS = sorted(RECORDED.glob("preflight-*.json"))


@pytest.mark.requirement("2.0-208")
@pytest.mark.parametrize("file", PREFLIGHTS, ids=lambda file: file.stem)
def test_the_sandboxs_preflights_are_allowed_in_the_demo(
    demo_client: FlaskClient, file: Path
) -> None:
    sent = json.loads(file.read_text())
    answer = demo_client.options(sent["path"], headers=sent["headers"])
    assert 200 <= answer.status_code < 300
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    for header in sent["headers"]["Access-Control-Request-Headers"].split(","):
        assert header in allowed
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (
        sent["headers"]["Access-Control-Request-Method"]
        in (answer.headers["Access-Control-Allow-Methods"])
    )
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/cds-services/", "/cds-services//fake", "/demo/fhir/Patient"])
def test_no_preflight_is_redirected(demo_client: FlaskClient, path: str) -> None:
    headers = {"Origin": "http://x", "Access-Control-Request-Method": "GET"}
    assert demo_client.options(path, headers=headers).status_code == 204


def test_errors_can_be_read_across_origins_too(demo_client: FlaskClient) -> None:
    for path in ("/cds-services/nope", "/cds-services/fake/feedback"):
        answer = demo_client.post(path, json={}, headers={"Origin": "http://x"})
        assert answer.status_code == 404
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_fault_of_ours_can_be_read_across_origins_too(
    demo_client: FlaskClient, engine: Any, call: dict[str, Any]
) -> None:
    engine.error = RuntimeError()
    answer = demo_client.post("/cds-services/fake", json=call, headers={"Origin": "http://x"})
    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.requirement("2.0-208")
def test_outside_the_demo_only_listed_origins_may_call(make_app: Callable[..., Flask]) -> None:
    client = make_app(cors_origins="https://ehr.example").test_client()
    listed = client.get("/cds-services", headers={"Origin": "https://ehr.example"})
    other = client.get("/cds-services", headers={"Origin": "https://evil.example"})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://ehr.example"
    assert "Access-Control-Allow-Origin" not in other.headers


def test_by_default_no_origin_may_call(client: FlaskClient) -> None:
    answer = client.get("/cds-services", headers={"Origin": "https://ehr.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_demo_may_be_reached_from_a_public_page(demo_client: FlaskClient) -> None:
    answer = demo_client.options(
        "/cds-services",
        headers={
            "Origin": "https://sandbox.cds-hooks.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"


def test_pages_are_not_open_to_other_origins(demo_client: FlaskClient) -> None:
    answer = demo_client.get("/", headers={"Origin": "http://x"})
    assert "Access-Control-Allow-Origin" not in answer.headers
