"""`cds-service pause` and `resume`: rules out of service and back, on record with who and when."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cds_service import service as engine
from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.store import pauses
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.store.pauses import ALL, Pause
from cds_service.web import clock


@contextmanager
def opened() -> Iterator[Store]:
    """The database of the settings, without the bounds that a request has."""
    store = open_store(Settings.load(), bounded=False)
    try:
        yield store
    finally:
        store.close()


def in_force(store: Store) -> tuple[Pause, ...]:
    """What is out of service now, oldest first."""
    return pauses.in_force(store, clock.now())


def pause(store: Store, rule: str, *, reason: str, until: datetime | None, by: str | None) -> None:
    """Takes a rule, or all, out of service; `until` is in the site's zone. Raises SettingsError."""
    _check(rule)
    if not reason.strip():
        raise SettingsError("--reason is needed: whoever misses the card will ask")
    now = clock.now()
    if until is not None:
        until = until.replace(tzinfo=ZoneInfo(Settings.load().timezone)).astimezone(UTC)
        if until <= now:
            raise SettingsError("--until is over already")
    wanted = Pause(rule=rule, since=now, until=until, by=by or getpass.getuser(), reason=reason)
    pauses.pause(store, wanted)


def resume(store: Store, rule: str, *, by: str | None) -> None:
    """Ends the pauses of exactly this rule, or of all. Raises SettingsError when there are none."""
    _check(rule)
    if not pauses.resume(store, rule, by=by or getpass.getuser(), now=clock.now()):
        raise SettingsError(f"{rule} is not paused")


def _check(rule: str) -> None:
    if rule != ALL:
        engine.check_rule(rule)
