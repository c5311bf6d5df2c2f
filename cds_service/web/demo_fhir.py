"""The demo patients as a read-only FHIR R4 server, for the public sandbox and any client."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from cds_service import __version__
from cds_service.demo.patients import DEMO_TODAY
from cds_service.demo.record import APPLIED, Found, Parameters, Record, searchset
from cds_service.errors import BadRequest, NotFound
from cds_service.settings import Settings
from cds_service.web.wire import FHIR_JSON, json_response
from cds_service.web.wiring import wiring

PATH = "/demo/fhir"
_COUNT = re.compile(r"[0-9]{1,9}")
PAGE = 1000  # resources on a page when the client does not say

# Types a client may ask for even when no demo patient has one: the answer is then empty.
KNOWN = (
    "AllergyIntolerance CarePlan Condition DiagnosticReport Encounter Goal Immunization"
    " Medication MedicationAdministration MedicationRequest MedicationStatement Observation"
    " Organization Patient Practitioner PractitionerRole Procedure QuestionnaireResponse"
    " ServiceRequest"
).split()

blueprint = Blueprint("demo_fhir", __name__, url_prefix=PATH)


@blueprint.get("/metadata")
def metadata() -> Response:
    """The CapabilityStatement."""
    return _fhir(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": DEMO_TODAY.isoformat(),
            "kind": "instance",
            "software": {"name": "pht-cds demo patients", "version": __version__},
            "implementation": {"description": "Demo patients, read-only", "url": base_url()},
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": [_capability(t) for t in _types()]}],
        }
    )


@blueprint.get("/<resource_type>/<resource_id>")
def read(resource_type: str, resource_id: str) -> Response:
    """One resource."""
    resource = _record(resource_type).read(resource_type, resource_id)
    if resource is None:
        raise NotFound(f"There is no {resource_type} with this id.")
    return _fhir(resource)


@blueprint.get("/<resource_type>")
@blueprint.get("/<resource_type>/_search", endpoint="get_search")
@blueprint.post("/<resource_type>/_search", endpoint="post_search")
def search(resource_type: str) -> Response:
    """A searchset Bundle; parameters in the query, the form, or both."""
    parameters = [
        *request.args.items(multi=True),
        *request.form.items(multi=True),
    ]
    found = _record(resource_type).search(resource_type, parameters)
    return _fhir(_page(resource_type, found, parameters))


def addresses(settings: Settings) -> tuple[str, ...]:
    """The base URLs by which this machine knows the demo's FHIR server."""
    return tuple(f"http://{host}:{settings.port}{PATH}" for host in ("localhost", "127.0.0.1"))


def base_url() -> str:
    """The address of this FHIR server, as the caller reached it."""
    return request.root_url.rstrip("/") + PATH


def _page(resource_type: str, found: Found, parameters: Parameters) -> dict[str, Any]:
    count, start = _number(parameters, "_count", PAGE), _number(parameters, "_offset", 0)
    total = len(found.matches)
    page = Found(found.matches[start : start + count], found.included if count else [])
    applied = [(n, v) for n, v in parameters if n in APPLIED]
    address = f"{base_url()}/{resource_type}?"
    here = [*applied, ("_count", str(count)), ("_offset", str(start))]
    links = [{"relation": "self", "url": address + urlencode(here)}]
    if 0 < count < total - start:
        following = [*applied, ("_count", str(count)), ("_offset", str(start + count))]
        links.append({"relation": "next", "url": address + urlencode(following)})
    return searchset(page, base=base_url(), total=total) | {"link": links}


def _number(parameters: Parameters, name: str, default: int) -> int:
    values = [value for n, value in parameters if n == name]
    if not values:
        return default
    if not _COUNT.fullmatch(values[-1]):
        raise BadRequest(f"{name} must be a whole number.", code="value")
    return int(values[-1])


def _record(resource_type: str) -> Record:
    if resource_type not in _types():
        raise NotFound("This resource type is not held here.", code="not-supported")
    return _held()


def _held() -> Record:
    demo = wiring().demo
    assert demo is not None  # noqa: S101  # the blueprint is registered in the demo only
    return demo.record


def _types() -> list[str]:
    return sorted(_held().types.union(KNOWN))


def _capability(resource_type: str) -> dict[str, Any]:
    return {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": name, "type": "reference" if name in ("patient", "subject") else "token"}
            for name in sorted(APPLIED - {"_include"})
        ],
    }


def _fhir(resource: dict[str, Any]) -> Response:
    return json_response(resource, content_type=FHIR_JSON)
