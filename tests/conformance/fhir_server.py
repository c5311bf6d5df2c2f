"""A FHIR server of the tests: one chart, behind a bearer token, two resources on a page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 2


@dataclass
class Asked:
    """One request as it arrived: path and query, and the Authorization header."""

    path: str
    authorization: str | None

    @property
    def type(self) -> str:
        return urlsplit(self.path).path.strip("/").split("/")[0]


@dataclass
class FhirServer:
    """`held`: resources by type. `asked`: every request, in the order of arrival."""

    token: str
    held: Mapping[str, list[dict[str, Any]]]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def types(self) -> list[str]:
        """What was asked for."""
        return [one.type for one in self.asked]

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        self.asked.append(Asked(path, authorization))
        if authorization != f"Bearer {self.token}":
            return 401, _outcome("login")
        parts = urlsplit(path)
        kind, _, identity = parts.path.strip("/").partition("/")
        held = self.held.get(kind, [])
        if identity and identity != "_search":
            found = [one for one in held if one["id"] == identity]
            return (200, found[0]) if found else (404, _outcome("not-found"))
        start = int(parse_qs(parts.query).get("_offset", ["0"])[0])
        return 200, self.page(kind, start)

    def page(self, kind: str, start: int = 0) -> dict[str, Any]:
        """The searchset of a type from this resource on."""
        held = self.held.get(kind, [])
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(held)}
        if entries := [{"resource": one} for one in held[start : start + PAGE]]:
            bundle["entry"] = entries
        if start + PAGE < len(held):
            following = f"{self.url}/{kind}?_offset={start + PAGE}"
            bundle["link"] = [{"relation": "next", "url": following}]
        return bundle


def _outcome(code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


@contextmanager
def serving(token: str, held: Mapping[str, list[dict[str, Any]]]) -> Iterator[FhirServer]:
    """Serves on loopback until the block ends."""
    fhir = FhirServer(token, held)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, resource = fhir.answer(self.path, self.headers.get("Authorization"))
            data = json.dumps(resource).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        fhir.url = f"http://127.0.0.1:{server.server_port}"
        yield fhir
        server.shutdown()
        thread.join()
