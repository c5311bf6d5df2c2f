"""Security headers on every response."""

from __future__ import annotations

from flask import Flask, Response, g, request

from cds_service.settings import Settings

# No script at all; styles from this server only; nothing may frame the pages.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: browsers would then hide from us, too, which page a form comes from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def allow_own_script(response: Response) -> Response:
    """For the pages of a blueprint that bring a script: this server's files, nothing inline."""
    response.headers["Content-Security-Policy"] = f"{_POLICY}; script-src 'self'"
    return response


def init_app(app: Flask, settings: Settings) -> None:
    """Adds the headers; HSTS only where clients come by HTTPS."""
    always = dict(_ALWAYS)
    if settings.base_url().startswith("https://"):
        always["Strict-Transport-Security"] = "max-age=31536000"

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        for name, value in always.items():
            if name not in headers:  # which takes less than setdefault does
                headers.add(name, value)
        if g.get("framed_by"):  # by the pages that its content policy names, and no others
            del headers["X-Frame-Options"]
        if request.endpoint != "static":  # answers may be about a patient: keep no copy
            headers["Cache-Control"] = "no-store"
        return response
