"""What is taken without asking fhir.resources is what fhir.resources takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.plain import are_plain
from cds_service.fhir.sound import REQUIRED, _clashing, _faults, _model

TOKENS = st.sampled_from(
    [
        "completed",
        "active",
        "x y",
        "",
        " ",
        "-",
        "http://snomed.info/sct",
        "a\nb",
        "é",
        "Z9.1",
        "#1",
    ]
)
DATES = st.one_of(
    st.sampled_from(
        "2026 2026-03 2026-03-02 2026-02-30 0000-01-01 2026-03-02T10:00:00Z 2026-03-02T25:00:00Z"
        " 2026-03-02T10:00:00+14:00 2026-03-02T10:00:00+99:00 2026-03-02T10:00Z 2026-3-2"
        " 2026-03-02T10:00:00.123456789Z 2026-03-02T24:00:00Z 2026-03-02T10:00:60Z".split()
    ),
    st.dates().map(str),
    st.integers(),
)
TEXTS = st.one_of(st.text(max_size=5), TOKENS, st.none(), st.booleans(), st.integers())
CODINGS = st.dictionaries(
    st.sampled_from(["system", "code", "display", "version", "userSelected", "id", "odd"]),
    st.one_of(TOKENS, TEXTS),
    max_size=3,
)
OBJECTS = st.dictionaries(
    st.sampled_from("coding text start end reference display type value unit system code".split()),
    st.one_of(TEXTS, DATES, st.floats(allow_nan=False), st.lists(CODINGS, max_size=2), CODINGS),
    max_size=3,
)
VALUES = st.one_of(
    TOKENS,
    DATES,
    TEXTS,
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    OBJECTS,
    st.lists(OBJECTS, max_size=2),
    st.lists(TOKENS, max_size=2),
)
ELEMENTS = (
    "status code bodySite category birthDate recordedDate onsetString onsetDateTime authoredOn"
    " performedPeriod reasonReference valueQuantity valueInteger valueBoolean reportedBoolean"
    " doNotPerform lifecycleStatus description medicationCodeableConcept issued intent"
).split()


@given(st.sampled_from(sorted(REQUIRED)), st.sampled_from(ELEMENTS), VALUES)
def test_fhir_resources_finds_no_fault_in_what_is_plain(kind: str, name: str, value: Any) -> None:
    if are_plain(_model(kind), {name: value}):
        assert not _faults(kind, {name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("Procedure", "status", "completed"),
        ("Procedure", "performedPeriod", {"start": "2025-12-16"}),
        ("Procedure", "bodySite", [{"coding": [{"system": "s", "code": "c"}], "text": "Right"}]),
        ("Condition", "recordedDate", "2026-06-12T16:40:00Z"),
        ("Condition", "code", {"text": "Proximal hamstring tendinopathy"}),
        ("Observation", "valueQuantity", {"value": 61.5, "unit": "points"}),
        ("MedicationRequest", "reportedBoolean", False),
        ("ServiceRequest", "reasonReference", [{"reference": "Condition/x", "display": "PHT"}]),
    ],
)
def test_what_ehrs_send_every_day_is_plain(kind: str, name: str, value: Any) -> None:
    assert are_plain(_model(kind), {name: value})
    assert not _faults(kind, {name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("Procedure", "bodySite", {"text": "Right"}),
        ("Procedure", "performedDateTime", "2026-02-30"),
        ("Procedure", "performedDateTime", 2026),
        ("Procedure", "code", {}),
        ("Procedure", "code", {"text": "x", "odd": 1}),
        ("Observation", "component", [{}]),
    ],
)
def test_whatever_is_not_plain_is_left_to_fhir_resources(kind: str, name: str, value: Any) -> None:
    assert not are_plain(_model(kind), {name: value})


def test_two_of_one_choice_clash_however_plain() -> None:
    assert _clashing({"onsetDateTime": "2026-01-01", "onsetString": "in winter"}) == [
        "onsetDateTime",
        "onsetString",
    ]
