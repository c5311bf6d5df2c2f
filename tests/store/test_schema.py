"""Migrations: up, down, by several at once, and exactly what the code declares."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, insert, inspect

from cds_service.errors import Unavailable
from cds_service.ledger.tables import calls, suggestions
from cds_service.store import schema
from cds_service.store.engine import Store
from cds_service.store.schema import Version
from cds_service.store.tables import metadata
from tests.ledger.advised import advised, answered
from tests.stores import revert

Open = Callable[..., Store]


def tables(store: Store) -> set[str]:
    with store.read() as connection:
        return set(inspect(connection).get_table_names())


def test_a_new_store_has_the_tables_of_this_version(store: Store) -> None:
    assert schema.version(store) is Version.CURRENT
    assert set(metadata.tables) < tables(store)


def test_the_migrations_make_what_the_code_declares(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_what_was_migrated_can_be_reverted_and_migrated_again(store: Store) -> None:
    revert(store)
    assert tables(store) <= {"alembic_version"}
    assert schema.version(store) is Version.STALE
    schema.migrate(store)
    assert schema.version(store) is Version.CURRENT


def test_migrating_twice_changes_nothing(store: Store) -> None:
    schema.migrate(store)
    assert schema.version(store) is Version.CURRENT


def test_several_that_start_at_once_migrate_once(open_new: Open) -> None:
    stores = [open_new(migrated=False) for _ in range(4)]
    revert(stores[0]) if stores[0].is_sqlite else None
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(schema.migrate, stores))
    assert {schema.version(store) for store in stores} == {Version.CURRENT}


def test_tables_of_a_newer_version_are_left_as_they_are(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert schema.version(store) is Version.NEWER
    schema.migrate(store)
    assert schema.version(store) is Version.NEWER


NAMES = "client tenant service hook patient user"
OF_CALL = "id fhir_base hook_instance key edition version config silence"
OF_CARD = "id call uuid rule variant side indicator fingerprint state why"


def test_findings_made_before_get_the_day_of_their_call(store: Store) -> None:
    revert(store, "0003")
    call = dict.fromkeys(f"{NAMES} {OF_CALL}".split(), "x")
    card = dict.fromkeys(f"{NAMES} {OF_CARD}".split(), "x")
    at = "2026-06-15 23:30:00"
    with store.write() as connection:
        _insert(connection, "calls", call | {"at": at, "day": "2026-06-16", "unjudged": 0})
        _insert(connection, "cards", card | {"at": at, "issued": 1})
    schema.migrate(store)
    with store.read() as connection:
        day = connection.exec_driver_sql("SELECT day FROM cards").scalar()
        mode = connection.exec_driver_sql("SELECT mode FROM calls").scalar()
    assert (str(day), mode) == ("2026-06-16", "live")


STEPS = ["0005", "0004", "0003", "0002"]


def held(store: Store) -> list[tuple[int, ...]]:
    """How many rows of each table there are, and those that hang on another."""
    with store.read() as connection:
        return [
            tuple(connection.exec_driver_sql(f"SELECT count(*), count({column}) FROM {name}").one())
            for name, column in (
                ("calls", "id"), ("cards", "call"), ("suggestions", "card"), ("feedback", "card"),
            )
        ]  # fmt: skip


def test_no_step_down_or_up_loses_a_row(store: Store) -> None:
    filled(store)
    before = held(store)
    assert before == [(2, 2), (2, 2), (2, 2), (2, 2)]
    for step in STEPS:
        revert(store, step)
        assert held(store) == before, step
    schema.migrate(store)
    assert held(store) == before
    with store.write() as connection:
        connection.execute(delete(calls))  # what hangs on a row goes with it, as ever
    assert held(store) == [(0, 0)] * 4


def filled(store: Store) -> None:
    """Two calls, each with a card, its suggestion and feedback."""
    ids = advised(store, 2)
    answered(store, ids, "accepted")
    with store.write() as connection:
        for card in ids:
            row = {"card": card, "uuid": "s", "place": 0, "kind": "", "recommended": False}
            connection.execute(insert(suggestions).values(**row))


def test_tables_with_rows_that_hang_on_none_are_left_as_they_are(open_new: Open) -> None:
    store = open_new()
    if not store.is_sqlite:
        return  # which cannot come to hold such rows
    filled(store)
    with store.write(remakes=True) as connection:
        connection.execute(delete(calls))
    with pytest.raises(Unavailable, match="hang on none"):
        revert(store, "0004")
    assert schema.version(store) is Version.CURRENT
    assert held(store)[1] == (2, 2)


def _insert(connection: Any, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f"'{value}'" for value in row.values())
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({values})")
