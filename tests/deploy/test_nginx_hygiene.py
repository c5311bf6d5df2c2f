"""What nginx lets through to the service, and what it does not."""

from __future__ import annotations

import json

import pytest

from cds_service.trust.access import ROUTES
from tests.conformance.calls import VIEW
from tests.deploy.conftest import Recorded, dripping, exchange, outcome
from tests.deploy.nginx import PREFIX, concrete, is_outside

pytestmark = pytest.mark.slow


def test_what_a_client_says_about_proxies_does_not_arrive(recorded: Recorded) -> None:
    forged = {
        "Forwarded": "for=10.0.0.1;proto=http;host=evil.example",
        "SCRIPT_NAME": "/evil",
        "PATH_INFO": "/console/what-if",
        "REMOTE_USER": "root",
        "Via": "1.1 evil",
        "X-Real-IP": "10.0.0.1",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "80",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Protocol": "http",
        "X-Forwarded-Server": "evil.example",
        "X-Forwarded-Ssl": "off",
        "X-Forwarded_Proto": "http",
        "Proxy": "http://evil.example",
        "Connection": "close, X-Forwarded-Proto",
    }
    arrived = recorded.head(**forged)
    assert "evil" not in str(arrived)
    assert arrived["x-forwarded-for"] == ["127.0.0.1"]
    assert arrived["x-forwarded-proto"] == ["https"]
    assert arrived["script_name"] == [PREFIX]
    assert arrived["host"] == ["localhost"]
    told = {name for name in arrived if "forward" in name or "_" in name or "proxy" in name}
    assert told == {"x-forwarded-for", "x-forwarded-proto", "script_name"}


def test_the_token_and_the_body_arrive_as_they_are(recorded: Recorded) -> None:
    body = b'{"text": "\xc3\xa4"}'
    sent = {"Authorization": "Bearer x.y.z", "Content-Type": "application/json"}
    assert recorded.send("POST", content=body, headers=sent).status_code == 200
    seen = recorded.upstream.seen[-1]
    assert (seen.path, seen.body) == (PREFIX + VIEW, body)
    assert seen.headers["authorization"] == ["Bearer x.y.z"]


def test_what_is_not_for_everyone_is_not_to_be_had(recorded: Recorded) -> None:
    for route in ROUTES:
        answer = recorded.send("GET", concrete(route))
        if is_outside(route):
            assert answer.status_code == 200, route
        else:
            outcome(answer, 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/console/what-if",
        "//console/what-if",
        "/cds-services/../console/what-if",
        "/cds-services/%2e%2e/console/what-if",
        "/%63onsole/what-if",
        "/./metrics",
        "/metrics",
        "/metrics/",
        "/ready",
        "/demo/fhir/Patient",
        "/static/../metrics",
        "/health/../metrics",
        "/../metrics",
        "/../console/what-if",
        "/../../console/what-if",
    ],
)
def test_no_way_of_writing_a_path_leads_inside(recorded: Recorded, path: str) -> None:
    raw = f"GET {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    told = exchange(recorded.nginx, raw.encode())
    assert told.split()[1] in (b"404", b"400")
    assert recorded.upstream.seen == []


def test_a_body_is_read_whole_before_the_service_is_asked(recorded: Recorded) -> None:
    with dripping(recorded.nginx, 40) as slow:
        assert recorded.send("POST", content=b"fast").status_code == 200
        assert [one.body for one in recorded.upstream.seen] == [b"fast"]
        slow[0].sendall(b"34")
        assert slow[0].recv(100).split()[1] == b"200"
        assert [one.body for one in recorded.upstream.seen] == [b"fast", b"1234"]


def test_connections_to_the_service_are_kept(recorded: Recorded) -> None:
    for _ in range(10):
        assert recorded.send("POST", content=b"{}").status_code == 200
    assert recorded.upstream.connections < 10


def test_the_access_log_has_no_query_and_no_path(recorded: Recorded) -> None:
    recorded.send("GET", "/guideline?marked=1")
    recorded.nginx.stop()
    (line,) = [
        one
        for one in (recorded.nginx.folder / "access.log").read_text().splitlines()
        if json.loads(one)["status"] == 200
    ]
    assert "marked" not in line
    assert json.loads(line)["method"] == "GET"
