"""For integrators: what the services ask for, requests to copy, the linter, and recent calls.

`page` works without a script: a form in, a whole page out. With one, the page sends what was
captured to `lint`, and gets the report. What is pasted is looked at in memory, and neither
stored nor logged; nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from cds_service import linting
from cds_service.errors import BadRequest, CdsError, Unavailable
from cds_service.ledger.recent import OfClient
from cds_service.lint_report import LintReport
from cds_service.service import Service
from cds_service.web.console import asked, day, examples
from cds_service.web.console.examples import Example
from cds_service.web.demo_fhir import base_url as demo_fhir_url
from cds_service.web.pages import common
from cds_service.web.services import described
from cds_service.web.wire import parse_json
from cds_service.web.wiring import wiring

blueprint = Blueprint("integrator", __name__, url_prefix="/integrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One service: its address, what discovery says of it, and a request to copy."""

    service: Service
    url: str
    discovery: dict[str, Any]
    example: Example | None


@blueprint.route("", methods=["GET", "POST"])
def page() -> ResponseReturnValue:
    """The page; posted to, with the report on what was captured."""
    if request.method == "GET":
        return _rendered()
    try:
        return _rendered(found=_linted())
    except CdsError as error:
        if not request.form:  # no page of ours sent it
            raise
        return make_response(_rendered(issues=error.issues), error.status)


@blueprint.post("/lint")
def lint() -> str:
    """The report alone. Raises CdsError."""
    return render_template("console/lint.html", found=_linted())


def _linted() -> LintReport:
    text = request.form.get("text", "")
    if not text.strip():
        raise BadRequest("Paste a hook request.", code="required")
    shared = wiring()
    today = day.chosen(request.form, "today")
    services = list(shared.services.values())
    body = parse_json(text.encode(), shared.limits)
    return linting.lint(body, services, today=today, site=shared.site)


def _rendered(**more: Any) -> str:
    return render_template(
        "console/integrator.html",
        **{
            "found": None,
            "issues": (),
            "text": request.form.get("text", ""),
            "offered": [_offered(one) for one in wiring().services.values()],
            "asked": asked.asked(wiring().services.values()),
            "clients": _clients(),
            "recorded": wiring().ledger is not None,
            **common(),
            "day": day.chosen(request.form, "today", refuse=False),
            **more,
        },
    )


def _offered(service: Service) -> Offered:
    shared = wiring()
    url = f"{shared.settings.base_url()}/cds-services/{service.id}"
    return Offered(
        service=service,
        url=url,
        discovery=described(service),
        example=examples.example(
            service,
            shared.demo or examples.patients(),
            shared.today(),
            url=url,
            signed=shared.settings.auth == "required",
            fhir=demo_fhir_url() if shared.demo else "",
        ),
    )


def _clients() -> list[OfClient] | None:
    """None while the database does not answer."""
    ledger = wiring().ledger
    try:
        return ledger.recent() if ledger else []
    except Unavailable:
        return None
