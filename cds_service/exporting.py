"""`cds-service feedback export`: feedback entry by entry, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from cds_service.ledger import export
from cds_service.ledger.analytics import Period
from cds_service.ledger.export import ABOUT, FIELDS, HEADS
from cds_service.pausing import opened
from cds_service.reporting import plain

HTI1_CSV, HTI1_JSON, HTI1_NDJSON, FHIR = "hti1-csv", "hti1-json", "hti1-ndjson", "fhir-ndjson"
FORMATS = (HTI1_CSV, HTI1_JSON, HTI1_NDJSON, FHIR)


def written(period: Period, shape: str) -> Iterator[str]:
    """The export in pieces, as it is read: it may be long. Raises CdsError."""
    with opened() as store, store.snapshot() as connection:
        yield from _SHAPES[shape](export.entries(connection, period))


def _csv(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """No cell is a formula to a spreadsheet."""
    yield _line([HEADS.get(name, name) for name in FIELDS])
    for one in entries:
        yield _line([plain(one[name]) for name in FIELDS])


def _line(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _json(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f'{{"about": {orjson.dumps(ABOUT).decode()},\n"feedback": ['
    for number, one in enumerate(entries):
        yield f"{',' if number else ''}\n{orjson.dumps(one).decode()}"
    yield "\n]}\n"


def _ndjson(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield from (orjson.dumps(one).decode() + "\n" for one in entries)


def _fhir(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield from _ndjson(map(export.audit_event, entries))


_SHAPES = {HTI1_CSV: _csv, HTI1_JSON: _json, HTI1_NDJSON: _ndjson, FHIR: _fhir}
