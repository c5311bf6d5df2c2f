"""The tables' versions: alembic migrations, shipped with the package.

A migration only adds, so that machines still running the version before go on working
while a new one is rolled out.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from cds_service.errors import Unavailable
from cds_service.store.engine import Store

TORN = "SQLITE_CONSTRAINT_FOREIGNKEY"
_ADVISORY_LOCK = 7_239_115  # any number: the one all machines ask PostgreSQL for


class Version(Enum):
    """How the tables stand to this version of the program."""

    CURRENT = "current"
    STALE = "stale"
    NEWER = "newer"


def version(store: Store) -> Version:
    """Whether the tables are as this program needs them. Raises Unavailable."""
    return store.bounded(_version)


def migrate(store: Store, *, lock: Path | None = None) -> None:
    """Brings the tables up to this program, one process at a time. Raises Unavailable.

    `lock` is a file beside the SQLite file; PostgreSQL has a lock of its own. Tables that a
    newer version has migrated are left as they are.
    """
    with _alone(lock), store.write(remakes=True) as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ADVISORY_LOCK})
        if _version(connection) is Version.STALE:
            _change(connection, command.upgrade, "head")


def revert(store: Store, to: str = "base") -> None:
    """Takes the tables back to revision `to`, with the loss of what they held since."""
    with store.write(remakes=True) as connection:
        _change(connection, command.downgrade, to)


def _change(connection: Connection, way: Callable[[Config, str], None], to: str) -> None:
    """Raises Unavailable when rows would hang on others that are not there."""
    way(_config(connection), to)
    sqlite = connection.dialect.name == "sqlite"
    if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        torn = Unavailable("The tables cannot be changed: some rows hang on none.")
        torn.cause = TORN
        raise torn


def _version(connection: Connection) -> Version:
    held = MigrationContext.configure(connection).get_current_revision()
    known = {one.revision for one in _script().walk_revisions()}
    if held == _script().get_current_head():
        return Version.CURRENT
    return Version.STALE if held is None or held in known else Version.NEWER


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(__package__) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


@contextmanager
def _alone(lock: Path | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
