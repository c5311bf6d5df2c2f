"""A service that authenticates its callers, and an EHR it knows; real HTTP, two workers."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import ROOT, Running, Start
from tests.fhir.servers import FakeFhir, serving
from tests.hostile.sites import PUBLIC, cluster, site
from tests.trust.signing import Ehr, Key, KeyServer, jwks, key_server

__all__ = ["PUBLIC", "cluster", "site"]
SERVICE = "/cds-services/pht-patient-view"
FIXTURES = ROOT / "fixtures" / "fhir"
CALL = FIXTURES / "delayed-referral" / "request.json"
RULES = ["surgical-referral-overdue"]  # what that call is advised
JSON = "application/json"

CONFIGURATION = """
[clients.north]
iss = "https://ehr.example"
jku = "{jku}"
jku_private = true
aud = ["north-calls-pht"]
base_urls = ["https://inside.example"]
tenants = ["a", "b"]
explain = true
fhir_servers = ["{hospital}"]

[clients.south]
iss = "https://south.example"
jwks = "south.json"
algorithms = ["RS256"]
services = ["pht-order-sign"]

[clients.quiet]
iss = "https://quiet.example"
jwks = "south.json"
algorithms = ["RS256"]
mode = "shadow"

[clients.west]
iss = "https://west.example"
jwks = "south.json"
algorithms = ["RS256"]
explain = true
fhir_servers = ["{clinic}"]
"""


def call() -> dict[str, Any]:
    """A sound call of patient-view, to be changed at will."""
    return copy.deepcopy(json.loads(CALL.read_text()))


@dataclass
class Guarded:
    """The service, and both sides of its callers."""

    running: Running
    north: Ehr
    south: Ehr
    quiet: Ehr
    west: Ehr
    hospital: FakeFhir
    clinic: FakeFhir
    keys: KeyServer
    folder: Path
    environment: dict[str, str]

    def post(self, token: str | None, path: str = SERVICE, **more: Any) -> requests.Response:
        """Calls a hook with this token."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.send(headers | more.pop("headers", {}), path, **more)

    def send(self, headers: dict[str, str], path: str = SERVICE, **more: Any) -> requests.Response:
        url = more.pop("base", self.running.url) + path
        body = more.pop("json", json.loads(CALL.read_text()))
        return requests.post(url, json=body, headers=headers, timeout=20, **more)

    def bearer(self, path: str = SERVICE) -> str:
        """A token of the client north for this path."""
        return self.north.token(PUBLIC + path.partition("?")[0], tenant="a")

    def as_north(self, path: str = SERVICE, **more: Any) -> requests.Response:
        """Calls with a sound token: what is wrong is something else."""
        return self.post(self.bearer(path), path, **more)

    def send_bytes(
        self, data: bytes, content_type: str = JSON, path: str = SERVICE, **headers: str
    ) -> requests.Response:
        """Calls with a sound token and this very body."""
        sent = {"Authorization": f"Bearer {self.bearer(path)}", "Content-Type": content_type} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return requests.post(self.running.url + path, data=data, headers=sent, timeout=60)

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes until the server closes."""
        address = urlsplit(self.running.url)
        answer = b""
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(request)
            with suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    answer += part
        return answer

    def log(self) -> str:
        return self.running.log.read_text()


@pytest.fixture(scope="session")
def guarded(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("trust")
    with key_server(folder) as keys, serving(FakeFhir()) as hospital, serving(FakeFhir()) as clinic:
        north = Ehr(Key("north-1"), jku=keys.url)
        south = Ehr(Key("south-1", "RS256"), iss="https://south.example")
        quiet = Ehr(south.key, iss="https://quiet.example")
        west = Ehr(south.key, iss="https://west.example")
        keys.body = jwks(north.key)
        (folder / "south.json").write_bytes(jwks(south.key))
        file = folder / "site.toml"
        servers = {"hospital": hospital.url, "clinic": clinic.url}
        file.write_text(CONFIGURATION.format(jku=keys.url, **servers))
        environment = {
            "CDS_SERVICE_CONFIG": str(file),
            "CDS_SERVICE_PUBLIC_URL": PUBLIC,
            "CDS_SERVICE_CA_FILE": str(folder / "ca.pem"),
            "CDS_SERVICE_TODAY": "2026-06-15",
            "CDS_SERVICE_STATE": str(folder / "state"),
            "CDS_SERVICE_DATABASE_TIMEOUT": "5000",  # two cores, and many tests at once
            "CDS_SERVICE_FHIR_PRIVATE": ",".join(servers.values()),
            "CDS_SERVICE_FETCH_DEADLINE": "5",
            "CDS_SERVICE_FETCH_BYTES": "200000",
            "CDS_SERVICE_FETCH_PAGES": "3",
            "CDS_SERVICE_PATIENCE": "5",
            "CDS_SERVICE_CORS_ORIGINS": "https://ehr.example",
        }
        running = start("serve", "--workers", "2", "--allow-fixed-today", **environment)
        ehrs = (north, south, quiet, west)
        yield Guarded(running, *ehrs, hospital, clinic, keys, folder, environment)


def is_alive(guarded: Guarded) -> None:
    """A proper call is answered rightly, as before."""
    answer = guarded.as_north()
    assert answer.status_code == 200, answer.text
    assert [card["source"]["topic"]["code"] for card in answer.json()["cards"]] == RULES


def is_refused(answer: requests.Response, status: int, code: str, words: str = "") -> None:
    """An OperationOutcome of this status and code whose diagnostics hold `words`."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == JSON
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["code"] == code
    assert words in outcome["issue"][0]["diagnostics"]


@pytest.fixture
def afterwards(guarded: Guarded) -> Iterator[None]:
    """The service is alive after the test, and has logged no fault of its own."""
    yield
    is_alive(guarded)
    assert '"fault"' not in guarded.log()


@pytest.fixture
def second(start: Start, guarded: Guarded) -> Iterator[Running]:
    """Another server of the same deployment: they share the database and nothing else."""
    running = start("serve", "--workers", "2", "--allow-fixed-today", **guarded.environment)
    yield running
    running.stop()


Refused = Callable[..., None]


@pytest.fixture
def refused(guarded: Guarded) -> Refused:
    """Asserts that an answer tells nothing, that the log has the reason, and all is alive."""

    def check(
        answer: requests.Response, reason: str, status: int = 401, told: str = "Not authenticated."
    ) -> None:
        assert answer.status_code == status
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert [issue["diagnostics"] for issue in outcome["issue"]] == [told]
        assert (answer.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)
        number = answer.headers["X-Request-Id"]
        (line,) = [
            json.loads(line)
            for line in guarded.log().splitlines()
            if number in line and "{" in line
        ]
        assert line["reason"] == reason
        assert guarded.post(guarded.north.token(PUBLIC + SERVICE, tenant="a")).status_code == 200

    return check
