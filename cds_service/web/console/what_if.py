"""What if: choose a record, a hook and a date, and see what the service would say.

`page` works without a script: a form in, a whole page out. With one, the page sends the same
form to `result` as the date moves, and gets the part that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from cds_service.demo.orders import ORDERS
from cds_service.errors import BadRequest, CdsError
from cds_service.service import Service
from cds_service.web.console import day, material
from cds_service.web.console.picture import Frame
from cds_service.web.console.trial import Trial, judge
from cds_service.web.pages import common
from cds_service.web.wiring import wiring

blueprint = Blueprint("what_if", __name__, url_prefix="/what-if")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the visitor chose. `text` is what they pasted; empty: the demo patient."""

    service: Service
    today: date
    patient: str
    order: str
    text: str
    frame: Frame | None


@blueprint.route("", methods=["GET", "POST"])
def page() -> ResponseReturnValue:
    """The page; a link to it may name patient, service, order and date, never a record."""
    given = request.form if request.method == "POST" else request.args
    try:
        form = _form(given if given else MultiDict({"patient": _first_patient()}))
        trial = _judged(form) if form.text or form.patient else None
    except CdsError as error:
        shown = _rendered(_form(given, refuse=False), issues=error.issues)
        return make_response(shown, error.status)
    return _rendered(form, trial=trial)


@blueprint.post("/result")
def result() -> str:
    """The part of the page that changes with the form. Raises CdsError."""
    return render_template("console/result.html", trial=_judged(_form(request.form)), **common())


def _rendered(form: Form, **more: Any) -> str:
    shared = wiring()
    return render_template(
        "console/what-if.html",
        form=form,
        cases=shared.demo.cases.values() if shared.demo else (),
        orders={name: order.title for name, order in ORDERS.items()},
        **{"trial": None, "issues": (), **common(), **more},
    )


def _judged(form: Form) -> Trial:
    shared = wiring()
    if form.text:
        body = material.of_text(form.text, form.service, form.order, form.today)
    elif shared.demo and form.patient:
        body = material.of_demo(shared.demo, form.patient, form.service, form.order, form.today)
    else:
        raise BadRequest("Paste a record.", code="required")
    service = material.service_for(body, shared.services.values(), form.service)
    return judge(service, body, form.today, form.frame)


def _form(given: MultiDict[str, str], *, refuse: bool = True) -> Form:
    """Raises BadRequest for what no form of ours sends; without `refuse` that is left out."""
    return Form(
        service=_service(given.get("service", ""), refuse=refuse),
        today=day.chosen(given, "today", refuse=refuse),
        patient=given.get("patient", ""),
        order=given.get("order") or next(iter(ORDERS)),
        text=given.get("text", "").strip() if request.method == "POST" else "",
        frame=_frame(given.get("first"), given.get("last")) if refuse else None,
    )


def _frame(first: str | None, last: str | None) -> Frame | None:
    if not (first and last):
        return None
    return Frame(day.parsed(first, "first"), day.parsed(last, "last"))


def _first_patient() -> str:
    """Whoever opens the demo's page sees something at once."""
    demo = wiring().demo
    return next(iter(demo.cases), "") if demo else ""


def _service(wanted: str, *, refuse: bool) -> Service:
    services = wiring().services
    if refuse and wanted and wanted not in services:
        raise BadRequest("There is no service with this id.", expression=["service"], code="value")
    chosen = services.get(wanted) or next(iter(services.values()), None)
    if chosen is None:
        raise BadRequest("No service is offered here.")
    return chosen
