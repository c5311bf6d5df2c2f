"""The public keys a client signs with: from a file, or from its registered JWKS address.

Fetched keys are kept for a time. A key id that is not among them is looked for once more,
at most once in a while, so that a caller with invented key ids makes us fetch nothing. When
the address does not answer, the keys last fetched serve for a bounded time. A slow address
holds up few callers, and none of them for long.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import jwt
import orjson

from cds_service.errors import SettingsError
from cds_service.protocol import unique_keys
from cds_service.trust.refusals import degraded

log = logging.getLogger("cds_service.trust")

MOST_KEYS = 100
SMALLEST_RSA = 2048  # bits
REFETCH_EVERY = 30.0  # seconds between fetches for unknown key ids, and after a failure
WAIT = 1.0  # seconds for keys that are being fetched; an EHR waits a few seconds for its cards
FIRST = 4.0  # the same where none serve: without them every call would be refused
WAITERS = 16  # callers at once who wait for a key that may be new, or for newer ones
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_SYMMETRIC_OR_PRIVATE = ("k", "d")  # members no public key has


class KeysUnavailable(Exception):
    """The keys could not be obtained, or what was obtained is no key set."""


KeySet = Mapping[str, Sequence[Mapping[str, Any]]]


class Held(StrEnum):
    """How the keys of one client stand."""

    CURRENT = "current"
    STALE = "stale"  # they serve, and could not be renewed
    NONE = "none"


class Keys(Protocol):
    """Where the keys of one client come from."""

    def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key, or None where the client has none like it. Raises KeysUnavailable."""
        ...

    def held(self) -> KeySet:
        """All of them as they are now. Raises KeysUnavailable."""
        ...

    def state(self) -> Held:
        """How they stand, without waiting for anything."""
        ...


def parse_jwks(data: bytes) -> KeySet:
    """Public signature keys by key id; others are left out. Raises KeysUnavailable."""
    try:
        value = orjson.loads(data)
        unique_keys.check(data, orjson.dumps(value))
        listed = value["keys"]
    except (ValueError, KeyError, TypeError):
        raise KeysUnavailable("is no JWK Set") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise KeysUnavailable(f"is no JWK Set of at most {MOST_KEYS} keys")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for key in listed:
        if isinstance(key, dict) and isinstance(kid := key.get("kid"), str) and _usable(key):
            found.setdefault(kid, []).append(key)
    return found


def _usable(key: Mapping[str, Any]) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") in ("EC", "RSA", "OKP")
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and not any(member in key for member in _SYMMETRIC_OR_PRIVATE)
    )


def pick(keys: KeySet, kid: str, algorithm: str) -> jwt.PyJWK | None:
    """The key of this id that fits the algorithm; a key may be bound to one by its `alg`."""
    for key in keys.get(kid, ()):
        if key.get("alg", algorithm) != algorithm:
            continue
        if key.get("crv") != _CURVES.get(algorithm):
            continue
        found = _built(orjson.dumps(key), algorithm)
        if found is not None and (key["kty"] != "RSA" or found.key.key_size >= SMALLEST_RSA):
            return found
    return None


@lru_cache(maxsize=2 * MOST_KEYS)
def _built(written: bytes, algorithm: str) -> jwt.PyJWK | None:
    """The key ready for use, made once; None for one that is faulty."""
    try:
        return jwt.PyJWK(orjson.loads(written), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None


class FileKeys:
    """Keys from a file, read once. Raises SettingsError when it holds none."""

    def __init__(self, path: Path) -> None:
        try:
            self._keys = parse_jwks(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
        except KeysUnavailable as error:
            raise SettingsError(f"{path}: {error}") from None
        if not self._keys:
            raise SettingsError(f"{path}: holds no public signature key with a key id")

    def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key, or None."""
        return pick(self._keys, kid, algorithm)

    def held(self) -> KeySet:
        """All of them."""
        return self._keys

    def state(self) -> Held:
        """Always there."""
        return Held.CURRENT


class RemoteKeys:
    """Keys from the one address a client registered. Safe between threads.

    They are fetched in a thread of their own. Whoever needs what is being fetched waits WAIT
    seconds at most, and only WAITERS at once; the others are answered by what is held. Where no
    keys serve all wait, FIRST seconds at most.
    `ttl` and `stale` are seconds: how long keys serve without a look, and how long they
    serve while the address does not answer. `client` is its name, for the log.
    """

    def __init__(
        self,
        address: str,
        fetch: Callable[[], bytes],
        *,
        ttl: float,
        stale: float,
        client: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._fetch = fetch
        self._ttl = ttl
        self._stale = stale
        self._client = client
        self._now = now
        self._lock = threading.RLock()  # for what follows
        self._under_way: threading.Event | None = None  # set when what is being fetched is here
        self._looked_again: float | None = None  # when an unknown key id last made us fetch
        self._waiters = threading.BoundedSemaphore(WAITERS)
        self._keys: KeySet = {}
        self._fetched: float | None = None  # when the keys held were fetched
        self._failed: float | None = None

    def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key, or None. Raises KeysUnavailable when there are none to look among."""
        if self._aged(self._ttl):
            began = self._begin()
            if began or self._aged(self._ttl + self._stale):  # else the keys held serve meanwhile
                self._wait()
        if self._aged(self._ttl + self._stale):
            raise KeysUnavailable(self.address)
        if kid not in self._keys:
            self._look_again()
        return pick(self._keys, kid, algorithm)

    def held(self) -> KeySet:
        """All of them, fetched now. Raises KeysUnavailable."""
        return parse_jwks(self._fetch())

    def state(self) -> Held:
        """How they stand; what is due is fetched, as seldom as ever, and not waited for."""
        if self._aged(self._ttl):
            self._begin()
        if self._fetched is None or (self._failed and self._aged(self._ttl + self._stale)):
            return Held.NONE
        return Held.STALE if self._failed and self._aged(self._ttl) else Held.CURRENT

    def _aged(self, seconds: float) -> bool:
        return _past(self._fetched, seconds, self._now())

    def _look_again(self) -> None:
        """For a key that may be new, unless this was done a short while ago."""
        if not self._aged(1):
            return
        with self._lock:  # as one: whoever comes next finds it under way
            if _past(self._looked_again, REFETCH_EVERY, self._now()):
                self._looked_again = self._now()
                self._begin()
        self._wait()

    def _begin(self) -> bool:
        """Begins to fetch, unless that is under way or failed a short while ago; whether it did."""
        with self._lock:
            if self._under_way or not _past(self._failed, REFETCH_EVERY, self._now()):
                return False
            try:
                threading.Thread(target=self._renew, name="jwks", daemon=True).start()
            except RuntimeError:  # the machine has no thread left
                log.warning("keys not fetched", extra={"client": self._client}, exc_info=True)
                return False
            self._under_way = threading.Event()  # what was begun ends it, under the lock
            return True

    def _wait(self) -> None:
        """For what is being fetched: a moment, and no more than a few at once.

        Where no keys serve all wait: they would be refused, and there are no more of them than
        the server has threads.
        """
        under_way = self._under_way
        if under_way is None:
            return
        if self._aged(self._ttl + self._stale):
            under_way.wait(FIRST)
        elif self._waiters.acquire(blocking=False):
            try:
                under_way.wait(WAIT)
            finally:
                self._waiters.release()

    def _renew(self) -> None:
        try:
            self._keys = parse_jwks(self._fetch())
            self._fetched, self._failed = self._now(), None
        except KeysUnavailable as error:
            self._fail(error=str(error))
        except Exception:  # noqa: BLE001  # whatever it is, the address is left alone for a while
            self._fail(exc_info=True)
        finally:
            with self._lock:
                done, self._under_way = self._under_way, None
            if done:
                done.set()

    def _fail(self, *, exc_info: bool = False, **told: str) -> None:
        self._failed = self._now()
        log.warning("keys not fetched", extra={"client": self._client, **told}, exc_info=exc_info)
        degraded.send("stale-keys" if self._fetched is not None else "no-keys")


def _past(moment: float | None, seconds: float, now: float) -> bool:
    return moment is None or now - moment >= seconds
