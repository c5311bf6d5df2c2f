"""The schemas of what this service says: each rule of CDS Hooks is broken once, and found."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.protocol.messages import violations
from tests.conftest import ROOT

FILES = sorted((ROOT / "fixtures" / "fhir").rglob("response*.json"))
GONE = object()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_answer_on_file_is_as_cds_hooks_has_it(file: Path) -> None:
    answer = json.loads(file.read_text(encoding="utf-8"))
    assert violations("response" if "cards" in answer else "outcome", answer) == []


def card() -> dict[str, Any]:
    """With every element there is."""
    return {
        "uuid": "5b3ab0a4-4a4b-4f0f-a1a6-1d4c34bd1b7d",
        "summary": "s" * 139,
        "detail": "**d**",
        "indicator": "info",
        "source": {
            "label": "s",
            "url": "https://x.example/s",
            "icon": "https://x.example/i.png",
            "topic": {"system": "s", "code": "c"},
        },
        "suggestions": [
            {
                "label": "s",
                "uuid": "d1b7a1f0-71cc-4a6e-9a44-6a3a5b5d8d2a",
                "isRecommended": True,
                "actionSelectionBehavior": "any",
                "actions": [
                    {"type": "create", "description": "d", "resource": {"resourceType": "Task"}},
                    {"type": "delete", "description": "d", "resourceId": "Task/1"},
                ],
            },
            {"label": "t"},
        ],
        "selectionBehavior": "at-most-one",
        "overrideReasons": [{"system": "s", "code": "c", "display": "d"}],
        "links": [
            {"label": "l", "url": "https://x.example/l", "type": "absolute"},
            {"label": "l", "url": "https://x.example/m", "type": "smart", "appContext": "c"},
        ],
        "extension": {"org.example.x": {"y": 1}},
    }


def changed(message: Any, path: str, value: object) -> Any:
    """A copy with the element at a dotted path changed, or taken out."""
    made = copy.deepcopy(message)
    *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = made
    for step in above:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return made


def test_a_card_with_every_element_is_sound() -> None:
    assert violations("response", {"cards": [card()]}) == []
    assert violations("response", {"cards": []}) == []


BROKEN_CARDS: list[tuple[str, str, object]] = [
    ("cds-resp-1: two recommended of at most one", "suggestions.1.isRecommended", True),
    ("cds-resp-2: delete without resourceId", "suggestions.0.actions.1.resourceId", GONE),
    ("cds-resp-2: delete with a resource", "suggestions.0.actions.1.resource", {"a": 1}),
    ("cds-resp-3: appContext of an absolute link", "links.0.appContext", "c"),
    ("cds-resp-4: an override reason without words", "overrideReasons.0.display", GONE),
    ("cds-resp-5: an action without words", "suggestions.0.actions.0.description", GONE),
    ("cds-resp-6: suggestions without selectionBehavior", "selectionBehavior", GONE),
    (
        "cds-resp-7: an unknown actionSelectionBehavior",
        "suggestions.0.actionSelectionBehavior",
        "x",
    ),
    ("a summary of 140 characters", "summary", "s" * 140),
    ("no summary", "summary", GONE),
    ("an unknown indicator", "indicator", "hard-stop"),
    ("no source", "source", GONE),
    ("a source without a label", "source.label", GONE),
    ("a relative source", "source.url", "/guideline"),
    ("a topic without a system", "source.topic.system", GONE),
    ("a uuid that is none", "uuid", "urn:uuid:1"),
    ("an unknown selectionBehavior", "selectionBehavior", "one"),
    ("isRecommended as a word", "suggestions.0.isRecommended", "true"),
    ("an unknown action", "suggestions.0.actions.0.type", "patch"),
    ("a creation of nothing", "suggestions.0.actions.0.resource", GONE),
    ("a link without a type", "links.0.type", GONE),
    ("a misspelt hint", "links.0.autoLaunchable", True),
    ("an empty list of suggestions", "suggestions", []),
    ("a null element", "detail", None),
    ("a null deep in a resource", "suggestions.0.actions.0.resource.note", [{"text": None}]),
    ("an empty list deep in an extension", "extension.org", {"x": {"y": []}}),
    ("an extension that is no object", "extension", [1]),
    ("an element CDS Hooks does not know", "sumary", "x"),
]


@pytest.mark.parametrize(
    ("path", "value"), [one[1:] for one in BROKEN_CARDS], ids=[one[0] for one in BROKEN_CARDS]
)
def test_a_card_that_breaks_a_rule_is_found(path: str, value: object) -> None:
    assert violations("response", {"cards": [changed(card(), path, value)]})


@pytest.mark.parametrize(
    "message", [{}, {"cards": None}, {"cards": [], "systemActions": []}, {"cards": [], "x": 1}, []]
)
def test_a_response_that_breaks_a_rule_is_found(message: Any) -> None:
    assert violations("response", message)


def test_several_may_be_recommended_where_any_may_be_chosen() -> None:
    both = changed(card(), "suggestions.1.isRecommended", True)
    assert violations("response", {"cards": [both | {"selectionBehavior": "any"}]}) == []


SERVICE = {
    "hook": "patient-view",
    "title": "t",
    "description": "d",
    "id": "i",
    "prefetch": {"patient": "Patient/{{context.patientId}}"},
    "usageRequirements": "u",
    "version": "3.0.0",
    "hookVersion": "1.0",
    "extension": {"org.example.x": {"y": 1}},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hook", GONE),
        ("description", GONE),
        ("id", GONE),
        ("id", "a/b"),
        ("title", ""),
        ("usageRequirements", None),
        ("prefetch", {}),
        ("prefetch", {"patient": None}),
        ("version", "3"),
        ("hookVersion", ""),
        ("extension", []),
        ("hookversion", "1.0"),
    ],
)
def test_a_service_that_breaks_a_rule_is_found(name: str, value: object) -> None:
    assert violations("discovery", {"services": [SERVICE]}) == []
    assert violations("discovery", {"services": [changed(SERVICE, name, value)]})


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "value"}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resourceType", "Bundle"),
        ("issue", []),
        ("issue.0.severity", "bad"),
        ("issue.0.code", GONE),
        ("issue.0.diagnostics", ""),
        ("issue.0.expression", []),
        ("error", "x"),
    ],
)
def test_an_outcome_that_breaks_a_rule_is_found(path: str, value: object) -> None:
    assert violations("outcome", OUTCOME) == []
    assert violations("outcome", changed(OUTCOME, path, value))
