"""Who is an operator: what CDS_SERVICE_CONSOLE says, for every route whose access is `operator`.

Only `/metrics` has a setting of its own: programs read it, not people.

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

METRICS = "/metrics"
AT_METRICS = frozenset((METRICS, "/health", "/ready"))

Guard = Callable[[], None]


def rule(settings: Settings, *, demo: bool) -> Guard:
    """What raises, as if there were nothing, unless the current request is an operator's."""
    return anyone if demo else GUARDS[settings.console]


def metrics_rule(settings: Settings) -> Guard:
    """The same for `/metrics`, as CDS_SERVICE_METRICS says: also in the demo."""
    address = settings.metrics_address()
    if address is None:
        return GUARDS[settings.metrics]
    port = str(address[1])

    def there_only() -> None:
        if request.environ["SERVER_PORT"] != port:
            nobody()

    return there_only


def nothing_else(settings: Settings) -> Guard:
    """What raises, at the metrics' own port, for all but those and the probes."""
    address = settings.metrics_address()
    port = str(address[1]) if address else ""

    def check() -> None:
        if request.environ["SERVER_PORT"] == port and request.path not in AT_METRICS:
            nobody()

    return check


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
