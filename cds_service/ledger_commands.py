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


@ledger.command()
@click.option("--before", type=DAY, help="Delete what is older; else as [retention] says.")
@click.option(
    "--table",
    "kinds",
    type=click.Choice(["calls", "comments", "pending"]),
    multiple=True,
    help="Only this kind of record; may be given again.",
)
@click.option("--dry-run", is_flag=True, help="Only count.")
def purge(*, before: datetime | None, kinds: tuple[str, ...], dry_run: bool) -> None:
    """Delete records that have been kept long enough.

    calls: with their cards and feedback, also in the spool of this machine. comments: free text
    alone. pending: feedback whose card never came. In short transactions: the service goes on.
    """
    from cds_service import keeping

    try:
        for line in keeping.purge(_day(before), kinds, dry_run=dry_run):
            click.echo(line)
    except CdsError as error:
        fail(error)


def _whose(command: Any) -> Any:
    """Adds the options that say whose records are meant."""
    for name, words in (
        ("--fhir-base", "Its FHIR server; else any."),
        ("--tenant", "The tenant; else any."),
        ("--client", "The client's name; else any."),
        ("--user", "Reference of a user, such as Practitioner/123."),
        ("--patient", "Id of a patient."),
    ):
        command = click.option(name, help=words)(command)
    return command


def _wanted(*, patient: str | None, user: str | None, fhir_base: str | None, **owner: Any) -> Any:
    from cds_service.ledger.erasure import Wanted

    if bool(patient) is bool(user):
        raise click.UsageError("Give --patient or --user.")
    base = fhir_base if fhir_base is None else fhir_base.rstrip("/")
    reference = user or f"Patient/{str(patient).removeprefix('Patient/')}"
    return Wanted(reference=reference, is_user=bool(user), fhir_base=base, **owner)


@ledger.command()
@_whose
def find(**given: str | None) -> None:
    """Count the records of a patient or user, by id."""
    from cds_service import keeping

    try:
        click.echo(f"{keeping.told(keeping.find(_wanted(**given)))}.")
    except CdsError as error:
        fail(error)


@ledger.command()
@_whose
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(*, yes: bool, **given: str | None) -> None:
    """Erase the records of a patient or user, by id; also from the spool of this machine."""
    from cds_service import keeping

    try:
        wanted = _wanted(**given)
        click.echo(f"{keeping.told(keeping.find(wanted))}.")
        if not yes:
            click.confirm("Erase them?", abort=True)
        for line in keeping.erase(wanted):
            click.echo(line)
    except CdsError as error:
        fail(error)


@click.group()
def feedback() -> None:
    """See what became of the cards."""


def _period(command: Any) -> Any:
    """Adds the options for the first and the last day."""
    command = click.option("--until", type=DAY, help="Last clinical day, included.")(command)
    return click.option("--since", type=DAY, help="First clinical day, included.")(command)


def _day(moment: datetime | None) -> Any:
    return moment.date() if moment else None


def _days(since: datetime | None, until: datetime | None) -> Any:
    from cds_service.ledger.analytics import Period

    if since and until and since > until:
        raise click.UsageError("The first day is after the last.")
    return Period(_day(since), _day(until))


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
@click.option("--shadow", is_flag=True, help="What trials would have shown, beside live clients.")
@click.option("--against-since", type=DAY, help="With --shadow: first day of the live period.")
@click.option("--against-until", type=DAY, help="With --shadow: last day of the live period.")
def report(
    *, since: datetime | None, until: datetime | None, by: str | None, shape: str, **trial: Any
) -> None:
    """Count what was shown, accepted, overridden, ignored, suppressed, or judged in shadow.

    Small numbers are hidden (CDS_SERVICE_SMALL_NUMBERS).
    """
    from cds_service import reporting
    from cds_service.ledger.analytics import By, Period

    period = _days(since, until)
    live = _days(trial["against_since"], trial["against_until"])
    if trial["shadow"]:
        if by not in (None, "rule"):
            raise click.UsageError("--shadow is by rule.")
        _compare(period, period if live == Period() else live, shape)
        return
    if live != Period():
        raise click.UsageError("--against-since and --against-until need --shadow.")
    try:
        made = reporting.made(period, By(by) if by else None)
    except CdsError as error:
        fail(error)
    if shape == "table":
        reporting.show(made)
    else:
        click.echo(reporting.written(made, shape), nl=False)


def _compare(period: Any, against: Any, shape: str) -> None:
    from cds_service import reporting

    try:
        made = reporting.compared(period, against)
    except CdsError as error:
        fail(error)
    if shape == "table":
        reporting.show_comparison(made)
    else:
        click.echo(reporting.comparison_written(made, shape), nl=False)


@feedback.command()
@_period
@click.option(
    "--format",
    "shape",
    type=click.Choice(["hti1-csv", "hti1-json", "hti1-ndjson", "fhir-ndjson"]),
    default="hti1-csv",
    show_default=True,
    help="Columns of ONC HTI-1, or FHIR AuditEvents.",
)
def export(*, since: datetime | None, until: datetime | None, shape: str) -> None:
    """Print each piece of feedback: intervention, action, reason and words, user, date, location.

    Users, patients and encounters are keyed hashes; location is the client and tenant. Small
    numbers are not hidden: the export is for the site itself.
    """
    from cds_service import exporting

    try:
        for piece in exporting.written(_days(since, until), shape):
            click.echo(piece, nl=False)
    except CdsError as error:
        fail(error)
