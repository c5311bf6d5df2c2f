"""A hostile page in a clinician's browser: what it may send, and what it may read. Real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.conftest import Running, Start
from tests.hostile.conftest import SERVICE, Guarded, call, is_refused

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("afterwards")]

LISTED = "https://ehr.example"
ALLOW = "Access-Control-Allow-"

ORIGINS = {
    "another": "https://evil.example",
    "suffix": "https://ehr.example.evil.example",
    "prefix": "https://evil-ehr.example",
    "no dot": "https://ehrXexample",
    "subdomain": "https://x.ehr.example",
    "other scheme": "http://ehr.example",
    "other port": "https://ehr.example:8443",
    "null": "null",
    "file": "file://",
    "user": "https://ehr.example@evil.example",
    "list": "https://ehr.example, https://evil.example",
    "pattern": "https://.*",
    "case": "HTTPS://EHR.EXAMPLE.EVIL",
}


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_attack_a_page_of_another_origin_reads_answers(guarded: Guarded, origin: str) -> None:
    """Not a preflight, not an answer, not an error."""
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    url = guarded.running.url
    for answer in (
        requests.options(url + SERVICE, headers=asks, timeout=20),
        requests.get(url + "/cds-services", headers={"Origin": origin}, timeout=20),
        requests.post(url + SERVICE, json={}, headers={"Origin": origin}, timeout=20),
        guarded.as_north(headers={"Origin": origin}),
    ):
        assert not [name for name in answer.headers if name.startswith(ALLOW)], answer.headers


def test_attack_a_listed_page_gets_no_credentials(guarded: Guarded) -> None:
    answer = guarded.as_north(headers={"Origin": LISTED, "Cookie": "session=1"})
    assert answer.headers[ALLOW + "Origin"] == LISTED
    assert ALLOW + "Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "CONNECT"])
def test_attack_a_preflight_for_methods_that_are_not_served(guarded: Guarded, method: str) -> None:
    asks = {"Origin": LISTED, "Access-Control-Request-Method": method}
    answer = requests.options(guarded.running.url + SERVICE, headers=asks, timeout=20)
    assert method not in answer.headers.get(ALLOW + "Methods", "")


def test_attack_a_preflight_for_headers_that_are_not_read(guarded: Guarded) -> None:
    asks = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "X-Forwarded-For, Cookie, Authorization",
    }
    answer = requests.options(guarded.running.url + SERVICE, headers=asks, timeout=20)
    assert answer.headers[ALLOW + "Headers"].lower() == "authorization"


def test_attack_a_public_page_reaches_into_the_own_network(guarded: Guarded) -> None:
    """Only the demo tells a browser that it may."""
    asks = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = requests.options(guarded.running.url + SERVICE, headers=asks, timeout=20)
    assert answer.headers.get(ALLOW + "Private-Network", "false") == "false"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_attack_a_form_of_another_page_posts_a_call(guarded: Guarded, kind: str) -> None:
    """What a browser sends without a preflight is not read."""
    data = json.dumps(call()).encode()
    is_refused(guarded.send_bytes(data, kind, Origin="https://evil.example"), 415, "not-supported")


@pytest.mark.parametrize("path", ["/", "/guideline", "/value-sets", "/about/source-attributes"])
def test_attack_a_page_is_framed_or_made_to_run_scripts(guarded: Guarded, path: str) -> None:
    answer = requests.get(guarded.running.url + path, timeout=20)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_attack_an_answer_about_a_patient_is_kept_by_the_browser(guarded: Guarded) -> None:
    for answer in (guarded.as_north(), guarded.as_north(json={})):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_attack_plain_http_after_https(guarded: Guarded) -> None:
    answer = requests.get(guarded.running.url + "/health", timeout=20)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


# --- a page that turns its own name to this machine ---


@pytest.fixture(scope="module")
def open_server(start: Start) -> Running:
    return start(
        "serve",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="local",
        CDS_SERVICE_TODAY="2026-06-15",
    )


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.nip.io"),
        *("localhost@evil.example", "evil.example#localhost", "", "[::1", "0x7f.1", "2130706433"),
    ],
)
def test_attack_dns_rebinding(open_server: Running, host: str) -> None:
    """An open server answers under names of this machine only; each page and each call."""
    for path in ("/cds-services", "/", "/console/what-if", "/metrics", "/openapi.json"):
        answer = requests.get(open_server.url + path, headers={"Host": host}, timeout=20)
        assert answer.status_code in (400, 404, 421), path
    sent: Any = {"headers": {"Host": host}, "json": call(), "timeout": 20}
    assert requests.post(open_server.url + SERVICE, **sent).status_code in (400, 421)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host"]
)
def test_attack_an_open_server_through_a_proxy(open_server: Running, header: str) -> None:
    sent: Any = {"headers": {header: "127.0.0.1"}, "json": call(), "timeout": 20}
    assert requests.post(open_server.url + SERVICE, **sent).status_code == 421
    answer = requests.get(open_server.url + "/console/what-if", headers={header: "x"}, timeout=20)
    assert answer.status_code in (404, 421)


@pytest.mark.parametrize("path", ["/console/what-if", "/console/what-if/result", "/metrics"])
def test_attack_pages_of_the_operator_from_outside(guarded: Guarded, path: str) -> None:
    """Where the console is off, and the public URL is of other machines, nothing is there."""
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Host": "evil.example"}):
        for method in ("GET", "POST"):
            answer = requests.request(
                method, guarded.running.url + path, headers=headers, timeout=20
            )
            assert answer.status_code in (404, 405), (path, headers, method)
