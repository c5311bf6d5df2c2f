"""An EHR that launches SMART apps as SMART App Launch 2.2 says, and lies where a test wants it to.

One server on loopback: its pages, authorization server, keys and FHIR server (the demo patients).
It shares no code with the service but the search of the demo's record.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit

import jwt

from cds_service.demo.patients import load_cases, whole_record
from cds_service.demo.record import Record, searchset
from tests.trust.signing import Key, jwks

Change = Callable[[dict[str, Any]], dict[str, Any]]
CASES = {case.name: case for case in load_cases()}
CLIENT = "pht-app"


def same(told: dict[str, Any]) -> dict[str, Any]:
    return told


@dataclass
class Launcher:
    """`redirect`: the one address registered for the app. The changes are a test's lies."""

    redirect: str = ""
    secret: str | None = None
    app_key: Any = None  # a public key: the app proves itself by private_key_jwt
    patient: str = CASES["delayed-referral"].patient_id
    user: str = "Practitioner/meredith"
    app_context: str | None = None
    granted: Callable[[str], str] = str
    configuration: Change = same
    answer: Change = same
    claims: Change = same
    key: Key = field(default_factory=lambda: Key("ehr-1"))
    sign_with: Key | None = None
    algorithm: str | None = None
    lifetime: int = 300
    revoked: bool = False
    status: int = 200
    interactive: bool = False
    page: str = ""
    record: Record = field(default_factory=lambda: whole_record(CASES.values()))
    launches: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def base(self) -> str:
        return f"{self.url}/fhir"

    def launch(self) -> str:
        """What an EHR does when its user opens the app: the launch's opaque value."""
        made = secrets.token_urlsafe(12)
        self.launches.add(made)
        return made

    # --- discovery ---

    def told(self) -> dict[str, Any]:
        return self.configuration(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "grant_types_supported": ["authorization_code"],
                "code_challenge_methods_supported": ["S256"],
                "capabilities": [
                    "launch-ehr",
                    "launch-standalone",
                    "client-public",
                    "client-confidential-symmetric",
                    "sso-openid-connect",
                    "context-ehr-patient",
                    "permission-patient",
                    "permission-v2",
                ],
            }
        )

    # --- the authorization endpoint ---

    def authorize(self, asked: dict[str, str]) -> tuple[int, str]:
        """(status, Location or why not). A wrong redirect_uri is never redirected to."""
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.redirect:
            return self._no("redirect_uri or client_id")
        scopes = asked.get("scope", "").split()
        faults = [
            name
            for name, sound in {
                "response_type": asked.get("response_type") == "code",
                "aud": asked.get("aud", "").rstrip("/") == self.base,
                "state": len(asked.get("state", "")) >= 22,
                "code_challenge_method": asked.get("code_challenge_method") == "S256",
                "code_challenge": len(asked.get("code_challenge", "")) == 43,
                "launch": ("launch" in scopes) == ("launch" in asked),
                "unknown launch": "launch" not in asked or asked["launch"] in self.launches,
                "nonce": "openid" not in scopes or len(asked.get("nonce", "")) >= 22,
            }.items()
            if not sound
        ]
        state = asked.get("state", "")
        if faults:
            self.refused.append(", ".join(faults))
            return 303, self._back(error="invalid_request", state=state)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return 303, self._back(code=code, state=state)

    def _back(self, **query: str) -> str:
        return f"{self.redirect}?{urlencode(query)}"

    def _no(self, why: str) -> tuple[int, str]:
        self.refused.append(why)
        return 400, why

    # --- the token endpoint ---

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)  # a code serves once
        if asked is None or form.get("grant_type") != "authorization_code":
            return self._refuse("invalid_grant")
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return self._refuse("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return self._refuse("invalid_grant")
        if not self._proved(form, authorization):
            return self._refuse("invalid_client")
        return self.status, self.answer(self._granted(asked))

    def _proved(self, form: dict[str, str], authorization: str) -> bool:
        if self.secret is not None:
            told = f"{quote(CLIENT, safe='')}:{quote(self.secret, safe='')}"
            return authorization == f"Basic {base64.b64encode(told.encode()).decode()}"
        if self.app_key is not None:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            claims = jwt.decode(
                form["client_assertion"], self.app_key, ["ES384"], audience=f"{self.url}/token"
            )
            return form["client_assertion_type"] == kind and claims["iss"] == CLIENT
        return form.get("client_id") == CLIENT and not authorization

    def _granted(self, asked: dict[str, str]) -> dict[str, Any]:
        token, scope = secrets.token_urlsafe(24), self.granted(asked["scope"])
        self.tokens[token] = {"scope": scope, "until": time.time() + self.lifetime}
        given: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": scope,
            "patient": self.patient,
            "need_patient_banner": True,
        }
        if "openid" in scope.split():
            given["id_token"] = self.id_token(asked.get("nonce", ""))
        if self.app_context is not None:
            given["appContext"] = self.app_context
        return given

    def id_token(self, nonce: str) -> str:
        now, key = int(time.time()), self.sign_with or self.key
        claims = self.claims(
            {
                "iss": self.url,
                "sub": "u1",
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": nonce,
                "fhirUser": f"{self.base}/{self.user}",
            }
        )
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            return jwt.encode(claims, None, "none", headers={"kid": key.kid})
        if self.algorithm == "HS256":
            return jwt.encode(claims, "x" * 32, "HS256", headers={"kid": key.kid})
        return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})

    def _refuse(self, error: str) -> tuple[int, dict[str, Any]]:
        self.refused.append(error)
        return 400, {"error": error, "error_description": "patient secret-in-description"}

    # --- the FHIR server ---

    def fhir(self, path: str, query: str, authorization: str) -> tuple[int, dict[str, Any]]:
        held = self.tokens.get(authorization.removeprefix("Bearer "))
        if held is None or self.revoked or time.time() > held["until"]:
            return 401, _OUTCOME
        kind, _, identity = path.partition("/")
        if not any(
            scope.startswith((f"patient/{kind}.", "patient/*.")) for scope in held["scope"].split()
        ):
            return 403, _OUTCOME
        if identity:
            found = self.record.read(kind, identity)
            return (200, found) if found else (404, _OUTCOME)
        parameters = parse_qsl(query)
        return 200, searchset(self.record.search(kind, parameters), base=self.base)


_HEAD = '<!doctype html><link rel="icon" href="data:,"><title>EHR</title>'
_OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    launcher: Launcher

    def do_GET(self) -> None:
        ehr, parts = self.launcher, urlsplit(self.path)
        ehr.asked.append((self.command, self.path, dict(self.headers)))
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/fhir/.well-known/smart-configuration":
            self.send(200, ehr.told())
        elif parts.path == "/jwks":
            self.raw(200, jwks(ehr.key), "application/json")
        elif parts.path == "/authorize" and ehr.interactive:
            link = html.escape(f"/approve?{parts.query}")
            self.raw(200, f'{_HEAD}<h1>EHR</h1><a id="allow" href="{link}">Allow</a>'.encode())
        elif parts.path in ("/authorize", "/approve"):
            status, told = ehr.authorize(asked)
            self.raw(status, told.encode(), Location=told if status == 303 else "")
        elif parts.path.startswith("/fhir/"):
            path = unquote(parts.path.removeprefix("/fhir/"))
            self.send(*ehr.fhir(path, parts.query, self.headers.get("Authorization", "")))
        elif parts.path == "/ehr":
            self.raw(200, (_HEAD + ehr.page).encode())
        else:
            self.send(404, _OUTCOME)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.launcher.asked.append((self.command, self.path, dict(self.headers)))
        path = urlsplit(self.path).path
        if path == "/token":
            status, told = self.launcher.token(
                dict(parse_qsl(body)), self.headers.get("Authorization", "")
            )
            self.send(status, told)
        elif path.endswith("/_search"):
            kind = path.removeprefix("/fhir/").removesuffix("/_search")
            self.send(*self.launcher.fhir(kind, body, self.headers.get("Authorization", "")))
        else:
            self.send(404, _OUTCOME)

    def log_message(self, *_: Any) -> None: ...

    def send(self, status: int, value: Any) -> None:
        self.raw(status, json.dumps(value).encode(), "application/json")

    def raw(self, status: int, body: bytes, kind: str = "text/html", **headers: str) -> None:
        self.send_response(status)
        told = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        for name, value in told.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def launching(launcher: Launcher, tls: ssl.SSLContext | None = None) -> Iterator[Launcher]:
    kind = type("_Handler", (Handler,), {"launcher": launcher})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    launcher.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield launcher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
