"""What is kept between two requests of a launch, so that nobody but its browser can use it.

On the way to the authorization server: in an encrypted cookie. Afterwards the token is in the
database, under a key made of the deployment's keys and of a secret that only the browser has:
neither the database nor the keys, nor both, open it.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cds_service.store import launches
from cds_service.store.engine import Store
from cds_service.store.keys import Keyring
from cds_service.store.nonces import remember
from cds_service.trust.smart.launch import LIFE, Pending
from cds_service.trust.smart.refused import LaunchRefused, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One patient's view: `client` is a registered name, `ends` in seconds since 1970."""

    client: str
    base: str
    token: str
    scope: str
    patient: str
    encounter: str | None
    user: str
    app_context: str
    ends: int


def seal(pending: Pending, keys: Keyring) -> str:
    """A cookie's value."""
    return _fernet(keys).encrypt(orjson.dumps(asdict(pending))).decode()


def unseal(value: str, keys: Keyring) -> Pending:
    """What `seal` made, not too long ago. Raises LaunchRefused."""
    try:
        return Pending(**orjson.loads(_fernet(keys).decrypt(value.encode(), ttl=LIFE)))
    except (InvalidToken, ValueError, TypeError):
        raise LaunchRefused(Why.STATE) from None


def use_once(store: Store, pending: Pending, now: datetime) -> None:
    """Raises LaunchRefused when this launch has come back before, on any machine."""
    until = now + timedelta(seconds=LIFE)
    if not remember(store, client="(smart)", jti=pending.state, expires=until, now=now):
        raise LaunchRefused(Why.REUSED)


def keep(store: Store, view: View, now: datetime) -> str:
    """Keeps the view until it ends; the browser's secret. Raises Unavailable."""
    secret = secrets.token_urlsafe(32)
    launches.keep(
        store,
        id=store.keys.digest("smart-view", secret),
        sealed=_key(store.keys, secret).encrypt(orjson.dumps(asdict(view))),
        expires=now + timedelta(seconds=max(0, view.ends - int(now.timestamp()))),
        now=now,
    )
    return secret


def find(store: Store, secret: str, now: datetime) -> View:
    """The view of this secret. Raises LaunchRefused when it has ended, and Unavailable."""
    for key in store.keys.keys:
        row = launches.find(store, store.keys.digest("smart-view", secret, key=key), now)
        if row is not None:
            return View(**orjson.loads(_key(store.keys, secret, key).decrypt(row)))
    raise LaunchRefused(Why.ENDED)


def end(store: Store, secret: str) -> None:
    """Forgets the view. Raises Unavailable."""
    for key in store.keys.keys:
        launches.end(store, store.keys.digest("smart-view", secret, key=key))


def _fernet(keys: Keyring) -> MultiFernet:
    """The first key encrypts, the others still open what is under way."""
    return MultiFernet([_from_hex(one) for one in keys.digests("smart-launch")])


def _key(keys: Keyring, secret: str, key: str | None = None) -> Fernet:
    return _from_hex(keys.digest("smart-seal", secret, key=key))


def _from_hex(digest: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(bytes.fromhex(digest)))
