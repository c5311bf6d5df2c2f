"""The OpenAPI description: valid, whole, and true of what is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.calls import VIEW, overdue

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module", params=[False, True], ids=["service", "demo"])
def app(request: pytest.FixtureRequest) -> Flask:
    return create_app(Settings.load(auth="open", today="2026-06-15"), demo=request.param)


@pytest.fixture
def told(app: Flask) -> Any:
    return app.test_client().get("/openapi.json").json


def content(told: Any, path: str, method: str, status: str = "200") -> dict[str, Any]:
    return told["paths"][path][method]["responses"][status]["content"]


def valid(told: Any, schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator({**schema, "components": told["components"]}).is_valid(value)


def test_it_is_valid_openapi(told: Any) -> None:
    assert told["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(told).validate()


def test_a_server_without_services_describes_itself_too() -> None:
    told = create_app(Settings.load(auth="open"), []).test_client().get("/openapi.json").json
    OpenAPIV31SpecValidator(told).validate()


def test_it_describes_every_route_and_no_other(app: Flask, told: Any) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods & METHODS
    }
    described = {(path, m.upper()) for path, methods in told["paths"].items() for m in methods}
    assert described == served


def test_what_each_page_answers_with_is_what_is_said(app: Flask, told: Any) -> None:
    client = app.test_client()
    for path, methods in told["paths"].items():
        if "get" in methods and "{" not in path:
            with client.get(path) as answer:
                assert answer.status_code == 200, path
                assert answer.mimetype in content(told, path, "get"), path


def test_the_services_are_named(told: Any) -> None:
    (parameter,) = told["paths"]["/cds-services/{service_id}"]["post"]["parameters"][:1]
    assert "pht-patient-view" in parameter["schema"]["enum"]


def test_the_schema_of_a_call_accepts_what_the_service_accepts(app: Flask, told: Any) -> None:
    call = told["paths"]["/cds-services/{service_id}"]["post"]
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    sent = overdue()
    assert valid(told, schema, sent)
    for broken in ({**sent, "context": {}}, {**sent, "hook": 1}, {**sent, "prefetch": []}, []):
        assert not valid(told, schema, broken)
        assert app.test_client().post(VIEW, json=broken).status_code == 400


def test_answers_and_refusals_are_as_described(app: Flask, told: Any) -> None:
    path, client = "/cds-services/{service_id}", app.test_client()
    good = content(told, path, "post")["application/json"]["schema"]
    bad = content(told, path, "post", "default")["application/json"]["schema"]
    assert valid(told, good, client.post(VIEW, json=overdue()).json)
    assert valid(told, bad, client.post(VIEW, json={}).json)
    assert not valid(told, bad, client.post(VIEW, json=overdue()).json)
    offered = content(told, "/cds-services", "get")["application/json"]["schema"]
    assert valid(told, offered, client.get("/cds-services").json)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)


def test_every_reference_leads_somewhere(told: Any) -> None:
    found = set(references(told))
    assert "#/components/schemas/request" in found
    for reference in found:
        here = told
        for step in reference.removeprefix("#/").split("/"):
            here = here[step]
