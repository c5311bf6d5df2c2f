"""The commands: `cds-service serve`, `demo`, `check`, `settings` and `parameters`."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, NoReturn

import click
import orjson

from cds_service import __version__
from cds_service.errors import CdsError
from cds_service.settings import Settings

FAULT = 2  # exit code of a command that could not do its work


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
    from cds_service.web import callers, create_app, server

    try:
        settings = Settings.load(**_said(given))
        server.check_may_serve(
            settings, allow_fixed_today=allow_fixed_today, allow_remote=allow_remote
        )
        app = create_app(settings)
    except CdsError as error:
        _fail(error)
    _warn([*server.warnings(settings), *callers.warnings(settings)])
    server.run(app, settings, lambda: create_app(settings))


@main.command()
@click.option("--host", help="Address to listen on (CDS_SERVICE_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
def demo(**given: Any) -> None:
    """Run the service with demo patients, at a fixed date."""
    from cds_service.demo.patients import DEMO_TODAY
    from cds_service.web import create_app, server

    try:
        settings = Settings.load(auth="open", **_said(given))
        settings = settings.model_copy(update={"today": settings.today or DEMO_TODAY})
        app = create_app(settings, demo=True)
    except CdsError as error:
        _fail(error)
    _warn(server.warnings(settings))
    click.secho(f"Open {settings.base_url()}", bold=True, err=True)
    server.run(app, settings, lambda: create_app(settings, demo=True))


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
        _fail(error)
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
        _fail(error)


@main.command()
def settings() -> None:
    """List every setting: its value now, its default, and what it means."""
    from cds_service import report

    try:
        report.show_settings(Settings.load())
    except CdsError as error:
        _fail(error)


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
        _fail(error)
    rows = list(registry.rows(site.parameters))
    if shape == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif shape == "csv":
        click.echo(report.as_csv(rows), nl=False)
    else:
        report.show_parameters(rows)


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """Only what was given on the command line: the rest comes from the environment."""
    return {name: value for name, value in options.items() if value is not None}


def _warn(messages: list[str]) -> None:
    for message in messages:
        click.secho(f"WARNING: {message}", fg="yellow", bold=True, err=True)


def _fail(error: CdsError) -> NoReturn:
    for issue in error.issues:
        where = f" (at {', '.join(issue.expression)})" if issue.expression else ""
        click.secho(f"{issue.severity}: {issue.diagnostics}{where}", fg="red", err=True)
    sys.exit(FAULT)
