"""FHIR servers over real sockets that behave, or misbehave, as a test says."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class FakeFhir:
    """`answers`: path without query -> what to do. Others get what `record` holds of the type."""

    record: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    port: int = 0
    peers: set[int] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeFhir

    def do_GET(self) -> None:
        self.fake.peers.add(self.client_address[1])
        self.fake.asked.append((self.command, self.path, dict(self.headers)))
        kind = self.path.removeprefix("/fhir/").partition("?")[0]
        try:
            self.fake.answers.get(kind, _held)(self)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.path = self.path.removesuffix("/_search") + "?"
        self.do_GET()

    def log_message(self, *_: Any) -> None: ...

    def send(self, value: Any, status: int = 200, **headers: str) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        told = {"Content-Type": "application/fhir+json", "Content-Length": str(len(data))}
        for name, text in (told | {n.replace("_", "-"): v for n, v in headers.items()}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


def _held(handler: Handler) -> None:
    name = handler.path.removeprefix("/fhir/")
    if "?" not in name:
        kind, _, identity = name.partition("/")
        found = [r for r in handler.fake.record.get(kind, []) if r.get("id") == identity]
        handler.send(found[0] if found else _OUTCOME, 200 if found else 404)
    else:
        found = handler.fake.record.get(name.partition("?")[0], [])
        entries = [{"resource": one} for one in found]
        handler.send({"resourceType": "Bundle", "type": "searchset", "entry": entries})


_OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are none."""


@contextmanager
def serving(fake: FakeFhir, tls: ssl.SSLContext | None = None) -> Iterator[FakeFhir]:
    server = _Server(("127.0.0.1", 0), type("_H", (Handler,), {"fake": fake}))
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    fake.port = server.server_port
    fake.url = f"http://127.0.0.1:{server.server_port}/fhir"
    try:
        yield fake
    finally:
        fake.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def outcome(handler: Handler) -> None:
    handler.send(_OUTCOME)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.send(_OUTCOME, code, **headers)


def once(first: Answer, then: Answer = _held) -> Answer:
    answers = [first]

    def answer(handler: Handler) -> None:
        (answers.pop() if answers else then)(handler)

    return answer


def said_twice(handler: Handler) -> None:
    """An object with the same key twice: readers differ in which they keep."""
    data = b'{"resourceType": "Bundle", "type": "searchset", "entry": [], "entry": []}'
    handler.send_response(200)
    handler.send_header("Content-Type", "application/fhir+json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def drip_body(handler: Handler) -> None:
    """A byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/fhir+json")
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    drip(handler)


def drip_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(handler)


def drip(handler: Handler) -> None:
    while not handler.fake.stopped.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def stall(handler: Handler) -> None:
    handler.fake.stopped.wait(60)
    handler.close_connection = True


def huge(handler: Handler) -> None:
    handler.send({"resourceType": "Bundle", "type": "searchset", "x": "y" * 300_000})


def html(handler: Handler) -> None:
    handler.send({"resourceType": "Bundle", "type": "searchset"}, Content_Type="text/html")


def endless(handler: Handler) -> None:
    number = len(handler.fake.asked)
    path = handler.path.removeprefix("/fhir/").partition("?")[0]
    link = [{"relation": "next", "url": f"{handler.fake.url}/{path}?page={number}"}]
    handler.send({"resourceType": "Bundle", "type": "searchset", "link": link})


def next_at(url: str) -> Answer:
    link = [{"relation": "next", "url": url}]
    page = {"resourceType": "Bundle", "type": "searchset", "link": link}
    return lambda handler: handler.send(page)


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Polls: other work on the machine may delay what must come in the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
