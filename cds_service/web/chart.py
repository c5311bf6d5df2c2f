"""The demo's chart page: what an EHR would show on opening the chart of a demo patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from cds_service.decision import UNJUDGED
from cds_service.demo.call import hook_call
from cds_service.demo.patients import Case
from cds_service.errors import CdsError, Issue, NotFound
from cds_service.protocol.request import parse
from cds_service.service import Service
from cds_service.web.demo_fhir import base_url
from cds_service.web.pages import common
from cds_service.web.wiring import Demo, wiring

SANDBOX = "https://sandbox.cds-hooks.org/"
PRESSING = ("critical", "warning", "info")  # the order in which an EHR shows cards

blueprint = Blueprint("chart", __name__, url_prefix="/demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One service asked about one patient: the call, and its answer or why there is none.

    `silence`: why no rule was asked.
    """

    service: Service
    sent: dict[str, Any]
    received: dict[str, Any] = field(default_factory=dict)
    silence: str = ""
    issues: tuple[Issue, ...] = ()

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The cards in the order an EHR shows them."""
        cards: list[dict[str, Any]] = self.received.get("cards", [])
        return sorted(cards, key=lambda card: PRESSING.index(card["indicator"]))

    @property
    def unjudged(self) -> list[dict[str, str]]:
        """The rules that could not be judged, each with `rule`, `reason` and maybe `side`."""
        told = self.received.get("extension", {}).get(UNJUDGED, {})
        rules: list[dict[str, str]] = told.get("rules", [])
        return rules


@blueprint.get("/chart")
def chart() -> str:
    """Pick a patient, see the cards."""
    demo = wiring().demo
    if demo is None:
        raise NotFound("There is nothing at this address.")
    chosen = request.args.get("patient")
    if chosen is not None and chosen not in demo.cases:
        raise NotFound("There is no demo patient with this id.")
    # Without a choice the first patient: whoever opens the page sees cards at once.
    case = demo.cases[chosen] if chosen else next(iter(demo.cases.values()), None)
    return render_template(
        "chart.html",
        cases=demo.cases.values(),
        chosen=case,
        visits=list(_visits(case, demo)) if case else [],
        here=request.root_url.rstrip("/"),
        fhir_url=base_url(),
        sandbox_url=_sandbox(case) if case else "",
        **common(),
    )


def _sandbox(case: Case) -> str:
    """The public sandbox, pointed at this server and this patient."""
    query = {
        "fhirServiceUrl": base_url(),
        "patientId": case.patient_id,
        "serviceDiscoveryURL": request.root_url + "cds-services",
        "hook": "patient-view",
        "screen": "patient-view",
    }
    return f"{SANDBOX}?{urlencode(query)}"


def _visits(case: Case, demo: Demo) -> Iterator[Visit]:
    """What an EHR would do on opening the chart: call every patient-view service."""
    for service in wiring().services.values():
        if service.hook == "patient-view":
            sent = hook_call(
                service.hook,
                service.prefetch,
                demo.record,
                patient=case.patient_id,
                fhir_server=base_url(),
            )
            yield _visit(service, sent)


def _visit(service: Service, sent: dict[str, Any]) -> Visit:
    try:
        decision = wiring().decide(service, parse(sent, hook=service.hook))
    except CdsError as error:
        return Visit(service=service, sent=sent, issues=error.issues)
    received = decision.response()
    return Visit(service=service, sent=sent, received=received, silence=decision.silence)
