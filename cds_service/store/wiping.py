"""What was deleted leaves the database's files too, as far as the database lets us."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import text

from cds_service.store.engine import Store
from cds_service.store.faults import translated


def settle(store: Store) -> bool:
    """Writes the log of SQLite back and empties it; whether it could be. True for PostgreSQL.

    Raises Unavailable.

    Commands delete with `secure_delete`: the bytes of a row are overwritten in the file, but
    older copies stay in the log until it is emptied.
    """
    if not store.is_sqlite:
        return True
    with translated(), closing(store.engine.raw_connection()) as connection:
        busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def rewrite(store: Store) -> bool:
    """Writes the tables anew without what was deleted; whether the log is empty as well.

    The service goes on meanwhile: calls wait in the spool. Raises Unavailable.
    """
    if store.is_sqlite:
        with translated(), closing(store.engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM")
        return settle(store)
    engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    with translated(), engine.connect() as connection:
        for table in ("calls", "cards", "suggestions", "feedback"):
            connection.execute(text(f"VACUUM {table}"))
    return True
