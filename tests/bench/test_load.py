"""The load generator sends what it is told to, and counts what comes back."""

from __future__ import annotations

import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tools.bench.answer import Answer
from tools.bench.bodies import body
from tools.bench.load import call, send
from tools.bench.measure import Sample, Subject, measure

SEEN: list[tuple[str, bytes, str]] = []


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        SEEN.append((self.path, data, self.headers.get("Authorization", "")))
        status = 503 if data == b"too much" else 200
        self.send_response(status)
        if data.startswith(b"unmeasured"):
            self._without_length(chunked=data == b"unmeasured, in chunks")
            return
        self.send_header("Content-Length", "2")
        if data == b"last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def _without_length(self, *, chunked: bool) -> None:
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("X", "y")))
        self.end_headers()
        parts = b'5;x=y\r\n{"a":\r\n', b'6\r\n"0\r\n"}\r\n', b"0\r\n", b"T: r\r\n\r\n"
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()
        self.close_connection = not chunked

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    SEEN.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"{'https' if tls else 'http'}://localhost:{server.server_port}/cds-services/x"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def url() -> Iterator[str]:
    with serving() as address:
        yield address


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
    outcome = send(url, [call(url, b"too much"), call(url, b"x")], 1)
    assert outcome.statuses == {503: 1, 200: 1}
    assert len(outcome.latencies) == 1  # a refusal is quick, and no answer


def test_a_connection_the_server_closes_is_opened_anew(url: str) -> None:
    assert send(url, [call(url, b"last"), call(url, b"x")], 1).statuses == {200: 2}


def test_the_query_of_an_address_is_sent(url: str) -> None:
    send(url, [call(f"{url}?tenant=a", b"x")], 1)
    assert SEEN[0][0] == "/cds-services/x?tenant=a"


@pytest.mark.parametrize("data", [b"unmeasured, in chunks", b"unmeasured, until it closes"])
def test_an_answer_whose_length_is_not_told_is_read_to_its_end(url: str, data: bytes) -> None:
    assert send(url, [call(url, data), call(url, b"x")], 1).statuses == {200: 2}


def test_an_answer_is_whole_however_it_is_cut() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    measured = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    for told, status, closes in ((chunked, 200, False), (measured, 503, True)):
        one = Answer()
        whole = [one.feed(told[n : n + 1]) for n in range(len(told))]
        assert whole == [False] * (len(told) - 1) + [True]
        assert (one.status, one.closes) == (status, closes)


def test_an_answer_cut_short_is_none() -> None:
    one = Answer()
    one.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    with pytest.raises(ConnectionError):
        one.feed(b"")


def test_a_peer_is_called_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with serving(context) as url:
        outcome = send(url, [call(url, b"x" * 500_000) for _ in range(4)], 2)
    assert outcome.statuses == {200: 4}
    assert [len(data) for _, data, _ in SEEN] == [500_000] * 4


def measured(url: str) -> Sample:
    peer = Subject(name="peer", url=url, server=None)
    shape = {"connections": 1, "rounds": 2, "each": 3}
    (found,) = measure([peer], body(10_000, 5), **shape, chance=random.Random(1))
    return found


def test_a_peer_is_measured(url: str) -> None:
    found = measured(url)
    assert (found.statuses, len(found.latencies), found.fault) == ({200: 6}, 6, "")
    assert len(SEEN) == 9  # one round warms up


def test_a_peer_that_does_not_answer_ends_no_run(url: str) -> None:
    found = measured(url.replace("localhost:", "localhost:1"))
    assert found.latencies == []
    assert found.fault
