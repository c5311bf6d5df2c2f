"""A service that authenticates its callers, and an EHR it knows; real HTTP, two workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT, Running, Start
from tests.trust.signing import Ehr, Key, KeyServer, jwks, key_server

PUBLIC = "https://cds.example.org/pht"
SERVICE = "/cds-services/pht-patient-view"
CALL = ROOT / "fixtures" / "fhir" / "delayed-referral" / "request.json"

CONFIGURATION = """
[clients.north]
iss = "https://ehr.example"
jku = "{jku}"
aud = ["north-calls-pht"]
base_urls = ["https://inside.example"]
tenants = ["a", "b"]
explain = true

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
"""


@dataclass
class Guarded:
    """The service, and both sides of its callers."""

    running: Running
    north: Ehr
    south: Ehr
    quiet: Ehr
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

    def log(self) -> str:
        return self.running.log.read_text()


@pytest.fixture(scope="module")
def guarded(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("trust")
    with key_server(folder) as keys:
        north = Ehr(Key("north-1"), jku=keys.url)
        south = Ehr(Key("south-1", "RS256"), iss="https://south.example")
        quiet = Ehr(south.key, iss="https://quiet.example")
        keys.body = jwks(north.key)
        (folder / "south.json").write_bytes(jwks(south.key))
        file = folder / "site.toml"
        file.write_text(CONFIGURATION.format(jku=keys.url))
        environment = {
            "CDS_SERVICE_CONFIG": str(file),
            "CDS_SERVICE_PUBLIC_URL": PUBLIC,
            "CDS_SERVICE_CA_FILE": str(folder / "ca.pem"),
            "CDS_SERVICE_TODAY": "2026-06-15",
            "CDS_SERVICE_STATE": str(folder / "state"),
            "CDS_SERVICE_DATABASE_TIMEOUT": "5000",  # two cores, and many tests at once
        }
        running = start("serve", "--workers", "2", "--allow-fixed-today", **environment)
        yield Guarded(running, north, south, quiet, keys, folder, environment)


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
