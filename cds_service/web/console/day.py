"""The day a visitor chose, as a form sends it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from cds_service.errors import BadRequest
from cds_service.web.wiring import wiring

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)


def chosen(form: Mapping[str, str], name: str, *, refuse: bool = True) -> date:
    """The day under `name`, else today. Raises BadRequest for what no form of ours sends.

    Without `refuse` that is today, too.
    """
    text = form.get(name)
    if not text:
        return wiring().today()
    try:
        return parsed(text, name)
    except BadRequest:
        if refuse:
            raise
        return wiring().today()


def parsed(text: str, name: str) -> date:
    """Raises BadRequest."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= LATEST:
        raise BadRequest(f"{name} must be a date such as 2026-06-15.", expression=[name])
    return day
