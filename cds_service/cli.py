"""The commands: `cds-service serve`, `demo`, `check`, `lint`, `settings`, `ledger` and more."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from cds_service import __version__
from cds_service.errors import CdsError, SettingsError
from cds_service.failing import fail
from cds_service.ledger_commands import feedback, ledger
from cds_service.settings import Settings

MOMENTS = ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cds-service")
def main() -> None:
    """Decision support for proximal hamstring tendinopathy, as CDS Hooks services."""


@main.command()
@click.option("--host", help="Address to listen on (CDS_SERVICE_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Server processes.")
@click.option("--allow-fixed-today", is_flag=True, help="Accept CDS_SERVICE_TODAY.")
@click.option("--allow-remote", is_flag=True, help="Listen on an address others can reach.")
def serve(*, allow_fixed_today: bool, allow_remote: bool, **given: Any) -> None:
    """Run the service for CDS clients."""
    from cds_service.store.opening import open_store
    from cds_service.web import callers, create_app, server

    try:
        settings = Settings.load(**_said(given))
        server.check_may_serve(
            settings, allow_fixed_today=allow_fixed_today, allow_remote=allow_remote
        )
        store = open_store(settings)
        app = create_app(settings, store=store)
    except CdsError as error:
        fail(error)
    _warn([*server.warnings(settings), *callers.warnings(settings)])
    server.run(app, settings, lambda: create_app(settings, store=store))


@main.command()
@click.option("--host", help="Address to listen on (CDS_SERVICE_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
def demo(**given: Any) -> None:
    """Run the service with demo patients, at a fixed date.

    What it remembers is in a temporary folder, removed when it stops.
    """
    from cds_service.demo.patients import DEMO_TODAY
    from cds_service.store.opening import open_store, temporary_folder
    from cds_service.web import create_app, server

    with temporary_folder() as folder:
        try:
            settings = Settings.load(auth="open", state=folder, database_url="", **_said(given))
            settings = settings.model_copy(update={"today": settings.today or DEMO_TODAY})
            if "small_numbers" not in settings.model_fields_set:  # nobody to protect
                settings = settings.model_copy(update={"small_numbers": 0})
            store = open_store(settings)
            app = create_app(settings, demo=True, store=store)
        except CdsError as error:
            fail(error)
        _warn(server.warnings(settings))
        click.secho(f"Open {settings.base_url()}", bold=True, err=True)
        server.run(app, settings, lambda: create_app(settings, demo=True, store=store))


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option("--hook", default="patient-view", show_default=True, help="Hook to call.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The date to judge at.")
@click.option("--json", "as_json", is_flag=True, help="Print the response itself.")
@click.option("--explain", is_flag=True, help="Say why, and why not.")
def check(*, file: Any, hook: str, today: datetime | None, as_json: bool, explain: bool) -> None:
    """Print the cards for FILE: a FHIR Bundle, a whole hook request, or - for stdin."""
    from cds_service import checking, report

    try:
        settings = Settings.load(**({"today": today.date()} if today else {}))
        response = checking.check(file.read(), hook=hook, settings=settings, explain=explain)
    except CdsError as error:
        fail(error)
    if as_json:
        click.echo(orjson.dumps(response, option=orjson.OPT_INDENT_2))
    else:
        report.show(response)


@main.command()
@click.option("--check", "name", metavar="NAME", help="Fetch the keys of this client.")
def clients(name: str | None) -> None:
    """List the registered clients, or try the keys of one."""
    from cds_service import report
    from cds_service.web import callers

    try:
        settings = Settings.load()
        known = callers.clients(settings, settings.site_file().clients)
        if name is None:
            report.show_clients(list(known.values()))
        else:
            report.show_keys(callers.published_keys(known, name, settings))
    except CdsError as error:
        fail(error)


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The date to judge at.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def lint(*, file: Any, today: datetime | None, shape: str) -> None:
    """Check FILE, a hook request captured from an EHR (- for stdin).

    Prints paths, codes and names of rules, no other patient data. Exit code 0: fine; 1: something
    stops a judgement; 2: FILE cannot be read as a request of a hook on offer.
    """
    from cds_service import checking, report

    try:
        settings = Settings.load(**({"today": today.date()} if today else {}))
        found = checking.lint(file.read(), settings=settings)
    except CdsError as error:
        fail(error)
    if shape == "json":
        click.echo(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2))
    else:
        report.show_lint(found)
    sys.exit(0 if found.fine else 1)


@main.command()
def settings() -> None:
    """List every setting: its value now, its default, and what it means."""
    from cds_service import report

    try:
        report.show_settings(Settings.load())
    except CdsError as error:
        fail(error)


@main.command()
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def parameters(shape: str) -> None:
    """List every number of the guideline: value, safe range, source, and the rules that use it.

    Values that the site's file (CDS_SERVICE_CONFIG) changes are marked.
    """
    from cds_service import report, service
    from cds_service.guideline import registry

    try:
        site = Settings.load().site()
        service.check_site(site)
    except CdsError as error:
        fail(error)
    rows = list(registry.rows(site.parameters))
    if shape == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif shape == "csv":
        click.echo(report.as_csv(rows), nl=False)
    else:
        report.show_parameters(rows)


@main.command()
@click.argument("rule", required=False)
@click.option("--reason", help="Why; clients that may ask for explanations read it.")
@click.option("--until", type=click.DateTime(MOMENTS), help="When it ends, in the site's zone.")
@click.option("--by", help="Who says so; else the name of the user of this command.")
def pause(rule: str | None, reason: str | None, until: datetime | None, by: str | None) -> None:
    """Take RULE, or all, out of service: judged but not shown. Without RULE: list what is."""
    from cds_service import pausing, report

    try:
        with pausing.opened() as store:
            if rule is not None:
                pausing.pause(store, rule, reason=reason or "", until=until, by=by)
            report.show_pauses(pausing.in_force(store))
    except CdsError as error:
        fail(error)


@main.command()
@click.argument("rule")
@click.option("--by", help="Who says so; else the name of the user of this command.")
def resume(rule: str, by: str | None) -> None:
    """Put RULE back into service. What was paused by "all" comes back with "all" only."""
    from cds_service import pausing, report

    try:
        with pausing.opened() as store:
            pausing.resume(store, rule, by=by)
            report.show_pauses(pausing.in_force(store))
    except CdsError as error:
        fail(error)


@main.group()
def operator() -> None:
    """Say who may log in to the console (CDS_SERVICE_CONSOLE=password)."""


@operator.command("add")
@click.argument("name")
@click.option("--print", "shown", is_flag=True, help="Print the line; change no file.")
def add_operator(name: str, *, shown: bool) -> None:
    """Let NAME log in, or give a new password; their sessions end."""
    from cds_service.trust import operators

    try:
        settings = Settings.load()
        if not (shown or settings.operators):
            raise SettingsError("CDS_SERVICE_OPERATORS names no file; --print prints the line.")
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        line = operators.new_line(name, password)
        if shown or settings.operators is None:
            click.echo(line)
        else:
            known = operators.keep(settings.operators, name, line)
            click.echo(f"{name} has a new password." if known else f"{name} may log in.")
    except CdsError as error:
        fail(error)


@operator.command("remove")
@click.argument("name")
def remove_operator(name: str) -> None:
    """Let NAME log in no longer; their sessions end."""
    from cds_service.trust import operators

    try:
        if not operators.keep(_operators_file(), name, None):
            raise SettingsError(f"{name} is no operator.")
        click.echo(f"{name} may no longer log in.")
    except CdsError as error:
        fail(error)


@operator.command("list")
def list_operators() -> None:
    """List who may log in."""
    from cds_service.trust import operators

    try:
        for name in operators.read_operators(_operators_file()):
            click.echo(name)
    except CdsError as error:
        fail(error)


def _operators_file() -> Path:
    file = Settings.load().operators
    if file is None:
        raise SettingsError("CDS_SERVICE_OPERATORS names no file.")
    return file


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """Only what was given on the command line: the rest comes from the environment."""
    return {name: value for name, value in options.items() if value is not None}


def _warn(messages: list[str]) -> None:
    for message in messages:
        click.secho(f"WARNING: {message}", fg="yellow", bold=True, err=True)


main.add_command(ledger)
main.add_command(feedback)
