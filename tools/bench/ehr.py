"""A client that signs a token for each call, with the algorithm that CDS Hooks names first."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ISSUER = "https://ehr.bench.example"
KID, ALGORITHM = "bench", "ES384"
LIFE = 60  # seconds for which the service remembers a token, and some for clocks that differ


class Ehr:
    """One client with a key of its own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP384R1())

    def register(self, folder: Path) -> Path:
        """Writes the site's file that names this client, and its keys; returns the file."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = {"keys": [public | {"kid": KID, "alg": ALGORITHM, "use": "sig"}]}
        (folder / "bench.json").write_text(json.dumps(keys), encoding="utf-8")
        site = folder / "site.toml"
        site.write_text(f'[clients.bench]\niss = "{ISSUER}"\njwks = "bench.json"\n', "utf-8")
        return site

    def sign(self, url: str) -> str:
        """A token for one call of `url`."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": url, "iat": now, "exp": now + LIFE, "jti": uuid.uuid4().hex}
        head = {"kid": KID, "typ": "JWT"}
        return jwt.encode(claims, self._key, ALGORITHM, headers=head)
