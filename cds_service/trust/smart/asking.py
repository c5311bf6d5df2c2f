"""Requests to an EHR's authorization server, by the same rules as to its FHIR server.

Names are resolved once and every address is checked; no redirect is followed; time and size are
bounded. Nothing of request or answer is logged.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import requests
from urllib3.exceptions import HTTPError

from cds_service.fhir.policy import Policy, normal
from cds_service.fhir.transport import Deadline, Failure, Resolve, session, under
from cds_service.trust.keys import KeysUnavailable
from cds_service.trust.smart.refused import LaunchRefused, Why

SECONDS = 5.0  # for one request and its answer
MOST_BYTES = 256_000
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "pht-cds",
}


class Asker:
    """One for the life of a process; it keeps connections."""

    def __init__(self, policy: Policy, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self._session = session(policy, resolve)
        self._threads = ThreadPoolExecutor(policy.connections, thread_name_prefix="smart")

    def get(self, url: str) -> dict[str, Any]:
        """The JSON object at `url`. Raises LaunchRefused."""
        return _object(self._asked("GET", url)[1])

    def post(
        self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object in answer to `form`. Raises LaunchRefused."""
        status, body = self._asked("POST", url, data=dict(form), auth=basic)
        return status, _object(body)

    def keys(self, url: str) -> bytes:
        """A JWK Set. Raises KeysUnavailable."""
        try:
            return self._asked("GET", url)[1]
        except LaunchRefused as refusal:
            raise KeysUnavailable(refusal.why) from None

    def _asked(self, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        """In a thread: whoever waits goes on at the deadline, whatever the resolver does."""
        deadline = Deadline(SECONDS)
        try:
            return self._threads.submit(self._once, deadline, method, url, **more).result(SECONDS)
        except (Failure, requests.RequestException, HTTPError, OSError):  # late is an OSError
            raise LaunchRefused(Why.UNREACHABLE) from None
        finally:
            deadline.close()

    def _once(self, deadline: Deadline, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        asked = {"headers": _HEADERS, "allow_redirects": False, "stream": True, **more}
        left = max(0.001, deadline.left())
        with (
            under(deadline),
            self._session.request(method, url, timeout=left, **asked) as answer,
        ):
            if method == "GET" and answer.status_code != requests.codes.ok:
                raise Failure("status", "refused", status=answer.status_code)
            body = bytearray()
            for part in answer.iter_content(16_384):
                body += part
                if len(body) > MOST_BYTES or not deadline.left():
                    raise Failure("size", "too much, or too slow")
            return answer.status_code, bytes(body)


def endpoint(url: object) -> str:
    """`url` if it is one that may be asked: https, or on this machine. Raises LaunchRefused."""
    if not isinstance(url, str):
        raise LaunchRefused(Why.CONFIGURATION)
    try:
        normal(url.partition("?")[0])
    except ValueError:
        raise LaunchRefused(Why.CONFIGURATION) from None
    return url


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise LaunchRefused(Why.UNREACHABLE) from None
    if not isinstance(value, dict):
        raise LaunchRefused(Why.UNREACHABLE)
    return value
