"""Who may call (CDS Hooks: Trusting CDS Clients), on a server that authenticates its callers.

A stub is the same server behind someone who lends its own good token to callers that break one
rule: as if the service did not check that rule.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conformance.caller import Answer, Call, Caller, over_http, post
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Start
from tests.trust.signing import Ehr, Key, jwks

pytestmark = pytest.mark.slow

ES384, RS384, FOREIGN = Key("es"), Key("rs", "RS384"), Key("es")
ISS, JKU = "https://ehr.example", "https://ehr.example/jwks.json"
SITE = f"""
[clients.ehr]
iss = "{ISS}"
jku = "{JKU}"
jwks = "keys.json"

[clients.by-file]
iss = "https://by-file.example"
jwks = "keys.json"
"""
Rule = Callable[[dict[str, Any], dict[str, Any]], bool]


@dataclass(frozen=True)
class Secured:
    """The running service, and a registered client of it."""

    service: Caller
    base: str
    ehr: Ehr

    @property
    def url(self) -> str:
        return self.base + VIEW

    def with_token(self, token: str) -> int:
        """The status of a call of patient-view with this token."""
        return self.answer(Authorization=f"Bearer {token}").status

    def status(self, aud: Any = None, ehr: Ehr | None = None, **changed: Any) -> int:
        """The status of a call whose token is good but for what is changed."""
        return self.with_token((ehr or self.ehr).token(aud or self.url, **changed))

    def answer(self, **headers: str) -> Answer:
        return post(self.service, VIEW, overdue(), **headers)


@pytest.fixture(scope="module")
def secured(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Secured:
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "keys.json").write_bytes(jwks(ES384, RS384))
    running = start("serve", "--workers", "1", CDS_SERVICE_CONFIG=str(Path(folder / "site.toml")))
    base = running.url.replace("127.0.0.1", "localhost")
    return Secured(over_http(running.url), base, Ehr(ES384, ISS, JKU))


# --- checks: each raises AssertionError where its rule is not kept ---


def a_caller_without_a_good_token_is_refused(secured: Secured) -> None:
    assert secured.answer().status == 401
    assert secured.answer(Authorization="Basic eDp5").status == 401
    assert secured.status(key=FOREIGN) == 401
    assert secured.status() == 200


def only_registered_issuers_and_key_addresses_are_trusted(secured: Secured) -> None:
    assert secured.status(ehr=Ehr(ES384, "https://other.example", JKU)) == 401
    assert secured.status(ehr=Ehr(ES384, ISS, "https://other.example/jwks.json")) == 401
    assert secured.status() == 200


def keys_may_be_given_without_an_address(secured: Secured) -> None:
    assert secured.status(ehr=Ehr(ES384, "https://by-file.example")) == 200


def an_unsigned_token_is_refused(secured: Secured) -> None:
    for algorithm in ("none", "None", "NONE"):
        for signature in (b"", b"{}"):
            assert secured.with_token(by_hand(secured, algorithm, lambda _, s=signature: s)) == 401


def a_token_signed_with_a_shared_secret_is_refused(secured: Secured) -> None:
    """The published key taken as the secret, in each way a library might read it."""
    public = ES384.private.public_key()
    info = PublicFormat.SubjectPublicKeyInfo
    secrets = (
        public.public_bytes(Encoding.DER, info),
        public.public_bytes(Encoding.PEM, info),
        json.dumps(ES384.public).encode(),
        b"",
    )
    for algorithm, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for secret in secrets:

            def sign(text: bytes, secret: bytes = secret, digest: str = digest) -> bytes:
                return hmac.digest(secret, text, digest)

            assert secured.with_token(by_hand(secured, algorithm, sign)) == 401


def by_hand(secured: Secured, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make: good but for how it is signed."""
    head = {"alg": algorithm, "typ": "JWT", "kid": "es", "jku": JKU}
    claims = secured.ehr.claims(secured.url)
    text = b".".join(_part(json.dumps(part).encode()) for part in (head, claims))
    return b".".join((text, _part(sign(text)))).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def both_recommended_algorithms_are_accepted(secured: Secured) -> None:
    assert secured.status() == 200
    assert secured.status(key=RS384) == 200


def a_token_serves_only_the_endpoint_it_is_made_out_to(secured: Secured) -> None:
    assert secured.status(aud=[secured.url, "https://other.example"]) == 200
    for aud in (
        f"{secured.base}/cds-services",
        f"{secured.base}/cds-services/pht-order-sign",
        "https://other.example/cds-services/pht-patient-view",
        [f"{secured.base}/cds-services"],
        ["x"],
    ):
        assert secured.status(aud=aud) == 401


def a_token_serves_once_and_in_its_time(secured: Secured) -> None:
    token = secured.ehr.token(secured.url)
    assert secured.with_token(token) == 200
    assert secured.with_token(token) == 401
    assert secured.status(jti=str(uuid.uuid4())) == 200
    now = int(time.time())
    assert secured.status(exp=now - 60) == 401
    assert secured.status(iat=now + 60, exp=now + 300) == 401
    assert secured.status(iat=now - 7200, exp=now + 300) == 401


def a_refusal_does_not_say_why(secured: Secured) -> None:
    now = int(time.time())
    bodies = {
        secured.answer(Authorization=f"Bearer {token}").data
        for token in (
            "x.y.z",
            secured.ehr.token(secured.url, key=FOREIGN),
            secured.ehr.token("https://other.example"),
            secured.ehr.token(secured.url, exp=now - 60),
        )
    }
    assert len(bodies) == 1
    assert b"OperationOutcome" in bodies.pop()


CHECKS = {
    a_caller_without_a_good_token_is_refused: ("2.0-176", "2.0-177"),
    only_registered_issuers_and_key_addresses_are_trusted: ("2.0-195",),
    keys_may_be_given_without_an_address: ("2.0-199",),
    an_unsigned_token_is_refused: ("2.0-201",),
    a_token_signed_with_a_shared_secret_is_refused: ("2.0-203",),
    both_recommended_algorithms_are_accepted: ("2.0-200", "2.0-205"),
    a_token_serves_only_the_endpoint_it_is_made_out_to: ("3.0-46",),
    a_token_serves_once_and_in_its_time: ("3.0-48",),
    a_refusal_does_not_say_why: ("3.0-48",),
}


def named(check: Callable[..., None]) -> str:
    return check.__name__.replace("_", "-")


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(one, id=named(one), marks=pytest.mark.requirement(*requirements))
        for one, requirements in CHECKS.items()
    ],
)
def test_the_running_server_sees_to_it_that(check: Any, secured: Secured) -> None:
    check(secured)


# --- stubs ---


def lending(secured: Secured, rule: Rule) -> Secured:
    """A service that lets pass whoever meets `rule` of header and claims."""

    def call(sent: Call) -> Answer:
        held = str(sent.headers.get("Authorization", "")).removeprefix("Bearer ")
        try:
            header = jwt.get_unverified_header(held)
            claims = jwt.decode(held, options={"verify_signature": False})
        except jwt.PyJWTError:
            header, claims = {}, {}
        if rule(header, claims):
            lent = secured.ehr.bearer(secured.base + sent.path)
            sent = replace(sent, headers={**sent.headers, **lent})
        return secured.service(sent)

    return replace(secured, service=call)


def _nobody(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return not claims


def _anyone(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return claims.get("iss") not in (None, ISS, "https://by-file.example")


def _foreign_keys(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return header.get("jku") not in (None, JKU)


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return str(header.get("alg", "")).lower() == "none"


def _symmetric(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return str(header.get("alg")).startswith("HS")


def _any_audience(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return bool(claims) and "pht-patient-view" not in str(claims["aud"])


def _expired(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    return bool(claims) and claims["exp"] < time.time()


def _again() -> Rule:
    seen: set[str] = set()

    def used(header: dict[str, Any], claims: dict[str, Any]) -> bool:
        known = claims.get("jti") in seen
        seen.add(claims.get("jti", ""))
        return known

    return used


STUBS: dict[str, tuple[str, Callable[[Secured], None], Rule]] = {
    "asks nobody": ("2.0-177", a_caller_without_a_good_token_is_refused, _nobody),
    "any issuer": ("2.0-195", only_registered_issuers_and_key_addresses_are_trusted, _anyone),
    "any keys": ("2.0-195", only_registered_issuers_and_key_addresses_are_trusted, _foreign_keys),
    "unsigned": ("2.0-201", an_unsigned_token_is_refused, _unsigned),
    "a shared secret": ("2.0-203", a_token_signed_with_a_shared_secret_is_refused, _symmetric),
    "any audience": ("3.0-46", a_token_serves_only_the_endpoint_it_is_made_out_to, _any_audience),
    "replays": ("3.0-48", a_token_serves_once_and_in_its_time, _again()),
    "expired tokens": ("3.0-48", a_token_serves_once_and_in_its_time, _expired),
}


@pytest.mark.parametrize(
    ("check", "rule"),
    [
        pytest.param(check, rule, id=name, marks=pytest.mark.notices(requirement))
        for name, (requirement, check, rule) in STUBS.items()
    ],
)
def test_a_stub_is_noticed_that_lets_pass(check: Any, rule: Rule, secured: Secured) -> None:
    with pytest.raises(AssertionError):
        check(lending(secured, rule))


@pytest.mark.parametrize(
    ("own", "rule"),
    [pytest.param(check, rule, id=name) for name, (_, check, rule) in STUBS.items()],
)
def test_a_stub_breaks_nothing_else_that_lets_pass(own: Any, rule: Rule, secured: Secured) -> None:
    """But for the words of a refusal, which it cannot give."""
    stub = lending(secured, rule)
    for check in CHECKS:
        if check not in (own, a_refusal_does_not_say_why):
            check(stub)
