"""A site of a test's own: its file, keys, state folder and settings, on either database."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cds_service.store.keys import new_line
from tests.conftest import Running, Start
from tests.fhir.servers import FakeFhir, serving
from tests.postgres import Postgres, new_cluster
from tests.trust.signing import Ehr, Key, jwks

PUBLIC = "https://cds.example.org/pht"
CONFIGURATION = """
[clients.north]
iss = "https://ehr.example"
jwks = "north.json"
explain = true
fhir_servers = ["{hospital}"]

[clients.south]
iss = "https://south.example"
jwks = "north.json"
services = ["pht-order-sign"]
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL of this module's own: it is stopped on the way."""
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))
    made = new_cluster(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Site:
    """A site's folder and settings."""

    folder: Path
    environment: dict[str, str]
    keys: dict[str, Ehr]
    hospital: FakeFhir

    def started(self, start: Start, **more: str) -> Running:
        own = {"CDS_SERVICE_METRICS": "127.0.0.1:{another}"}
        return start("serve", "--allow-fixed-today", **self.environment | own | more)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    north = Ehr(Key("north-1"))
    south = Ehr(north.key, iss="https://south.example")
    (tmp_path / "north.json").write_bytes(jwks(north.key))
    with serving(FakeFhir()) as hospital:
        file = tmp_path / "site.toml"
        file.write_text(CONFIGURATION.format(hospital=hospital.url))
        environment = {
            "CDS_SERVICE_CONFIG": str(file),
            "CDS_SERVICE_PUBLIC_URL": PUBLIC,
            "CDS_SERVICE_TODAY": "2026-06-15",
            "CDS_SERVICE_STATE": str(tmp_path / "state"),
            "CDS_SERVICE_FHIR_PRIVATE": hospital.url,
            "CDS_SERVICE_FETCH_DEADLINE": "3",
            "CDS_SERVICE_DATABASE_TIMEOUT": "5000",
            "CDS_SERVICE_LOG_LEVEL": "debug",
        }
        yield Site(tmp_path, environment, {"north": north, "south": south}, hospital)


def migrated(site: Site, url: str) -> dict[str, str]:
    """The settings of a server on this new database, whose tables are made."""
    keys = site.folder / "keys"
    keys.write_text(new_line())
    keys.chmod(0o600)
    settings = {"CDS_SERVICE_DATABASE_URL": url, "CDS_SERVICE_KEYS": str(keys)}
    subprocess.run(
        [sys.executable, "-m", "cds_service", "ledger", "migrate"],
        env={**os.environ, **site.environment, **settings},
        cwd=site.folder, check=True, timeout=60,
    )  # fmt: skip
    return settings
