"""What nginx itself refuses, and what it does when servers fail."""

from __future__ import annotations

import json
import select

import pytest
import requests

from tests.conftest import _free_port
from tests.deploy.conftest import HSTS, Behind, Recorded, dripping, exchange, outcome
from tests.deploy.upstream import new_upstream

pytestmark = pytest.mark.slow


def test_more_than_the_connections_of_one_address_are_429(recorded: Recorded) -> None:
    with dripping(recorded.nginx, 65) as clients:
        (refused, *_), _, _ = select.select(clients, [], [], 30)
        head, _, _ = refused.recv(65536).partition(b"\r\n\r\n")
    assert head.split()[1] == b"429"
    assert b"Retry-After: 1" in head


def test_calls_beyond_the_rate_are_429(behind: Behind) -> None:
    with new_upstream() as upstream:
        nginx = behind(
            upstream.port, changes=[("rate=100r/s", "rate=1r/m"), ("burst=200", "burst=2")]
        )
        recorded = Recorded(nginx, upstream)
        answers = [recorded.send("GET", "/health") for _ in range(5)]
    assert [one.status_code for one in answers].count(429) >= 1
    outcome(answers[-1], 429, "throttled")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400", b"structure"),  # no Host
        (
            b"GET /pht/ HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
            b"400",
            b"structure",
        ),
        (b"GET /pht/" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414", b"too-long"),
        (b"TRACE /pht/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405", b"not-supported"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404", b"not-found"),
        (
            b"GET /pht/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            b"421",
            b"forbidden",
        ),
        (
            b"GET /_nginx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"404",
            b"not-found",
        ),
        (
            b"POST /pht/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400",
            b"structure",
        ),
    ],
)
def test_what_is_no_request_of_ours_is_refused_in_json(
    recorded: Recorded, raw: bytes, status: bytes, code: bytes
) -> None:
    told = exchange(recorded.nginx, raw)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["issue"][0]["code"] == code.decode()
    assert recorded.upstream.seen == []


def test_plain_http_is_told_so(recorded: Recorded) -> None:
    url = recorded.nginx.url.replace("https:", "http:")
    outcome(requests.get(url + "/health", timeout=30), 400, "structure")


# --- servers that fail ---


def test_a_server_that_is_not_there_costs_no_call(behind: Behind) -> None:
    with new_upstream() as upstream:
        recorded = Recorded(behind(_free_port(), upstream.port), upstream)
        for _ in range(6):
            assert recorded.send("POST", content=b"{}").status_code == 200
        assert len(upstream.seen) == 6


def test_a_call_that_was_sent_is_not_sent_again(behind: Behind) -> None:
    with new_upstream("dies") as dying, new_upstream() as other:
        nginx = behind(dying.port, other.port)
        recorded = Recorded(nginx, other)
        answers = [recorded.send("POST", content=b"{}") for _ in range(8)]
        refused = [one for one in answers if one.status_code != 200]
        assert refused
        assert len(dying.seen) == len(refused)
        assert len(other.seen) == len(answers) - len(refused)
    for answer in refused:
        outcome(answer, 502, "transient")
        assert int(answer.headers["Retry-After"]) > 0


def test_a_reading_request_is_sent_to_the_next(behind: Behind) -> None:
    with new_upstream("dies") as dying, new_upstream() as other:
        recorded = Recorded(behind(dying.port, other.port), other)
        for _ in range(4):
            assert recorded.send("GET", "/health").status_code == 200
        assert dying.seen


def test_a_server_that_does_not_answer_in_time_is_504(behind: Behind) -> None:
    with new_upstream("stalls") as stalled, new_upstream() as other:
        changes = [("proxy_read_timeout 15s", "proxy_read_timeout 1s")]
        recorded = Recorded(behind(stalled.port, changes=changes), other)
        outcome(recorded.send("POST", content=b"{}"), 504, "timeout")
        assert len(stalled.seen) == 1


def test_without_any_server_it_is_502(behind: Behind) -> None:
    with new_upstream() as nobody:
        recorded = Recorded(behind(_free_port()), nobody)
    answer = recorded.send("POST", content=b"{}")
    outcome(answer, 502, "transient")
    for name, value in HSTS.items():
        assert answer.headers[name] == value
