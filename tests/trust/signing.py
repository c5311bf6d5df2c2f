"""An EHR's side: keys, tokens, and a JWKS address over TLS."""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@dataclass
class Key:
    """A key pair; `public` as it stands in a JWK Set."""

    kid: str
    algorithm: str = "ES384"
    private: Any = None

    def __post_init__(self) -> None:
        if self.private is None and self.algorithm in CURVES:
            self.private = ec.generate_private_key(CURVES[self.algorithm])
        elif self.private is None:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public(self) -> dict[str, Any]:
        kind = ECAlgorithm if self.algorithm in CURVES else RSAAlgorithm
        told = kind.to_jwk(self.private.public_key(), as_dict=True)
        return told | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}


def jwks(*keys: Key) -> bytes:
    return json.dumps({"keys": [key.public for key in keys]}).encode()


@dataclass
class Ehr:
    """Signs tokens as one CDS client does; each call may change claims and header."""

    key: Key
    iss: str = "https://ehr.example"
    jku: str | None = None

    def claims(self, aud: Any, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        told = {"iss": self.iss, "aud": aud, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
        return {k: v for k, v in (told | changed).items() if v is not None}

    def token(
        self,
        aud: Any,
        *,
        key: Key | None = None,
        header: dict[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        """A claim given as None is left out."""
        signing = key or self.key
        head = {"kid": signing.kid, "typ": "JWT"} | ({"jku": self.jku} if self.jku else {})
        return jwt.encode(
            self.claims(aud, **changed),
            signing.private,
            signing.algorithm,
            headers=head | (header or {}),
        )

    def bearer(self, aud: Any, **changed: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(aud, **changed)}"}


@dataclass
class KeyServer:
    """A JWKS address; `body` and `status` may change, `asked` counts."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    drip: float = 0.0  # seconds before each byte of the body


@contextmanager
def key_server(folder: Path) -> Iterator[KeyServer]:
    """Serves over TLS on loopback; the authority that vouches for it is `folder`/ca.pem."""
    served = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked += 1
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not served.drip:
                self.wfile.write(served.body)
                return
            with suppress(OSError):
                for n in range(len(served.body)):
                    time.sleep(served.drip)
                    self.wfile.write(served.body[n : n + 1])

        def log_message(self, *_: Any) -> None:
            pass

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        served.url = f"https://localhost:{server.server_port}/jwks.json"
        yield served
        server.shutdown()
        thread.join()
