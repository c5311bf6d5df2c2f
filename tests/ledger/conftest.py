"""An application over a ledger, and servers on a database, of both kinds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.engine import Store
from cds_service.store.keys import new_line
from cds_service.web import create_app
from tests.conftest import Running, Start
from tests.ledger.load import Base, no_traceback
from tests.postgres import Postgres, new_cluster
from tests.stores import BOTH

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(store: Store, tmp_path: Any) -> MakeApp:
    """Keyword arguments are settings; all applications share one database."""

    def make(**given: Any) -> Flask:
        usual = {"auth": "open", "today": "2026-06-15", "state": tmp_path / "state"}
        return create_app(Settings.load(**usual | given), store=store)

    return make


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app().test_client()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL that a test may stop: no other test uses it."""
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))
    made = new_cluster(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


Bases = Callable[..., Base]


@pytest.fixture
def new_base(request: pytest.FixtureRequest, tmp_path: Path) -> Bases:
    """A new database of the kind asked for, and settings of servers on it."""

    def make(kind: str, **more: str) -> Base:
        usual = {
            "CDS_SERVICE_AUTH": "open",
            "CDS_SERVICE_TODAY": "2026-06-15",
            "CDS_SERVICE_STATE": str(tmp_path / "state"),
            "CDS_SERVICE_DATABASE_TIMEOUT": "5000",  # two cores, and many tests at once
        }
        if kind == "postgresql":
            keys = tmp_path / "keys"
            keys.write_text(new_line())
            keys.chmod(0o600)
            url = request.getfixturevalue("cluster").create(f"t{uuid4().hex}")
            usual |= {"CDS_SERVICE_DATABASE_URL": url, "CDS_SERVICE_KEYS": str(keys)}
        base = Base(tmp_path / "state", usual | more)
        with base.opened() as store:
            schema.migrate(store)
        return base

    return make


@pytest.fixture(params=BOTH)
def base(request: pytest.FixtureRequest, new_base: Bases) -> Base:
    """A database, on SQLite and on PostgreSQL."""
    return new_base(request.param)


@pytest.fixture
def serve(start: Start) -> Iterator[Callable[..., Running]]:
    """Starts servers on a base; all are stopped, and none may have logged a fault."""
    started: list[Running] = []

    def run(base: Base, workers: int = 2, **more: str) -> Running:
        words = ["--workers", str(workers), "--allow-fixed-today"]
        running = start("serve", *words, **(base.environment | more))
        started.append(running)
        return running

    yield run
    for running in started:
        if running.process.poll() is None:
            running.stop()
        no_traceback(running)
