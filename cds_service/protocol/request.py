"""A CDS Hooks request, checked against its schema and read into one object.

The schemas look at the envelope and the context only; each hook's context has its own. Prefetch
content is FHIR from a real EHR: it is read tolerantly, resource by resource, in `cds_service.fhir`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import ValidationError

from cds_service.errors import BadRequest, Issue
from cds_service.protocol.hooks import HOOKS
from cds_service.protocol.schema import validator

_CODES = {"required": "required", "type": "structure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """One call of a hook. `prefetch` maps keys to what the client sent, null included."""

    hook: str
    hook_instance: str
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any]
    fhir_server: str | None = None
    fhir_authorization: Mapping[str, Any] | None = None
    extension: Mapping[str, Any] | None = None

    @property
    def patient_id(self) -> str:
        """The id of the Patient whose chart is open."""
        return str(self.context["patientId"])

    @property
    def user_id(self) -> str:
        """The user as the client names them, usually `Practitioner/<id>`; empty when not told."""
        return str(self.context.get("userId") or "")

    @property
    def encounter_id(self) -> str | None:
        """The id of the current Encounter, where the client tells it."""
        return self.context.get("encounterId")


def parse(body: object, *, hook: str) -> HookRequest:
    """The request in `body` for the service of `hook`.

    Raises BadRequest with one issue per fault, each with its JSON path. Optional elements
    that are null are taken as absent: CDS Hooks forbids them, and clients send them.
    """
    body = _with_names_of_the_table(body, hook)
    issues = [
        *faults("request", body),
        *_context_faults(body, hook),
        *_hook_faults(body, hook),
        *_access_faults(body),
    ]
    if issues or not isinstance(body, dict):
        raise BadRequest.of(issues)
    return HookRequest(
        hook=hook,
        hook_instance=body["hookInstance"],
        context=body["context"],
        prefetch=body.get("prefetch") or {},
        fhir_server=body.get("fhirServer"),
        fhir_authorization=body.get("fhirAuthorization"),
        extension=body.get("extension"),
    )


def _with_names_of_the_table(body: object, hook: str) -> object:
    """order-dispatch 1.1 defines `dispatchedOrders`; its own example says `dispatched-orders`."""
    context = body.get("context") if isinstance(body, dict) else None
    if hook != "order-dispatch" or not isinstance(body, dict) or not isinstance(context, dict):
        return body
    return {**body, "context": {_EXAMPLE.get(name, name): one for name, one in context.items()}}


_EXAMPLE = {"dispatched-orders": "dispatchedOrders", "fulfillment-tasks": "fulfillmentTasks"}


def _context_faults(body: object, hook: str) -> Iterator[Issue]:
    """By the hook's published definition; of other hooks what all have in common."""
    context = body.get("context") if isinstance(body, dict) else None
    if isinstance(context, dict):
        schema = f"context-{hook}" if hook in HOOKS else "context"
        yield from faults(schema, context, "context")


def _hook_faults(body: object, hook: str) -> Iterator[Issue]:
    sent = body.get("hook") if isinstance(body, dict) else None
    if isinstance(sent, str) and sent and sent != hook:
        yield Issue("error", "value", f"hook: this service answers '{hook}' only", ("hook",))


def _access_faults(body: object) -> Iterator[Issue]:
    """cds-r-1: a token is for a server; and its patient is the one whose chart is open."""
    access = body.get("fhirAuthorization") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(access, dict):
        return
    if not body.get("fhirServer"):
        told = "fhirServer: is required with fhirAuthorization"
        yield Issue("error", "required", told, ("fhirServer",))
    context = body.get("context")
    patient = context.get("patientId") if isinstance(context, dict) else None
    if access.get("patient") not in (None, patient):
        told = "fhirAuthorization.patient: must be context.patientId"
        yield Issue("error", "value", told, ("fhirAuthorization.patient",))


def faults(schema: str, value: object, place: str = "") -> Iterator[Issue]:
    """The faults of `value` by `schemas/<schema>.json`, with paths that begin with `place`."""
    for error in validator(schema).iter_errors(value):
        yield _issue(error, place)


def _issue(error: ValidationError, place: str) -> Issue:
    """Says what must be, never what was found: values may identify a patient."""
    path = _path((place, *error.absolute_path))
    if error.validator == "required":
        path = ".".join(filter(None, (path, _missing(error))))
        what = "is required"
    else:
        rule = error.schema
        what = str(rule["description"]) if isinstance(rule, Mapping) else "is not allowed"
    code = _CODES.get(str(error.validator), "value")
    return Issue("error", code, f"{path or 'the body'}: {what}", (path,) if path else ())


def _path(steps: Iterable[str | int]) -> str:
    """'context.selections[0]': the place of a fault in the body."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps if step != "")
    return "".join(parts).lstrip(".")


def _missing(error: ValidationError) -> str:
    """jsonschema reports each missing property by itself, but names it in its message only."""
    return error.message.split("'")[1]
