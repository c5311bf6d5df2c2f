"""A real PostgreSQL of the tests' own: in a temporary folder, on a Unix socket and loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

USER = "postgres"


@dataclass
class Postgres:
    """A running cluster; `stop` and `start` as an operator would."""

    folder: Path
    binaries: Path
    port: int

    def create(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def start(self, *settings: str) -> None:
        """`settings` as `name=value`, for this run alone."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        options += "".join(f" -c {one}" for one in settings)
        self._control("start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """At once, as when the machine loses power."""
        self._control("stop", "-w", "-m", "immediate")

    def hang(self) -> None:
        """Stands still, with all its processes: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def connections(self, application: str) -> int:
        """How many it has of the programs of that name."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        with psycopg.connect(self._dsn("postgres")) as connection:
            (found,) = connection.execute(query, [application]).fetchone() or (0,)
            return int(found)

    def take(self, taken: ExitStack) -> int:
        """Takes every connection that is left, until `taken` is closed; how many."""
        number = 0
        with suppress(psycopg.OperationalError):
            while True:
                taken.enter_context(psycopg.connect(self._dsn("postgres")))
                number += 1
        return number

    def _signal(self, which: signal.Signals) -> None:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            os.kill(pid, which)

    def make(self) -> None:
        ways = ["-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        as_owner([self.binaries / "initdb", "-D", self._data, *ways])
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={database}"

    def _control(self, *words: str) -> None:
        as_owner([self.binaries / "pg_ctl", "-D", self._data, *words])


def as_owner(words: list[str | Path]) -> None:
    """PostgreSQL refuses to run as root: then it runs as its own user."""
    other = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        timeout=60,
        check=False,
        **other,
    )
    assert done.returncode == 0, done.stderr.decode()


def new_cluster(folder: Path) -> Postgres:
    """A running cluster under `folder`; the test is skipped when PostgreSQL is missing."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is missing (on Debian: apt-get install postgresql)")
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        for part in [folder, *folder.parents]:
            if part.stat().st_uid == 0 and part != Path("/") and len(part.parts) > 2:
                part.chmod(part.stat().st_mode | 0o011)  # the server's user must get through
        shutil.chown(folder, USER, USER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster = Postgres(folder, binaries, port)
    cluster.make()
    return cluster


def _binaries() -> Path | None:
    found = shutil.which("pg_config")
    if found:
        told = subprocess.run([found, "--bindir"], capture_output=True, text=True, check=True)
        if (Path(told.stdout.strip()) / "initdb").exists():
            return Path(told.stdout.strip())
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None
