"""What the actions of suggestions must be (CDS Hooks: Action)."""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from tests.conformance.caller import Caller
from tests.conformance.calls import actions, answered, suggestions
from tests.conformance.registry import verifies
from tests.conformance.stubs import on_actions

#: when an order is meant for may change its form: occurrenceDateTime for occurrenceTiming
PLANNED = ("occurrence", "scheduled")


def _only_what_changed(action: dict[str, Any]) -> None:
    if action["type"] == "update":
        whole = action["resource"]
        action["resource"] = {name: whole[name] for name in ("resourceType", "id")}


def _nothing_to_delete(action: dict[str, Any]) -> None:
    if action["type"] == "delete":
        kind, _, identity = action.pop("resourceId").partition("/")
        action["resource"] = {"resourceType": kind, "id": identity}


@verifies("2.0-127", "2.0-128", "3.0-34")
def each_action_has_a_type_and_a_description(service: Caller) -> None:
    assert {action["type"] for action in actions(service)} == {"create", "update", "delete"}
    for action in actions(service):
        assert isinstance(action["description"], str)
        assert action["description"]


@verifies("2.0-130", "2.0-131", "3.0-01")
def a_created_resource_is_new_and_valid_fhir(service: Caller) -> None:
    for action in actions(service, "create"):
        resource = action["resource"]
        assert "id" not in resource
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@verifies("2.0-132", broken_2_0_132=on_actions(_only_what_changed))
def an_updated_resource_is_whole(service: Caller) -> None:
    assert actions(service, "update")
    for sent, answer in answered(service):
        held = {(one["resourceType"], one.get("id")): one for one in _resources(sent)}
        for card in answer.json["cards"]:
            for suggestion in card.get("suggestions", ()):
                for action in suggestion["actions"]:
                    if action["type"] == "update":
                        now = action["resource"]
                        _whole(held[now["resourceType"], now["id"]], now)


def _whole(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Every element is there still, most of them as they were."""
    lost = {name for name in before if not name.startswith(PLANNED)} - now.keys()
    assert not lost
    changed = [name for name in before if name in now and before[name] != now[name]]
    assert len(changed) < len(before) / 2


def _resources(value: Any) -> list[dict[str, Any]]:
    """The resources of a call, at any depth."""
    if isinstance(value, list):
        return [one for part in value for one in _resources(part)]
    if not isinstance(value, dict):
        return []
    here = [value] if "resourceType" in value else []
    return here + [one for part in value.values() for one in _resources(part)]


@verifies("2.0-133", "2.0-134", "2.0-135", "3.0-33", broken_2_0_134=on_actions(_nothing_to_delete))
def a_deletion_names_the_resource_by_its_id_alone(service: Caller) -> None:
    for action in actions(service, "delete"):
        assert isinstance(action["resourceId"], str)
        kind, _, identity = action["resourceId"].partition("/")
        assert kind.isalpha()
        assert identity
        assert "resource" not in action


@verifies("2.0-125")
def the_actions_of_a_suggestion_can_all_be_done(service: Caller) -> None:
    """None excludes another: no resource is changed twice, and alternatives stand apart."""
    for suggestion in suggestions(service):
        touched = [
            _target(action) for action in suggestion["actions"] if action["type"] != "create"
        ]
        assert len(set(touched)) == len(touched)
        assert suggestion["actions"]


def _target(action: dict[str, Any]) -> str:
    resource = action.get("resource", {})
    named = f"{resource.get('resourceType')}/{resource.get('id')}"
    return str(action.get("resourceId", named))


@verifies("3.0-05", "3.0-32")
def how_actions_combine_is_left_at_its_default(service: Caller) -> None:
    """These calls come from a client that has not declared actionSelectionBehavior."""
    assert not any("actionSelectionBehavior" in one for one in suggestions(service))
