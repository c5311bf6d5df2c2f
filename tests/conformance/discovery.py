"""What discovery must tell (CDS Hooks: Discovery, Prefetch Template)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from tests.conformance.caller import Answer, Call, Caller, get, post
from tests.conformance.calls import overdue
from tests.conformance.registry import verifies
from tests.conformance.stubs import on_answers, on_templates

TOKEN = re.compile(r"\{\{(.*?)\}\}")
USER = {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
#: hook -> the fields of its context that its definition allows as prefetch tokens
TOKENS = {
    "patient-view": {"userId", "patientId", "encounterId"},
    "encounter-start": {"userId", "patientId", "encounterId"},
    "encounter-discharge": {"userId", "patientId", "encounterId"},
    "order-select": {"userId", "patientId", "encounterId"},
    "order-sign": {"userId", "patientId", "encounterId"},
    "order-dispatch": {"patientId", "performer"},
    "appointment-book": {"userId", "patientId", "encounterId"},
    "problem-list-item-create": {"userId", "patientId", "encounterId"},
}
#: hook -> the version of its published definition
VERSIONS = {
    "patient-view": "1.0",
    "encounter-start": "1.0",
    "encounter-discharge": "1.0",
    "order-select": "1.0",
    "order-sign": "1.0",
    "order-dispatch": "1.1",
    "appointment-book": "1.0",
    "problem-list-item-create": "0.1.0",
}
#: what a context must hold beside user and patient
CONTEXTS: dict[str, dict[str, Any]] = {
    "encounter-start": {"encounterId": "e1"},
    "encounter-discharge": {"encounterId": "e1"},
    "order-dispatch": {"dispatchedOrders": ["ServiceRequest/1"], "performer": "Organization/1"},
    "appointment-book": {"appointments": {"resourceType": "Bundle"}},
    "problem-list-item-create": {"conditions": {"resourceType": "Bundle"}},
}


def services(service: Caller) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = get(service, "/cds-services").json["services"]
    assert listed
    return listed


def templates(service: Caller) -> Iterator[tuple[str, str]]:
    """(hook, template) of every prefetch template offered."""
    for one in services(service):
        for template in one["prefetch"].values():
            yield one["hook"], template


def tokens(service: Caller) -> Iterator[tuple[str, str]]:
    for hook, template in templates(service):
        for token in TOKEN.findall(template):
            yield hook, token


def _moved(call: Call, answer: Answer) -> Answer:
    if (call.method, call.path) != ("GET", "/cds-services"):
        return answer
    return Answer(404, {"content-type": "application/json"}, b'{"resourceType": "X"}')


@verifies("2.0-4", "2.0-5", "2.0-6", "2.0-13", broken_2_0_4=on_answers(_moved))
def discovery_is_an_object_with_a_list_of_services(service: Caller) -> None:
    answer = get(service, "/cds-services")
    assert answer.status == 200
    assert isinstance(answer.json, dict)
    assert isinstance(answer.json["services"], list)
    assert all(isinstance(one, dict) for one in answer.json["services"])


@verifies("2.0-7", "2.0-8", "2.0-9", "2.0-10", "3.0-06")
def each_service_has_hook_title_description_and_id(service: Caller) -> None:
    for one in services(service):
        for name in ("hook", "title", "description", "id"):
            assert isinstance(one[name], str), name
            assert one[name].strip(), name


@verifies("2.0-16")
def each_service_answers_under_its_id(service: Caller) -> None:
    for one in services(service):
        sent = overdue(**CONTEXTS.get(one["hook"], {})) | {"hook": one["hook"]}
        answer = post(service, f"/cds-services/{one['id']}", sent)
        assert answer.status in (200, 412), one["id"]
    assert post(service, "/cds-services/not-offered", overdue()).status == 404


@verifies("3.0-07")
def each_service_tells_the_version_of_the_specification(service: Caller) -> None:
    for one in services(service):
        assert re.fullmatch(r"\d+\.\d+\.\d+", one["version"]), one["id"]


@verifies("3.0-08")
def each_service_tells_the_version_of_its_hook(service: Caller) -> None:
    told = {one["hook"]: one["hookVersion"] for one in services(service)}
    assert told == {hook: VERSIONS[hook] for hook in told}


@verifies("2.0-29", "2.0-36")
def each_prefetch_template_has_its_key(service: Caller) -> None:
    for one in services(service):
        assert one["prefetch"]
        for key, template in one["prefetch"].items():
            assert re.fullmatch(r"\w+", key)
            assert isinstance(template, str)
            assert template


@verifies("2.0-55")
def tokens_stand_in_double_braces(service: Caller) -> None:
    for _, template in templates(service):
        assert not set("{}") & set(TOKEN.sub("", template)), template
    assert list(tokens(service))


@verifies(
    "2.0-56",
    "2.0-57",
    "2.0-59",
    "3.0-14",
    broken_2_0_56=on_templates(lambda one: one.replace("context.patientId", "patientId")),
)
def tokens_are_primitive_fields_of_the_context(service: Caller) -> None:
    for hook, token in tokens(service):
        allowed = {f"context.{name}" for name in TOKENS[hook]} | USER
        assert token in allowed, f"{hook}: {token}"


@verifies("lib-16")
def draft_orders_are_no_token_of_order_sign(service: Caller) -> None:
    _no_token(service, "order-sign", "draftOrders")


@verifies("lib-89", "lib-93")
def selections_and_draft_orders_are_no_tokens_of_order_select(service: Caller) -> None:
    _no_token(service, "order-select", "selections", "draftOrders")


@verifies("lib-73")
def tasks_are_no_token_of_order_dispatch(service: Caller) -> None:
    _no_token(service, "order-dispatch", "fulfillmentTasks")


@verifies("lib-32")
def appointments_are_no_token_of_appointment_book(service: Caller) -> None:
    _no_token(service, "appointment-book", "appointments")


@verifies("3.0-54")
def conditions_are_no_token_of_problem_list_item_create(service: Caller) -> None:
    _no_token(service, "problem-list-item-create", "context.conditions")


def _no_token(service: Caller, hook: str, *fields: str) -> None:
    """Holds of every service of the hook, and there is one."""
    assert hook in {one["hook"] for one in services(service)}
    used = {token for at, token in tokens(service) if at == hook}
    assert used
    assert not [token for token in used if any(name in token for name in fields)]


@verifies("3.0-21")
def queries_use_only_what_most_servers_can_search(service: Caller) -> None:
    """By patient; Observation also by code (US Core); a medication included where it is named."""
    for _, template in templates(service):
        path, _, query = template.partition("?")
        found = dict(parse_qsl(query))
        assert found.get("_include", f"{path}:medication") == f"{path}:medication"
        usual = {"patient", "_include"} | ({"code"} if path == "Observation" else set())
        assert set(found) <= usual, template


@verifies("3.0-51")
def each_hook_is_one_that_is_published(service: Caller) -> None:
    assert {one["hook"] for one in services(service)} <= set(TOKENS)
