"""What was not prefetched is fetched, over real sockets, from servers that behave and misbehave."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import DataUnavailable
from cds_service.fhir.client import FhirClient
from cds_service.fhir.policy import Policy, normal
from cds_service.protocol.request import HookRequest
from cds_service.service import answer
from hooks.order_dispatch import SERVICE as DISPATCH
from hooks.order_sign import SERVICE as SIGN
from hooks.patient_view import SERVICE
from tests.fhir import servers
from tests.fhir.servers import FakeFhir, serving, until
from tests.strategies import (
    IBUPROFEN,
    RXNORM,
    SITE,
    TODAY,
    chart,
    concept,
    fired,
    loading,
    patient,
    pht,
    prescription,
    resource,
)

pytestmark = pytest.mark.slow
OVERDUE = ["surgical-referral-overdue warning"]
TOKEN = "token-that-nobody-may-see"
UNJUDGED = "org.pht-cds.unjudged"


@pytest.fixture
def fake() -> Iterator[FakeFhir]:
    """A patient who gets one card."""
    record = {"Patient": [patient()], "Condition": [pht()], "Procedure": [loading(since=200)]}
    with serving(FakeFhir(record)) as made:
        yield made


@pytest.fixture
def clients() -> Iterator[list[FhirClient]]:
    made: list[FhirClient] = []
    yield made
    for one in made:
        one.close()


@pytest.fixture
def ask(fake: FakeFhir, clients: list[FhirClient]) -> Any:
    """Calls patient-view with `prefetch`; further arguments are limits of the policy."""

    def call(
        prefetch: Any = None, access: Any = None, service: Any = SERVICE, **limits: Any
    ) -> Any:
        base = normal(fake.url)
        context = limits.pop("context", {})
        resolve = limits.pop("resolve", socket.getaddrinfo)
        only = {"servers": frozenset({base}), "private": frozenset({base}), "deadline": 20.0}
        clients.append(FhirClient(Policy(**{**only, **limits}), resolve=resolve))
        request = HookRequest(
            hook=service.hook,
            hook_instance="c316efae-69b0-4666-995c-8494082b1dec",
            context={"patientId": "p1", "userId": "Practitioner/1", **context},
            prefetch=prefetch or {},
            fhir_server=fake.url,
            fhir_authorization=access,
        )
        return answer(service, request, today=TODAY, site=SITE, client=clients[-1])

    return call


def without(*keys: str) -> dict[str, Any]:
    whole = chart(pht(), loading(since=200))
    return {key: value for key, value in whole.items() if key not in keys}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def reasons(decision: Any) -> str:
    return str(decision.response(explain=True)["extension"])


@pytest.mark.requirement("2.0-34")
def test_without_any_prefetch_everything_is_fetched_and_judged_alike(ask: Any) -> None:
    fetched, sent = ask(), ask(without())
    assert fired(fetched) == fired(sent) == OVERDUE
    assert UNJUDGED not in fetched.response().get("extension", {})


@pytest.mark.requirement("3.0-12")
def test_what_was_sent_and_what_is_known_to_be_empty_is_not_asked_for(
    ask: Any, fake: FakeFhir
) -> None:
    assert fired(ask(without("procedures") | {"goals": None})) == OVERDUE
    assert [path.split("?")[0] for path in fake.paths()] == ["/fhir/Procedure"]


@pytest.mark.requirement("2.0-52")
def test_what_came_as_an_error_is_asked_for(ask: Any) -> None:
    broken = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    assert fired(ask(without() | {"procedures": broken})) == OVERDUE


@pytest.mark.requirement("2.0-61")
def test_the_pages_after_the_one_sent_are_fetched_with_the_token(ask: Any, fake: FakeFhir) -> None:
    sent = without()
    first = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": f"{fake.url}/Procedure?p=2"}],
    }
    assert fired(ask(sent | {"procedures": first}, {"access_token": TOKEN})) == OVERDUE
    [(_, path, headers)] = fake.asked
    assert path == "/fhir/Procedure?p=2"
    assert headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "where",
    [
        *("http://127.0.0.1:1/fhir/x", "https://elsewhere.example/fhir/Procedure?p=2"),
        *("/other/Procedure", "../admin", "//127.0.0.1:1/fhir/x", "http://x@127.0.0.1/fhir"),
        *("%2e%2e/x", "file:///etc/x"),
    ],
)
def test_a_next_link_that_leads_elsewhere_is_not_followed(
    ask: Any, fake: FakeFhir, where: str
) -> None:
    fake.answers["Procedure"] = servers.next_at(where)
    decision = ask(without("procedures"), {"access_token": TOKEN})
    assert "surgical-referral-overdue" in str(decision.response()["extension"][UNJUDGED])
    assert "leads away" in reasons(decision)
    assert len(fake.asked) == 1


FAULTS = {
    "drip body": (servers.drip_body, "took too long"),
    "drip head": (servers.drip_head, "took too long"),
    "stall": (servers.stall, "took too long"),
    "huge": (servers.huge, "more than 100000 bytes"),
    "endless": (servers.endless, "more than 3 pages"),
    "html": (servers.html, "not plain FHIR JSON"),
    "redirect": (servers.status(302, Location="http://127.0.0.1:1/"), "a redirect (302)"),
    "denied": (servers.status(403), "answered 403"),
    "broken": (servers.status(500), "answered 500"),
    "busy twice": (servers.status(503), "busy (503)"),
    "busy too long": (servers.status(429, Retry_After="600"), "busy (429)"),
    "outcome": (servers.outcome, "an OperationOutcome instead of data"),
    "no search": (lambda h: h.send(patient()), "is no Bundle"),
    "no FHIR": (lambda h: h.send(["x"]), "is no FHIR resource"),
    "said twice": (servers.said_twice, "not plain FHIR JSON"),
    "packed": (lambda h: h.send({}, Content_Encoding="gzip"), "not plain FHIR JSON"),
}


def short(how: str) -> float:
    """Seconds: no longer than needed where the deadline itself is what is tried."""
    return 4.0 if "too long" in FAULTS[how][1] else 30.0


@pytest.mark.requirement("2.0-54")
@pytest.mark.parametrize("how", FAULTS)
def test_when_required_data_cannot_be_fetched_the_key_and_the_reason_are_named(
    ask: Any, fake: FakeFhir, how: str
) -> None:
    fake.answers["Condition"], why = FAULTS[how]
    with pytest.raises(DataUnavailable) as refused:
        ask(deadline=short(how), size=100_000, pages=3)
    [issue] = refused.value.issues
    assert issue.expression == ("prefetch.conditions",)
    assert why in issue.diagnostics


@pytest.mark.parametrize("how", FAULTS)
def test_when_optional_data_cannot_be_fetched_the_rest_is_judged_and_it_is_said(
    ask: Any, fake: FakeFhir, how: str
) -> None:
    fake.answers["Goal"], why = FAULTS[how]
    decision = ask(deadline=short(how), size=100_000, pages=3)
    assert fired(decision) == OVERDUE
    assert why in reasons(decision)


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_server_is_asked_once_more(ask: Any, fake: FakeFhir, code: int) -> None:
    fake.answers["Procedure"] = servers.once(servers.status(code, Retry_After="0"))
    assert fired(ask(without("procedures"))) == OVERDUE
    assert len(fake.asked) == 2


def test_another_patients_resource_refuses_the_call(ask: Any, fake: FakeFhir) -> None:
    fake.record["Procedure"] = [loading(since=200, subject={"reference": "Patient/other"})]
    with pytest.raises(DataUnavailable) as refused:
        ask()
    [issue] = refused.value.issues
    assert issue.expression == ("fhirServer.procedures[0].entry[0].resource.subject.reference",)


@pytest.mark.requirement("3.0-23")
@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("patient/Procedure.rs", True),
        ("patient/*.read", True),
        ("user/Procedure.*", True),
        ("system/*.cruds", True),
        ("openid patient/Condition.rs", False),
        ("patient/Procedure.r", False),
        ("patient/Procedure.write", False),
        ("patient/ProcedureX.rs", False),
    ],
)
def test_only_what_the_token_grants_is_asked_for(
    ask: Any, fake: FakeFhir, scope: str, asked: bool
) -> None:
    decision = ask(without("procedures"), {"access_token": TOKEN, "scope": scope})
    assert bool(fake.asked) is asked
    assert fired(decision) == (OVERDUE if asked else [])
    assert asked or "the token does not grant searching Procedure" in reasons(decision)


def test_what_a_token_grants_in_part_is_read_but_absence_is_not_concluded(ask: Any) -> None:
    scope = "patient/ServiceRequest.rs?category=http://x|y"
    decision = ask(without("serviceRequests"), {"access_token": TOKEN, "scope": scope})
    assert "surgical-referral-overdue" in str(decision.response()["extension"][UNJUDGED])


@pytest.mark.requirement("3.0-25")
@pytest.mark.parametrize("life", [0, -5])
def test_an_expired_token_is_not_used(ask: Any, fake: FakeFhir, life: int) -> None:
    decision = ask(without("procedures"), {"access_token": TOKEN, "expires_in": life})
    assert fake.asked == []
    assert "the access token has expired" in reasons(decision)


def test_neither_token_nor_patient_is_logged(
    ask: Any, fake: FakeFhir, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cds_service")
    fake.answers["Goal"] = servers.status(500)
    ask({}, {"access_token": TOKEN, "scope": "patient/*.rs"})
    lines = [vars(record) for record in caplog.records if record.name == "cds_service.fetch"]
    assert {line["type"]: line["outcome"] for line in lines}["Goal"] == "status"
    assert len(lines) == len(SERVICE.prefetch)
    told = str(lines)
    assert TOKEN not in told
    assert "p1" not in told
    assert fake.url not in told


def test_a_server_that_is_not_registered_is_not_asked(ask: Any, fake: FakeFhir) -> None:
    decision = ask(without("procedures"), servers=frozenset())
    assert fake.asked == []
    assert "fhirServer is not one that this service may ask" in reasons(decision)


def test_a_server_on_a_private_address_is_not_asked_unless_registered_as_such(
    ask: Any, fake: FakeFhir
) -> None:
    decision = ask(without("procedures"), private=frozenset())
    assert fake.asked == []
    assert "address is not one this service may call" in reasons(decision)


def test_a_name_that_changes_its_address_between_check_and_use_gains_nothing(
    ask: Any, fake: FakeFhir
) -> None:
    """Resolved once, and the address that was checked is the one connected to."""
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    assert fired(ask(without("procedures"), resolve=rebinding)) == OVERDUE
    assert len(asked) == 1
    assert "169.254.169.254" not in reasons(again := ask(without("procedures"), resolve=rebinding))
    assert "address is not one this service may call" in reasons(again)


def test_a_name_with_one_forbidden_address_among_others_is_not_asked(
    ask: Any, fake: FakeFhir
) -> None:
    def mixed(host: str, port: int, **_: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("127.0.0.1", "169.254.169.254")
        ]

    assert fired(ask(without("procedures"), resolve=mixed)) == []
    assert fake.asked == []


def test_proxies_of_the_environment_are_not_used(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fired(ask()) == OVERDUE


def test_connections_are_used_again(ask: Any, fake: FakeFhir, clients: list[FhirClient]) -> None:
    ask(connections=1)
    assert len(fake.asked) == len(SERVICE.prefetch)
    assert len(fake.peers) == 1


@pytest.mark.parametrize("how", ["drip body", "drip head", "stall"])
def test_a_server_that_never_ends_leaves_no_busy_thread_and_no_socket_behind(
    ask: Any, fake: FakeFhir, clients: list[FhirClient], how: str
) -> None:
    for kind in ("Condition", "Procedure", "Goal", "CarePlan", "Observation"):
        fake.answers[kind] = FAULTS[how][0]
    before = open_files()
    with pytest.raises(DataUnavailable):
        ask(deadline=0.5)
    client = clients[0]
    free = client.threads.submit(lambda: True)
    assert free.result(timeout=30)
    client.close()  # waits for every thread: a held one would hang the test
    assert not [t for t in threading.enumerate() if t.name.startswith("fetch")]
    fake.stopped.set()
    assert until(lambda: open_files() <= before)


def test_medications_that_no_search_included_are_read(ask: Any, fake: FakeFhir) -> None:
    drug = prescription("m1", None, medicationCodeableConcept=None)
    drug["medicationReference"] = {"reference": "Medication/ibu"}
    fake.record["MedicationRequest"] = [drug]
    fake.record["Medication"] = [resource("Medication", "ibu")]
    ask()
    assert "/fhir/Medication/ibu" in fake.paths()


def draft(**more: Any) -> dict[str, Any]:
    return resource("MedicationRequest", "m1", status="draft", intent="order", **more)


METFORMIN = draft(medicationCodeableConcept=concept((RXNORM, "6809"), text="metformin"))
UNSEEN = draft(medicationReference={"reference": "Medication/x"})
SEEN = draft(medicationReference={"reference": "#c"}) | {
    "contained": [{"resourceType": "Medication", "id": "c", "code": {"text": "metformin"}}]
}


@pytest.mark.parametrize(
    ("drafts", "chart_is_fetched"),
    [
        ([], False),
        ([METFORMIN], False),
        ([SEEN], False),
        ([draft(doNotPerform=True, medicationCodeableConcept={"text": "metformin"})], False),
        ([draft(medicationCodeableConcept=concept(IBUPROFEN))], True),
        ([METFORMIN, draft(medicationCodeableConcept=concept(IBUPROFEN)) | {"id": "m2"}], True),
        ([UNSEEN], True),
    ],
)
def test_for_drafts_no_rule_can_speak_of_no_chart_is_fetched(
    ask: Any, fake: FakeFhir, drafts: list[dict[str, Any]], chart_is_fetched: bool
) -> None:
    entries = [{"resource": one} for one in drafts]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    decision = ask(service=SIGN, context={"draftOrders": bundle})
    assert bool(fake.asked) is chart_is_fetched
    assert decision.silence or chart_is_fetched
    assert not decision.cards


def dispatch(reference: str) -> dict[str, Any]:
    return {"dispatchedOrders": [reference], "performer": "Organization/o"}


def test_a_dispatched_order_that_is_not_in_the_call_is_read(ask: Any, fake: FakeFhir) -> None:
    order = resource("ServiceRequest", "s9", status="active", intent="order")
    fake.answers["ServiceRequest/s9"] = lambda handler: handler.send(order)
    ask(without(), service=DISPATCH, context=dispatch("ServiceRequest/s9"))
    assert fake.paths() == ["/fhir/ServiceRequest/s9"]


def test_a_dispatched_order_of_another_patient_is_refused(ask: Any, fake: FakeFhir) -> None:
    order = resource("ServiceRequest", "s9", subject={"reference": "Patient/other"})
    fake.record["ServiceRequest"] = [order]
    with pytest.raises(DataUnavailable) as refused:
        ask(without(), service=DISPATCH, context=dispatch("ServiceRequest/s9"))
    assert "context.patientId" in str(refused.value)


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:1/fhir/ServiceRequest/s9", "x/../../ServiceRequest/s9"]
)
def test_a_dispatched_order_elsewhere_is_not_read(ask: Any, fake: FakeFhir, reference: str) -> None:
    with pytest.raises(DataUnavailable):
        ask(without(), service=DISPATCH, context=dispatch(reference))
    assert fake.asked == []
