"""Verification of the JWT by which a CDS client proves who it is (CDS Hooks 2.0, 4.4).

What a token says is believed only after its signature: until then its `iss` and `kid` merely
choose, among what is registered, the key that must verify it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from jwt.utils import base64url_decode

from cds_service.errors import NotAuthenticated
from cds_service.trust.clients import Client, Clients
from cds_service.trust.keys import Held, Keys, KeysUnavailable
from cds_service.trust.refusals import Reason
from cds_service.trust.replay import ReplayGuard

LEEWAY = 5  # seconds by which clocks may differ
LONGEST_TOKEN = 5_000  # characters
LONGEST_TEXT = 500  # characters of one claim

_BEARER = re.compile(r"bearer +([^ ]+)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REASONS: dict[type[jwt.PyJWTError], Reason] = {
    jwt.InvalidSignatureError: Reason.SIGNATURE,
    jwt.InvalidAudienceError: Reason.AUDIENCE,
    jwt.ExpiredSignatureError: Reason.EXPIRED,
    jwt.ImmatureSignatureError: Reason.NOT_YET,
    jwt.InvalidAlgorithmError: Reason.ALGORITHM,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, proved, and the tenant the token names, if any."""

    client: Client
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a call arrived: `path` as called, below the base (`/cds-services/x`), and query."""

    path: str
    query: str = ""

    def addresses(self, bases: Sequence[str]) -> list[str]:
        """Every spelling of its URL that a token may be made out to."""
        plain = re.sub("/+", "/", self.path).rstrip("/")
        asked = f"{self.path}?{self.query}" if self.query else self.path
        paths = dict.fromkeys((self.path, plain, asked))
        return [base + path for base in bases for path in paths]


class Authenticator:
    """Knows the clients and their keys, and which tokens were used. Safe between threads.

    `max_age` is in seconds since `iat`; `keys` are by the name of the client.
    """

    def __init__(
        self,
        clients: Clients,
        keys: Mapping[str, Keys],
        guard: ReplayGuard,
        *,
        public_url: str,
        max_age: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._guard = guard
        self._public_url = public_url
        self._max_age = max_age
        self._now = now

    def authenticate(self, authorization: str | None, endpoint: Endpoint) -> Caller:
        """Who sent this Authorization header to `endpoint`.

        Raises NotAuthenticated, or Unverifiable when a replay cannot be told.
        """
        token = _bearer(authorization)
        header, claims = _parts(token)
        _check_header(header)
        client = self._clients.get(claims["iss"])
        if client is None:
            raise NotAuthenticated(Reason.ISSUER)
        proved = self._verify(token, self._key(client, header), client, endpoint)
        return self._accept(client, proved)

    def held(self) -> list[Held]:
        """How the keys of each client stand; what is due is fetched, and not waited for."""
        return [keys.state() for keys in self._keys.values()]

    def _key(self, client: Client, header: Mapping[str, Any]) -> jwt.PyJWK:
        if header["alg"] not in client.algorithms:
            raise NotAuthenticated(Reason.ALGORITHM)
        if "jku" in header and header["jku"] != client.jku:
            raise NotAuthenticated(Reason.JKU)
        try:
            key = self._keys[client.name].find(header["kid"], header["alg"])
        except KeysUnavailable:
            raise NotAuthenticated(Reason.KEYS_UNAVAILABLE) from None
        if key is None:
            raise NotAuthenticated(Reason.KEY)
        return key

    def _verify(
        self, token: str, key: jwt.PyJWK, client: Client, endpoint: Endpoint
    ) -> dict[str, Any]:
        accepted = [*endpoint.addresses([self._public_url, *client.base_urls]), *client.aud]
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(client.algorithms),
                audience=accepted,
                issuer=client.iss,
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "jti"]},
            )
        except jwt.PyJWTError as error:
            raise NotAuthenticated(_REASONS.get(type(error), Reason.MALFORMED)) from None
        return claims

    def _accept(self, client: Client, claims: Mapping[str, Any]) -> Caller:
        """What is particular to this service: age, tenant, and each token once."""
        newest = claims["iat"] + self._max_age + LEEWAY
        if self._now() > newest:
            raise NotAuthenticated(Reason.TOO_OLD)
        tenant = claims.get("tenant")
        if client.tenants and tenant not in client.tenants:
            raise NotAuthenticated(Reason.TENANT)
        # Once it is too old it is refused anyway: no need to remember it any longer.
        until = min(newest, claims["exp"] + LEEWAY)
        self._guard.once(client.name, claims["jti"], until)
        return Caller(client, tenant)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise NotAuthenticated(Reason.NO_TOKEN)
    found = _BEARER.fullmatch(authorization)
    if not found:
        raise NotAuthenticated(Reason.NOT_BEARER)
    if len(found[1]) > LONGEST_TOKEN:
        raise NotAuthenticated(Reason.TOO_LARGE)
    if not _TOKEN.fullmatch(found[1]):
        raise NotAuthenticated(Reason.MALFORMED)
    return found[1]


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not verified, but of the types they must have."""
    try:
        header, claims = (orjson.loads(base64url_decode(p)) for p in token.split(".")[:2])
    except ValueError:
        raise NotAuthenticated(Reason.MALFORMED) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotAuthenticated(Reason.MALFORMED)
    if not _is_text(claims.get("jti")):
        raise NotAuthenticated(Reason.NO_JTI)
    times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
    texts = [claims.get("iss"), claims.get("tenant", "-")]
    if not all(map(_is_time, times)) or not all(map(_is_text, texts)):
        raise NotAuthenticated(Reason.MALFORMED)
    return header, claims


def _check_header(header: Mapping[str, Any]) -> None:
    if header.get("alg") is None or not isinstance(header["alg"], str):
        raise NotAuthenticated(Reason.ALGORITHM)
    if str(header.get("typ", "")).upper() != "JWT":
        raise NotAuthenticated(Reason.TYPE)
    if "crit" in header or "b64" in header:
        raise NotAuthenticated(Reason.CRITICAL_HEADER)
    if not _is_text(header.get("kid")):
        raise NotAuthenticated(Reason.NO_KID)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_time(value: object) -> bool:
    """Seconds since the epoch."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
