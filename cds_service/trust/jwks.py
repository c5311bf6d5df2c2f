"""The one outgoing call of this room: GET of a registered JWKS address.

It goes the way of all outgoing calls (`cds_service.fhir.transport`): the name is resolved once,
every address is checked, a checked one is connected to; no proxy, no netrc, no redirect, and a
deadline at which the socket is shut.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import requests

from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Deadline, Failure, Resolve, session, under
from cds_service.trust.keys import KeysUnavailable

WHOLE = 4.0  # seconds
MOST_BYTES = 256_000


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
        deadline = Deadline(WHOLE)
        end = threading.Timer(WHOLE, deadline.close)
        end.start()
        try:
            with session(policy, resolve) as made, under(deadline):
                return _read(made, address, deadline)
        except Failure as failure:
            raise KeysUnavailable(failure.outcome) from None
        except (requests.RequestException, OSError) as error:
            why = type(error).__name__ if deadline.left() else "deadline"
            raise KeysUnavailable(why) from None
        finally:
            end.cancel()

    return fetch


def _read(made: requests.Session, address: str, deadline: Deadline) -> bytes:
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
        if not deadline.left():  # a socket that was shut looks like a body that has ended
            raise KeysUnavailable("deadline")
        return body
