"""A load generator in one thread: keep-alive connections, one request at a time on each.

Requests are made beforehand, so that a round spends its time on sockets alone. It measures from
the first byte sent to the last byte received.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_STALLED = 60.0  # seconds without any event: the server has hung


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as bytes: `head` may differ from call to call, `data` is shared."""

    head: bytes
    data: bytes


@dataclass(slots=True)
class Outcome:
    """Latencies in seconds, in the order of completion; wall and processor time of the round."""

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0


def call(url: str, data: bytes, token: str = "") -> Call:
    """A POST of `data` to `url`, with a bearer token where one is given."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    return Call(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"), data)


def send(url: str, calls: Sequence[Call], connections: int) -> Outcome:
    """Sends every call once, over so many connections, as fast as answers come.

    Raises ConnectionError when the server stops answering.
    """
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    waiting, outcome = deque(calls), Outcome()
    with selectors.DefaultSelector() as selector:
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(min(connections, len(calls))):
            _Connection(address, selector, waiting, outcome).next()
        while selector.get_map():
            events = selector.select(_STALLED)
            if not events:
                raise ConnectionError(f"{url} has not answered for {_STALLED:.0f} s")
            for key, mask in events:
                key.data.ready(mask)
        outcome.seconds = time.perf_counter() - began
        outcome.cpu = time.process_time() - cpu
    return outcome


class _Connection:
    """One keep-alive connection; opened anew where the server closed it between two calls."""

    def __init__(
        self,
        address: tuple[str, int],
        selector: selectors.BaseSelector,
        waiting: deque[Call],
        outcome: Outcome,
    ) -> None:
        self._address, self._selector = address, selector
        self._waiting, self._outcome = waiting, outcome
        self._open()

    def next(self) -> None:
        """Begins the next call, or ends when none waits."""
        if not self._waiting:
            self._selector.unregister(self._socket)
            self._socket.close()
            return
        one = self._waiting.popleft()
        self._rest = memoryview(one.head + one.data)
        self._got = bytearray()
        self._due = -1
        self._began = time.perf_counter()
        self._write()

    def ready(self, mask: int) -> None:
        """The socket can be written or read."""
        if mask & selectors.EVENT_WRITE:
            self._write()
        else:
            self._read()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._watched = selectors.EVENT_READ
        self._selector.register(self._socket, self._watched, self)

    def _write(self) -> None:
        """What fits goes at once; the selector is asked only where it does not."""
        with suppress(BlockingIOError):
            self._rest = self._rest[self._socket.send(self._rest) :]
        wanted = selectors.EVENT_WRITE if self._rest else selectors.EVENT_READ
        if wanted != self._watched:
            self._selector.modify(self._socket, wanted, self)
            self._watched = wanted

    def _read(self) -> None:
        part = self._socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed a connection before its answer was whole")
        self._got += part
        if self._due < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            found = _LENGTH.search(self._got, 0, end + 2)
            if found is None:
                raise ConnectionError("an answer without Content-Length cannot be measured")
            self._due = end + 4 + int(found[1])
        if len(self._got) >= self._due:
            self._whole()

    def _whole(self) -> None:
        status = int(self._got[9:12])
        self._outcome.latencies.append(time.perf_counter() - self._began)
        self._outcome.statuses[status] = self._outcome.statuses.get(status, 0) + 1
        if b"connection: close" in bytes(self._got[:1000]).lower():
            self._selector.unregister(self._socket)
            self._socket.close()
            self._open()
        self.next()
