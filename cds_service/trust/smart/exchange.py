"""Back from the authorization server: the code becomes a token, which is looked at closely."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from cds_service.trust.keys import Keys
from cds_service.trust.smart import identity
from cds_service.trust.smart.asking import Asker
from cds_service.trust.smart.discovery import Configuration
from cds_service.trust.smart.launch import Pending
from cds_service.trust.smart.refused import LaunchRefused, Why
from cds_service.trust.smart.registration import Smart

LIFE = 3600  # seconds; a view is not kept longer, whatever the token's life
UNTOLD = 300  # seconds, when the server does not tell how long its token serves
LONGEST = 16_000  # characters of a token, and of appContext
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the EHR gave: a token for one patient. `seconds`: how long it serves.

    `scope` is what was granted, `user` a reference or empty, `app_context` what a card had sent.
    """

    token: str
    seconds: int
    scope: str
    patient: str
    encounter: str | None
    user: str
    app_context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One launch at the end of its way. `keys` are the EHR's, where it tells who the user is."""

    told: Configuration
    smart: Smart
    pending: Pending
    keys: Keys | None

    def redeem(self, asker: Asker, code: str, redirect: str) -> dict[str, Any]:
        """The token response. Raises LaunchRefused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": self.pending.verifier,
        }
        smart, basic = self.smart, None
        if smart.secret:  # RFC 6749, 2.3.1: both are encoded first
            basic = (quote(smart.client_id, safe=""), quote(smart.shared_secret(), safe=""))
        elif smart.key:
            proof = smart.assertion(_proof(smart.client_id, self.told.token))
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": proof}
        else:
            form["client_id"] = smart.client_id
        status, answer = asker.post(self.told.token, form, basic=basic)
        if status != 200:  # noqa: PLR2004
            raise LaunchRefused(Why.TOKEN)
        return answer

    def read(self, answer: Mapping[str, Any]) -> Granted:
        """The token response, checked. Raises LaunchRefused."""
        token, scope = answer.get("access_token"), answer.get("scope", self.pending.scope)
        bearer = str(answer.get("token_type", "")).lower() == "bearer"
        sound = isinstance(token, str) and len(token) <= LONGEST and _TOKEN.fullmatch(token)
        if not sound or not bearer or not isinstance(scope, str):
            raise LaunchRefused(Why.TOKEN)
        patient = answer.get("patient")
        if not isinstance(patient, str) or not _ID.fullmatch(patient):
            raise LaunchRefused(Why.PATIENT)
        context = answer.get("appContext")
        return Granted(
            token=str(token),
            seconds=_seconds(answer.get("expires_in")),
            scope=scope,
            patient=patient,
            encounter=_encounter(answer.get("encounter")),
            user=self._user(answer, scope),
            app_context=context if isinstance(context, str) and len(context) <= LONGEST else "",
        )

    def _user(self, answer: Mapping[str, Any], scope: str) -> str:
        """Verified when it was asked for and granted; else nobody is known."""
        if not all("openid" in one.split() for one in (self.pending.scope, scope)):
            return ""
        if self.told.issuer is None or self.keys is None:
            raise LaunchRefused(Why.IDENTITY)
        return identity.user(
            answer.get("id_token"),
            self.keys,
            issuer=self.told.issuer,
            client_id=self.smart.client_id,
            nonce=self.pending.nonce,
        )


def _encounter(told: object) -> str | None:
    return told if isinstance(told, str) and _ID.fullmatch(told) else None


def _seconds(told: object) -> int:
    """Servers send a number, or its digits. Raises LaunchRefused for a token that has expired."""
    if isinstance(told, str) and re.fullmatch(r"\d{1,9}", told):
        told = int(told)
    if told is None or isinstance(told, bool) or not isinstance(told, int | float):
        return UNTOLD
    if not told >= 1:
        raise LaunchRefused(Why.TOKEN)
    return int(min(told, LIFE))


def _proof(client_id: str, audience: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + 240,
        "jti": str(uuid4()),
    }
