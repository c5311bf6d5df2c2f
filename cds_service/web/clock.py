"""The clinical clock: the one place that says what day it is today."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cds_service.settings import Site


def now() -> datetime:
    """The moment, in UTC: for what is put on record, never for a clinical question."""
    return datetime.now(UTC)


def today(site: Site) -> date:
    """The fixed date when one is set, else today in the site's time zone."""
    return site.fixed_today or datetime.now(site.timezone).date()
