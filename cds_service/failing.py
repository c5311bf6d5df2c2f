"""How a command says that it could not do its work."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from cds_service.errors import CdsError

FAULT = 2  # exit code of a command that could not do its work


def fail(error: CdsError) -> NoReturn:
    """Prints each issue on standard error, and ends the command."""
    for issue in error.issues:
        where = f" (at {', '.join(issue.expression)})" if issue.expression else ""
        click.secho(f"{issue.severity}: {issue.diagnostics}{where}", fg="red", err=True)
    sys.exit(FAULT)
