"""A call without prefetch, over HTTP: the demo fetches from its own FHIR server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.conftest import ROOT, Running, Start

pytestmark = pytest.mark.slow
TOKEN = "marked-token-7f3a"
SENT = json.loads((ROOT / "fixtures/fhir/delayed-referral/request.json").read_text())


def call(server: Running, fhir_server: str = "", **changes: Any) -> requests.Response:
    body = {name: value for name, value in SENT.items() if name != "prefetch"}
    body["fhirServer"] = fhir_server or f"{server.url}/demo/fhir"
    url = f"{server.url}/cds-services/pht-patient-view"
    return requests.post(url, json=body | changes, timeout=60)


def test_the_cards_are_those_of_the_same_call_with_prefetch(demo_server: Running) -> None:
    fetched = call(demo_server).json()["cards"]
    sent = call(demo_server, prefetch=SENT["prefetch"]).json()["cards"]
    assert [card["summary"] for card in fetched] == [card["summary"] for card in sent] != []


def test_the_demo_asking_itself_for_many_at_once_does_not_block_itself(start: Start) -> None:
    # As many calls under way as are sent at once: none is told to come back.
    server = start("demo", CDS_SERVICE_FETCH_DEADLINE="20", CDS_SERVICE_IN_FLIGHT="12")
    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(lambda _: call(server), range(24)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    "where",
    [
        *("http://169.254.169.254/latest", "http://2130706433/demo/fhir", "http://0177.0.0.1/fhir"),
        *("http://[::ffff:127.0.0.1]/demo/fhir", "https://ehr.example/fhir", "file:///etc/passwd"),
        *("http://localhost:1/demo/fhir", "http://127.0.0.1@localhost/demo/fhir", "x"),
    ],
)
def test_another_server_is_not_asked_and_the_keys_are_named(
    demo_server: Running, where: str
) -> None:
    refused = call(demo_server, where)
    assert refused.status_code == 412
    paths = [issue["expression"] for issue in refused.json()["issue"]]
    assert paths == [["prefetch.patient"], ["prefetch.conditions"]]
    assert "not one that this service may ask" in refused.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_log_holds_neither_token_nor_patient(start: Start, level: str) -> None:
    server = start("demo", CDS_SERVICE_LOG_LEVEL=level)
    answer = call(server, fhirAuthorization={"access_token": TOKEN, "scope": "patient/*.rs"})
    assert answer.status_code == 200
    assert TOKEN not in answer.text
    server.stop()
    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    fetches = [line for line in lines if line["logger"] == "cds_service.fetch"]
    assert {line["outcome"] for line in fetches} == {"ok"}
    assert {line["request_id"] for line in fetches} == {answer.headers["X-Request-Id"]}
    assert TOKEN not in log
    assert "delayed-referral" not in log
