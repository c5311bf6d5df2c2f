"""nginx as deploy/nginx.conf says: before the real service, and before servers that listen."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from cds_service.protocol.messages import violations
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Running, Start
from tests.deploy.nginx import PREFIX, Nginx, new_nginx
from tests.deploy.upstream import Upstream, new_upstream
from tests.trust.signing import Ehr, Key, jwks

HSTS = {"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff"}


@dataclass
class Site:
    """The service behind nginx, and an EHR that is registered with it."""

    nginx: Nginx
    running: Running
    ehr: Ehr

    def post(self, sent: Any = None, aud: str | None = None, **headers: str) -> requests.Response:
        url = self.nginx.url + VIEW
        given = {**self.ehr.bearer(aud or url), **headers}
        body = sent if sent is not None else overdue()
        return requests.post(url, json=body, headers=given, verify=self.nginx.authority, timeout=30)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.nginx.url + path, verify=self.nginx.authority, timeout=30)


@pytest.fixture(scope="module")
def site(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    nginx = new_nginx(tmp_path_factory.mktemp("nginx"))
    folder = tmp_path_factory.mktemp("service")
    ehr = Ehr(Key("one"))
    (folder / "ehr.json").write_bytes(jwks(ehr.key))
    (folder / "site.toml").write_text(f'[clients.ehr]\niss = "{ehr.iss}"\njwks = "ehr.json"\n')
    running = start(
        "serve",
        "--allow-fixed-today",
        CDS_SERVICE_CONFIG=str(folder / "site.toml"),
        CDS_SERVICE_PUBLIC_URL=nginx.url,
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_STATE=str(folder / "state"),
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
        CDS_SERVICE_CONSOLE="local",
    )
    nginx.serve(int(running.url.rpartition(":")[2]))
    yield Site(nginx, running, ehr)
    nginx.stop()


@dataclass
class Recorded:
    """nginx before a server that keeps what reaches it."""

    nginx: Nginx
    upstream: Upstream

    def head(self, method: str = "GET", path: str = VIEW, **headers: str) -> dict[str, list[str]]:
        """What arrives of this request's headers."""
        answer = self.send(method, path, headers=headers)
        assert answer.status_code == 200
        return self.upstream.seen[-1].headers

    def send(self, method: str, path: str = VIEW, **more: Any) -> httpx.Response:
        context = ssl.create_default_context(cafile=self.nginx.authority)
        with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
            return client.request(method, self.nginx.url + path, **more)


Behind = Callable[..., Nginx]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    """Starts nginx before servers on these ports."""
    started = []

    def make(*servers: int, changes: Any = ()) -> Nginx:
        nginx = new_nginx(tmp_path)
        nginx.changes = list(changes)
        started.append(nginx)
        nginx.serve(*servers)
        return nginx

    yield make
    for nginx in started:
        nginx.stop()


@pytest.fixture
def recorded(behind: Behind) -> Iterator[Recorded]:
    with new_upstream() as upstream:
        yield Recorded(behind(upstream.port), upstream)


def outcome(answer: Any, status: int, code: str) -> None:
    """nginx's own refusal: JSON, in the form of all others."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert violations("outcome", body) == []
    assert [issue["code"] for issue in body["issue"]] == [code]


def exchange(nginx: Nginx, sent: bytes) -> bytes:
    """What comes back for these bytes, until the other side closes."""
    context = ssl.create_default_context(cafile=nginx.authority)
    with (
        socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(sent)
        told = b""
        while piece := secured.recv(65536):
            told += piece
        return told


@contextmanager
def dripping(nginx: Nginx, count: int) -> Iterator[list[ssl.SSLSocket]]:
    """Clients that have sent the first two of four bytes."""
    head = f"POST {PREFIX}{VIEW} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n12"
    context = ssl.create_default_context(cafile=nginx.authority)
    with ExitStack() as held:
        clients = []
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=30)
            secured = held.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            secured.sendall(head.encode())
            clients.append(secured)
        yield clients
