"""Clients that take what others need: time, connections, memory, disk. Real gunicorn."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Running, Start
from tests.hostile.conftest import FIXTURES, PUBLIC, SERVICE, Guarded, call
from tests.strategies import altered, json_values
from tests.web.test_slow_clients import connected, everything

pytestmark = pytest.mark.slow

ENOUGH = 150  # connections; two workers have 128 threads


@pytest.fixture
def opened(guarded: Guarded) -> Any:
    """Opens so many connections, sends `opening` on each, and keeps them until the test is over."""
    with ExitStack() as stack:

        def run(number: int, opening: bytes) -> list[socket.socket]:
            made = [stack.enter_context(connected(guarded.running)) for _ in range(number)]
            for connection in made:
                with suppress(OSError):  # the one waited for longest is cut off for the next
                    connection.sendall(opening)
            return made

        yield run


@pytest.mark.usefixtures("afterwards")
@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"GET /health HTTP/1.1\r\nX-Slow: ",
        f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n".encode(),
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["silent", "half a head", "no body, no token", "kept open", "TLS to a plain port"],
)
def test_attack_more_connections_than_threads(
    guarded: Guarded, opened: Any, opening: bytes
) -> None:
    """While they last, proper calls are answered rightly."""
    opened(ENOUGH, opening)
    for _ in range(4):
        answer = guarded.as_north()
        assert answer.status_code == 200
        assert answer.json()["cards"]


@pytest.mark.usefixtures("afterwards")
def test_attack_a_body_that_never_ends_from_a_known_client(guarded: Guarded) -> None:
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {guarded.bearer()}\r\nContent-Length: 5000\r\n\r\n{{"
    answer = guarded.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"OperationOutcome" in answer


@pytest.mark.usefixtures("afterwards")
def test_attack_a_head_that_never_ends(guarded: Guarded) -> None:
    with connected(guarded.running) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: 1")
        assert everything(connection) == b""


@pytest.mark.usefixtures("afterwards")
def test_attack_answers_that_nobody_takes(guarded: Guarded, opened: Any) -> None:
    address = urlsplit(guarded.running.url)
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(20):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(30)
            one.connect((address.hostname, address.port))
            one.sendall(ask * 100)
        assert guarded.as_north().status_code == 200


@pytest.mark.usefixtures("afterwards")
def test_attack_connections_cut_in_the_middle(guarded: Guarded) -> None:
    """Two hundred of them, each at another place."""
    body = json.dumps(call()).encode()
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for n in range(200):
        token = f"Authorization: Bearer {guarded.bearer()}\r\nContent-Length: {len(body)}\r\n\r\n"
        whole = (head + token).encode() + body
        with connected(guarded.running) as connection:
            connection.sendall(whole[: len(whole) * n // 200 + 1])


# --- memory ---

CORPUS: list[tuple[str, Any]] = []
ROUNDS = 3
GROWTH = 12_000_000  # bytes: one body of the largest size allowed, parsed, is more


@settings(
    max_examples=150, derandomize=True, database=None, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=st.data(), odd=json_values())
def collect(data: st.DataObject, odd: Any) -> None:
    name = data.draw(st.sampled_from(["delayed-referral", "steroid-overuse", "bilateral"]))
    sent = json.loads((FIXTURES / name / "request.json").read_text())
    CORPUS.append((SERVICE, data.draw(altered(sent))))
    CORPUS.append((data.draw(st.sampled_from([SERVICE, f"{SERVICE}/feedback"])), odd))


def resident(running: Running) -> int:
    """Bytes of memory that the server's processes hold together."""
    page = os.sysconf("SC_PAGE_SIZE")
    held = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == running.process.pid:
                held += int((process / "statm").read_text().split()[1]) * page
        except (FileNotFoundError, ProcessLookupError):
            continue
    return held


def test_fuzzing_ends_in_no_fault_and_takes_no_more_memory_with_time(start: Start) -> None:
    """The same few hundred requests, again and again: what they took at first is all they take."""
    collect()
    running = start("serve", CDS_SERVICE_AUTH="open", CDS_SERVICE_TODAY="2026-06-15")
    asks = [
        *CORPUS,
        *((SERVICE, json.loads(f.read_text())) for f in FIXTURES.rglob("request.json")),
    ]
    held = []
    with requests.Session() as session:
        for _ in range(2):
            for _ in range(ROUNDS):
                for path, body in asks:
                    answer = session.post(running.url + path, json=body, timeout=60)
                    assert answer.status_code < 500, answer.text
                    session.get(running.url + "/guideline", timeout=60) if path != SERVICE else None
            held.append(resident(running))
    assert held[0] > 20_000_000  # the processes were found
    assert held[1] - held[0] < GROWTH, held
    assert '"fault"' not in running.log.read_text()


def test_attack_ever_new_words_do_not_fill_the_memory(start: Start) -> None:
    """What is remembered of texts has a bound: long ones are not kept at all."""
    running = start(
        "serve", CDS_SERVICE_AUTH="open", CDS_SERVICE_TODAY="2026-06-15", CDS_SERVICE_WORKERS="1"
    )
    body = call()
    entry = body["prefetch"]["conditions"]["entry"][0]
    held = []
    with requests.Session() as session:
        for n in range(60):
            entry["resource"]["code"]["text"] = f"{n} " + "x" * 1_000_000
            answer = session.post(running.url + SERVICE, json=body, timeout=60)
            assert answer.status_code == 200
            held.append(resident(running))
    assert held[-1] - held[20] < 20_000_000, held  # forty texts of a million characters


# --- the disk ---


def test_attack_tokens_are_remembered_no_longer_than_they_could_serve(guarded: Guarded) -> None:
    """A client cannot make the service remember a token for a year."""
    before = time.time()
    token = guarded.north.token(PUBLIC + SERVICE, tenant="a", exp=2**40)
    assert guarded.post(token).status_code == 200
    assert guarded.post(token).status_code == 401
    with sqlite3.connect(f"file:{guarded.folder}/state/ledger.sqlite3?mode=ro", uri=True) as read:
        ((latest,),) = read.execute("SELECT max(expires) FROM nonces")
    kept = datetime.fromisoformat(latest).replace(tzinfo=UTC).timestamp()
    assert before < kept < time.time() + 310  # the greatest age of a token, and the clocks' leeway
