"""Who is an operator: what CDS_SERVICE_CONSOLE says, for every route whose access is `operator`.

Only `/metrics` has a setting of its own: programs read it, not people.

`password`: whoever has logged in (`cds_service.web.login`).

`local`: whoever sits at the machine itself, or comes to it through a tunnel of their own. The
connection comes from this machine, names it as its host, and no proxy has forwarded it. The
host is checked so that a page elsewhere cannot make a browser read an operator's page through a
name that resolves to this machine. A proxy on this machine may say nothing of itself: where the
public URL tells of one, or of callers elsewhere, `local` is nobody.

The gate (`cds_service.web.gate`) asks `rule` once and calls what it gets before each such route:
a route needs no guard of its own, only its line in `cds_service.trust.access`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, g, request

from cds_service.errors import NotFound
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.web import same_origin
from cds_service.web.server import is_far, is_loopback

#: by any of these a request tells that a proxy has passed it on
FORWARDED = (
    *("Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-Forwarded-Port", "X-Forwarded-Server"),
)

METRICS = "/metrics"
AT_METRICS = frozenset((METRICS, "/health", "/ready"))

Guard = Callable[[], None]


def init_app(app: Flask, settings: Settings, store: Store | None, *, demo: bool) -> Guard:
    """Serves the log-in page where operators log in; what `rule` gives for the gate."""
    if settings.console == "password" and not demo:
        from cds_service.web import login  # its libraries weigh on no worker without it

        login.init_app(app, settings, store)
    return rule(settings, demo=demo)


def rule(settings: Settings, *, demo: bool) -> Guard:
    """What raises unless the current request is an operator's, and from a page of this service."""
    chosen = anyone if demo else _guard(settings.console, settings)

    def check() -> None:
        same_origin.check()
        chosen()
        # What is pasted may be as large as a client's call.
        request.max_form_memory_size = settings.body_limit

    return check


def reached(settings: Settings, *, demo: bool) -> bool:
    """Whether links to operators' pages lead the current caller anywhere, if only to log in."""
    if demo or settings.console == "password":
        return True
    try:
        _guard(settings.console, settings)()
    except NotFound:
        return False
    return True


def check_form() -> None:
    """Raises BadRequest for a form of an operator that no page of theirs sent.

    It reads the body: call it when that is here (`cds_service.web.overload`).
    """
    if "operator" in g:
        from cds_service.web import login

        login.check_form()


def _guard(chosen: str, settings: Settings) -> Guard:
    if chosen == "password":
        from cds_service.web import login

        return login.guard
    return local_only if chosen == "local" and not is_far(settings) else nobody


def metrics_rule(settings: Settings) -> Guard:
    """The same for `/metrics`, as CDS_SERVICE_METRICS says: also in the demo."""
    address = settings.metrics_address()
    if address is None:
        return _guard(settings.metrics, settings)
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
    if is_forwarded() or not is_loopback(host) or not is_loopback(request.remote_addr or ""):
        nobody()


def is_forwarded() -> bool:
    """Whether a proxy says that it has passed on the current request."""
    sent = request.headers
    return any(name in sent for name in FORWARDED)
