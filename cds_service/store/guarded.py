"""Files of secrets, one a line: nobody else may read or change them."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cds_service.errors import SettingsError

T = TypeVar("T")

#: the group may read: the service may run as another user than the file's owner
OPEN_TO_OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP
CLOSED = "chmod g-w,o-rw"


def entries(
    path: Path, what: str, entry: Callable[[str, str], tuple[str, T]], name: str
) -> dict[str, T]:
    """What `entry` makes of each line and its place; lines that begin with # are remarks.

    Raises SettingsError, which never quotes a line: for a file of `what` that is open to others,
    cannot be read, or has a `name` twice.
    """
    try:
        if path.stat().st_mode & OPEN_TO_OTHERS:
            raise SettingsError(f"{path}: others can read or change this file of {what} ({CLOSED})")
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not a file of {what}") from None
    known: dict[str, T] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            key, value = entry(line.strip(), f"{path}, line {number}")
            if key in known:
                raise SettingsError(f"{path}, line {number}: this {name} is there twice")
            known[key] = value
    return known
