"""The one outgoing call of this room: GET of a registered JWKS address.

It goes the way of all outgoing calls (`cds_service.fhir.transport`): the name is resolved once,
every address is checked, a checked one is connected to; no proxy, no netrc, no redirect, and a
deadline at which the socket is shut. Whoever waits goes on at the deadline, also when the name
takes longer to be resolved: a caller must not hang on a resolver that does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Deadline, Failure, Resolve, session, under
from cds_service.trust.keys import KeysUnavailable

WHOLE = 4.0  # seconds
MOST_BYTES = 256_000
LATE = "it took too long"
# What is read past requests, as the body is, raises what urllib3 has; late is an OSError.
_FAILURES = (KeysUnavailable, Failure, requests.RequestException, HTTPError, OSError)
_WORDS = {
    "address": "an address there may not be called (on your own network: jku_private)",
    "name": "its name cannot be resolved",
    "connection": "it cannot be reached",
}


def fetcher(
    address: str,
    *,
    private: bool = False,
    ca_file: Path | None = None,
    resolve: Resolve = socket.getaddrinfo,
) -> Callable[[], bytes]:
    """Fetches the https `address`.

    `private`: it may be on the site's own network, or on this machine. `ca_file` (PEM) replaces
    the usual certificate authorities. What is called raises KeysUnavailable.
    """
    own = frozenset([address]) if private else frozenset[str]()
    policy = Policy(private=own, ca=ca_file, connections=1)

    def fetch() -> bytes:
        deadline, done = Deadline(WHOLE), Future[bytes]()

        def work() -> None:
            try:
                with session(policy, resolve) as made, under(deadline):
                    done.set_result(_read(made, address))
            except Exception as error:  # noqa: BLE001  # raised again where it is waited for
                done.set_exception(error)

        threading.Thread(target=work, name="jwks-fetch", daemon=True).start()
        try:
            body = done.result(WHOLE)
        except _FAILURES as error:
            raise KeysUnavailable(_why(error) if deadline.left() else LATE) from None
        finally:
            deadline.close()
        return body

    return fetch


def _why(error: Exception) -> str:
    if isinstance(error, KeysUnavailable):
        return str(error)
    if isinstance(error, Failure):
        return _WORDS.get(error.outcome, error.outcome)
    return type(error).__name__


def _read(made: requests.Session, address: str) -> bytes:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    with made.get(
        address, headers=headers, timeout=WHOLE, stream=True, allow_redirects=False
    ) as answer:
        if answer.status_code != requests.codes.ok:
            raise KeysUnavailable(f"status {answer.status_code}")
        body = b""
        for part in answer.raw.stream(16_384, decode_content=False):
            body += part
            if len(body) > MOST_BYTES:
                raise KeysUnavailable(f"more than {MOST_BYTES} bytes")
        return body
