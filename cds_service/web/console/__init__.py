"""The console: pages on which people see the service, try it, and check what it says.

- `what_if`   a record, a hook and a date; the cards that come back, and the timeline beside them
- `integrator`  what the services ask for (`asked`), requests to copy (`examples`), the linter as a
  page, and the recent calls of each client
- `feedback`  what became of the cards, drawn by `bars`
- `material`  what a visitor brings, as the call of a hook
- `occasion`  what the hook's context holds beside patient and user
- `trial`     one such call judged, and what the page shows of it
- `lanes`, `ahead`, `diagnosed`, `injected`  the timeline as data (`picture`), from the case that
  the rules saw
- `timeline`, `axis`, `shapes`, `scale`  the same as SVG
- `day`       the day a visitor chose
- `why`       the reasons of every rule, in the order a reader asks

Who may see them: `cds_service.web.operators`. Imported only when the console is on. Everything is
thought out on the server; the script of the pages sends forms and shows what comes back, and the
pages work without it.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from cds_service.web import operators
from cds_service.web.console import feedback, integrator, what_if
from cds_service.web.wiring import wiring

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: (endpoint, name) of each page, for the navigation of all pages
PAGES = (
    ("console.what_if.page", "What if"),
    ("console.integrator.page", "Integrators"),
    ("console.feedback.page", "Feedback"),
)


def init_app(app: Flask) -> None:
    """Serves the pages."""
    console = Blueprint("console", __name__, url_prefix="/console")
    console.register_blueprint(what_if.blueprint)
    console.register_blueprint(integrator.blueprint)
    console.register_blueprint(feedback.blueprint)
    console.after_request(_allow_own_script)
    app.register_blueprint(console)
    app.context_processor(_pages)


def _pages() -> dict[str, object]:
    shared = wiring()
    reached = operators.reached(shared.settings, demo=shared.demo is not None)
    return {"console_pages": PAGES if reached else ()}


def _allow_own_script(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response
