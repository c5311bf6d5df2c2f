"""The commands about the ledger: `cds-service ledger` and `cds-service feedback`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from cds_service.errors import CdsError
from cds_service.failing import fail
from cds_service.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])
BREAKDOWNS = ("rule", "version", "hook", "client", "reason", "day", "week")


@click.group()
def ledger() -> None:
    """Look after the database of what was advised."""


@ledger.command()
def migrate() -> None:
    """Bring the tables up to this version.

    PostgreSQL needs it once before each new version serves; SQLite is migrated at start.
    """
    from cds_service.store import schema
    from cds_service.store.opening import open_store

    try:
        store = open_store(Settings.load(), bounded=False)
        schema.migrate(store)
        click.echo(f"The tables are {schema.version(store).value}.")
    except CdsError as error:
        fail(error)


@ledger.command()
def key() -> None:
    """Print a new line for the file of keys (CDS_SERVICE_KEYS)."""
    from cds_service.store.keys import new_line

    click.echo(new_line())


@click.group()
def feedback() -> None:
    """See what became of the cards."""


def _period(command: Any) -> Any:
    """Adds the options for the first and the last day."""
    command = click.option("--until", type=DAY, help="Last clinical day, included.")(command)
    return click.option("--since", type=DAY, help="First clinical day, included.")(command)


def _day(moment: datetime | None) -> Any:
    return moment.date() if moment else None


@feedback.command()
@_period
@click.option("--by", type=click.Choice(BREAKDOWNS), help="What to split the figures by.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "csv", "json", "ndjson"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def report(*, since: datetime | None, until: datetime | None, by: str | None, shape: str) -> None:
    """Count what was shown, accepted, overridden, ignored, suppressed, or judged in shadow.

    Small numbers are hidden (CDS_SERVICE_SMALL_NUMBERS).
    """
    from cds_service import reporting
    from cds_service.ledger.analytics import By, Period

    try:
        made = reporting.made(Period(_day(since), _day(until)), By(by) if by else None)
    except CdsError as error:
        fail(error)
    if shape == "table":
        reporting.show(made)
    else:
        click.echo(reporting.written(made, shape), nl=False)
