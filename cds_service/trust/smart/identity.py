"""Who the user is: the id_token, believed only when the EHR's key signed it for this launch."""

from __future__ import annotations

import hmac
import re
from typing import Any

import jwt

from cds_service.trust.clients import ASYMMETRIC
from cds_service.trust.keys import Keys, KeysUnavailable
from cds_service.trust.smart.refused import LaunchRefused, Why

LEEWAY = 30  # seconds by which clocks may differ
LONGEST = 20_000  # characters
_USER = re.compile(
    r"(?:Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/[A-Za-z0-9.-]{1,64}"
)


def user(token: object, keys: Keys, *, issuer: str, client_id: str, nonce: str) -> str:
    """'Practitioner/1', or empty when the token does not say. Raises LaunchRefused."""
    if not isinstance(token, str) or len(token) > LONGEST:
        raise LaunchRefused(Why.IDENTITY)
    try:
        claims = _claims(token, keys, issuer=issuer, client_id=client_id)
    except (jwt.PyJWTError, KeysUnavailable, ValueError, TypeError):
        raise LaunchRefused(Why.IDENTITY) from None
    told = claims.get("nonce")
    same = isinstance(told, str) and hmac.compare_digest(told.encode(), nonce.encode())
    if not same or not _is_ours(claims, client_id):
        raise LaunchRefused(Why.IDENTITY)
    return _reference(claims.get("fhirUser", claims.get("profile")))


def _claims(token: str, keys: Keys, *, issuer: str, client_id: str) -> dict[str, Any]:
    head = jwt.get_unverified_header(token)
    kid, algorithm = head.get("kid"), head.get("alg")
    if algorithm not in ASYMMETRIC or not isinstance(kid, str) or "crit" in head:
        raise jwt.InvalidAlgorithmError
    key = keys.find(kid, algorithm)
    if key is None:
        raise jwt.InvalidKeyError
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=client_id,
        issuer=issuer,
        leeway=LEEWAY,
        options={"require": ["iss", "aud", "exp", "iat", "sub"]},
    )


def _is_ours(claims: dict[str, Any], client_id: str) -> bool:
    """OpenID Connect Core 3.1.3.7: of several audiences, the one it was issued to is named."""
    aud, party = claims["aud"], claims.get("azp")
    several = isinstance(aud, list) and len(aud) > 1
    return party == client_id if several or party is not None else True


def _reference(told: object) -> str:
    """'https://ehr.example/fhir/Practitioner/1' -> 'Practitioner/1'."""
    found = _USER.search(told.partition("/_history/")[0]) if isinstance(told, str) else None
    return found[0] if found else ""
