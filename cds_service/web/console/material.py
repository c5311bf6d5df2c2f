"""What a visitor brings to the what-if page, turned into the call of a hook.

A demo patient, or pasted text: a whole hook request, a Bundle, or NDJSON with one resource a line.
Nothing of it is kept, written to a log, or fetched from the server it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from cds_service.demo.call import call_from_bundle, hook_call
from cds_service.demo.record import Resource, resources_of
from cds_service.errors import BadRequest, NotFound
from cds_service.service import Service
from cds_service.web.console import occasion
from cds_service.web.wire import Limits, check_limits, parse_json
from cds_service.web.wiring import Demo, wiring

Body = dict[str, Any]
FHIR_SERVER = "https://what-if.invalid/fhir"  # a call must name one; nothing is there


def of_demo(demo: Demo, patient: str, service: Service, order: str, today: date) -> Body:
    """The call about a demo patient; `order` names the draft for a hook about orders."""
    if patient not in demo.cases:
        raise NotFound("There is no demo patient with this id.")
    body = hook_call(
        service.hook, service.prefetch, demo.record, patient=patient, fhir_server=FHIR_SERVER
    )
    return occasion.fill(body, service.hook, order, today)


def of_text(text: str, chosen: Service, order: str, today: date) -> Body:
    """The call that `text` is or makes. Raises BadRequest saying where the fault is.

    A hook request names its own hook; a Bundle or NDJSON is judged at `chosen`.
    """
    content = _read(text, wiring().limits)
    if "hook" in content:
        # Nothing is called on a visitor's word: what was not sent counts as not obtained.
        return {k: v for k, v in content.items() if k not in ("fhirServer", "fhirAuthorization")}
    body = call_from_bundle(chosen.hook, chosen.prefetch, content)
    return occasion.fill(body, chosen.hook, order, today)


def service_for(body: Mapping[str, Any], services: Iterable[Service], chosen: Service) -> Service:
    """The one chosen when it answers the body's hook, else the first that does."""
    hook = body.get("hook")
    for service in (chosen, *services):
        if service.hook == hook:
            return service
    offered = ", ".join(dict.fromkeys(service.hook for service in services)) or "none"
    raise BadRequest(
        f"No service answers this hook. Offered: {offered}.", expression=["hook"], code="value"
    )


def records(body: Mapping[str, Any]) -> dict[str, Resource]:
    """Every resource of a call by its reference, such as Procedure/p1."""
    held = [*_resources(body.get("prefetch")), *_resources(body.get("context"))]
    return {f"{one['resourceType']}/{one['id']}": one for one in held if "id" in one}


def _resources(holder: object) -> Iterator[Resource]:
    for value in holder.values() if isinstance(holder, Mapping) else ():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(one.get("resourceType"), str):
                yield from resources_of(one) if one["resourceType"] == "Bundle" else [one]


def _read(text: str, limits: Limits) -> Body:
    """The JSON object in `text`; lines of one resource each become a Bundle."""
    # Not splitlines: a JSON string may hold what Unicode calls the end of a line.
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    if len(lines) > 1 and _is_ndjson(lines[0]):
        found = occasion.bundle(_line(line, number) for number, line in enumerate(lines, start=1))
        check_limits(found, limits)
        return found
    content = parse_json(text.encode(), limits)
    if not isinstance(content, dict):
        raise BadRequest("Paste a JSON object, or one on each line.", code="structure")
    if content.get("resourceType", "Bundle") == "Bundle":
        return content
    return occasion.bundle([content])


def _is_ndjson(first_line: str) -> bool:
    """Whether the first line is a whole object by itself."""
    return first_line.lstrip().startswith("{") and first_line.rstrip().endswith("}")


def _line(line: str, number: int) -> Resource:
    try:
        resource = parse_json(line.encode())
    except BadRequest as error:
        raise BadRequest(f"Line {number}: {error.issues[0].diagnostics}") from None
    if not isinstance(resource, dict):
        raise BadRequest(f"Line {number} must hold a JSON object.", code="structure")
    return resource
