"""Asks an EHR's FHIR server: under a deadline, within limits, and only where the policy allows.

One `FhirClient` lives as long as the process and keeps the connections. One `Call` is what a single
hook call asks: it holds the token, which goes to that server alone and is never logged.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urljoin

import orjson
import requests

from cds_service.fhir.policy import Policy, beneath
from cds_service.fhir.resources import next_link
from cds_service.fhir.transport import Deadline, Failure, Resolve, session, under
from cds_service.protocol import unique_keys

_CHUNK = 65536
_LONGEST_URL = 2000  # of what fits, servers and proxies differ; longer searches are POSTed
_BUSY = (429, 503)
_NOTICED = 0.01  # seconds; what is shorter changes nothing
_JSON = re.compile(r"application/(json|[\w.-]+\+json)", re.IGNORECASE)
T = TypeVar("T")


class FhirClient:
    """Connections and threads for all calls; both are bounded by the policy."""

    def __init__(self, policy: Policy, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self.policy = policy
        self.session = session(policy, resolve)
        self.threads = ThreadPoolExecutor(policy.connections, thread_name_prefix="fetch")

    def limited_to(self, servers: frozenset[str]) -> FhirClient:
        """The same connections and threads, for fewer servers."""
        limited = copy(self)
        limited.policy = replace(self.policy, servers=self.policy.servers & servers)
        return limited

    def sooner(self, seconds: float) -> FhirClient:
        """The same connections and threads, with so much less time for a call."""
        if seconds < _NOTICED:
            return self
        hurried = copy(self)
        left = max(_NOTICED, self.policy.deadline - seconds)
        hurried.policy = replace(self.policy, deadline=left)
        return hurried

    def within(self, seconds: float) -> FhirClient:
        """The same connections and threads, with this much time for all that a call fetches."""
        limited = copy(self)
        limited.policy = replace(self.policy, deadline=seconds)
        return limited

    def close(self) -> None:
        """Ends threads and connections."""
        self.threads.shutdown(cancel_futures=True)
        self.session.close()


class Call:
    """What one hook call asks of one FHIR server. `seconds` are for all of it together."""

    def __init__(self, client: FhirClient, base: str, token: str | None, seconds: float) -> None:
        self.base = base
        self.policy = client.policy
        self._session = client.session
        self._threads = client.threads
        self._deadline = Deadline(seconds)
        self._headers = {
            "Accept": "application/fhir+json, application/json;q=0.9",
            # A small body could unpack into a huge one.
            "Accept-Encoding": "identity",
            "User-Agent": "pht-cds",
        } | ({"Authorization": f"Bearer {token}"} if token else {})

    def close(self) -> None:
        """Ends whatever is under way."""
        self._deadline.close()

    def start(self, task: Callable[..., T], *arguments: Any) -> Future[T]:
        """Runs `task` in a thread of the pool."""
        return self._threads.submit(task, *arguments)

    def result(self, started: Future[T]) -> T:
        """What the task returned; raises Failure, its own or that time is over."""
        try:
            return started.result(timeout=self._deadline.left())
        except TimeoutError:
            started.cancel()
            raise late() from None

    def pages(self, query: str, expected: str) -> Iterator[dict[str, Any]]:
        """The resource at `query`, and those its `next` links lead to, all of type `expected`.

        `query` is relative to the base, or absolute below it. Raises Failure, also when there is
        more than the policy allows; what came before stands.
        """
        room, seen = self.policy.size, set[str]()
        following: str | None = query
        while following is not None:
            if len(seen) == self.policy.pages or following in seen:
                raise Failure("pages", f"more than {self.policy.pages} pages, or the same again")
            seen.add(following)
            value, size = self._get(following, room)
            room -= size
            if value["resourceType"] not in (expected, "OperationOutcome"):
                raise Failure("content", f"the FHIR server's answer is no {expected}")
            yield value
            following = next_link(value) if expected == "Bundle" else None

    def _get(self, query: str, room: int) -> tuple[dict[str, Any], int]:
        """The resource and its size, which is at most `room` bytes.

        Asks once more when the server is busy, or closed a connection it had kept.
        """
        url = urljoin(f"{self.base}/", query)
        if not beneath(url, self.base):
            raise Failure("elsewhere", "a link leads away from the FHIR server: not followed")
        try:
            return self._once(url, room)
        except _Again as again:
            if not self._deadline.pause(again.after):
                raise again.failure from None
        try:
            return self._once(url, room)
        except _Again as again:
            raise again.failure from None

    def _once(self, url: str, room: int) -> tuple[dict[str, Any], int]:
        with under(self._deadline):
            try:
                with self._sent(url) as response:
                    _check(response)
                    body = self._body(response, room)
                    return _resource(body), len(body)
            except requests.exceptions.SSLError:
                raise self._failed(
                    "tls", "the FHIR server's certificate was not accepted"
                ) from None
            except requests.ConnectionError:
                failure = self._failed("connection", "the FHIR server broke the connection")
                raise (_Again(0.0, failure) if self._deadline.left() else failure) from None
            except requests.RequestException:
                raise self._failed("connection", "the FHIR server does not speak HTTP") from None

    def _sent(self, url: str) -> requests.Response:
        left = self._deadline.left()
        if not left:
            raise late()
        path, _, query = url.partition("?")
        post = len(url) > _LONGEST_URL and not path.endswith("_search")
        return self._session.request(
            "POST" if post else "GET",
            f"{path}/_search" if post else url,
            data=query if post else None,
            headers=self._headers
            | ({"Content-Type": "application/x-www-form-urlencoded"} if post else {}),
            timeout=left,
            allow_redirects=False,
            stream=True,
        )

    def _body(self, response: requests.Response, room: int) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > room:
                raise Failure("size", f"more than {self.policy.size} bytes")
            if not self._deadline.left():
                raise late()
        if not self._deadline.left():  # a socket that was shut looks like a body that has ended
            raise late()
        return bytes(body)

    def _failed(self, outcome: str, why: str) -> Failure:
        """A socket that was shut at the deadline looks like a broken connection."""
        return Failure(outcome, why) if self._deadline.left() else late()


class _Again(Exception):
    """Worth asking once more, after some seconds."""

    def __init__(self, after: float, failure: Failure) -> None:
        super().__init__(failure.why)
        self.after = after
        self.failure = failure


def late() -> Failure:
    """Time is over."""
    return Failure("deadline", "the FHIR server took too long")


def _check(response: requests.Response) -> None:
    """Raises Failure, or _Again, for an answer that holds no resource."""
    status = response.status_code
    if status in _BUSY:
        failure = Failure("busy", f"the FHIR server is busy ({status})", status=status)
        raise _Again(_pause(response), failure)
    if 300 <= status < 400:  # noqa: PLR2004
        raise Failure("redirect", f"a redirect ({status}): not followed", status=status)
    if status != 200:  # noqa: PLR2004
        raise Failure("status", f"the FHIR server answered {status}", status=status)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    if packed or not _JSON.fullmatch(kind):
        raise Failure("content", "the FHIR server's answer is not plain FHIR JSON", status=status)


def _pause(response: requests.Response) -> float:
    """Seconds to wait: Retry-After as a number, or as a date seen from the server's own clock."""
    told = response.headers.get("Retry-After", "0").strip()
    if re.fullmatch(r"[0-9]{1,6}", told):
        return float(told)
    try:
        until = parsedate_to_datetime(told)
        return max(0.0, (until - parsedate_to_datetime(response.headers["Date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0


def _resource(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
        # What is nested deeper than a request body may be cannot be written.
        unique_keys.check(body, orjson.dumps(value))
    except (ValueError, TypeError):
        raise Failure("content", "the FHIR server's answer is not plain FHIR JSON") from None
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise Failure("content", "the FHIR server's answer is no FHIR resource")
    return value
