"""`cds-service feedback report`: what became of the cards, for a terminal and for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.ledger import reports, trial
from cds_service.ledger.analytics import By, Period
from cds_service.ledger.measures import MEASURES, REASON
from cds_service.ledger.reports import Line, Report, duration
from cds_service.ledger.trial import Comparison
from cds_service.pausing import opened
from cds_service.settings import Settings

FORMATS = ("table", "csv", "json", "ndjson")
PAPER = 160  # columns of a table that is piped into a file
SHOWN = ("findings", "shown", "accepted", "overridden", "ignored", "suppressed", "repeat",
         "precedence", "budget", "paused", "shadow", "again")  # fmt: skip
_FORMULA = ("=", "+", "-", "@")


def made(period: Period, by: By | None) -> Report:
    """The report from the database of the settings. Raises CdsError."""
    least = Settings.load().small_numbers
    with opened() as store, store.snapshot() as connection:
        return reports.report(connection, period, by, least)


def compared(period: Period, against: Period) -> Comparison:
    """What a trial would have shown, beside what was shown. Raises CdsError."""
    least = Settings.load().small_numbers
    with opened() as store, store.snapshot() as connection:
        return trial.compare(connection, period, against, least)


def comparison_written(made: Comparison, shape: str) -> str:
    """The comparison as CSV, JSON or NDJSON (a line for each rule, the total last)."""
    if shape == "json":
        return orjson.dumps(made.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    rows = made.rows()
    if shape == "ndjson":
        return "".join(orjson.dumps(row).decode() + "\n" for row in rows)
    return as_csv(rows, ["rule", *trial.MEANINGS])


def show_comparison(made: Comparison) -> None:
    """Prints the comparison as a table, with what its columns mean."""
    console = _console()
    live, shadow = (made.words(made.calls.get(mode)) for mode in (trial.LIVE, trial.SHADOW))
    console.print(f"Calls of live clients: {live}; of clients in shadow mode: {shadow}.")
    table = Table("rule", *trial.MEANINGS, box=None, pad_edge=False)
    for row in made.rows():
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row.values()))
    console.print(table)
    if made.withheld:
        console.print("Rows are not shown: with them small numbers could be worked out.")
    told = (f"{name}: {meaning}" for name, meaning in trial.MEANINGS.items())
    console.print("\n".join(told), soft_wrap=True)


def written(report: Report, shape: str) -> str:
    """The report as CSV, JSON or NDJSON (a line for each row, the total last)."""
    rows = [report.flat(line) for line in report.lines]
    total = report.flat(report.total)
    if shape == "json":
        return orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    named = [{"row": "part", **row} for row in rows] + [{"row": "total", **total}]
    if shape == "ndjson":
        return "".join(orjson.dumps(row).decode() + "\n" for row in named)
    return as_csv(named, ["row", *report.keys, *total])


def as_csv(rows: Iterable[dict[str, Any]], fields: Iterable[str]) -> str:
    """Rows under a head line. No cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(fields), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({name: plain(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def plain(value: Any) -> Any:
    """Text on one line; what a spreadsheet would take for a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    line = "".join(c if c.isprintable() else " " for c in value)
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line


def show(report: Report) -> None:
    """Prints the report as tables, with what its words mean."""
    console = _console()
    console.print(_title(report))
    measures = ("overridden",) if report.by is By.REASON else SHOWN
    table = Table(*report.keys, box=None, pad_edge=False)
    for name in measures:
        table.add_column(MEASURES[name].title, justify="right", max_width=11)
    table.add_column("Median to answer", justify="right", max_width=10)
    for line in report.lines:
        table.add_row(*_cells(report, line, line.key, measures))
    if report.by is not By.REASON:
        table.add_row(*_cells(report, report.total, _total_key(report), measures), style="bold")
    console.print(table)
    if report.by is not By.REASON:
        console.print(_reasons(report))
    console.print("\n".join(notes(report)), soft_wrap=True)


def notes(report: Report) -> Iterator[str]:
    """What a reader must know to read the figures."""
    if report.withheld:
        yield "The rows are not shown: with them small numbers could be worked out."
    for name in SHOWN:
        yield f"{MEASURES[name].title}: {MEASURES[name].meaning}"
    yield "Median to answer: from the card to the first feedback on it; cards without are left out."
    if report.least:
        yield (
            f"Numbers below {report.least} are shown as <{report.least}; >={report.least} stands"
            " where a number would give one of them away; nothing where even that would."
        )


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, PAPER)
    return console


def _title(report: Report) -> str:
    since, until = report.period.since, report.period.until
    period = f"{since or 'the beginning'} to {until or 'now'}"
    calls, unmatched = report.words(report.calls), report.words(report.unmatched)
    return f"Feedback, {period}. Calls: {calls}. Feedback without its card: {unmatched}."


def _cells(report: Report, line: Line, key: Iterable[str], measures: Iterable[str]) -> list[Text]:
    told = [report.words(line.counts.get(name)) for name in measures]
    safe = ("".join(c for c in part if c.isprintable()) for part in key)
    return [Text(cell) for cell in (*safe, *told, duration(line.median))]


def _total_key(report: Report) -> list[str]:
    return ["all", *[""] * (len(report.keys) - 1)] if report.keys else []


def _reasons(report: Report) -> Table:
    table = Table("Overridden, by reason", "", box=None, pad_edge=False)
    for name, told in report.total.counts.items():
        if name.startswith(REASON) and told != 0:
            table.add_row(MEASURES[name].title, Text(report.words(told), justify="right"))
    return table
