"""Feedback requests: the envelope checked as a whole, its entries one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cds_service.errors import BadRequest, Issue
from cds_service.protocol.request import faults

_DAY = timedelta(days=1)

Entries = list[tuple[int, dict[str, Any]]]


def parse(body: object) -> tuple[Entries, list[Issue]]:
    """The sound entries, each with its index, and the faults of the others.

    Raises BadRequest when none is sound, each fault with its JSON path.
    """
    if envelope := list(faults("feedback", body)):
        raise BadRequest.of(envelope)
    assert isinstance(body, dict)  # noqa: S101  # the schema has looked
    sound: Entries = []
    issues: list[Issue] = []
    for place, entry in enumerate(body["feedback"]):
        found = _faults(entry, f"feedback[{place}]")
        issues += found
        if not found:
            sound.append((place, entry))
    if not sound:
        raise BadRequest.of(issues)
    return sound, issues


def _faults(entry: Any, place: str) -> list[Issue]:
    found = list(faults("feedback-entry", entry, place))
    if not found and not _is_time(entry["outcomeTimestamp"]):
        path = f"{place}.outcomeTimestamp"
        found.append(Issue("error", "value", f"{path}: there is no such day", (path,)))
    return found


def _is_time(written: str) -> bool:
    """Also seen from any zone: the first and the last day of the calendar are refused."""
    try:
        moment = datetime.fromisoformat(written).astimezone(UTC)
        return moment - _DAY < moment < moment + _DAY
    except (ValueError, OverflowError):
        return False
