"""What is done to the service while it is called: one thing after the other."""

from __future__ import annotations

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tools.soak.calls import Call
from tools.soak.client import Clients
from tools.soak.world import World

DRIPPING = 12  # connections
DROPPED = 30
BURST = 60  # calls at once, all of which wait for a FHIR server that stalls
DOWN = 1.5  # seconds without a database
SLOW = 30.0  # seconds a slow client drips at most; it is to be cut off after PATIENCE
KILLED, MORE = "a process killed", "more calls than are worked on"
STOPPED, HANGS = "the database restarted", "the database hangs"
RELOADED = "the configuration reloaded"
#: when calls may be told to come back (those that came while new processes start, come all at once)
FILLS = frozenset({MORE, STOPPED, HANGS, RELOADED})
CUTS = frozenset({KILLED})  # when connections may break


@dataclass(slots=True)
class Event:
    """Something done to the service, from when until when: seconds since the start."""

    name: str
    at: float
    until: float = math.inf


@dataclass(slots=True)
class Trouble:
    """`wrong`: as in the clients' tally."""

    world: World
    clients: Clients
    stalled: Call
    happened: list[Event] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def make(self, number: int) -> None:
        """The next thing, by its number."""
        name, act = list(ACTS.items())[number % len(ACTS)]
        began = self.clients.tally.began
        event = Event(name, time.monotonic() - began)
        self.happened.append(event)
        try:
            act(self)
        except Exception as error:  # noqa: BLE001  # the run must tell of it
            self.wrong.append(f"{name}: {type(error).__name__}: {error}")
        event.until = time.monotonic() - began

    def kill_worker(self) -> None:
        for pid in self.world.service.workers()[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restart_database(self) -> None:
        self.world.postgres.stop()
        time.sleep(DOWN)
        self.world.postgres.start()

    def hang_database(self) -> None:
        self.world.postgres.hang()
        time.sleep(DOWN)
        self.world.postgres.go_on()

    def reload(self) -> None:
        os.kill(self.world.service.pid, signal.SIGHUP)

    def burst(self) -> None:
        self.clients.burst(self.stalled, BURST)

    def drop_connections(self) -> None:
        """Half a call, and gone."""
        for _ in range(DROPPED):
            with self._connected() as connection:
                connection.sendall(self._head() + self.stalled.data[: len(self.stalled.data) // 2])

    def drip(self) -> None:
        """A byte now and then: each must be told 408, or be cut off."""
        with ThreadPoolExecutor(DRIPPING) as pool:
            for answer in pool.map(lambda _: self._dripped(), range(DRIPPING)):
                if answer is None:
                    self.wrong.append("a slow client was not cut off")
                elif answer and not answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 401")):
                    self.wrong.append(f"a slow client was told {answer[:20]!r}")

    def _dripped(self) -> bytes | None:
        """What the slow client was told; None when it was left dripping."""
        answer, over = b"", threading.Event()
        with ExitStack() as stack:
            connection = stack.enter_context(self._connected())
            stack.callback(over.set)
            connection.settimeout(SLOW)
            connection.sendall(self._head())
            threading.Thread(target=_feed, args=(connection, over), daemon=True).start()
            try:
                while part := connection.recv(4096):
                    answer += part
            except TimeoutError:
                return None
            except OSError:
                pass
        return answer

    def _head(self) -> bytes:
        path = f"/cds-services/{self.stalled.service}"
        headers = self.world.ehr.bearer(f"{self.world.settings.public_url}{path}")
        lines = [f"POST {path} HTTP/1.1", "Host: soak", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(self.stalled.data)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def _connected(self) -> socket.socket:
        address = urlsplit(self.world.service.url)
        return socket.create_connection((address.hostname or "", address.port or 0), timeout=30)


def _feed(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.2):
        with suppress(OSError):
            connection.sendall(b" ")


ACTS: dict[str, Callable[[Trouble], None]] = {
    KILLED: Trouble.kill_worker,
    "slow clients": Trouble.drip,
    STOPPED: Trouble.restart_database,
    MORE: Trouble.burst,
    "connections dropped": Trouble.drop_connections,
    RELOADED: Trouble.reload,
    HANGS: Trouble.hang_database,
}
