"""A server process whose slow clients hold up nobody.

gunicorn's threads read a request, and write its answer, for as long as the client takes. Here
a client has `patience` seconds to send a whole request, and again to take the answer. When no
thread is free, the client that has been waited for longest is cut off for the next one. So any
number of dripping connections costs a client that sends at once nothing but a moment.
"""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, ClassVar

import orjson
from gunicorn.workers.gthread import TConn, ThreadWorker

from cds_service.errors import BadRequest, operation_outcome
from cds_service.web import readiness
from cds_service.web.stopping import Stopping

EXCHANGE = "cds_service.exchange"  # where the application finds it in the WSGI environment
LINGER = 2.0  # seconds without a byte after which a client who should have closed is left
DRAINED = 512  # pieces of 64 KiB read from such a client: more than the largest body by far
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing tells the other side at once


class Exchange:
    """One request on one connection, and until when its client may take."""

    def __init__(self, conn: TConn, patience: float) -> None:
        self._conn = conn
        self._patience = patience
        self._ends_what = socket.SHUT_RD
        self.deadline = time.monotonic() + patience
        self.cut = False

    @property
    def waiting(self) -> bool:
        """Whether it is the client who takes time."""
        return self.deadline < math.inf and not self.cut

    def received(self) -> None:
        """The whole request is here: the time it takes now is ours."""
        self.deadline = math.inf

    def answering(self) -> None:
        """The answer is made: the client takes it in time, or not at all."""
        self._ends_what = socket.SHUT_RDWR
        self.deadline = time.monotonic() + self._patience

    def leave(self) -> None:
        """Waits for the client to close: a reset before that could lose the answer.

        Many clients read no answer before they have sent their whole body. gunicorn does the
        same, but in the thread that takes all new connections.
        """
        self.answering()
        sock = self._conn.sock
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_WR)
            sock.settimeout(LINGER)
            for _ in range(DRAINED):
                if not socket.socket.recv(sock, 65536) and not self.cut:
                    return
        with suppress(OSError):
            # One who sends on would not notice a close, and wait for a minute.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            socket.socket.shutdown(sock, socket.SHUT_RD)  # nothing left for gunicorn to wait for

    def end(self) -> None:
        """Wakes the thread that waits for this client: the connection looks closed to it."""
        self.cut = True
        # Not SSLSocket.shutdown: that would go on in plain text. The socket may be gone.
        with suppress(OSError):
            socket.socket.shutdown(self._conn.sock, self._ends_what)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker with threads, with deadlines, and with our own words for errors."""

    patience: ClassVar[float] = 10.0  # seconds
    wsgi: Any  # the application

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exchanges: dict[TConn, Exchange] = {}  # in a thread or waiting for one, by age
        self._here = threading.local()

    @classmethod
    def within(cls, patience: float) -> type[Worker]:
        """The worker class whose clients have `patience` seconds: gunicorn wants a class."""
        return type("Worker", (cls,), {"patience": patience})

    # --- in the main thread ---

    def accept(self, listener: socket.socket) -> None:
        """Makes room for a new connection before it is taken."""
        if len(self._exchanges) >= self.cfg.threads:
            _end_first(e for e in self._exchanges.values() if e.waiting)
        if self.nr_conns >= self.worker_connections - 1:
            self._drop_idle()
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """The time of the client runs from here, also while all threads are busy."""
        self._exchanges[conn] = Exchange(conn, self.patience)
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """A request is done with; the connection may be kept."""
        self._exchanges.pop(conn, None)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called each second at least: ends what is late."""
        super().murder_pending()
        now = time.monotonic()
        for exchange in list(self._exchanges.values()):
            if exchange.waiting and exchange.deadline < now:
                exchange.end()

    def _drop_idle(self) -> None:
        """Closes the connection that has been without a request for longest."""
        for idle, close in (
            (self.pending_conns, super().murder_pending),
            (self.keepalived_conns, self.murder_keepalived),
        ):
            if idle:
                idle[0].timeout = 0.0
                close()
                return

    # --- in the threads ---

    def load_wsgi(self) -> None:
        """Tells the application which exchange it answers, and whether the server is stopping."""
        super().load_wsgi()
        application: Any = self.wsgi
        stopping: Stopping = self.app.stopping

        def tracked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            environ[EXCHANGE] = self._here.exchange
            environ[readiness.DRAINING] = stopping.begun
            answer: Iterable[bytes] = application(environ, start_response)
            self._here.exchange.answering()
            return answer

        self.wsgi = tracked

    def handle(self, conn: TConn) -> Any:
        """One request; whether the connection is kept."""
        self._here.exchange = exchange = self._exchanges[conn]
        kept = super().handle(conn)
        if kept and not exchange.cut:
            return kept
        exchange.leave()
        return False

    def handle_error(self, _req: object, client: Any, _addr: object, exc: Exception) -> None:
        """Logs the type only: gunicorn would log and echo the line it could not read."""
        self.log.warning("unreadable request: %s", type(exc).__name__)
        body = orjson.dumps(operation_outcome(BadRequest("This is not a readable HTTP request.")))
        head = (
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode("ascii") + body)


def _end_first(exchanges: Iterable[Exchange]) -> None:
    for exchange in exchanges:
        exchange.end()
        return
