"""Draft orders as EHRs and the sandbox send them: older names, malformed, foreign, incomplete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.cards import Change
from cds_service.errors import CdsError, DataUnavailable
from cds_service.fhir.change import graded, postponed, reduced, stopped
from cds_service.protocol.request import parse
from cds_service.service import answer
from cds_service.settings import Settings
from cds_service.web import create_app
from hooks import order_select, order_sign
from tests.conftest import DATA
from tests.orders import (
    LOADED,
    UCUM,
    actions,
    ahead,
    card,
    changed,
    dosage,
    given,
    ibuprofen,
    medicine,
    mg,
    named,
    of,
    ordered,
    request,
    service,
    sign,
)
from tests.strategies import (
    IBUPROFEN,
    KENALOG,
    SITE,
    TODAY,
    chart,
    concept,
    entries,
    local,
    origin,
    pht,
    resource,
)

LEFT = [pht(), LOADED]
OVER = [*LEFT, *given(300, 200, 100)]
COUNT, DOSE, INTERVAL = "steroid-count-limit", "nsaid-dose-over-limit", "steroid-interval"
RECORDED = sorted((DATA / "sandbox" / "recorded").glob("order-*.json"))


def older(made: dict[str, Any], kind: str, **names: str) -> dict[str, Any]:
    """A DSTU2 or STU3 resource: another type, other names."""
    renamed = {names.get(key, key): value for key, value in made.items()}
    return {**renamed, "resourceType": kind}


# --- the recorded calls of the sandbox ---


@pytest.mark.parametrize("file", RECORDED, ids=lambda f: f.stem)
def test_what_the_sandbox_sends_is_answered(file: Any) -> None:
    body = json.loads(file.read_text(encoding="utf-8"))["body"]
    hook = body["hook"]
    chosen = order_select.SERVICE if hook == "order-select" else order_sign.SERVICE
    made = answer(chosen, parse(body, hook=hook), today=TODAY, site=SITE)
    assert made.cards == []
    assert made.silence


def test_the_recorded_calls_are_here() -> None:
    assert len(RECORDED) >= 8


# --- shapes ---


def test_dstu2_medication_order() -> None:
    line = {
        "timing": {"repeat": {"frequency": 4, "period": 1, "periodUnits": "d"}},
        "doseQuantity": {"value": 2, "system": UCUM, "code": "{pill}"},
    }
    draft = older(medicine(drug=IBUPROFEN, dosageInstruction=[line]), "MedicationOrder",
                  subject="patient")  # fmt: skip
    assert of(DOSE, LEFT, draft) == ["over-2400 warning"]
    made = card(DOSE, sign(LEFT, draft))
    (lowered,) = changed(made)
    assert lowered["resourceType"] == "MedicationOrder"
    (changed_line,) = lowered["dosageInstruction"]
    assert changed_line["timing"]["repeat"] == {"frequency": 3, "period": 1, "periodUnits": "d"}
    assert changed_line["doseQuantity"]["value"] == 400
    assert "doseAndRate" not in changed_line
    assert of(DOSE, LEFT, lowered) == []


def test_dstu2_steroid_with_its_site() -> None:
    draft = older(
        medicine(dosageInstruction=[{"siteCodeableConcept": origin("left")}]), "MedicationOrder"
    )
    assert of(COUNT, OVER, draft) == ["critical"]
    assert changed(card(COUNT, sign(OVER, draft)), "delete") == ["MedicationOrder/m1"]


@pytest.mark.parametrize("name", ["occurrenceDateTime", "scheduledDateTime"])
def test_stu3_and_dstu2_procedure_request(name: str) -> None:
    draft = older(service(**{name: ahead(5)}), "ProcedureRequest")
    records = [*LEFT, *given(20)]
    assert of(INTERVAL, records, draft) == ["under-4-weeks warning"]
    (moved,) = changed(card(INTERVAL, sign(records, draft)))
    assert moved == {**draft, name: ahead(22)}


def test_procedure_request_and_medication_order_are_one_order() -> None:
    drafts = (older(service(), "ProcedureRequest"), older(medicine(), "MedicationOrder"))
    made = sign(OVER, *drafts)
    assert changed(card(COUNT, made), "delete") == ["ProcedureRequest/d1", "MedicationOrder/m1"]


def test_dstu2_reason() -> None:
    draft = older(medicine(), "MedicationOrder")
    elsewhere = {**draft, "reasonCodeableConcept": {"text": "Knee arthritis"}}
    assert of(COUNT, OVER, elsewhere) == []
    assert of(COUNT, OVER, {**draft, "reasonCodeableConcept": local("pht")}) == ["critical"]


@pytest.mark.parametrize(
    "elements",
    [
        {"category": {"coding": [{"code": "community"}]}},
        {"intent": None},
        {"reasonCode": {}},
        {"reasonCode": []},
        {"reasonCode": local("pht")},
        {"bodySite": origin("left")},
        {"subject": None},
        {"occurrenceTiming": "x", "note": "n"},
    ],
    ids=str,
)
def test_malformed_elements_are_looked_at_one_by_one(elements: dict[str, Any]) -> None:
    assert of(COUNT, OVER, service(**elements)) == ["critical"]


@pytest.mark.parametrize(
    "draft",
    [
        resource("MedicationRequest", "request-123", status="draft"),
        resource("ServiceRequest", "x", code={"coding": [{}]}, reasonCode=[]),
        resource("ServiceRequest", "x", code="steroid"),
        resource("ServiceRequest", "x"),
        resource("MedicationRequest", "x", medicationReference={"reference": "Medication/none"}),
        resource("NutritionOrder", "x"),
        {"resourceType": "ServiceRequest"},
    ],
    ids=str,
)
def test_drafts_that_say_nothing_yet(draft: dict[str, Any]) -> None:
    made = sign(OVER, draft)
    assert (made.cards, made.unjudged()) == ([], [])
    assert made.silence


@pytest.mark.parametrize("how", ["contained", "beside", "full"])
def test_the_medication_may_be_a_resource_of_its_own(how: str) -> None:
    drug = {"resourceType": "Medication", "id": "k", "code": concept(KENALOG)}
    wanted = {"contained": "#k", "beside": "Medication/k", "full": "https://x.org/Medication/k"}
    draft = medicine(medicationCodeableConcept=None, medicationReference={"reference": wanted[how]})
    beside = () if how == "contained" else (drug,)
    if how == "contained":
        draft["contained"] = [drug]
    assert of(COUNT, OVER, draft, *beside) == ["critical"]
    selected = ["MedicationRequest/m1"]
    chosen = ordered(OVER, draft, *beside, hook="order-select", selections=selected)
    assert chosen == ["steroid-count-limit critical"]


@pytest.mark.parametrize("selection", ["ServiceRequest/d1", "https://x.org/f/ServiceRequest/d1"])
def test_a_selection_by_any_form_of_its_name(selection: str) -> None:
    assert ordered(OVER, service(), hook="order-select", selections=[selection])


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
@pytest.mark.parametrize("drafts", [None, {}, {"resourceType": "Bundle"}, []])
def test_no_drafts_is_no_order(hook: str, drafts: Any) -> None:
    service_of = order_select.SERVICE if hook == "order-select" else order_sign.SERVICE
    asked = request(chart(*OVER), hook=hook)
    context = {k: v for k, v in asked.context.items() if k not in ("draftOrders", "selections")}
    if drafts:
        context["draftOrders"] = drafts
    body = {"hook": hook, "hookInstance": asked.hook_instance, "context": context}
    made = answer(service_of, parse(body, hook=hook), today=TODAY, site=SITE)
    assert made.response() == {"cards": []}


# --- incomplete and foreign ---


def test_an_order_for_something_else_needs_no_chart() -> None:
    biotin = medicine(drug=(KENALOG[0], "308743"))
    assert sign([], biotin, prefetch={}).response() == {"cards": []}


@pytest.mark.parametrize("gone", ["patient", "conditions"])
def test_a_relevant_order_without_patient_or_conditions_is_refused(gone: str) -> None:
    sent = chart(*OVER)
    del sent[gone]
    with pytest.raises(DataUnavailable):
        sign([], service(), prefetch=sent)


@pytest.mark.parametrize("gone", ["procedures", "medications"])
def test_a_relevant_order_without_its_history_is_not_called_well(gone: str) -> None:
    sent = chart(*LEFT)
    keys = [key for key in sent if key == gone or (gone == "medications" and key[:10] == gone[:10])]
    for key in keys:
        del sent[key]
    made = sign([], service(), prefetch=sent)
    assert made.cards == []
    assert COUNT in {one["rule"] for one in made.unjudged()}


@pytest.mark.parametrize("element", ["subject", "patient"])
def test_another_patients_draft_refuses_the_call(element: str) -> None:
    draft = {**service(), element: {"reference": "Patient/other"}}
    with pytest.raises(DataUnavailable):
        sign(OVER, draft)


# --- what a suggestion writes ---


def test_what_is_changed_is_valid_r4_where_the_draft_was() -> None:
    MedicationRequest.model_validate(reduced(ibuprofen(900)))
    MedicationRequest.model_validate(postponed(medicine(), TODAY))
    MedicationRequest.model_validate(stopped(ibuprofen(400)))
    ServiceRequest.model_validate(postponed(service(occurrenceTiming={"event": [ahead(1)]}), TODAY))
    ServiceRequest.model_validate(graded(service(code="return-to-activity-clearance")))


def test_the_day_of_a_drug_moves_with_its_line() -> None:
    line = {"site": origin("left"), "text": "once"}
    moved = postponed(medicine(dosageInstruction=[line, {"text": "rest"}]), TODAY)
    assert moved["dosageInstruction"] == [
        {**line, "timing": {"event": ["2026-06-15"]}},
        {"text": "rest"},
    ]
    malformed = postponed(medicine(dosageInstruction=line), TODAY)
    assert malformed["dosageInstruction"] == [{**line, "timing": {"event": ["2026-06-15"]}}]


@pytest.mark.requirement("2.0-3")
def test_nothing_null_or_empty_is_written() -> None:
    moved = postponed(
        {
            **service(),
            "note": None,
            "reasonCode": [],
            "code": {"coding": [{}, local("x")["coding"][0]]},
        },
        TODAY,
    )
    assert "note" not in moved
    assert "reasonCode" not in moved
    assert moved["code"] == local("x")


def test_no_draft_is_changed_in_place() -> None:
    draft = ibuprofen(900)
    before = json.dumps(draft)
    sign(LEFT, draft)
    assert json.dumps(draft) == before


def test_every_change_has_its_words() -> None:
    assert len({change.value for change in Change}) == len(Change)


# --- whatever is sent ---

ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just("2026-06-20"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["coding", "code", "text", "event", "repeat", "start", "reference", "value",
                         "numerator", "doseQuantity", "timing", "site", "route", "resourceType"]),
        inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
ELEMENTS = (
    "status", "code", "bodySite", "occurrenceDateTime", "occurrencePeriod", "occurrenceTiming",
    "reasonCode", "reasonReference", "dosageInstruction", "dispenseRequest", "medicationReference",
    "medicationCodeableConcept", "priorPrescription", "doNotPerform", "contained",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@examples(st.data())
def test_no_draft_whatever_its_shape_breaks_the_answer(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([service(), medicine(), ibuprofen(900),
                                      service(code="return-to-activity-clearance")]))  # fmt: skip
    names = data.draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=3, unique=True))
    draft = {**base, **{name: data.draw(ANY) for name in names}}
    try:
        made = sign([*LEFT, *given(20)], draft)
    except CdsError:
        return
    assert all(len(one["summary"]) < 140 for one in made.cards)
    text = json.dumps([a for one in made.cards for a in actions(one)])
    assert ": null" not in text  # a status may be the word "null"


def test_the_dosage_helper_is_sound() -> None:
    assert dosage(400)["doseAndRate"][0]["doseQuantity"] == mg(400)
    assert named(sign([pht()], ibuprofen(400))) == []


# --- a draft and a record of the chart with the same id ---


def posted(draft: dict[str, Any], *records: dict[str, Any]) -> Any:
    """The answer to a body as EHRs write it: on one line, each entry with its fullUrl."""
    prefetch = chart(*LEFT, *given(10), *records)
    for key, listed in entries(prefetch):
        url = f"https://ehr.example/{key}"
        rim = [{"fullUrl": f"{url}/{end}", "resource": None} for end in ("first", "last")]
        own = [{"fullUrl": f"{url}/{one['resource']['id']}", **one} for one in listed]
        listed[:] = (rim[0], *own, rim[1])
    sent = request(prefetch, draft)
    body = {
        "hook": "order-sign",
        "hookInstance": sent.hook_instance,
        "context": sent.context,
        "prefetch": prefetch,
    }
    app = create_app(Settings.load(auth="open", today=TODAY.isoformat()), [order_sign.SERVICE])
    return app.test_client().post(
        f"/cds-services/{order_sign.SERVICE.id}",
        data=json.dumps(body, separators=(",", ":")),
        content_type="application/json",
    )


def unrelated(identity: str) -> dict[str, Any]:
    """A prescription that no value set knows, newer than any draft."""
    return resource(
        "MedicationRequest",
        identity,
        status="active",
        intent="order",
        medicationCodeableConcept={"text": "Paracetamol 500 mg"},
        meta={"lastUpdated": "2026-06-14T09:00:00Z"},
    )


@pytest.mark.parametrize("identity", ["m1", "another"])
def test_a_draft_is_judged_though_the_chart_has_another_record_of_its_id(identity: str) -> None:
    answered = posted(medicine("m1", KENALOG), unrelated(identity))
    topics = [one["source"]["topic"]["code"] for one in answered.json["cards"]]
    assert INTERVAL in topics


@pytest.mark.parametrize("identity", ["m1", "another"])
def test_another_patients_draft_is_refused_though_the_chart_has_its_id(identity: str) -> None:
    foreign = medicine("m1", KENALOG, subject={"reference": "Patient/p2"})
    answered = posted(foreign, unrelated(identity))
    assert answered.status_code == 412
    (issue,) = answered.json["issue"]
    assert issue["expression"] == ["context.draftOrders.entry[0].resource.subject.reference"]
