"""`cds-service ledger purge`, `find` and `erase`: how long records are kept, whose are erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cds_service.errors import SettingsError
from cds_service.ledger import erasure, retention
from cds_service.ledger.erasure import Found, Wanted
from cds_service.ledger.spool import Spool
from cds_service.pausing import opened
from cds_service.settings import Settings
from cds_service.site import KEPT
from cds_service.store import wiping
from cds_service.store.engine import Store
from cds_service.web import clock

WORDS = {
    retention.CALLS: "calls, with their cards and feedback",
    retention.COMMENTS: "comments",
    retention.PENDING: "feedback entries without their card",
}


def purge(before: date | None, kinds: Iterable[str], *, dry_run: bool) -> Iterator[str]:
    """Deletes what is due, and says so line by line. Without `before`: as [retention] says.

    Raises CdsError. With `dry_run` nothing is deleted.
    """
    limits = _limits(before, kinds)
    done = "would go" if dry_run else "deleted"
    with _here() as (store, spool):
        if limit := limits.get(retention.CALLS):  # first: what is just being written goes below
            taken = retention.due_in_spool if dry_run else retention.purge_spool
            number = taken(spool, limit)
            yield f"{number} calls in the spool of this machine {done} ({_before(limit)})"
        for kind, limit in limits.items():
            count = retention.due if dry_run else retention.purge
            number = count(store, kind, limit)
            yield f"{number} {WORDS[kind]} {done} ({_before(limit)})"
        if not dry_run and not wiping.settle(store):
            yield "The log of SQLite is in use: deleted bytes stay in it until it is emptied."


def find(wanted: Wanted) -> Found:
    """What is on record about a patient or user. Raises CdsError."""
    with _here() as (store, spool):
        return erasure.find(store, spool, wanted)


def erase(wanted: Wanted) -> Iterator[str]:
    """Erases it, and says line by line what went and what could not be reached."""
    with _here() as (store, spool):
        found = erasure.erase(store, spool, wanted)
        yield f"Erased: {told(found)}."
        if wiping.rewrite(store):
            yield "The tables were written anew without it."
        else:
            yield "The log of SQLite is in use: run this again to empty it."
        if not store.is_sqlite:
            yield "Not reached: freed space of PostgreSQL until it is used again, and its log."
    yield "Not reached: spools of other machines (run this on each), backups, the logs of clients."


def told(found: Found) -> str:
    """What was found, in words."""
    days = f", {found.first} to {found.last}" if found.first else ""
    return (
        f"{found.calls} calls{days}, {found.cards} cards and findings, {found.feedback} feedback"
        f" entries; {found.waiting} calls waiting in the spool of this machine"
    )


@contextmanager
def _here() -> Iterator[tuple[Store, Spool]]:
    settings = Settings.load()
    folder = settings.state_folder() / "spool"
    try:
        with opened() as store:
            yield store, Spool(folder, settings.spool_limit)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written to ({error.strerror})") from None


def _limits(before: date | None, kinds: Iterable[str]) -> dict[str, datetime]:
    """The moment before which each kind goes: midnight in the site's zone."""
    settings = Settings.load()
    wanted = tuple(kinds) or KEPT
    zone = ZoneInfo(settings.timezone)
    if before is not None:
        return dict.fromkeys(wanted, _midnight(before, zone))
    today = clock.now().astimezone(zone).date()
    days = settings.site_file().retention
    due = {k: _midnight(today - timedelta(days=days[k]), zone) for k in wanted if k in days}
    if not due:
        raise SettingsError("[retention] says nothing of these: give --before, or write it there")
    return due


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _before(limit: datetime) -> str:
    return f"before {limit:%Y-%m-%d %H:%M} UTC"
