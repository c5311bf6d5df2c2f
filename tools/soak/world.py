"""What one run needs, started on free loopback ports and stopped by process id."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.keys import new_line
from cds_service.store.opening import open_store
from tests.fhir import servers as fhir
from tests.fhir.servers import FakeFhir
from tests.postgres import Postgres, new_cluster
from tests.trust.signing import Ehr, Key, jwks
from tools.bench.servers import Server, running

PUBLIC = "https://cds.soak.example"
TODAY = "2026-06-15"  # the fixtures' day
PATIENCE = 3  # seconds: short, so that slow clients are seen to be cut off
GOOD, WRONG_PATIENT = "good", "another patient's data"
#: how a FHIR server can misbehave
BAD = {
    "stalls": fhir.stall,
    "drips": fhir.drip_body,
    "is busy (429)": fhir.status(429, Retry_After="1"),
    "fails (500)": fhir.status(500),
    "sends huge pages": fhir.huge,
    "sends pages without end": fhir.endless,
    "redirects": fhir.status(302, Location="http://127.0.0.1:9/fhir"),
    "sends HTML": fhir.html,
    "sends bad JSON": fhir.said_twice,
}
STALLS = "stalls"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that runs. `fhir`: manner -> base URL. `settings`: those the service was started with."""

    service: Server
    log: Path
    postgres: Postgres
    fhir: Mapping[str, str]
    ehr: Ehr
    environment: Mapping[str, str]
    settings: Settings

    def spool(self) -> int:
        """Bytes that wait for the database."""
        return sum(file.stat().st_size for file in self.state.glob("spool/*.jsonl"))

    @property
    def state(self) -> Path:
        return self.settings.state_folder()


@contextmanager
def world(record: Mapping[str, list[dict[str, Any]]], workers: int) -> Iterator[World]:
    """Starts everything; the good FHIR server holds `record` (type -> resources)."""
    folder = Path(tempfile.mkdtemp(prefix="cds-soak-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = new_cluster(folder / "pg")
        stack.callback(postgres.stop)
        bases = _fhir_servers(stack, record)
        ehr = Ehr(Key("soak"), iss="https://ehr.soak.example")
        environment = _environment(folder, postgres.create("soak"), ehr, bases)
        settings = _settings(environment)
        store = open_store(settings, bounded=False)
        schema.migrate(store)
        store.close()
        log = folder / "log"
        words = ["cds_service", "serve", "--allow-fixed-today", "--workers", str(workers)]
        given = environment | {"CDS_SERVICE_PORT": "PORT"}
        service = stack.enter_context(running("service", words, given, log))
        yield World(
            service=service,
            log=log,
            postgres=postgres,
            fhir=bases,
            ehr=ehr,
            environment=environment,
            settings=settings,
        )


def _fhir_servers(stack: ExitStack, record: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    made = {GOOD: FakeFhir(record=dict(record)), WRONG_PATIENT: FakeFhir(record=_others(record))}
    made |= {name: FakeFhir(answers=_Always(answer)) for name, answer in BAD.items()}
    return {name: stack.enter_context(fhir.serving(one)).url for name, one in made.items()}


class _Always(dict[str, fhir.Answer]):
    """The same answer for every type."""

    def __init__(self, answer: fhir.Answer) -> None:
        super().__init__()
        self._answer = answer

    def get(self, _kind: str, _otherwise: object = None) -> fhir.Answer:  # type: ignore[override]
        return self._answer


def _others(record: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same record, as if it were of another patient."""
    stranger = {"reference": "Patient/somebody-else"}
    return {
        kind: [{**one, **{name: stranger for name in ("subject", "patient") if name in one}}
               for one in held]
        for kind, held in record.items()
    }  # fmt: skip


def _environment(folder: Path, url: str, ehr: Ehr, bases: Mapping[str, str]) -> dict[str, str]:
    (folder / "keys").write_text(new_line(), "utf-8")
    (folder / "keys").chmod(0o600)
    (folder / "jwks.json").write_bytes(jwks(ehr.key))
    site = folder / "site.toml"
    servers = ", ".join(f'"{one}"' for one in bases.values())
    site.write_text(
        f'[clients.soak]\niss = "{ehr.iss}"\njwks = "jwks.json"\nfhir_servers = [{servers}]\n',
        "utf-8",
    )
    return {
        "CDS_SERVICE_CONFIG": str(site),
        "CDS_SERVICE_PUBLIC_URL": PUBLIC,
        "CDS_SERVICE_TODAY": TODAY,
        "CDS_SERVICE_STATE": str(folder / "state"),
        "CDS_SERVICE_DATABASE_URL": url,
        "CDS_SERVICE_KEYS": str(folder / "keys"),
        "CDS_SERVICE_PATIENCE": str(PATIENCE),
        "CDS_SERVICE_FHIR_PRIVATE": ",".join(bases.values()),
    }


def _settings(environment: Mapping[str, str]) -> Settings:
    names = Settings.variables()
    return Settings.load(**{names[key]: value for key, value in environment.items()})
