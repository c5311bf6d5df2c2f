"""Statements made once for each kind of database: to make one costs more than to run it.

What differs from call to call is bound when a statement runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Dialect, Select, Table, UpdateBase, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
_NEVER = frozenset({dict, list})  # of what JSON has; the driver's own error is no fault of ours
Values = Mapping[str, Any]
Convert = Callable[[Any], Any]


def insert(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    """An INSERT that can say ON CONFLICT, in the words of this database."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def once(make: Callable[[str], T]) -> Callable[[Connection], T]:
    """The statement that `make` makes for a dialect, for the database of a connection."""
    made = cache(make)
    return lambda connection: made(connection.dialect.name)


class Written(NamedTuple):
    """A statement as its driver takes it, and how values go in and come out."""

    sql: str
    own: Values  # what the statement itself brings
    names: tuple[str, ...]  # of all values, in the statement's order
    in_order: bool  # for a driver that takes them so, and not by name
    sent: tuple[tuple[str, Convert], ...]
    read: tuple[tuple[int, Convert], ...]

    def bound(self, values: Values) -> Any:
        """`values` as the driver takes them. Raises what SQLAlchemy would."""
        try:
            given = {**self.own, **values}
            for name, convert in self.sent:
                given[name] = convert(given[name])
            taken = [given[name] for name in self.names]
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            raise exc.StatementError(str(error), self.sql, None, error) from error
        if not _NEVER.isdisjoint(map(type, taken)):
            odd = TypeError("a list or an object is no value of a column")
            raise exc.StatementError(str(odd), self.sql, None, odd)
        return taken if self.in_order else dict(zip(self.names, taken, strict=True))

    def rows(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [self._row(row) for row in found] if self.read else found

    def _row(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        read = list(row)
        for place, convert in self.read:
            read[place] = convert(read[place])
        return tuple(read)


class Statement:
    """One that every call runs, on the driver's own cursor (see `direct`).

    SQLAlchemy writes its SQL and knows the types of what goes in and comes out, once; it has no
    part in running it, which costs several times what the database does for it.
    """

    def __init__(self, make: Callable[[str], Select[Any] | UpdateBase]) -> None:
        """`make` makes it for a dialect."""
        self._make = make
        # Of one version of the service all values have the same names; a spool may hold another's.
        self._written = lru_cache(16)(self._write)

    def written(self, dialect: Dialect, values: Values) -> Written:
        """As `dialect` has it, where it is given these `values`: a column may be left out."""
        return self._written(dialect, tuple(values))

    def _write(self, dialect: Dialect, names: tuple[str, ...]) -> Written:
        made = self._make(dialect.name)
        keys = None if isinstance(made, Select) else list(names)
        compiled = made.compile(dialect=dialect, column_keys=keys)
        bound = compiled.binds
        types = ((name, one.type) for name, one in bound.items())
        return Written(
            sql=compiled.string,
            own={name: one.effective_value for name, one in bound.items() if not one.required},
            names=tuple(bound if compiled.positiontup is None else compiled.positiontup),
            in_order=compiled.positiontup is not None,
            sent=_converted(types, dialect, lambda kind: kind.bind_processor(dialect)),
            read=_converted(
                enumerate(column.type for column in made.exported_columns),
                dialect,
                lambda kind: kind.result_processor(dialect, None),
            ),
        )


def _converted(
    types: Iterable[tuple[T, TypeEngine[Any]]],
    dialect: Dialect,
    how: Callable[[TypeEngine[Any]], Convert | None],
) -> tuple[tuple[T, Convert], ...]:
    """Those that the driver does not take or give as they are."""
    found = ((place, how(kind.dialect_impl(dialect))) for place, kind in types)
    return tuple((place, convert) for place, convert in found if convert)
