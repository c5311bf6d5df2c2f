"""What one call leaves in the database, counted in process: transactions, rows and bytes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, event, func, select

from cds_service import service as engine
from cds_service.demo.patients import DEMO_TODAY
from cds_service.ledger.ledger import Call, Ledger
from cds_service.ledger.scope import Owner
from cds_service.protocol.request import parse
from cds_service.settings import Settings
from cds_service.store import nonces
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.store.tables import metadata
from cds_service.web import clock
from cds_service.web.wire import parse_json
from hooks.patient_view import SERVICE
from tools.bench.bodies import body
from tools.bench.measure import marked
from tools.refresh_fixtures import SITE

CALLS = 2_000
#: kept for the life of a token only, so no part of what grows
PASSING = "nonces"


def footprint(folder: Path, calls: int = CALLS) -> dict[str, float]:
    """For each call with a token: transactions that read, that write, rows and bytes kept."""
    settings = Settings.load(auth="open", state=folder)
    store = open_store(settings, bounded=False)
    begun: Counter[str] = Counter()
    event.listen(store.engine, "connect", lambda connection, _: _watch(connection, begun))
    before = _size(store)
    begun.clear()
    _make(calls, Ledger(store, SITE, folder / "spool", required=True, spool_limit=0), store)
    transactions = dict(begun)
    rows = _rows(store)
    kept = sum(count for name, count in rows.items() if name != PASSING)
    found = {
        "reads": transactions.get("read", 0) / calls,
        "writes": transactions.get("write", 0) / calls,
        "rows": kept / calls,
        "bytes": (_size(store) - before) / calls,
    }
    store.close()
    return found


def _make(calls: int, ledger: Ledger, store: Store) -> None:
    now = clock.now()
    for _ in range(calls):
        expires = now + timedelta(seconds=1)
        nonces.remember(store, client="bench", jti=uuid4().hex, expires=expires, now=now)
        call = parse(parse_json(marked(body(10_000, 5))), hook=SERVICE.hook)
        made = Call(service=SERVICE.id, request=call, owner=Owner(client="bench"))
        history = ledger.history(made, DEMO_TODAY)
        decision = engine.answer(SERVICE, call, today=DEMO_TODAY, site=SITE, history=history)
        ledger.record(made, decision, now)
        now += timedelta(seconds=2)


def _watch(connection: Any, begun: Counter[str]) -> None:
    """Counts what SQLite begins: one of a single statement is not begun by another."""

    def count(statement: str) -> None:
        if not connection.in_transaction:
            reads = statement.startswith(("SELECT", "PRAGMA"))
            begun["read" if reads else "write"] += 1

    connection.set_trace_callback(count)


def _rows(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def _size(store: Store) -> int:
    """Bytes in use: pages, without those that are free."""

    def pragma(connection: Connection, name: str) -> Any:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    with store.read() as connection:
        pages, free, size = (
            pragma(connection, name) for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)
