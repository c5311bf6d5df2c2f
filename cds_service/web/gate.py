"""Who is calling, asked before anything of a request but its head is read.

With CDS_SERVICE_AUTH=required a client route needs a token (`cds_service.trust.tokens`).
With `open` anyone who reaches the server is served; it then answers only under names that
mean this machine, so that no web page can reach it by a name of its own (DNS rebinding), and
never through a proxy, behind which loopback would mean the whole world. Operator routes ask
`cds_service.web.operators`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from cds_service.errors import Misdirected, NotAllowed, NotAuthenticated, TooManyRequests
from cds_service.settings import Settings
from cds_service.trust import access
from cds_service.trust.access import Access
from cds_service.trust.clients import ANYONE, Client
from cds_service.trust.rates import Rates
from cds_service.trust.refusals import Reason
from cds_service.trust.tokens import Authenticator, Caller, Endpoint
from cds_service.web import operators
from cds_service.web.operators import Guard

_PORT = re.compile(r":[0-9]*$")


def init_app(
    app: Flask,
    settings: Settings,
    authenticator: Authenticator | None,
    *,
    operator: Guard,
    rates: Rates | None = None,
) -> None:
    """Puts the gate before every route. Without an authenticator any client is let in.

    Call this when all routes are there. `operator` raises for whoever is none.
    Without `rates` clients may call as often as they like.
    """
    access.check(rule.rule for rule in app.url_map.iter_rules())
    if authenticator is None:
        app.before_request(_near(_names(settings)))
    app.before_request(operators.nothing_else(settings))
    app.before_request(_gate(authenticator, settings, operator))
    if rates:
        app.before_request(_often(rates, settings.rate_limit))
    app.after_request(_challenge)


def _gate(
    authenticator: Authenticator | None, settings: Settings, operator: Guard
) -> Callable[[], None]:
    public = settings.discovery == "public"
    reader = operators.metrics_rule(settings)

    def check() -> None:
        if request.url_rule is None:  # nothing there, or not by this method: 404 and 405 follow
            return
        needs = access.needed(request.url_rule.rule, discovery_is_public=public)
        if needs is Access.CLIENT:
            _identify(authenticator, settings.shared_id)
        elif needs is Access.OPERATOR:
            (reader if request.url_rule.rule == operators.METRICS else operator)()

    return check


def _identify(authenticator: Authenticator | None, shared_id: str) -> None:
    """Of the id that services share the hook tells which is meant: `services.call` checks it."""
    if authenticator is None:
        caller = Caller(ANYONE)
    else:
        caller = authenticator.authenticate(
            request.headers.get("Authorization"),
            Endpoint(request.path, request.query_string.decode("latin-1")),
        )
    g.client, g.tenant = caller.client, caller.tenant
    service = (request.view_args or {}).get("service_id")
    if service not in (None, shared_id) and not caller.client.may_call(service):
        raise NotAllowed(Reason.SERVICE)


def _often(rates: Rates, usual: int) -> Callable[[], None]:
    """Calls and feedback are counted apart: neither must use up what the other may."""

    def check() -> None:
        if "client" not in g:
            return
        client: Client = g.client
        most = client.limits.per_minute or usual
        if most and (seconds := rates.wait(client.name, request.blueprint or "", most)):
            g.reason = "rate-limit"
            raise TooManyRequests(seconds)

    return check


def _challenge(response: Response) -> Response:
    if response.status_code == NotAuthenticated.status:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


# --- open servers ---


def _near(names: frozenset[str]) -> Callable[[], None]:
    def check() -> None:
        if operators.is_forwarded():
            raise Misdirected(Reason.FORWARDED)
        host = _PORT.sub("", request.headers.get("Host", "")).lower().rstrip(".")
        if host not in names and not _is_address(host):
            raise Misdirected(Reason.HOST)

    return check


def _names(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.public_url).hostname or ""
    return frozenset(
        name.lower() for name in ("localhost", settings.host, public, *settings.hosts) if name
    )


def _is_address(host: str) -> bool:
    """An address cannot be made to point elsewhere, as a name can."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
