"""Requests to copy: for each service a whole hook request about an invented patient, as curl.

The patients are those of the demo, also where no demo is served.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from cds_service.demo.patients import load_cases, whole_record
from cds_service.service import Service
from cds_service.web.console import material
from cds_service.web.wiring import Demo

#: hook -> demo patient and order, such that there is something to advise
ABOUT: dict[str, tuple[str, str]] = {
    "patient-view": ("physio-content-not-recorded", ""),
    "encounter-start": ("lapsed-loading", ""),
    "order-select": ("steroid-overuse", "steroid-left"),
    "order-sign": ("nsaid-only-181-days", "ibuprofen-3600"),
    "order-dispatch": ("steroid-overuse", "steroid-left"),
    "appointment-book": ("steroid-overuse", "steroid-left"),
    "encounter-discharge": ("day-90", ""),
    "problem-list-item-create": ("possible-pht-only", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """`whole`: with all it asks for; `brief`: what the service fetches is left out."""

    whole: str
    brief: str = ""


@cache
def patients() -> Demo:
    """The demo patients that come with the package."""
    known = {case.patient_id: case for case in load_cases()}
    return Demo(cases=known, record=whole_record(known.values()))


def example(
    service: Service, demo: Demo, today: date, *, url: str, signed: bool, fhir: str
) -> Example | None:
    """None where there is no patient to call about.

    `url`: the address of the service; `signed`: a call needs a token; `fhir`: a FHIR server that
    holds the patients, or "".
    """
    patient, order = ABOUT.get(service.hook, ("", ""))
    patient = patient if patient in demo.cases else next(iter(demo.cases), "")
    if not patient:
        return None
    body = material.of_demo(demo, patient, service, order, today)
    body.pop("fhirServer")
    # An order being dispatched is on no server: the example brings it along.
    fetched = fhir and "dispatchedOrders" not in body["context"]
    brief = {k: v for k, v in body.items() if k != "prefetch"} | {"fhirServer": fhir}
    return Example(
        whole=curl(url, body, signed=signed),
        brief=curl(url, brief, signed=signed) if fetched else "",
    )


def curl(url: str, body: dict[str, Any], *, signed: bool) -> str:
    """The command for a shell; a record may hold quotes, so the body comes from standard input."""
    token = ' -H "Authorization: Bearer $TOKEN"' if signed else ""
    written = json.dumps(body, indent=1, ensure_ascii=False)
    return (
        f"curl -sS -H 'Content-Type: application/json'{token} --data-binary @- \\\n"
        f"     {url} <<'BODY'\n{written}\nBODY"
    )
