"""Which findings are read, from Condition and Observation, and which are denied."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.patient.facts import FlagKind
from cds_service.patient.sides import LEFT, NOT_STATED, RIGHT
from tests.strategies import (
    CLINICAL,
    ICD,
    SCT,
    VERIFIED,
    ago,
    concept,
    facts,
    local,
    origin,
    pht,
    resource,
)


def condition(code: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resource("Condition", "f", **{"code": code, **more})


def observation(**more: Any) -> dict[str, Any]:
    made = {"status": "final", "code": local("neuro-deficit"), "effectiveDateTime": ago(3)}
    return resource("Observation", "f", **{**made, **more})


def kinds(*records: dict[str, Any]) -> list[FlagKind]:
    return [flag.kind for flag in facts(pht(), *records).flags]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (local("complete-avulsion"), FlagKind.AVULSION),
        (local("high-grade-tear"), FlagKind.TEAR),
        (local("acute-pop-bruising"), FlagKind.ACUTE_POP),
        (local("neuro-deficit"), FlagKind.NEURO_DEFICIT),
        (local("cauda-equina"), FlagKind.CAUDA_EQUINA),
        (local("suspected-malignancy"), FlagKind.MALIGNANCY),
        (local("bone-stress-injury"), FlagKind.BONE_STRESS),
        (concept((ICD, "S32.611A")), FlagKind.AVULSION_FRACTURE),
        (concept((ICD, "S32.616K")), FlagKind.AVULSION_FRACTURE),
        (concept((ICD, "M66.359")), FlagKind.TEAR),
        (concept((SCT, "415749005"), text="Proximal hamstring rupture"), FlagKind.TEAR),
    ],
)
def test_what_is_a_finding(code: dict[str, Any], kind: FlagKind) -> None:
    assert kinds(condition(code)) == [kind]


@pytest.mark.parametrize(
    "code",
    [
        concept((ICD, "S32.611S")),
        concept((ICD, "S76.311A")),
        concept((ICD, "S76.391A")),
        concept((ICD, "M66.851")),
        concept((ICD, "M66.851"), text="no hamstring rupture"),
        concept((SCT, "415749005"), text="Achilles rupture"),
        {"text": "complete avulsion of the proximal hamstring"},
        local("pht"),
    ],
)
def test_what_is_none(code: dict[str, Any]) -> None:
    assert kinds(condition(code)) == []


@pytest.mark.parametrize(
    ("elements", "stands"),
    [
        ({}, True),
        ({"verificationStatus": concept((VERIFIED, "unconfirmed"))}, True),
        ({"verificationStatus": concept((VERIFIED, "refuted"))}, False),
        ({"verificationStatus": concept((VERIFIED, "entered-in-error"))}, False),
        ({"verificationStatus": concept((VERIFIED, "differential"))}, False),
        ({"clinicalStatus": concept((CLINICAL, "active"))}, True),
        ({"clinicalStatus": concept((CLINICAL, "remission"))}, False),
        ({"abatementDateTime": ago(3)}, False),
        ({"abatementString": "healed"}, False),
    ],
    ids=str,
)
def test_only_what_stands(elements: dict[str, Any], stands: bool) -> None:
    assert bool(kinds(condition(local("complete-avulsion"), **elements))) is stands


@pytest.mark.parametrize(
    ("elements", "present"),
    [
        ({}, True),
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        ({"dataAbsentReason": {"text": "not asked"}}, False),
        ({"valueString": "Present"}, True),
        ({"valueString": " Absent "}, False),
        ({"valueCodeableConcept": {"text": "positive"}}, True),
        ({"valueCodeableConcept": {"text": "Negative"}}, False),
        ({"valueCodeableConcept": concept((SCT, "373067005"))}, False),
        ({"valueCodeableConcept": concept((SCT, "373066001"))}, True),
        ({"interpretation": [concept(("http://x", "NEG"))]}, False),
        ({"status": "preliminary"}, False),
        ({"status": "entered-in-error"}, False),
        ({"effectiveDateTime": None}, False),
    ],
    ids=str,
)
def test_an_observation_may_deny_it(elements: dict[str, Any], present: bool) -> None:
    assert bool(kinds(observation(**elements))) is present


def test_a_component_answers_for_itself() -> None:
    def panel(value: bool) -> dict[str, Any]:
        parts = [{"code": local("neuro-deficit"), "valueBoolean": value}]
        return observation(code={"text": "Neurological examination"}, component=parts)

    assert kinds(panel(True)) == [FlagKind.NEURO_DEFICIT]
    assert kinds(panel(False)) == []


@pytest.mark.parametrize(
    ("record", "side"),
    [
        (condition(local("complete-avulsion"), bodySite=[origin("right")]), RIGHT),
        (condition(concept((ICD, "S32.612A"))), LEFT),
        (condition(concept((ICD, "S32.612A")), bodySite=[origin("right")]), NOT_STATED),
        (condition(local("complete-avulsion")), NOT_STATED),
        (observation(bodySite=origin("left")), LEFT),
    ],
)
def test_its_side(record: dict[str, Any], side: Any) -> None:
    assert [flag.side for flag in facts(pht(), record).flags] == [side]


def test_its_day_and_whether_it_ages() -> None:
    told = condition(local("complete-avulsion"), onsetDateTime=ago(20), recordedDate=ago(5))
    (flag,) = facts(pht(), told).flags
    assert (str(flag.when), flag.observed) == (ago(20), False)
    (seen,) = facts(pht(), observation()).flags
    assert (str(seen.when), seen.observed) == (ago(3), True)
