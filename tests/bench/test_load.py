"""The load generator sends what it is told to, and counts what comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.bench.load import call, send

SEEN: list[tuple[str, bytes, str]] = []


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        SEEN.append((self.path, data, self.headers.get("Authorization", "")))
        status = 503 if data == b"too much" else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if data == b"last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    SEEN.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/cds-services/x"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("connections", [1, 3])
def test_every_call_is_sent_once(url: str, connections: int) -> None:
    calls = [call(url, f"body {n}".encode(), token=f"t{n}") for n in range(10)]
    outcome = send(url, calls, connections)
    assert sorted(data for _, data, _ in SEEN) == sorted(f"body {n}".encode() for n in range(10))
    assert {auth for _, _, auth in SEEN} == {f"Bearer t{n}" for n in range(10)}
    assert outcome.statuses == {200: 10}
    assert len(outcome.latencies) == 10


def test_a_body_larger_than_a_socket_takes_at_once_arrives_whole(url: str) -> None:
    send(url, [call(url, b"x" * 5_000_000)], 1)
    assert len(SEEN[0][1]) == 5_000_000


def test_what_is_refused_is_counted_by_status(url: str) -> None:
    assert send(url, [call(url, b"too much"), call(url, b"x")], 1).statuses == {503: 1, 200: 1}


def test_a_connection_the_server_closes_is_opened_anew(url: str) -> None:
    assert send(url, [call(url, b"last"), call(url, b"x")], 1).statuses == {200: 2}
