"""Who may see the console outside the demo.

`local`: whoever sits at the machine itself, or comes to it through a tunnel of their own. The
connection comes from this machine, names it as its host, and no proxy has forwarded it. The
host is checked so that a page elsewhere cannot make a browser read the console through a
name that resolves to this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import request

from cds_service.errors import NotFound
from cds_service.web.server import is_loopback

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


def local_only() -> None:
    """Raises NotFound, as if there were no console, unless the caller is on this machine."""
    host = urlsplit(f"//{request.host}").hostname or ""
    forwarded = any(name in request.headers for name in FORWARDED)
    if forwarded or not is_loopback(host) or not is_loopback(request.remote_addr or ""):
        raise NotFound("There is nothing at this address.")


GUARDS: dict[str, Callable[[], None]] = {"local": local_only}
