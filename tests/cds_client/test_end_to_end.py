"""An EHR with the demo's FHIR server, and the running service: every hook, in every manner."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.demo.patients import DEMO_TODAY, load_cases
from hooks import services
from tests.cds_client.client import Client, Refused, Shown, applied
from tests.cds_client.prefetch import FhirServer, Manner
from tests.conftest import ROOT, Running, Start
from tests.fhir.test_bookings import visit
from tests.orders import ibuprofen
from tests.orders import service as service_request

pytestmark = pytest.mark.slow

CASES = [case.name for case in load_cases()]
CHART_HOOKS = ["patient-view", "encounter-start", "encounter-discharge"]
UNJUDGED = "org.pht-cds.unjudged"
Ehr = Callable[..., Client]


@pytest.fixture
def ehr(demo_server: Running) -> Ehr:
    """A client of the demo, by its manner."""

    def make(**manner: Any) -> Client:
        fhir = FhirServer(f"{demo_server.url}/demo/fhir")
        return Client(demo_server.url, fhir, DEMO_TODAY, Manner(**manner))

    return make


def on_file(case: str) -> dict[str, Any]:
    file = ROOT / "fixtures" / "fhir" / case / "response.json"
    return json.loads(file.read_text(encoding="utf-8"))


def told(shown: list[Shown]) -> list[tuple[str, str]]:
    return sorted((one.rule, one.card["summary"]) for one in shown)


def expected(case: str) -> list[tuple[str, str]]:
    cards = on_file(case)["cards"]
    return sorted((card["source"]["topic"]["code"], card["summary"]) for card in cards)


def open_chart(client: Client, case: str, hook: str = "patient-view") -> list[Shown]:
    return client.trigger(hook, patientId=case, encounterId=f"{case}-visit-today")


def answer(client: Client, case: str, hook: str = "patient-view") -> dict[str, Any]:
    """The whole answer of the service of this hook."""
    (service,) = [one for one in client.services() if one["hook"] == hook]
    context = {"userId": client.user, "patientId": case}
    return client.send(service["id"], client.body(service, context))


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def about(case: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "subject": {"reference": f"Patient/{case}"}}


# --- every hook ---


@pytest.mark.parametrize("case", CASES)
def test_opening_a_chart_shows_the_cards_on_file(ehr: Ehr, case: str) -> None:
    if "cards" in on_file(case):
        assert told(open_chart(ehr(), case)) == expected(case)
        return
    with pytest.raises(Refused) as refused:
        open_chart(ehr(), case)
    assert refused.value.status == 412
    assert refused.value.places


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
def test_a_visit_begins_and_ends_with_what_the_chart_shows(ehr: Ehr, hook: str) -> None:
    shown = open_chart(ehr(), "delayed-referral", hook)
    assert told(shown) == expected("delayed-referral")


def test_signing_a_steroid_too_many_is_stopped_and_the_draft_taken_back(ehr: Ehr) -> None:
    draft = about("steroid-overuse", service_request("request-123"))
    shown = ehr().trigger("order-sign", patientId="steroid-overuse", draftOrders=bundle(draft))
    assert [one.rule for one in shown][:1] == ["steroid-count-limit"]
    suggestions = shown[0].card["suggestions"]
    (deleting,) = [one for one in suggestions if one["actions"][0]["type"] == "delete"]
    assert applied([draft], deleting) == []


def test_a_dose_that_is_lowered_is_no_longer_too_high(ehr: Ehr) -> None:
    draft = about("on-track", ibuprofen(1000, identity="request-123"))
    context = {"patientId": "on-track", "draftOrders": bundle(draft)}
    (first,) = ehr().trigger("order-sign", **context)
    assert first.rule == "nsaid-dose-over-limit"
    drafts = applied([draft], first.card["suggestions"][0])
    assert len(drafts) == 1
    assert ehr().trigger("order-sign", **context | {"draftOrders": bundle(*drafts)}) == []


def test_only_the_selected_draft_is_judged(ehr: Ehr) -> None:
    steroid = about("steroid-overuse", service_request("one"))
    other = about("steroid-overuse", ibuprofen(400, identity="two"))
    context = {"patientId": "steroid-overuse", "draftOrders": bundle(steroid, other)}
    chosen = ehr().trigger("order-select", **context, selections=["ServiceRequest/one"])
    assert "steroid-count-limit" in [one.rule for one in chosen]
    assert ehr().trigger("order-select", **context, selections=["MedicationRequest/two"]) == []


def test_an_order_is_judged_again_as_it_is_dispatched(ehr: Ehr) -> None:
    """Placed in the EHR after all; the read-only demo cannot hold it, so the client adds it."""
    client, name = ehr(), "ServiceRequest/placed"
    (service,) = [one for one in client.services() if one["hook"] == "order-dispatch"]
    context = {"patientId": "steroid-overuse", "dispatchedOrders": [name], "performer": "Group/1"}
    body = client.body(service, context)
    with pytest.raises(Refused) as refused:
        client.send(service["id"], body)
    assert refused.value.places == ["context.dispatchedOrders[0]"]
    order = about("steroid-overuse", service_request("placed", status="active"))
    body["prefetch"]["serviceRequests"] = bundle(order)
    cards = client.send(service["id"], body)["cards"]
    assert "steroid-count-limit" in [card["source"]["topic"]["code"] for card in cards]


def test_an_injection_that_is_booked_is_counted(ehr: Ehr) -> None:
    patient = {"actor": {"reference": "Patient/steroid-overuse"}, "status": "tentative"}
    booking = visit(participant=[patient])
    shown = ehr().trigger(
        "appointment-book", patientId="steroid-overuse", appointments=bundle(booking)
    )
    assert "steroid-count-limit" in [one.rule for one in shown]


def test_a_diagnosis_being_added_brings_its_plan(ehr: Ehr) -> None:
    client = ehr()
    condition = client.fhir.ask("GET", "Condition/newly-diagnosed-pht")
    shown = client.trigger(
        "problem-list-item-create", patientId="newly-diagnosed", conditions=bundle(condition)
    )
    assert [one.rule for one in shown] == ["initial-plan"]


def test_every_hook_that_is_offered_was_triggered_here(ehr: Ehr) -> None:
    offered = {service["hook"] for service in ehr().services()}
    orders = {"order-select", "order-sign", "order-dispatch"}
    assert offered == {*CHART_HOOKS, *orders, "appointment-book", "problem-list-item-create"}
    assert offered == {service.hook for service in services()}


# --- every manner of prefetch ---

WHOLE = {
    "searches by GET": {"post": False},
    "sends null for what is empty": {"empty_as_null": True},
    "sends all pages": {"page": 2, "all_pages": True},
}


@pytest.mark.parametrize("case", ["steroid-overuse", "bilateral", "recurrent", "us-core-text"])
@pytest.mark.parametrize("manner", WHOLE.values(), ids=WHOLE)
def test_the_same_chart_gets_the_same_cards_in_any_manner(
    ehr: Ehr, case: str, manner: dict[str, Any]
) -> None:
    assert told(open_chart(ehr(**manner), case)) == expected(case)


def test_the_client_sees_what_a_server_does_not_hold(ehr: Ehr) -> None:
    """A key whose read fails is left out, is null, or is an OperationOutcome."""
    for failed, left in (("drop", ...), ("null", None), ("outcome", "OperationOutcome")):
        client = ehr(failed=failed)
        (service,) = [one for one in client.services() if one["hook"] == "patient-view"]
        context = {"userId": client.user, "patientId": "nobody"}
        patient = client.body(service, context)["prefetch"].get("patient", ...)
        assert (patient["resourceType"] if isinstance(patient, dict) else patient) == left
        with pytest.raises(Refused) as refused:
            client.send(service["id"], client.body(service, context))
        assert refused.value.status == 412


# --- what the user sees and does ---


@pytest.mark.parametrize("case", ["steroid-overuse", "newly-diagnosed"])
def test_a_card_reads_as_a_user_needs_it(ehr: Ehr, case: str) -> None:
    for shown in open_chart(ehr(), case):
        first, *rest = shown.lines()
        assert first.startswith(f"{shown.card['indicator'].upper()}: ")
        assert any(line.startswith("Source: ") for line in rest)
        assert any(line.startswith("Not now: ") for line in rest)


def test_the_same_visit_shows_the_same_card_under_the_same_id(ehr: Ehr) -> None:
    client = ehr()
    (service,) = [one for one in client.services() if one["hook"] == "patient-view"]
    body = client.body(service, {"userId": client.user, "patientId": "delayed-referral"})
    assert client.send(service["id"], body) == client.send(service["id"], body)


def test_what_a_user_does_with_a_card_is_remembered(start: Start) -> None:
    """On a server of its own: what is dismissed on the shared one would be missed by others."""
    running = start("demo")
    client = Client(running.url, FhirServer(f"{running.url}/demo/fhir"), DEMO_TODAY)
    (warning, *_), (info,) = open_chart(client, "bilateral"), open_chart(client, "week-6")
    told = [
        client.accept(warning),
        client.accept(warning),  # every further click is told again
        client.dismiss(warning),
        client.dismiss(info, comment="Discussed with the patient."),
    ]
    assert [answer.status_code for answer in told] == [200, 200, 200, 200]
    assert open_chart(client, "week-6") == []
    assert warning.rule in [one.rule for one in open_chart(client, "bilateral")]
    client.user = "Practitioner/somebody-else"
    assert [one.rule for one in open_chart(client, "week-6")] == [info.rule]


# --- what is neither sent nor to be had ---


def silent(client: Client) -> Client:
    """It does not tell of its FHIR server."""
    client.tells_server = False
    return client


@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_without_a_required_key_the_call_is_refused(ehr: Ehr, key: str) -> None:
    with pytest.raises(Refused) as refused:
        answer(silent(ehr(drops=frozenset({key}))), "delayed-referral")
    assert refused.value.status == 412
    assert refused.value.places == [f"prefetch.{key}"]


def test_without_an_optional_key_the_answer_says_what_was_not_judged(ehr: Ehr) -> None:
    client = silent(ehr(drops=frozenset({"serviceRequests"})))
    given = answer(client, "delayed-referral")
    unjudged = {one["rule"] for one in given["extension"][UNJUDGED]["rules"]}
    assert "surgical-referral-overdue" in unjudged
    assert given["cards"] == []


def test_a_first_page_alone_is_not_taken_for_the_whole(ehr: Ehr) -> None:
    with pytest.raises(Refused) as refused:
        answer(silent(ehr(page=1)), "steroid-overuse")
    assert refused.value.places == ["prefetch.conditions"]


def test_no_template_suffers_from_a_client_that_joins_repeated_parameters(ehr: Ehr) -> None:
    for service in ehr().services():
        for template in service["prefetch"].values():
            names = [part.partition("=")[0] for part in template.partition("?")[2].split("&")]
            assert len(set(names)) == len(names)
