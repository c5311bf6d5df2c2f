"""The OpenAPI description of everything this application serves, at /openapi.json.

Paths, methods and summaries come from the routes, bodies from the JSON Schemas that check
them: the description cannot fall behind. `_DETAILS` adds what a route does not tell.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from cds_service import __version__
from cds_service.protocol.hooks import HOOKS
from cds_service.web.wire import FHIR_JSON, JSON, json_response
from cds_service.web.wiring import Wiring, wiring

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
_OBJECT = {"type": "object"}
_RESOURCE = {"type": "object", "required": ["resourceType"]}
_CALL = {"$ref": "#/components/schemas/call"}
_CARDS = {"$ref": "#/components/schemas/response"}
_OUTCOME = {"$ref": "#/components/schemas/outcome"}
_FEEDBACK = {
    "allOf": [
        {"$ref": "#/components/schemas/feedback"},
        {"properties": {"feedback": {"items": {"$ref": "#/components/schemas/feedback-entry"}}}},
    ]
}
_SERVICES = {"$ref": "#/components/schemas/discovery"}

blueprint = Blueprint("openapi", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Of one endpoint: schema by media type for body and answer, and its query parameters."""

    answer: Mapping[str, Any]
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    #: status -> what it means there, with the same body as 200
    also: Mapping[str, str] = field(default_factory=dict)


_SEARCH = {"patient": "id of, or reference to, the patient", "_count": "resources on a page"}
_FIELDS = {FORM: {"type": "object", "additionalProperties": {"type": "string"}}}
_PAGE = {HTML: {"type": "string"}}
_DAYS = {"since": "first clinical day, included", "until": "last clinical day, included"}
_DETAILS = {
    "about.source_attributes_json": Detail(answer={JSON: _OBJECT}),
    "chart.chart": Detail(answer=_PAGE, query={"patient": "id of a demo patient"}),
    "login.enter": Detail(answer=_PAGE, body=_FIELDS),
    "login.leave": Detail(answer=_PAGE, body=_FIELDS),
    "login.page": Detail(answer=_PAGE, query={"next": "the page to go to then"}),
    "console.integrator.lint": Detail(answer=_PAGE, body=_FIELDS),
    "console.integrator.page": Detail(answer=_PAGE, body=_FIELDS),
    "console.feedback.figures": Detail(
        answer={JSON: _OBJECT},
        query=_DAYS | {"by": "rule, version, hook, client, reason, day or week"},
    ),
    "console.feedback.page": Detail(answer=_PAGE, query=_DAYS),
    "console.what_if.page": Detail(answer=_PAGE, body=_FIELDS),
    "console.what_if.result": Detail(answer=_PAGE, body=_FIELDS),
    "demo_fhir.get_search": Detail(answer={FHIR_JSON: _RESOURCE}, query=_SEARCH),
    "demo_fhir.metadata": Detail(answer={FHIR_JSON: _RESOURCE}),
    "demo_fhir.post_search": Detail(answer={FHIR_JSON: _RESOURCE}, body=_FIELDS),
    "demo_fhir.read": Detail(answer={FHIR_JSON: _RESOURCE}),
    "demo_fhir.search": Detail(answer={FHIR_JSON: _RESOURCE}, query=_SEARCH),
    "feedback.feedback": Detail(answer={JSON: _OUTCOME}, body={JSON: _FEEDBACK}),
    "health.health": Detail(answer={JSON: _OBJECT}),
    "health.local_codes": Detail(answer={FHIR_JSON: _RESOURCE}),
    "health.override_reasons": Detail(answer={FHIR_JSON: _RESOURCE}),
    "readiness.ready": Detail(
        answer={JSON: _OBJECT}, also={"503": "Calls should not be sent here; the parts say why."}
    ),
    "metrics.exposition": Detail(answer={"text/plain": {"type": "string"}}),
    "openapi.openapi": Detail(answer={JSON: _OBJECT}),
    "pages.guideline": Detail(answer=_PAGE, query={"q": "words of the rules to show"}),
    "services.call": Detail(
        answer={JSON: _CARDS},
        body={JSON: _CALL},
        query={"explain": "true: why each rule did or did not fire"},
    ),
    "services.discovery": Detail(answer={JSON: _SERVICES}),
    "smart.begin": Detail(
        answer=_PAGE,
        query={"iss": "the FHIR server, one that is registered", "launch": "what the EHR gives"},
    ),
    "smart.come_back": Detail(
        answer=_PAGE, query={"state": "of the launch", "code": "from the authorization server"}
    ),
    "smart.end": Detail(answer=_PAGE),
    "static": Detail(answer={"*/*": {}}),
    "value_sets.value_sets": Detail(
        answer=_PAGE, query={"q": "words or a code", "set": "a value set"}
    ),
}


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """This description, as OpenAPI 3.1."""
    return json_response(description(current_app, wiring()))


def description(app: Flask, shared: Wiring) -> dict[str, Any]:
    """The whole document for what `app` serves."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        paths.setdefault(path_of(rule), {}).update(_operations(app, rule, shared))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Decision support for proximal hamstring tendinopathy (CDS Hooks)",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": shared.settings.base_url()}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(_schemas(shared))},
    }


def path_of(rule: Rule) -> str:
    """'/cds-services/<service_id>' -> '/cds-services/{service_id}'."""
    return _ARGUMENT.sub(r"{\1}", rule.rule)


def _operations(app: Flask, rule: Rule, shared: Wiring) -> Iterator[tuple[str, dict[str, Any]]]:
    view = app.view_functions[rule.endpoint]
    for method in _METHODS:
        if method in (rule.methods or ()):
            yield method.lower(), _operation(method, rule, view, shared)


def _operation(method: str, rule: Rule, view: Any, shared: Wiring) -> dict[str, Any]:
    detail = _DETAILS.get(rule.endpoint) or _plain(view)
    told: dict[str, Any] = {
        "summary": (inspect.getdoc(view) or rule.endpoint).splitlines()[0],
        "tags": [rule.endpoint.partition(".")[0]],
        "parameters": [
            *(_in_path(name, shared) for name in _ARGUMENT.findall(rule.rule)),
            *(_in_query(name, words) for name, words in detail.query.items()),
        ],
        "responses": {
            "200": {"description": "As asked.", "content": _content(detail.answer)},
            **{
                status: {"description": told, "content": _content(detail.answer)}
                for status, told in detail.also.items()
            },
            "default": {
                "description": "Refused; the OperationOutcome, or the page, says why.",
                # A page with a form shows the fault in the page.
                "content": _content({JSON: _OUTCOME} | (_PAGE if HTML in detail.answer else {})),
            },
        },
    }
    if detail.body and method != "GET":
        told["requestBody"] = {"required": True, "content": _content(detail.body)}
    return told


def _plain(view: Any) -> Detail:
    """A route that returns a string answers with a page; of others that is not known."""
    page = inspect.signature(view).return_annotation == "str"
    return Detail(answer=_PAGE | ({} if page else {JSON: _OBJECT}))


def _in_path(name: str, shared: Wiring) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "string", "minLength": 1}
    if name == "service_id":
        kind = {"type": "string", "enum": shared.ids()}
    return {"name": name, "in": "path", "required": True, "schema": kind}


def _in_query(name: str, words: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}


def _content(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {media: {"schema": one} for media, one in schemas.items()}


def _schemas(shared: Wiring) -> Iterator[tuple[str, Any]]:
    hooks = dict.fromkeys(service.hook for service in shared.services.values())
    yield "call", {"oneOf": [_call(hook) for hook in hooks] or [{"not": {}}]}
    for file in sorted((resources.files("cds_service.protocol") / "schemas").iterdir(), key=str):
        name = file.name.removesuffix(".json")
        schema = json.loads(file.read_text(encoding="utf-8"))
        yield name, _moved(schema, name)


def _call(hook: str) -> dict[str, Any]:
    """The body of a call of this hook."""
    context = f"context-{hook}" if hook in HOOKS else "context"
    particular = {
        "hook": {"const": hook},
        "context": {"$ref": f"#/components/schemas/{context}"},
    }
    return {"allOf": [{"$ref": "#/components/schemas/request"}, {"properties": particular}]}


def _moved(value: Any, own: str) -> Any:
    """A schema with its references, to `own` parts or to another file, led into the document."""
    if isinstance(value, list):
        return [_moved(one, own) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _reference(one, own) if key == "$ref" else _moved(one, own)
        for key, one in value.items()
        if key not in ("$schema", "$id")
    }


def _reference(target: str, own: str) -> str:
    """'context.json#/$defs/id' -> '#/components/schemas/context/$defs/id'."""
    file, _, pointer = target.partition("#")
    return f"#/components/schemas/{file.removesuffix('.json') or own}{pointer}"
