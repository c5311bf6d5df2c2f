"""What people read: the home page, the guideline, and the demo's chart page.

Plain HTML that works without JavaScript; there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from cds_service.decision import UNJUDGED
from cds_service.demo.call import hook_call
from cds_service.demo.patients import Case
from cds_service.errors import CdsError, Issue, NotFound
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.claims import CLAIMS
from cds_service.guideline.evidence import quantity
from cds_service.guideline.legend import AMBIGUITIES, CONVENTIONS
from cds_service.guideline.sources import ARTICLE, READING
from cds_service.protocol.request import parse
from cds_service.service import Service
from cds_service.web.demo_fhir import base_url
from cds_service.web.wiring import Demo, wiring

SANDBOX = "https://sandbox.cds-hooks.org/"
PRESSING = ("critical", "warning", "info")  # the order in which an EHR shows cards

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One service asked about one patient: the call, and its answer or why there is none."""

    service: Service
    sent: dict[str, Any]
    received: dict[str, Any] = field(default_factory=dict)
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


@blueprint.get("/")
def home() -> str:
    """In the demo: pick a patient, see the cards. Elsewhere: what this service is for."""
    demo = wiring().demo
    return _chart(demo) if demo else render_template("home.html", **common())


@blueprint.get("/guideline")
def guideline() -> str:
    """Every recommendation; cards link to `#<rule-id>`."""
    return render_template(
        "guideline.html",
        recommendations=RECOMMENDATIONS,
        article=ARTICLE,
        reading=READING,
        claims={claim.id: claim.words for claim in CLAIMS},
        marks=(AMBIGUITIES, CONVENTIONS),
        **common(),
    )


def _chart(demo: Demo) -> str:
    chosen = request.args.get("patient")
    if chosen is not None and chosen not in demo.cases:
        raise NotFound("There is no demo patient with this id.")
    # Without a choice the first patient: whoever opens the demo sees cards at once.
    case = demo.cases[chosen] if chosen else next(iter(demo.cases.values()), None)
    visits = list(_visits(case, demo)) if case else []
    return render_template(
        "demo.html",
        cases=demo.cases.values(),
        chosen=case,
        visits=visits,
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
    return Visit(service=service, sent=sent, received=decision.response())


def common() -> dict[str, Any]:
    """What the layout and most pages show."""
    shared = wiring()
    return {
        "base_url": shared.settings.base_url(),
        "demo": shared.demo is not None,
        "fixed": shared.site.fixed_today is not None,
        "site": shared.site,
        "services": shared.services.values(),
        "today": shared.today(),
    }


blueprint.add_app_template_filter(quantity)


@blueprint.app_template_filter("pretty")
def pretty(value: object) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@blueprint.app_template_filter("day")
def day(value: date | str) -> str:
    """A date in words, the same in every locale: 15 June 2026."""
    when = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


@blueprint.app_template_filter("patient_name")
def patient_name(patient: dict[str, Any]) -> str:
    """The first name a Patient has, or the id."""
    for name in patient.get("name", ()):
        parts = [*name.get("given", ()), name.get("family", "")]
        text = name.get("text") or " ".join(filter(None, parts))
        if text:
            return str(text)
    return str(patient["id"])


MONTHS = (
    "January February March April May June July August September October November December"
).split()
