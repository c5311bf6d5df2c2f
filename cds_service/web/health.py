"""Health, and the code systems of the service's own codes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from cds_service import __version__
from cds_service.guideline import overrides
from cds_service.terminology import code_system
from cds_service.web.wire import FHIR_JSON, json_response
from cds_service.web.wiring import wiring

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Alive, in which version, and whether the clinical date is fixed."""
    status: dict[str, Any] = {"status": "ok", "version": __version__}
    fixed = wiring().site.fixed_today
    if fixed:
        status["fixedToday"] = fixed.isoformat()
        status["warning"] = "The clinical date is fixed: not for the care of patients."
    return json_response(status)


@blueprint.get("/fhir/CodeSystem/pht")
def local_codes() -> Response:
    """The FHIR CodeSystem of the codes this service adds where no standard has one."""
    return json_response(code_system(), content_type=FHIR_JSON)


@blueprint.get("/fhir/CodeSystem/override-reason")
def override_reasons() -> Response:
    """The FHIR CodeSystem of the reasons to override a card, with HL7's codes."""
    return json_response(overrides.code_system(), content_type=FHIR_JSON)
