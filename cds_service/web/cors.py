"""Cross-origin calls, as browser-based CDS clients make them.

Every preflight to an API address is answered 2xx without authentication, also where nothing
is served: the call itself then gets an error its page can read. Credentials are never
allowed across origins; a client authenticates with a token it sends itself.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask_cors import CORS

from cds_service.settings import Settings

MAX_AGE = 3600  # seconds a browser may keep a preflight's answer
API = r"/(cds-services|health|fhir|demo/fhir)(/.*)?$"
_PREFIXES = ("/cds-services", "/health", "/fhir", "/demo/fhir")


def init_app(app: Flask, settings: Settings, *, any_origin: bool) -> None:
    """Opens the API to the origins of the settings, or to any in the demo."""
    app.before_request(_preflight)
    origins = "*" if any_origin else list(settings.cors_origins)
    if origins:
        CORS(
            app,
            resources={API: {"origins": origins}},
            allow_headers=["Accept", "Authorization", "Content-Type"],
            expose_headers=["X-Request-Id"],
            methods=["GET", "POST", "OPTIONS"],
            max_age=MAX_AGE,
            supports_credentials=False,
            send_wildcard=any_origin,
            # Lets the public sandbox reach a demo on the user's own machine.
            allow_private_network=any_origin,
        )


def _preflight() -> Response | None:
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return Response(status=204) if asks and request.path.startswith(_PREFIXES) else None
