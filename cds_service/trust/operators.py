"""The operators: people who may log in to the console, and what proves them.

A file has one operator a line, `<name>:<hash>`; the hash is scrypt as werkzeug.security writes it.
Lines that begin with # are remarks. The file is looked at again when it changes: whoever is
removed from it, or has another line, is logged out at once.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

from werkzeug.security import check_password_hash, generate_password_hash

from cds_service.errors import SettingsError, Unavailable
from cds_service.store.guarded import entries

log = logging.getLogger("cds_service.operator")

# OWASP's least for scrypt with 32 MiB: 2^15 blocks of 8, three times.
METHOD = "scrypt:32768:8:3"
SHORTEST, LONGEST = 15, 256  # characters of a password; the least is NIST SP 800-63B-4's
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASH = re.compile(r"scrypt:(\d{4,8}):(\d{1,2}):(\d{1,2})\$[A-Za-z0-9]{8,64}\$[0-9a-f]{128}")
_WEAKEST = 32768 * 8 * 3

Lines = Mapping[str, str]


class Operators:
    """Those in the file at `path`, as it is now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._lines: Lines = MappingProxyType({})

    def line_of(self, name: str) -> str | None:
        """The hash of this operator, or None. Raises Unavailable while the file is faulty."""
        return self._current().get(name)

    def proves(self, name: str, password: str) -> str | None:
        """The hash that `password` fits, or None. Raises Unavailable while the file is faulty.

        An unknown name takes as long as a wrong password.
        """
        line = self.line_of(name)
        fits = check_password_hash(line or _nobodys(), _plain(password))
        return line if line and fits else None

    def _current(self) -> Lines:
        with self._lock:
            mark = _mark(self.path)
            if mark != self._seen:
                self._lines = self._read()
                self._seen = mark
            return self._lines

    def _read(self) -> Lines:
        try:
            return read_operators(self.path)
        except SettingsError as error:
            log.warning("operators cannot be read, nobody is let in: %s", error)
            raise Unavailable("Nobody can be let in now.") from None


def read_operators(path: Path) -> Lines:
    """Name -> hash. Raises SettingsError, which quotes neither."""
    return MappingProxyType(entries(path, "operators", _read, "name"))


def new_line(name: str, password: str) -> str:
    """A line for the file. Raises SettingsError for a name or password that will not do."""
    if not NAME.fullmatch(name):
        raise SettingsError("A name is up to 64 letters, digits, '.', '_', '@' or '-'.")
    plain = _plain(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise SettingsError(f"A password has {SHORTEST} to {LONGEST} characters.")
    return f"{name}:{generate_password_hash(plain, METHOD)}"


def keep(path: Path, name: str, line: str | None) -> bool:
    """Puts `line` in the place of this operator's, or removes it; whether there was one.

    The file is replaced as a whole: whoever reads it meanwhile sees the old one or the new. Owner,
    group and mode stay: the service may run as another user.
    """
    known = read_operators(path) if path.exists() else {}
    old = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    kept = [one for one in old if one.startswith("#") or one.partition(":")[0].strip() != name]
    _replace(path, [*kept, *([line] if line else [])])
    return name in known


def _replace(path: Path, lines: list[str]) -> None:
    own = path.with_name(f".{path.name}.{uuid4()}")
    try:
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            if path.exists():
                before = path.stat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    except OSError as error:
        own.unlink(missing_ok=True)
        raise SettingsError(f"{path}: cannot be written ({error.strerror})") from None


def _read(line: str, place: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    found = _HASH.fullmatch(value)
    if not NAME.fullmatch(name) or not found:
        raise SettingsError(f"{place}: make such lines with: cds-service operator add")
    if int(found[1]) * int(found[2]) * int(found[3]) < _WEAKEST:
        raise SettingsError(f"{place}: its hash is too weak; make it anew")
    return name, value


def _mark(path: Path) -> tuple[int, ...]:
    """What changes when the file does; empty when it is gone."""
    try:
        told = path.stat()
    except OSError:
        return ()
    return told.st_ino, told.st_mtime_ns, told.st_size, told.st_mode


def _plain(password: str) -> str:
    """One spelling for what different keyboards send."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return generate_password_hash(str(uuid4()), METHOD)
