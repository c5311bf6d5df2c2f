"""What the driver raises when the database is down, full, locked or not migrated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from cds_service.errors import Unavailable


@contextmanager
def translated() -> Iterator[None]:
    """Within: such failures are `Unavailable`."""
    try:
        yield
    except (exc.IntegrityError, exc.DataError):
        raise  # a fault of this program, not of the database
    except exc.DBAPIError as error:
        raise unavailable(error.orig or error) from None
    except sqlite3.Error as error:  # of a connection used without SQLAlchemy
        raise unavailable(error) from None
    except exc.TimeoutError:
        raise none_free() from None


def unavailable(error: BaseException) -> Unavailable:
    """What `error` of the driver means to whoever called."""
    cause = str(getattr(error, "sqlite_errorname", type(error).__name__))
    told = Unavailable(f"The database cannot be used now ({cause}).")
    told.cause = cause
    return told


def none_free() -> Unavailable:
    return Unavailable("The database cannot be used now (no connection is free).")
