"""Who is an operator: what CDS_SERVICE_CONSOLE says, for every route whose access is `operator`.

`local`: whoever sits at the machine itself, or comes to it through a tunnel of their own. The
connection comes from this machine, names it as its host, and no proxy has forwarded it. The
host is checked so that a page elsewhere cannot make a browser read an operator's page through a
name that resolves to this machine.

The gate (`cds_service.web.gate`) asks `rule` once and calls what it gets before each such route:
a route needs no guard of its own, only its line in `cds_service.trust.access`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import request

from cds_service.errors import NotFound
from cds_service.settings import Settings
from cds_service.web.server import is_loopback

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")

Guard = Callable[[], None]


def rule(settings: Settings, *, demo: bool) -> Guard:
    """What raises, as if there were nothing, unless the current request is an operator's."""
    return anyone if demo else GUARDS[settings.console]


def anyone() -> None:
    """The demo shows invented patients: its pages are open."""


def nobody() -> None:
    """Raises NotFound, as for an address at which nothing is."""
    raise NotFound("There is nothing at this address.")


def local_only() -> None:
    """Raises NotFound unless the caller is on this machine."""
    host = urlsplit(f"//{request.host}").hostname or ""
    forwarded = any(name in request.headers for name in FORWARDED)
    if forwarded or not is_loopback(host) or not is_loopback(request.remote_addr or ""):
        nobody()


#: by CDS_SERVICE_CONSOLE
GUARDS: dict[str, Guard] = {"off": nobody, "local": local_only}
