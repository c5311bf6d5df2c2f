"""A server behind nginx that keeps what reaches it: the heads, the bodies, how often."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; names of headers in lower case, each with all its values."""

    method: str
    path: str
    headers: dict[str, list[str]]
    body: bytes


@dataclass
class Upstream:
    """`manner`: answers, dies (takes the request and hangs up) or stalls (until `go` is set)."""

    port: int = 0
    manner: str = "answers"
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def new_upstream(manner: str = "answers") -> Iterator[Upstream]:
    told = Upstream(manner=manner)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            told.connections += 1
            super().setup()

        def answer(self) -> None:
            headers: dict[str, list[str]] = {}
            for name, value in self.headers.items():
                headers.setdefault(name.lower(), []).append(value)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.seen.append(Seen(self.command, self.path, headers, body))
            if told.manner == "stalls":
                told.go.wait(30)
            if told.manner != "answers":
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        told.port = server.server_port
        yield told
        told.go.set()
        server.shutdown()
        thread.join()
