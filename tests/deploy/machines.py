"""Several servers of one deployment: they share PostgreSQL, the keys and the site's file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.keys import new_line
from cds_service.store.opening import open_store
from tests.conformance.calls import VIEW
from tests.conftest import Running, Start, _clean_environment
from tests.deploy.nginx import Nginx
from tests.trust.signing import Ehr, Key, jwks

TODAY = "2026-06-15"
LIMIT = 10


@dataclass
class Deployment:
    """`machines` are those that nginx is told of."""

    start: Start
    nginx: Nginx
    folder: Path
    database: str
    redis: str = ""
    ehr: Ehr = field(default_factory=lambda: Ehr(Key("one")))
    #: it may make LIMIT calls in a minute
    limited: Ehr = field(default_factory=lambda: Ehr(Key("two"), iss="https://limited.example"))
    machines: list[Running] = field(default_factory=list)
    started: int = 0

    def prepare(self) -> None:
        """What an operator does once: keys, the site's file, tables."""
        (self.folder / "keys").write_text(new_line())
        (self.folder / "keys").chmod(0o600)
        (self.folder / "keys.json").write_bytes(jwks(self.ehr.key, self.limited.key))
        (self.folder / "site.toml").write_text(
            f'[clients.ehr]\niss = "{self.ehr.iss}"\njwks = "keys.json"\n'
            f'[clients.limited]\niss = "{self.limited.iss}"\njwks = "keys.json"\n'
            f"limits = {{ per_minute = {LIMIT} }}\n"
        )
        self.command("ledger", "migrate")

    def environment(self, name: str) -> dict[str, str]:
        """The settings of the machine of this name."""
        return {
            "CDS_SERVICE_CONFIG": str(self.folder / "site.toml"),
            "CDS_SERVICE_DATABASE_TIMEOUT": "5000",  # two cores, and many tests at once
            "CDS_SERVICE_DATABASE_URL": self.database,
            "CDS_SERVICE_KEYS": str(self.folder / "keys"),
            "CDS_SERVICE_PUBLIC_URL": self.nginx.url,
            "CDS_SERVICE_REDIS_URL": self.redis,
            "CDS_SERVICE_STATE": str(self.folder / name),
            "CDS_SERVICE_TODAY": TODAY,
        }

    def add(self, *, workers: int = 1) -> Running:
        """One machine more, which nginx does not know yet."""
        self.started += 1
        told = ("--allow-fixed-today", "--workers", str(workers))
        running = self.start("serve", *told, **self.environment(f"state-{self.started}"))
        self.machines.append(running)
        return running

    def serve(self) -> None:
        """nginx starts, or reloads, with the machines there are."""
        self.nginx.serve(*(int(one.url.rpartition(":")[2]) for one in self.machines))

    def kill(self, machine: Running) -> None:
        """As when it loses power: all its processes at once. nginx is not told."""
        main = machine.process.pid
        workers = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, workers)):
            os.kill(process, signal.SIGKILL)
        machine.process.wait(timeout=30)
        self.machines.remove(machine)

    def command(self, *words: str) -> None:
        """A command of the operator's, on a machine of its own."""
        subprocess.run(
            [sys.executable, "-m", "cds_service", *words],
            env={**_clean_environment(), **self.environment("state-operator")},
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def token(self, path: str = VIEW) -> str:
        """A new token for the endpoint of this path."""
        return self.ehr.token(self.nginx.url + path)

    def post(
        self, body: Any, path: str = VIEW, *, at: str = "", token: str = ""
    ) -> requests.Response:
        """Calls through nginx, or past it the machine whose address is `at`."""
        return requests.post(
            (at or self.nginx.url) + path,
            json=body,
            headers={"Authorization": f"Bearer {token or self.token(path)}"},
            verify=self.nginx.authority,
            timeout=60,
        )

    def store(self) -> Store:
        """The database, for looking at it; whoever asks closes it."""
        given = {"database_url": self.database, "keys": self.folder / "keys"}
        settings = Settings.load(**given, state=self.folder / "state-operator")
        return open_store(settings, bounded=False)
