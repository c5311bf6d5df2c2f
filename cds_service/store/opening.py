"""From the settings to a store: which database, whose keys, and tables that fit."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from cds_service.errors import SettingsError, Unavailable
from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.engine import Store
from cds_service.store.keys import Keyring, keep_keys, read_keys

DATABASE = "ledger.sqlite3"
KEYS = "keys"
_DAMAGED = (
    "is damaged or no SQLite database. Put back a backup; or move the file away with its"
    " -wal and -shm, and start anew without what it held"
)
#: what is wrong with a file of SQLite, and what to do
_WRONG = {
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_BUSY": "another process keeps it locked. Stop that process, then start again",
    schema.TORN: "some of its rows hang on rows that are not there. Put back a backup",
    "SQLITE_FULL": "the disk is full. Free some space, then start again",
}
_OTHERWISE = "cannot be used. See that this user may read and write it and its folder"


def open_store(settings: Settings, *, bounded: bool = True) -> Store:
    """The store as `settings` say. Raises SettingsError.

    SQLite is made and migrated here; PostgreSQL is not reached, for it may be down now and
    back later. `bounded`: for requests; commands wait as long as it takes.
    """
    folder = _folder(settings.state_folder())
    url = _url(settings)
    store = Store(
        url or URL.create("sqlite", database=str(folder / DATABASE)),
        _keys(settings, folder),
        timeout=settings.database_timeout / 1000 if bounded else None,
        threads=settings.in_flight,
    )
    if url is None:
        _make_ready(folder / DATABASE, store)
    return store


def _make_ready(file: Path, store: Store) -> None:
    """The tables of SQLite, brought up to this version. Waits for a lock longer than a request."""
    patient = Store(store.url, store.keys)
    try:
        file.touch(mode=0o600)
        schema.migrate(patient, lock=file.with_name("migration.lock"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written to ({error.strerror})") from None
    except Unavailable as error:
        raise SettingsError(
            f"{file}: {_WRONG.get(error.cause, _OTHERWISE)} ({error.cause})"
        ) from None
    finally:
        patient.close()  # before the server forks


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path / f".writable.{uuid4()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"CDS_SERVICE_STATE: {path} cannot be written to ({error.strerror})"
        ) from None
    return path


def _url(settings: Settings) -> URL | None:
    given = settings.database_url.get_secret_value()
    if not given:
        return None
    try:
        return make_url(given).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise SettingsError("CDS_SERVICE_DATABASE_URL: is not a database URL") from None


def _keys(settings: Settings, folder: Path) -> Keyring:
    if settings.keys:
        return read_keys(settings.keys)
    if settings.database_url.get_secret_value():
        raise SettingsError(
            "CDS_SERVICE_KEYS must name a file of keys when CDS_SERVICE_DATABASE_URL is set: all"
            " machines need the same ones (make one: cds-service ledger key)"
        )
    return keep_keys(folder / KEYS)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A state folder that is removed on leaving, by the process that made it alone.

    A server's workers leave by the same way as the process they were forked from.
    """
    folder, owner = Path(tempfile.mkdtemp(prefix="cds-service-")), os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
