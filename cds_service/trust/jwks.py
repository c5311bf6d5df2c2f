"""The one outgoing call of this room: GET of a registered JWKS address.

Nothing of the environment has a say: no proxy, no netrc. No redirect is followed, and time
and size are bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import requests

from cds_service.trust.keys import KeysUnavailable

CONNECT, READ, WHOLE = 2.0, 2.0, 4.0  # seconds
MOST_BYTES = 256_000


def fetcher(ca_file: Path | None) -> Callable[[str], bytes]:
    """Fetches an https address; `ca_file` (PEM) replaces the usual certificate authorities."""

    def fetch(address: str) -> bytes:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(ca_file) if ca_file else True
            try:
                return _read(session, address)
            except requests.RequestException as error:
                raise KeysUnavailable(type(error).__name__) from None

    return fetch


def _read(session: requests.Session, address: str) -> bytes:
    deadline = time.monotonic() + WHOLE
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    with session.get(
        address, headers=headers, timeout=(CONNECT, READ), stream=True, allow_redirects=False
    ) as answer:
        if answer.status_code != requests.codes.ok:
            raise KeysUnavailable(f"status {answer.status_code}")
        body = b""
        for part in answer.raw.stream(16_384, decode_content=False):
            body += part
            if len(body) > MOST_BYTES:
                raise KeysUnavailable(f"more than {MOST_BYTES} bytes")
            if time.monotonic() > deadline:
                raise KeysUnavailable("too slow")
        return body
