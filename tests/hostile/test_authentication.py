"""Callers who are not who they say: each attack over real HTTP, refused as documented.

Every refusal looks the same to the caller; the log has the reason; the service goes on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization

from tests.conftest import Running, Start
from tests.hostile.conftest import PUBLIC, SERVICE, Guarded, Refused
from tests.trust.signing import Ehr, Key, jwks
from tests.trust.test_reload import eventually

pytestmark = pytest.mark.slow

HERE = PUBLIC + SERVICE


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: str = "AAAA") -> str:
    return f"{encoded(header)}.{encoded(claims)}.{signature}"


# --- what is let in ---


@pytest.mark.requirement("2.0-176", "2.0-205", "3.0-46")
def test_a_registered_client_with_a_sound_token_gets_cards(guarded: Guarded) -> None:
    answer = guarded.post(guarded.north.token(HERE, tenant="a"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["cards"]
    assert '"client": "north"' in guarded.log()
    assert '"tenant": "a"' in guarded.log()


def test_a_clock_half_a_second_ahead_is_no_offence(guarded: Guarded) -> None:
    """The public sandbox rounds iat up."""
    now = time.time() + 0.5
    answer = guarded.post(guarded.north.token(HERE, tenant="a", iat=now, exp=now + 300))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "aud"),
    [
        (SERVICE, "https://inside.example" + SERVICE),
        (SERVICE, "north-calls-pht"),
        (SERVICE, ["https://other.example", HERE]),
        ("/cds-services//pht-patient-view", PUBLIC + "/cds-services//pht-patient-view"),
        ("/cds-services//pht-patient-view", HERE),
        (SERVICE + "?explain=true", HERE),
        (SERVICE + "?explain=true", HERE + "?explain=true"),
    ],
    ids=str,
)
def test_a_token_may_name_the_endpoint_in_its_registered_ways(
    guarded: Guarded, path: str, aud: Any
) -> None:
    assert guarded.post(guarded.north.token(aud, tenant="b"), path).status_code == 200


@pytest.mark.requirement("2.0-199")
def test_keys_from_a_file_serve_as_well(guarded: Guarded) -> None:
    token = guarded.south.token(PUBLIC + "/cds-services/pht-order-sign")
    answer = guarded.post(token, "/cds-services/pht-order-sign")
    assert answer.status_code == 400  # let in: and told that this is a call of another hook


def test_a_client_in_shadow_mode_is_judged_and_shown_nothing(guarded: Guarded) -> None:
    answer = guarded.post(guarded.quiet.token(HERE))
    assert answer.status_code == 200
    assert answer.json()["cards"] == []


def test_public_pages_and_preflights_need_no_token(guarded: Guarded) -> None:
    url = guarded.running.url
    for path in ("/cds-services", "/health", "/guideline"):
        assert requests.get(url + path, timeout=10).status_code == 200
    asks = {"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
    assert requests.options(url + SERVICE, headers=asks, timeout=10).status_code == 204


# --- no token, or none that can be read ---


@pytest.mark.requirement("2.0-177")
def test_attack_no_token(guarded: Guarded, refused: Refused) -> None:
    refused(guarded.post(None), "no-token")


@pytest.mark.parametrize("scheme", ["Basic", "Bearertoken", "DPoP", "Bearer,"])
def test_attack_another_scheme(guarded: Guarded, refused: Refused, scheme: str) -> None:
    refused(guarded.send({"Authorization": f"{scheme} {guarded.north.token(HERE)}"}), "not-bearer")


def test_attack_two_tokens_in_one_header(guarded: Guarded, refused: Refused) -> None:
    one, two = (guarded.north.token(HERE, tenant="a") for _ in "ab")
    refused(guarded.send({"Authorization": f"Bearer {one}, Bearer {two}"}), "not-bearer")


@pytest.mark.parametrize(
    "token", ["x", "a.b", "a.b.c.d", "..", "a.b.c", "%00.%00.%00", "a.b.\u00ff"]
)
def test_attack_what_is_no_token(guarded: Guarded, refused: Refused, token: str) -> None:
    refused(guarded.send({"Authorization": f"Bearer {token}".encode("latin-1")}), "malformed")


def test_attack_an_oversized_token(guarded: Guarded, refused: Refused) -> None:
    token = guarded.north.token(HERE, tenant="a", padding="x" * 4000)
    assert 5000 < len(token) < 8000  # gunicorn itself refuses longer header lines
    refused(guarded.post(token), "token-too-large")


def test_attack_a_deeply_nested_header(guarded: Guarded, refused: Refused) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=").decode()
    refused(guarded.post(f"{deep}.{encoded({})}.AAAA"), "malformed")


def test_attack_claims_that_are_no_object(guarded: Guarded, refused: Refused) -> None:
    token = f"{encoded({'alg': 'ES384', 'typ': 'JWT', 'kid': 'north-1'})}.{encoded([1])}.AAAA"
    refused(guarded.post(token), "malformed")


# --- algorithms and keys ---


@pytest.mark.requirement("2.0-201")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_attack_no_signature(guarded: Guarded, refused: Refused, alg: str) -> None:
    header = {"alg": alg, "typ": "JWT", "kid": "north-1"}
    claims = guarded.north.claims(HERE, tenant="a")
    refused(guarded.post(by_hand(header, claims)), "algorithm")


@pytest.mark.requirement("2.0-201")
def test_attack_an_empty_signature(guarded: Guarded, refused: Refused) -> None:
    header, claims, _ = guarded.north.token(HERE, tenant="a").split(".")
    refused(guarded.post(f"{header}.{claims}."), "malformed")


@pytest.mark.requirement("2.0-203")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_attack_algorithm_confusion(guarded: Guarded, refused: Refused, alg: str) -> None:
    """The public key, which anyone has, taken for a shared secret."""
    public = guarded.north.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": alg, "typ": "JWT", "kid": "north-1"}
    signed = f"{encoded(header)}.{encoded(guarded.north.claims(HERE, tenant='a'))}"
    mac = hmac.new(public, signed.encode(), getattr(hashlib, f"sha{alg[2:]}")).digest()
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    refused(guarded.post(f"{signed}.{signature}"), "algorithm")


@pytest.mark.requirement("2.0-200")
def test_attack_an_algorithm_the_client_is_not_registered_for(
    guarded: Guarded, refused: Refused
) -> None:
    key = Key("north-1", "ES256")
    refused(guarded.post(guarded.north.token(HERE, tenant="a", key=key)), "algorithm")


def test_attack_an_allowed_algorithm_over_a_key_of_another_kind(
    guarded: Guarded, refused: Refused
) -> None:
    key = Key("north-1", "RS384")
    refused(guarded.post(guarded.north.token(HERE, tenant="a", key=key)), "unknown-key")


def test_attack_the_wrong_key_under_a_known_id(guarded: Guarded, refused: Refused) -> None:
    key = Key("north-1")
    refused(guarded.post(guarded.north.token(HERE, tenant="a", key=key)), "signature")


def test_attack_changed_claims(guarded: Guarded, refused: Refused) -> None:
    header, _, signature = guarded.north.token(HERE, tenant="a").split(".")
    claims = encoded(guarded.north.claims(HERE, tenant="b"))
    refused(guarded.post(f"{header}.{claims}.{signature}"), "signature")


def test_attack_another_clients_key(guarded: Guarded, refused: Refused) -> None:
    liar = Ehr(guarded.south.key, iss="https://ehr.example")
    refused(guarded.post(liar.token(HERE, tenant="a")), "algorithm")


def test_attack_an_unknown_key_id(guarded: Guarded, refused: Refused) -> None:
    refused(guarded.post(guarded.north.token(HERE, tenant="a", key=Key("other"))), "unknown-key")


def test_attack_many_invented_key_ids_make_us_fetch_nothing(guarded: Guarded) -> None:
    guarded.post(guarded.north.token(HERE, tenant="a", key=Key("first")))
    before = guarded.keys.asked
    for n in range(20):
        answer = guarded.post(guarded.north.token(HERE, tenant="a", key=Key(f"invented-{n}")))
        assert answer.status_code == 401
    assert guarded.keys.asked <= before + 2  # each worker looks again once


def test_attack_no_key_id(guarded: Guarded, refused: Refused) -> None:
    claims = guarded.north.claims(HERE, tenant="a")
    token = jwt.encode(claims, guarded.north.key.private, "ES384")
    refused(guarded.post(token), "no-kid")


@pytest.mark.requirement("2.0-195")
def test_attack_a_foreign_key_address(guarded: Guarded, refused: Refused) -> None:
    own = Key("mine")
    header = {"jku": "https://evil.example/jwks.json"}
    token = guarded.north.token(HERE, tenant="a", key=own, header=header)
    refused(guarded.post(token), "foreign-jku")


@pytest.mark.parametrize("change", ["/", "?x=1", "#x", "/../jwks.json", "%20"])
def test_attack_a_key_address_that_only_looks_registered(
    guarded: Guarded, refused: Refused, change: str
) -> None:
    header = {"jku": guarded.keys.url + change}
    refused(guarded.post(guarded.north.token(HERE, tenant="a", header=header)), "foreign-jku")


def test_attack_a_key_address_for_a_client_that_registered_none(
    guarded: Guarded, refused: Refused
) -> None:
    header = {"jku": "https://south.example/jwks.json"}
    refused(guarded.post(guarded.south.token(HERE, header=header)), "foreign-jku")


def test_attack_a_key_carried_by_the_token(guarded: Guarded, refused: Refused) -> None:
    own = Key("north-1")
    header = {"jwk": own.public, "x5u": "https://evil.example/cert.pem"}
    refused(
        guarded.post(guarded.north.token(HERE, tenant="a", key=own, header=header)), "signature"
    )


def test_attack_a_header_that_must_be_understood(guarded: Guarded, refused: Refused) -> None:
    header = {"alg": "ES384", "typ": "JWT", "kid": "north-1", "crit": ["exp"]}
    claims = guarded.north.claims(HERE, tenant="a")
    refused(guarded.post(by_hand(header, claims)), "critical-header")


def test_attack_a_token_of_another_type(guarded: Guarded, refused: Refused) -> None:
    token = guarded.north.token(HERE, tenant="a", header={"typ": "at+jwt"})
    refused(guarded.post(token), "type")


# --- claims ---


@pytest.mark.requirement("2.0-195")
def test_attack_an_unregistered_issuer(guarded: Guarded, refused: Refused) -> None:
    stranger = Ehr(guarded.north.key, iss="https://evil.example")
    refused(guarded.post(stranger.token(HERE)), "unknown-issuer")


def test_attack_the_public_sandbox_is_nobody_here(guarded: Guarded, refused: Refused) -> None:
    sandbox = Ehr(
        Key("44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"),
        iss="https://sandbox.cds-hooks.org",
        jku="https://sandbox.cds-hooks.org/.well-known/jwks.json",
    )
    refused(guarded.post(sandbox.token(HERE)), "unknown-issuer")


@pytest.mark.requirement("3.0-46")
@pytest.mark.parametrize(
    "aud",
    [
        "https://other.example" + SERVICE,
        PUBLIC + "/cds-services/pht-order-sign",
        PUBLIC + "/cds-services",
        PUBLIC,
        HERE + "x",
        HERE.upper(),
        "http://127.0.0.1" + SERVICE,
        "",
        [],
        [1],
        {"aud": HERE},
    ],
    ids=str,
)
def test_attack_a_token_made_out_to_somebody_else(guarded: Guarded, aud: Any) -> None:
    answer = guarded.post(guarded.north.token(aud, tenant="a"))
    assert answer.status_code == 401
    assert "Not authenticated." in answer.text


def test_attack_the_host_header_does_not_make_a_token_fit(
    guarded: Guarded, refused: Refused
) -> None:
    token = guarded.north.token("https://evil.example" + SERVICE, tenant="a")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    refused(guarded.post(token, headers=headers), "audience")


def test_attack_an_expired_token(guarded: Guarded, refused: Refused) -> None:
    now = time.time()
    token = guarded.north.token(HERE, tenant="a", iat=now - 100, exp=now - 10)
    refused(guarded.post(token), "expired")


def test_attack_a_token_from_the_future(guarded: Guarded, refused: Refused) -> None:
    now = time.time()
    token = guarded.north.token(HERE, tenant="a", iat=now + 60, exp=now + 300)
    refused(guarded.post(token), "not-yet-valid")


def test_attack_a_token_not_valid_yet(guarded: Guarded, refused: Refused) -> None:
    token = guarded.north.token(HERE, tenant="a", nbf=time.time() + 60)
    refused(guarded.post(token), "not-yet-valid")


def test_attack_an_old_token_that_never_expires(guarded: Guarded, refused: Refused) -> None:
    now = time.time()
    token = guarded.north.token(HERE, tenant="a", iat=now - 400, exp=now + 10**9)
    refused(guarded.post(token), "too-old")


@pytest.mark.parametrize("claim", ["iss", "exp", "iat"])
def test_attack_a_claim_left_out(guarded: Guarded, refused: Refused, claim: str) -> None:
    refused(guarded.post(guarded.north.token(HERE, tenant="a", **{claim: None})), "malformed")


@pytest.mark.parametrize("value", ["soon", True, [9], 1e400])
def test_attack_times_that_are_no_times(guarded: Guarded, refused: Refused, value: Any) -> None:
    header = {"alg": "ES384", "typ": "JWT", "kid": "north-1"}
    claims = guarded.north.claims(HERE, tenant="a", exp=value)
    refused(guarded.post(by_hand(header, claims)), "malformed")


@pytest.mark.parametrize("jti", [None, "", 7, "x" * 501])
def test_attack_no_token_id(guarded: Guarded, refused: Refused, jti: Any) -> None:
    refused(guarded.post(guarded.north.token(HERE, tenant="a", jti=jti)), "no-jti")


@pytest.mark.parametrize("tenant", [None, "c", "A", "a "])
def test_attack_a_tenant_that_is_not_the_clients(
    guarded: Guarded, refused: Refused, tenant: str | None
) -> None:
    refused(guarded.post(guarded.north.token(HERE, tenant=tenant)), "tenant")


# --- a token used before ---


@pytest.mark.requirement("3.0-48")
def test_attack_a_token_replayed_to_another_worker(guarded: Guarded, refused: Refused) -> None:
    """Of many attempts at once on both workers exactly one is served."""
    token = guarded.north.token(HERE, tenant="a")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: guarded.post(token), range(24)))
    assert sorted(a.status_code for a in answers) == [200] + [401] * 23
    refused(next(a for a in answers if a.status_code == 401), "replayed")


@pytest.mark.requirement("3.0-48")
def test_attack_a_token_replayed_to_another_server(guarded: Guarded, second: Running) -> None:
    token = guarded.north.token(HERE, tenant="a")
    assert guarded.post(token).status_code == 200
    assert guarded.post(token, base=second.url).status_code == 401
    other = guarded.north.token(HERE, tenant="a")
    assert guarded.post(other, base=second.url).status_code == 200
    assert guarded.post(other).status_code == 401


def test_attack_a_token_replayed_at_the_time_limit_as_shipped(
    start: Start, guarded: Guarded, tmp_path: Path
) -> None:
    """A database that is slower is one that is down: a second use is then told, never silent."""
    environment = guarded.environment | {"CDS_SERVICE_STATE": str(tmp_path)}
    del environment["CDS_SERVICE_DATABASE_TIMEOUT"]
    arguments = ("serve", "--workers", "1", "--allow-fixed-today")
    servers = [start(*arguments, **environment) for _ in range(2)]

    def used_twice() -> bool:
        """Whether each server took the token; their logs then tell how it was checked."""
        token = guarded.bearer()
        answers = [guarded.post(token, base=server.url) for server in servers]
        assert answers[0].status_code == 200
        assert answers[1].status_code in (200, 401)
        lines = [line_of(s, answer) for s, answer in zip(servers, answers, strict=True)]
        told = any("replay-local" in line.get("degraded", ()) for line in lines)
        assert told or lines[1]["reason"] == "replayed"
        return answers[1].status_code == 200

    for _ in range(10):
        used_twice()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert used_twice()
        other.rollback()
    assert eventually(lambda: not used_twice())
    for server in servers:
        server.stop()


def line_of(running: Running, answer: requests.Response) -> dict[str, Any]:
    """What the log has of the request that was answered."""
    number = answer.headers["X-Request-Id"]
    lines = [line for line in running.log.read_text().splitlines() if number in line]
    told: dict[str, Any] = json.loads(lines[-1])
    return told


@pytest.mark.requirement("3.0-48")
def test_attack_a_token_replayed_after_a_restart(start: Start, guarded: Guarded) -> None:
    token = guarded.north.token(HERE, tenant="a")
    arguments = ("serve", "--workers", "1", "--allow-fixed-today")
    for status in (200, 401):
        running = start(*arguments, **guarded.environment)
        assert guarded.post(token, base=running.url).status_code == status
        running.stop()


# --- what a known client may not do ---


def test_attack_a_service_the_client_is_not_registered_for(
    guarded: Guarded, refused: Refused
) -> None:
    answer = guarded.post(guarded.south.token(HERE))
    refused(answer, "service-not-allowed", 403, "Not allowed.")


def test_attack_an_explanation_the_client_may_not_have(guarded: Guarded, refused: Refused) -> None:
    answer = guarded.post(guarded.quiet.token(HERE), SERVICE + "?explain=true")
    refused(answer, "explain-not-allowed", 403, "Not allowed.")


# --- order of things ---


def test_attack_a_body_is_not_read_before_its_sender_is_known(guarded: Guarded) -> None:
    """The answer comes though not one byte of the body was sent."""
    address = urlsplit(guarded.running.url)
    head = (
        f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 9000000\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("path", ["/", "/guideline", "/cds-services", "/fhir/CodeSystem/pht"])
@pytest.mark.parametrize("size", ["Content-Length: 9000000", "Transfer-Encoding: chunked"])
def test_attack_a_body_where_none_belongs_is_not_read(
    guarded: Guarded, path: str, size: str
) -> None:
    """The page comes though not one byte of the body was sent."""
    address = urlsplit(guarded.running.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{size}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_nothing_of_a_token_is_logged(guarded: Guarded) -> None:
    good = guarded.north.token(HERE, tenant="a")
    bad = guarded.north.token(HERE, tenant="MARKED", jti="MARKED-jti", sub="MARKED-sub")
    guarded.post(good)
    guarded.post(bad)
    guarded.send({"Authorization": "Bearer MARKED"})
    log = guarded.log()
    assert "MARKED" not in log
    for part in good.split(".")[1:]:
        assert part not in log


# --- keys that change ---


@pytest.mark.requirement("3.0-47")
def test_a_new_key_is_taken_up_and_a_withdrawn_one_is_not(
    start: Start, guarded: Guarded, refused: Refused
) -> None:
    old, new = guarded.north.key, Key("north-2")
    running = start("serve", "--workers", "1", "--allow-fixed-today", **guarded.environment)
    try:
        guarded.keys.body = jwks(new)

        def accepted() -> bool:
            token = guarded.north.token(HERE, tenant="a", key=new)
            return guarded.post(token, base=running.url).status_code == 200

        assert eventually(accepted)  # not within a second of a fetch, such as that at the start
        stale = guarded.north.token(HERE, tenant="a", key=old)
        assert guarded.post(stale, base=running.url).status_code == 401
    finally:
        guarded.keys.body = jwks(old)
