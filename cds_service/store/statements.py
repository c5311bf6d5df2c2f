"""Statements made once for each kind of database: to make one costs more than to run it.

What differs from call to call is bound when a statement runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

T = TypeVar("T")


def insert(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that can say ON CONFLICT, in the words of this database."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def once(make: Callable[[str], T]) -> Callable[[Connection], T]:
    """The statement that `make` makes for a dialect, for the database of a connection."""
    made = cache(make)
    return lambda connection: made(connection.dialect.name)
