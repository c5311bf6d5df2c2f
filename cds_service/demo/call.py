"""The hook call an EHR makes when it opens the chart of one of its patients."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from cds_service.demo.record import Found, Record, Resource, resources_of, searchset
from cds_service.errors import BadRequest

USER = "Practitioner/demo"
_TOKEN = re.compile(r"\{\{\s*context\.(\w+)\s*\}\}")


def hook_call(
    hook: str, templates: Mapping[str, str], record: Record, *, patient: str, fhir_server: str
) -> dict[str, Any]:
    """The request body for `patient`, its prefetch templates answered from `record`."""
    context = {"userId": USER, "patientId": patient}
    prefetch = {
        key: answer
        for key, template in templates.items()
        if (answer := _answer(_filled(template, context), record, fhir_server)) is not None
    }
    return _body(hook, context, prefetch) | {"fhirServer": fhir_server}


def call_from_bundle(
    hook: str, templates: Mapping[str, str], bundle: Mapping[str, Any]
) -> dict[str, Any]:
    """The request body for the one Patient in `bundle`.

    The Bundle is taken as the whole record: every search is answered by all resources of
    its type, whomever they name (judging that is the service's business), and a type that
    does not occur is known to be empty. Raises BadRequest when there is not one Patient.
    """
    record = Record(resources_of(bundle))
    patients = record.of_type("Patient")
    if len(patients) != 1 or not isinstance(patients[0].get("id"), str):
        raise BadRequest(
            f"The Bundle must hold one Patient with an id; it holds {len(patients)}.",
            expression=["entry"],
            code="required",
        )
    context = {"userId": USER, "patientId": patients[0]["id"]}
    visits = [one["id"] for one in record.of_type("Encounter") if "id" in one]
    if hook.startswith("encounter-") and visits:
        context["encounterId"] = visits[-1]
    prefetch = {
        key: _all_of_type(template, patients[0], record) for key, template in templates.items()
    }
    return _body(hook, context, prefetch)


def _body(hook: str, context: dict[str, str], prefetch: dict[str, Any]) -> dict[str, Any]:
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        "prefetch": prefetch,
    }


def _filled(template: str, context: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda token: context.get(token[1], token[0]), template)


def _answer(query: str, record: Record, base: str) -> Resource | None:
    """What the FHIR server answers; None (the key is left out) when a token stayed unfilled."""
    if "{{" in query:
        return None
    path, mark, parameters = query.partition("?")
    if mark:
        return searchset(record.search(path, parse_qsl(parameters)), base=base)
    return record.read(*path.split("/", maxsplit=1)) if "/" in path else None


def _all_of_type(template: str, patient: Resource, record: Record) -> Resource:
    path, mark, parameters = template.partition("?")
    if not mark:
        return patient
    included = record.of_type("Medication") if "_include=" in parameters else []
    return searchset(Found(record.of_type(path), included), base="urn:record")
