"""The tables' versions: alembic migrations, shipped with the package.

A migration only adds, so that machines still running the version before go on working
while a new one is rolled out.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
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
            command.upgrade(config(connection), "head")
            check_whole(connection)


def check_whole(connection: Connection) -> None:
    """Raises Unavailable when rows hang on others that are not there."""
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


def config(connection: Connection | None = None) -> Config:
    """What alembic needs to know to migrate over `connection`."""
    made = Config()
    made.set_main_option("script_location", str(resources.files(__package__) / "migrations"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


@contextmanager
def _alone(lock: Path | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
