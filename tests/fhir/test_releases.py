"""Content of R5, STU3 and DSTU2 is read into the same facts as in R4."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.demo.patients import DEMO_TODAY
from cds_service.errors import DataUnavailable
from cds_service.fhir.releases import as_r4
from cds_service.fhir.releases.reshape import as_sent
from cds_service.patient.facts import CareKind, Given
from cds_service.patient.when import NO, UNKNOWN, YES
from cds_service.protocol.request import parse
from cds_service.service import answer
from tests.strategies import ago, chart, facts, judge, local, origin, patients, pht, shown
from tools.other_releases import RELEASES, call_in, calls, in_release, to_r5, to_stu3
from tools.refresh_fixtures import FIXTURES, SERVICES, SITE, read

MODELS = {"r5": r5_model, "stu3": stu3_model, "r4": r4_model}
NOT_APPOINTMENTS = sorted(
    file
    for file in FIXTURES.glob("**/request.json")
    if "releases" not in file.relative_to(FIXTURES).parts
)
WRITTEN = [(path, content) for path, content in calls()]
IBUPROFEN = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "5640"}]}


def resources(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for one in value for found in resources(one)]
    if not isinstance(value, dict):
        return []
    inner = [found for one in value.values() for found in resources(one)]
    return (
        [value, *inner] if "resourceType" in value and value["resourceType"] != "Bundle" else inner
    )


def told(call: dict[str, Any]) -> Any:
    """What the cards say, or why there is none; with the reasons of every rule."""
    service = SERVICES[call["hook"]]
    try:
        decision = answer(service, parse(call, hook=service.hook), today=DEMO_TODAY, site=SITE)
    except DataUnavailable as refused:
        return refused.status
    return [
        (o.rule, o.state, o.variant, o.side, o.indicator, o.advice and o.advice.summary)
        for o in decision.outcomes
    ]


@pytest.mark.parametrize("release", ["r5", "stu3"])
@pytest.mark.parametrize("file", NOT_APPOINTMENTS, ids=lambda file: file.parent.name)
def test_every_case_on_file_is_judged_alike_in_each_release(file: Path, release: str) -> None:
    call = read(file)
    assert told(call_in(release, call)) == told(call)


@pytest.mark.parametrize(("file", "content"), WRITTEN, ids=lambda one: getattr(one, "parent", one))
def test_calls_of_other_releases_follow_from_those_in_r4(file: Path, content: str) -> None:
    assert file.read_text(encoding="utf-8") == content, "python -m tools.other_releases"


@pytest.mark.parametrize("release", ["r5", "stu3"])
def test_calls_of_other_releases_are_valid_in_their_release(release: str) -> None:
    checked = 0
    for file in sorted((FIXTURES / "releases").glob(f"{release}-*/request.json")):
        for one in resources(read(file)):
            MODELS[release](one["resourceType"]).model_validate(one)
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("release", ["r5", "stu3"])
def test_an_order_is_changed_in_the_release_it_was_sent_in(release: str) -> None:
    """and a new one is written in R4."""
    kinds = set()
    for file in sorted((FIXTURES / "releases").glob(f"{release}-*/response.json")):
        for card in read(file)["cards"]:
            for suggestion in card.get("suggestions", []):
                for action in suggestion["actions"]:
                    model = MODELS["r4" if action["type"] == "create" else release]
                    if one := action.get("resource"):
                        model(one["resourceType"]).model_validate(one)
                        kinds.add(action["type"])
    assert kinds == {"create", "update"}


@given(patients())
def test_what_is_in_r4_is_passed_on_as_it_is(made: list[dict[str, Any]]) -> None:
    assert [as_r4(one) for one in made] == [None] * len(made)


@settings(deadline=None)
@given(patients(), st.sampled_from(["r5", "stu3", "dstu2"]))
def test_what_was_put_into_r4_is_in_r4(made: list[dict[str, Any]], release: str) -> None:
    for one in made:
        found = as_r4(in_release(copy.deepcopy(one), RELEASES[release]))
        assert found is None or as_r4(found.raw) is None


@settings(deadline=None)
@given(patients(), st.sampled_from(["r5", "stu3"]))
def test_a_patient_gets_the_same_cards_in_each_release(
    made: list[dict[str, Any]], release: str
) -> None:
    # R5 says less of a plan's activity: neither its status nor its dates.
    same = [one for one in made if release == "stu3" or one["resourceType"] != "CarePlan"]
    other = [in_release(copy.deepcopy(one), RELEASES[release]) for one in same]
    assert shown(*other) == shown(*same)


@settings(deadline=None)
@given(patients(), st.sampled_from(["r5", "stu3"]))
def test_what_was_sent_is_not_changed(made: list[dict[str, Any]], release: str) -> None:
    other = [in_release(copy.deepcopy(one), RELEASES[release]) for one in made]
    before = copy.deepcopy(other)
    judge(chart(*other))
    assert other == before


# --- the names an integrator knows ---


def test_a_fault_is_named_as_it_was_sent() -> None:
    broken = pht(assertedDate=17)
    del broken["recordedDate"]
    with pytest.raises(DataUnavailable) as refused:
        judge(chart(broken))
    assert refused.value.issues[0].expression[0].endswith(".assertedDate")


def test_a_fault_within_a_codeable_reference_is_named_as_it_was_sent() -> None:
    record = to_r5(
        {
            "resourceType": "Procedure",
            "id": "x",
            "status": "completed",
            "subject": {"reference": "Patient/p1"},
            "code": local("hsr"),
            "performedPeriod": {"start": ago(60)},
        }
    ) | {"reason": [{"reference": {"reference": "Condition/pht"}}, {"concept": {"text": 5}}]}
    noted = [note.reason for note in facts(pht(), record).noted if note.reference == "Procedure/x"]
    assert noted == ["reason[1].concept.text is not valid FHIR: taken as not stated"]


def test_the_longest_name_counts() -> None:
    names = {"reasonCode": "reason", "reasonCode[1]": "reason[4].concept"}
    assert as_sent("reasonCode[1].coding[0].code", names) == "reason[4].concept.coding[0].code"
    assert as_sent("reasonCode[0].text", names) == "reason[0].text"
    assert as_sent("status", names) == "status"


# --- R5 ---


def statement(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": "s",
        "subject": {"reference": "Patient/p1"},
        "medication": {"concept": IBUPROFEN},
        "status": "recorded",
        **elements,
    }


def adherence(code: str) -> dict[str, Any]:
    return {"adherence": {"code": {"coding": [{"code": code}]}}}


@pytest.mark.parametrize(
    ("elements", "ongoing"),
    [
        ({"effectivePeriod": {"start": ago(40)}}, True),
        ({"effectivePeriod": {"start": ago(40)}, **adherence("taking-as-directed")}, True),
        ({"effectiveDateTime": ago(40)}, False),
        ({"effectiveDateTime": ago(40), **adherence("taking")}, True),
        ({"effectivePeriod": {"start": ago(40)}, **adherence("a-code-of-theirs")}, False),
    ],
)
def test_recorded_for_one_day_does_not_say_that_it_is_still_taken(
    elements: dict[str, Any], ongoing: bool
) -> None:
    (care,) = facts(pht(), statement(**elements)).care
    assert care.kind is CareKind.NSAID
    assert care.ongoing is ongoing


@pytest.mark.parametrize("code", ["not-taking", "stopped", "stopped-as-directed", "on-hold"])
def test_what_is_not_taken_is_not_counted(code: str) -> None:
    read_of = facts(pht(), statement(effectivePeriod={"start": ago(40)}, **adherence(code)))
    assert not read_of.care
    assert any("not counted" in note.reason for note in read_of.noted)


@pytest.mark.parametrize("word", ["occurenceDateTime", "occurrenceDateTime"])
def test_the_day_of_an_administration_is_read_in_either_spelling(word: str) -> None:
    given_one = {
        "resourceType": "MedicationAdministration",
        "id": "a",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "medication": {"concept": IBUPROFEN},
        word: ago(3),
    }
    (care,) = facts(pht(), given_one).care
    assert str(care.start) == ago(3)


@pytest.mark.parametrize(
    ("elements", "doubtful"),
    [
        ({"effectiveDateTime": ago(40)}, True),
        ({"effectiveDateTime": ago(40), **adherence("unknown")}, True),
        ({"effectiveDateTime": ago(40), **adherence("stopped")}, False),
    ],
)
def test_an_anticoagulant_that_may_still_be_taken_is_a_doubt(
    elements: dict[str, Any], doubtful: bool
) -> None:
    warfarin = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11289"}
    read_of = facts(pht(), statement(medication={"concept": {"coding": [warfarin]}}, **elements))
    assert ("an anticoagulant that may still be taken" in read_of.doubts) is doubtful


def test_an_order_that_ended_may_never_have_been_carried_out() -> None:
    made = as_r4({"resourceType": "MedicationRequest", "status": "ended"})
    assert made is not None
    assert made.raw["status"] == "unknown"


def test_an_activity_performed_goes_on_with_its_plan() -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p1"},
        "period": {"start": ago(60)},
        "addresses": [{"reference": {"reference": "Condition/pht"}}],
        "activity": [{"performedActivity": [{"concept": local("hsr")}]}],
    }
    (care,) = facts(pht(), plan).care
    assert (care.kind, care.ongoing) == (CareKind.LOADING, True)


def test_a_medicine_that_is_no_codeable_reference_is_not_known() -> None:
    read_of = facts(pht(), statement(medication="ibuprofen", **adherence("taking")))
    assert not read_of.care
    assert read_of.doubts == ("a medicine being taken whose name was not sent along",)


def test_of_several_sources_the_patient_is_the_one_that_counts() -> None:
    told_by = [{"reference": "Practitioner/x"}, {"reference": "Patient/p1"}]
    made = as_r4(statement(informationSource=told_by))
    assert made is not None
    assert made.raw["informationSource"] == {"reference": "Patient/p1"}


# --- STU3 ---


@pytest.mark.parametrize(
    ("taken", "given_as"), [("y", Given.DONE), ("unk", Given.PERHAPS), ("n", None), ("na", None)]
)
def test_taken_says_whether_it_was(taken: str, given_as: Given | None) -> None:
    record = statement(
        status="active", effectivePeriod={"start": ago(40)}, medicationCodeableConcept=IBUPROFEN
    )
    del record["medication"]
    care = facts(pht(), record | {"taken": taken}).care
    assert [one.given for one in care] == ([given_as] if given_as else [])


@pytest.mark.parametrize(
    ("element", "kind"), [("notDone", "Procedure"), ("notGiven", "MedicationAdministration")]
)
def test_what_was_not_done_is_not_counted(element: str, kind: str) -> None:
    made = as_r4({"resourceType": kind, "status": "completed", element: True})
    assert made is not None
    assert made.raw["status"] == "not-done"
    assert made.names["status"] == element


@pytest.mark.parametrize(
    ("elements", "active"),
    [
        ({"clinicalStatus": "active"}, YES),
        ({"clinicalStatus": "resolved"}, NO),
        ({"abatementBoolean": True}, NO),
        ({"abatementBoolean": False}, YES),
        ({"clinicalStatus": "of-theirs"}, UNKNOWN),
    ],
)
def test_a_bare_clinical_status_and_a_bare_abatement_are_read(
    elements: dict[str, Any], active: Any
) -> None:
    condition = pht()
    del condition["clinicalStatus"]
    (diagnosis,) = facts(condition | elements).diagnoses
    assert diagnosis.active is active


def test_a_referral_request_is_a_referral() -> None:
    referral = {
        "resourceType": "ReferralRequest",
        "id": "r",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "serviceRequested": [local("ortho-referral")],
        "authoredOn": ago(5),
        "reasonReference": [{"reference": "Condition/pht"}],
    }
    (found,) = facts(pht(), referral).referrals
    assert (found.reference, found.status) == ("ReferralRequest/r", "active")


def test_the_dose_on_the_line_itself_is_the_dose() -> None:
    line = {"doseQuantity": {"value": 800, "unit": "mg"}, "text": "800 mg"}
    made = as_r4({"resourceType": "MedicationRequest", "dosageInstruction": [line]})
    assert made is not None
    assert made.raw["dosageInstruction"] == [
        {"text": "800 mg", "doseAndRate": [{"doseQuantity": {"value": 800, "unit": "mg"}}]}
    ]


def test_a_procedure_not_done_in_stu3_is_no_injection() -> None:
    injection = to_stu3(
        {
            "resourceType": "Procedure",
            "id": "i",
            "status": "completed",
            "subject": {"reference": "Patient/p1"},
            "code": local("steroid-inj-hamstring"),
            "bodySite": [origin("left")],
            "performedDateTime": ago(10),
        }
    )
    assert not facts(pht(), injection | {"notDone": True}).injections
