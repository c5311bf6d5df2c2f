"""To the authorization server, with what proves later that the answer belongs to this launch."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from cds_service.trust.smart.discovery import Configuration

LIFE = 600  # seconds for the user to log in and agree
#: searches of prescriptions include these
_ALSO = ("Medication",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A launch on its way; kept, encrypted, in the browser that began it.

    `client` is the registered name, `base` the FHIR server, `issued` in seconds since 1970.
    """

    state: str
    verifier: str
    nonce: str
    client: str
    base: str
    scope: str
    issued: int


def scopes(types: Iterable[str], told: Configuration, *, by_ehr: bool) -> str:
    """Reading, of the types that are read and no others; and who the user is, if it can be told."""
    right = "rs" if told.version_2 else "read"
    wanted = sorted({*types, *_ALSO})
    return " ".join(
        (
            "launch" if by_ehr else "launch/patient",
            *(("openid", "fhirUser") if told.tells_the_user else ()),
            *(f"patient/{one}.{right}" for one in wanted),
        )
    )


def begin(client: str, base: str, scope: str, issued: int) -> Pending:
    """A launch with new secrets."""
    return Pending(
        state=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        nonce=secrets.token_urlsafe(32),
        client=client,
        base=base,
        scope=scope,
        issued=issued,
    )


def address(
    pending: Pending,
    told: Configuration,
    *,
    client_id: str,
    redirect: str,
    aud: str,
    launch: str | None,
) -> str:
    """Where the browser is sent. `aud` is the FHIR server as the EHR spells it.

    `launch` is the EHR's, None for a standalone launch.
    """
    digest = hashlib.sha256(pending.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": pending.scope,
        "state": pending.state,
        "aud": aud,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if launch is not None:
        asked["launch"] = launch
    if "openid" in pending.scope.split():
        asked["nonce"] = pending.nonce
    return f"{told.authorize}{'&' if '?' in told.authorize else '?'}{urlencode(asked)}"
