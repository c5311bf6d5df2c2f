"""A load generator in one thread: keep-alive connections, one request at a time on each.

Requests are made beforehand, so that a round spends its time on sockets alone. It measures from
the first byte sent to the last byte received.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from tools.bench.answer import Answer

_PORTS = {"http": 80, "https": 443}
_PART = 1 << 18  # bytes received at once
_STALLED = 60.0  # seconds without any event: the server has hung


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as bytes: `head` may differ from call to call, `data` is shared."""

    head: bytes
    data: bytes


@dataclass(slots=True)
class Outcome:
    """Wall and processor time of a round, and latencies in seconds, in the order of completion.

    Latencies are those of answers 200 alone: a refusal is quick, and would look like speed.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0


def call(url: str, data: bytes, token: str = "") -> Call:
    """A POST of `data` to `url`, with a bearer token where one is given."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path or '/'}{f'?{parts.query}' if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    return Call(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"), data)


def send(url: str, calls: Sequence[Call], connections: int) -> Outcome:
    """Sends every call once, over so many connections, as fast as answers come.

    Raises OSError when there is no connection, or the server stops answering; ValueError when its
    answer is no HTTP.
    """
    waiting, outcome, connect = deque(calls), Outcome(), _connector(url)
    with selectors.DefaultSelector() as selector:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            for _ in range(min(connections, len(calls))):
                _Connection(connect, selector, waiting, outcome).next()
            _until_done(selector)
        finally:
            for key in list(selector.get_map().values()):
                key.data.close()
        outcome.seconds = time.perf_counter() - began
        outcome.cpu = time.process_time() - cpu
    return outcome


def _until_done(selector: selectors.BaseSelector) -> None:
    while selector.get_map():
        events = selector.select(_STALLED)
        if not events:
            raise ConnectionError(f"no answer for {_STALLED:.0f} s")
        for key, mask in events:
            key.data.ready(mask)


def _connector(url: str) -> Callable[[], socket.socket]:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    address = host, parts.port or _PORTS[parts.scheme]
    context = ssl.create_default_context() if parts.scheme == "https" else None

    def connect() -> socket.socket:
        made = socket.create_connection(address, timeout=_STALLED)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            made = context.wrap_socket(made, server_hostname=host)
        made.setblocking(False)
        return made

    return connect


class _Connection:
    """One keep-alive connection; opened anew where the server closed it between two calls."""

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        selector: selectors.BaseSelector,
        waiting: deque[Call],
        outcome: Outcome,
    ) -> None:
        self._connect, self._selector = connect, selector
        self._waiting, self._outcome = waiting, outcome
        self._open()

    def next(self) -> None:
        """Begins the next call, or ends when none waits."""
        if not self._waiting:
            self.close()
            return
        one = self._waiting.popleft()
        self._rest = memoryview(one.head + one.data)
        self._answer = Answer()
        self._began = time.perf_counter()
        self._write()

    def ready(self, mask: int) -> None:
        """The socket can be written or read."""
        if mask & selectors.EVENT_WRITE:
            self._write()
        else:
            self._read()

    def _open(self) -> None:
        self._socket = self._connect()
        self._watched = selectors.EVENT_READ
        self._selector.register(self._socket, self._watched, self)

    def _write(self) -> None:
        """What fits goes at once; the selector is asked only where it does not."""
        with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._rest = self._rest[self._socket.send(self._rest) :]
        wanted = selectors.EVENT_WRITE if self._rest else selectors.EVENT_READ
        if wanted != self._watched:
            self._selector.modify(self._socket, wanted, self)
            self._watched = wanted

    def _read(self) -> None:
        """All that is here: what TLS has decrypted already, no selector would tell of."""
        whole = False
        with suppress(BlockingIOError, ssl.SSLWantReadError):
            while not (whole := self._answer.feed(self._socket.recv(_PART))):
                if not isinstance(self._socket, ssl.SSLSocket):
                    return
        if whole:
            self._whole()

    def _whole(self) -> None:
        status = self._answer.status
        if status == HTTPStatus.OK:
            self._outcome.latencies.append(time.perf_counter() - self._began)
        self._outcome.statuses[status] = self._outcome.statuses.get(status, 0) + 1
        if self._answer.closes:
            self.close()
            self._open()
        self.next()

    def close(self) -> None:
        """No more is sent or awaited."""
        self._selector.unregister(self._socket)
        self._socket.close()
