"""Whatever is sent, wherever: 2xx, or 4xx as an OperationOutcome; never HTML, never a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.calls import SELECT, SIGN, VIEW, on_file, overdue
from tests.conftest import Running
from tests.orders import ibuprofen
from tests.strategies import altered, json_values
from tests.web.test_server import raw

pytestmark = pytest.mark.slow

HOST = b"Host: localhost\r\nConnection: close\r\n"
POST = f"POST {VIEW} HTTP/1.1\r\n".encode() + HOST + b"Content-Type: application/json\r\n"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
FILLED = {
    "service_id": "pht-patient-view",
    "resource_type": "Patient",
    "resource_id": "week-6",
    "filename": "style.css",
}
HTML = "text/html"
JSON = {"Content-Type": "application/json"}


def paths() -> Iterator[str]:
    """Every path of the application, and some it does not have."""
    app = create_app(Settings.load(), demo=True)
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<path:{name}>", FILLED[name]).replace(f"<{name}>", FILLED[name])
        yield path
    yield from (
        "/cds-services/pht-patient-view/feedback",
        "/cds-services/x/y/z",
        "/no/where",
        "/%00",
    )


def check(answer: requests.Response) -> None:
    """The one shape of an answer that is not 2xx; a page with a form may show the fault itself."""
    page = urlsplit(answer.url).path.startswith("/console/")
    if page and answer.status_code == 400 and answer.headers["Content-Type"].startswith(HTML):
        assert "<h1" in answer.text or answer.request.method == "HEAD"
    elif not 200 <= answer.status_code < 300:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        if answer.request.method != "HEAD":
            assert answer.json()["resourceType"] == "OperationOutcome"
            assert all(issue["diagnostics"] for issue in answer.json()["issue"])


@pytest.mark.requirement("3.0-27")
@pytest.mark.parametrize("path", sorted(set(paths())))
def test_every_method_on_every_path(demo_server: Running, path: str) -> None:
    url = demo_server.url + path
    for method in METHODS:
        for body, headers in ((None, {}), (b"{}", JSON), (b"\xff<html>", JSON)):
            check(
                requests.request(
                    method, url, data=body, headers=headers, timeout=30, allow_redirects=False
                )
            )


@pytest.mark.requirement("2.0-208")
@pytest.mark.parametrize("path", sorted(set(paths())))
def test_a_refusal_can_be_read_by_the_page_that_asked(demo_server: Running, path: str) -> None:
    """On every path of the API the preflight is answered, and so is what follows it."""
    if not path.startswith(("/cds-services", "/health", "/fhir", "/demo/fhir")):
        return
    origin = {"Origin": "https://ehr.example"}
    asked = origin | {"Access-Control-Request-Method": "POST"}
    preflight = requests.options(demo_server.url + path, headers=asked, timeout=30)
    assert preflight.status_code == 204
    answer = requests.post(demo_server.url + path, data=b"?", headers=JSON | origin, timeout=30)
    for one in (preflight, answer):
        assert one.headers["Access-Control-Allow-Origin"] == "*"


UNREADABLE = {
    "no request line": b"GARBAGE\r\n\r\n",
    "a lower-case method": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "a long request line": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the path": b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a long header": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + HOST + b"X-Y: 1\r\n" * 200 + b"\r\n",
    "a header without colon": b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
    "a header with a space": b"GET / HTTP/1.1\r\n" + HOST + b"a b: 1\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: x\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk without size": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    "an unknown expectation": POST + b"Expect: tea\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.requirement("3.0-27")
@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_http_is_refused_in_the_same_shape(demo_server: Running, sent: bytes) -> None:
    head, _, body = raw(demo_server, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body)["resourceType"] == "OperationOutcome"


# --- bodies made by Hypothesis ---

EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def order(hook: str) -> dict[str, Any]:
    """An order call on a chart."""
    sent = overdue()
    draft = ibuprofen(1000)
    sent["context"] |= {
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft}]},
        "selections": [f"MedicationRequest/{draft['id']}"],
    }
    return sent | {"hook": hook}


FEEDBACK = f"{VIEW}/feedback"
CARD = {"card": "5b3ab0a4-4a4b-4f0f-a1a6-1d4c34bd1b7d", "outcomeTimestamp": "2026-06-15T09:30:00Z"}
ACCEPTED = {**CARD, "outcome": "accepted", "acceptedSuggestions": [{"id": CARD["card"]}]}
OVERRIDDEN = {**CARD, "outcome": "overridden", "overrideReason": {"userComment": "No."}}
CALLS = [
    on_file("week-6"),
    (VIEW, overdue(encounterId="e1")),
    (SIGN, order("order-sign")),
    (SELECT, order("order-select")),
    (FEEDBACK, {"feedback": [ACCEPTED, OVERRIDDEN]}),
]


@EXAMPLES
@given(body=json_values(), path=st.sampled_from([VIEW, SIGN, SELECT, FEEDBACK]))
def test_any_json_is_answered_or_refused(demo_server: Running, body: Any, path: str) -> None:
    check(requests.post(demo_server.url + path, json=body, timeout=30))


@EXAMPLES
@given(data=st.data(), which=st.sampled_from(range(len(CALLS))))
def test_a_call_with_anything_altered_is_answered_or_refused(
    demo_server: Running, data: st.DataObject, which: int
) -> None:
    path, call = CALLS[which]
    check(requests.post(demo_server.url + path, json=data.draw(altered(call)), timeout=30))


# --- the service against its own description ---


def test_schemathesis_finds_no_fault_in_what_openapi_json_describes(
    demo_server: Running, tmp_path: Path
) -> None:
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance,unsupported_method,allow_header_conformance"
    )
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("st")), "run", f"{demo_server.url}/openapi.json",
            "--url", demo_server.url, "--checks", checks, "--phases", "coverage,fuzzing",
            "--max-examples", "25", "--generation-deterministic",
            "--suppress-health-check", "all",
            "--no-color", "--report", "json", "--report-json-path", "report.json",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert told["operations"]["tested"] == told["operations"]["total"] > 10
    assert told["test_cases"]["generated"] > 300


def test_the_log_of_all_this_holds_no_fault(demo_server: Running) -> None:
    """Runs last: faults are logged also where a client did not wait for the answer."""
    assert '"fault"' not in demo_server.log.read_text()
