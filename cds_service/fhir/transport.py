"""Connections that go only where the policy allows, and end when the deadline does.

The timeouts of requests are per read, so that a server sending a byte now and then could hold a
thread for ever. Here a `Deadline` knows every socket in use for it and shuts them when it closes:
whoever reads from them is woken at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from cds_service.fhir.policy import Policy

#: as socket.getaddrinfo
Resolve = Callable[..., Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]]
_SHORTEST = 0.001  # a timeout of 0 would make a socket non-blocking


class Failure(Exception):
    """Why something could not be fetched.

    `outcome` is a class for counting, `why` is told to the caller: no URL, no token, no value.
    """

    def __init__(self, outcome: str, why: str, *, status: int | None = None) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.why = why
        self.status = status


class Deadline:
    """A time on the monotonic clock, and the sockets that must not outlive it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._held: set[socket.socket] = set()

    def left(self) -> float:
        """Seconds left; never negative."""
        return 0.0 if self._over.is_set() else max(0.0, self._end - time.monotonic())

    def pause(self, seconds: float) -> bool:
        """Waits, unless that would pass the deadline or it closes; whether it waited."""
        return seconds < self.left() and not self._over.wait(seconds)

    def close(self) -> None:
        """Ends what is under way; nothing new begins."""
        with self._lock:
            self._over.set()
            for guard in self._held:
                _shut(guard)

    def hold(self, guard: socket.socket) -> None:
        with self._lock:
            self._held.add(guard)
            if self._over.is_set():
                _shut(guard)

    def let_go(self, *guards: socket.socket) -> None:
        with self._lock:
            self._held.difference_update(guards)


class _Dial(Protocol):
    def __call__(self, host: str, port: int) -> socket.socket: ...


class _Thread(threading.local):
    deadline: Deadline | None = None
    guards: tuple[socket.socket, ...] = ()


_thread = _Thread()


@contextmanager
def under(deadline: Deadline) -> Iterator[None]:
    """What this thread sends and receives meanwhile ends with `deadline`."""
    _thread.deadline, _thread.guards = deadline, ()
    try:
        yield
    finally:
        deadline.let_go(*_thread.guards)
        _thread.deadline, _thread.guards = None, ()


def session(policy: Policy, resolve: Resolve) -> requests.Session:
    """A session that keeps no cookies and heeds no proxy, netrc or CA of the environment."""
    made = _Session()
    made.trust_env = False
    made.verify = str(policy.ca) if policy.ca else True
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.mount("http://", _Adapter(policy, resolve))
    made.mount("https://", _Adapter(policy, resolve))
    return made


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> None:
        """Nowhere: requests would read the whole body of a redirect, even when it may not go."""
        return


class _Adapter(HTTPAdapter):
    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy, self._resolve = policy, resolve
        super().__init__(pool_maxsize=policy.connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by requests; the pools it makes dial through the policy."""
        super().init_poolmanager(*args, **kwargs)
        dial = {"dial": staticmethod(_dialler(self._policy, self._resolve))}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_Plain", (_PlainPool,), {"ConnectionCls": type("_C", (_Plain,), dial)}),
            "https": type("_Tls", (_TlsPool,), {"ConnectionCls": type("_C", (_Tls,), dial)}),
        }

    def close(self) -> None:
        """Closes idle connections now; urllib3 leaves that to the garbage collector."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118  # no iterator of its own
            self.poolmanager.pools[key].close()
        super().close()


class _Guarded:
    """What both kinds of connection add. The guard is a second handle on the same socket.

    TLS replaces the socket object while shaking hands; the second handle stays good.
    """

    dial: ClassVar[_Dial]
    _guard: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        """Called by urllib3 for the bare TCP connection; Host and SNI keep the name."""
        host, port = self._dns_host, self.port  # type: ignore[attr-defined]
        made = self.dial(host.strip("[]"), port)
        self._guard = made.dup()
        _hold(self._guard)
        return made

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Called by urllib3; a connection that is used again comes under the new deadline."""
        if self._guard is not None:
            _hold(self._guard)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        """Called by urllib3."""
        guard = self._guard
        self._guard = None
        if guard is not None:
            if _thread.deadline is not None:
                _thread.deadline.let_go(guard)
            guard.close()
        super().close()  # type: ignore[misc]


class _Plain(_Guarded, HTTPConnection): ...


class _Tls(_Guarded, HTTPSConnection): ...


class _PlainPool(HTTPConnectionPool): ...


class _TlsPool(HTTPSConnectionPool): ...


def _hold(guard: socket.socket) -> None:
    if _thread.deadline is not None:
        _thread.guards = (*_thread.guards, guard)
        _thread.deadline.hold(guard)


def _dialler(policy: Policy, resolve: Resolve) -> _Dial:
    """Resolves once, checks every address, and connects to a checked one: no second look-up."""

    def dial(host: str, port: int) -> socket.socket:
        try:
            found = resolve(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Failure("name", "the FHIR server's name cannot be resolved") from None
        if not found or not all(policy.accepts(str(one[4][0]), host, port) for one in found):
            raise Failure("address", "the FHIR server's address is not one this service may call")
        for tried, (family, kind, protocol, _, address) in enumerate(found):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(_share(len(found) - tried))
                sock.connect(address)
            except OSError:
                sock.close()
                continue
            return sock
        raise Failure("connection", "the FHIR server cannot be reached")

    return dial


def _share(parts: int) -> float:
    left = _thread.deadline.left() if _thread.deadline is not None else 0.0
    return max(_SHORTEST, left / parts)


def _shut(guard: socket.socket) -> None:
    with suppress(OSError):
        guard.shutdown(socket.SHUT_RDWR)
