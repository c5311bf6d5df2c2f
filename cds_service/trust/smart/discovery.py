"""Where an EHR's endpoints are, and what it can do: its `.well-known/smart-configuration`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cds_service.trust.smart.asking import Asker, endpoint
from cds_service.trust.smart.refused import LaunchRefused, Why

KEPT = 600.0  # seconds; launches of one morning ask once in a while
SSO = "sso-openid-connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`keys`, the address of its JWK Set, is there when it can tell the user.

    `signs`: it puts its `issuer` into every answer (RFC 9207).
    """

    authorize: str
    token: str
    issuer: str | None
    signs: bool
    keys: str | None
    version_2: bool
    standalone: bool

    @property
    def tells_the_user(self) -> bool:
        """Whether an id_token can be asked for and verified."""
        return bool(self.issuer and self.keys)


class Discovery:
    """What each server said last. Safe between threads."""

    def __init__(self, asker: Asker, now: Callable[[], float] = time.monotonic) -> None:
        self._asker = asker
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Configuration]] = {}

    def of(self, base: str) -> Configuration:
        """The configuration of the FHIR server at `base`. Raises LaunchRefused."""
        with self._lock:
            asked, kept = self._kept.get(base, (None, None))
        if asked is not None and kept is not None and self._now() - asked < KEPT:
            return kept
        found = read(self._asker.get(f"{base}/.well-known/smart-configuration"))
        with self._lock:
            self._kept[base] = (self._now(), found)
        return found


def read(told: dict[str, Any]) -> Configuration:
    """The configuration as far as it is needed. Raises LaunchRefused."""
    methods = told.get("code_challenge_methods_supported", ["S256"])  # version 1 does not tell
    if not isinstance(methods, list) or "S256" not in methods:
        raise LaunchRefused(Why.CONFIGURATION)
    capabilities = told.get("capabilities")
    can = capabilities if isinstance(capabilities, list) else []
    issuer, keys = told.get("issuer"), told.get("jwks_uri")
    named = isinstance(issuer, str) and bool(issuer)
    sso = named and bool(keys) and (not can or SSO in can)
    return Configuration(
        authorize=endpoint(told.get("authorization_endpoint")),
        token=endpoint(told.get("token_endpoint")),
        issuer=issuer if named else None,
        signs=told.get("authorization_response_iss_parameter_supported") is True,
        keys=endpoint(keys) if sso else None,
        version_2="permission-v2" in can,
        standalone=not can or "launch-standalone" in can,
    )
