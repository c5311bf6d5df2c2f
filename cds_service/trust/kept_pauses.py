"""The pauses last read, in a small file: for a process that starts while the database is down.

Without it a rule that somebody has paused would be shown again by a restart. It may hold a pause
that has ended meanwhile: that rule stays silent until the database is back.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from cds_service.store.pauses import Pause

Pauses = tuple[Pause, ...]


class KeptPauses:
    """The file at `path`, replaced whole; the processes of a machine share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: bytes | None = None

    def keep(self, read: Pauses) -> None:
        """Writes them where they changed. Raises OSError."""
        told = orjson.dumps([_told(one) for one in read])
        if told == self._written:
            return
        new = self._path.with_name(f".{self._path.name}.{uuid4()}")
        try:
            with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(told)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        finally:
            new.unlink(missing_ok=True)
        self._written = told

    def read(self) -> Pauses | None:
        """None when there is no file, or none that can be read."""
        try:
            return tuple(_pause(one) for one in orjson.loads(self._path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _told(one: Pause) -> dict[str, Any]:
    """Who paused it is on record in the database, and nobody asks here."""
    return {"rule": one.rule, "since": one.since, "until": one.until, "reason": one.reason}


def _pause(told: dict[str, Any]) -> Pause:
    until = told["until"]
    return Pause(
        rule=str(told["rule"]),
        since=datetime.fromisoformat(told["since"]),
        until=datetime.fromisoformat(until) if until else None,
        by="",
        reason=str(told["reason"]),
    )
