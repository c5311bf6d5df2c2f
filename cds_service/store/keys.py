"""Keyed hashes: the database holds no id of a patient or a user, only HMACs of them.

A key file has one key a line, `<key id>:<hex>`, of at least 32 bytes. The first makes new
hashes; the others still find old ones. Lines that begin with # are remarks.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from pathlib import Path
from uuid import uuid4

from cds_service.errors import SettingsError
from cds_service.store.guarded import entries

_LINE = re.compile(r"([A-Za-z0-9._-]{1,32}):([0-9a-fA-F]{64,})")


@dataclass(frozen=True, slots=True)
class Keyring:
    """`current` is the id of the key that makes new hashes."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def digest(self, purpose: str, *parts: str, key: str | None = None) -> str:
        """The keyed hash of `parts`, 64 hex digits; equal parts give another for another purpose.

        Written as JSON before hashing: no two lists of parts are written the same.
        """
        # As `json.dumps` writes them, without what it does before and after.
        written = f"[{', '.join(map(encode_basestring_ascii, (purpose, *parts)))}]"
        # Not `hmac.digest`: that lets another thread have the interpreter, for milliseconds.
        return hmac.new(
            self.keys[key or self.current], written.encode("ascii"), "sha256"
        ).hexdigest()

    def digests(self, purpose: str, *parts: str) -> tuple[str, ...]:
        """The same under every key, to find what was written under an older one."""
        return tuple(self.digest(purpose, *parts, key=key) for key in self.keys)


def new_line() -> str:
    """A new key, as a line of a key file."""
    return f"{secrets.token_hex(4)}:{secrets.token_hex(32)}"


def read_keys(path: Path) -> Keyring:
    """The keys in the file at `path`. Raises SettingsError, which never quotes a key."""
    keys = entries(path, "keys", _key, "key id")
    if not keys:
        raise SettingsError(f"{path}: holds no key (make one: cds-service ledger key)")
    return Keyring(next(iter(keys)), keys)


def keep_keys(path: Path) -> Keyring:
    """The keys at `path`; made there, readable by their owner alone, when there are none.

    Several processes may start at once: the first file in place is the one all read.
    """
    if not path.exists():
        own = path.with_name(f".{path.name}.{uuid4()}")
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_line() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(own)
        own.unlink()
    return read_keys(path)


def _key(line: str, place: str) -> tuple[str, bytes]:
    found = _LINE.fullmatch(line)
    if not found or len(found[2]) % 2:
        raise SettingsError(f"{place}: a key is <id>:<64 or more hex digits>")
    return found[1], bytes.fromhex(found[2])
