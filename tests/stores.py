"""Stores on both databases, for all tests that need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command

from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.engine import Store
from cds_service.store.keys import new_line
from cds_service.store.opening import open_store

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


def revert(store: Store, to: str = "base") -> None:
    """Takes the tables back to revision `to`, with the loss of what they held since."""
    with store.write(remakes=True) as connection:
        command.downgrade(schema.config(connection), to)
        schema.check_whole(connection)


@pytest.fixture(params=BOTH)
def open_new(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens stores on one new database, as many as asked for; keyword arguments are settings."""
    given: dict[str, object] = {"state": tmp_path / "state", "database_timeout": 5000}
    if request.param == "postgresql":
        keys = tmp_path / "keys"
        keys.write_text(new_line())
        keys.chmod(0o600)
        url = request.getfixturevalue("postgres").create(f"t{uuid4().hex}")
        given |= {"database_url": url, "keys": keys}
    opened: list[Store] = []

    def make(*, migrated: bool = True, bounded: bool = True, **more: object) -> Store:
        store = open_store(Settings.load(**given | more), bounded=bounded)
        opened.append(store)
        if migrated:
            schema.migrate(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_new: Callable[..., Store]) -> Store:
    """A migrated store, on SQLite and on PostgreSQL."""
    return open_new()
