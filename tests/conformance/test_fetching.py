"""Data the client did not send (CDS Hooks: Prefetch Template, FHIR Resource Access).

The running service fetches from a FHIR server of the test that wants a token for every request.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.conformance.caller import Answer, Call, Caller, over_http, post
from tests.conformance.calls import VIEW, overdue
from tests.conformance.exchange import rules, unjudged
from tests.conformance.fhir_server import FhirServer, serving
from tests.conftest import Running, Start
from tests.strategies import ago, loading, patient, pht, procedure, referral

pytestmark = pytest.mark.slow

TOKEN = "c0ffee-transient-token"
RULE = "surgical-referral-overdue"
Change = Callable[[dict[str, Any]], None]

#: the referral, which silences the rule, is on the second page
REFERRALS = [
    *(referral(f"old{n}", 900 + n, status="revoked") for n in range(2)),
    referral("new", 10),
]
CHART = {
    "Patient": [patient()],
    "Condition": [pht()],
    "Procedure": [loading(since=200), procedure("x", {"text": "Office visit"}, ago(20))],
    "ServiceRequest": REFERRALS,
}


@dataclass(frozen=True)
class Ehr:
    """The service as an EHR calls it, and the EHR's FHIR server."""

    service: Caller
    fhir: FhirServer
    running: Running

    def call(self, *drops: str, **changed: Any) -> Answer:
        """A call of patient-view whose prefetch lacks `drops`; `changed` of the authorization."""
        return self.send(self.body(*drops, **changed))

    def body(self, *drops: str, **changed: Any) -> dict[str, Any]:
        sent = overdue()
        for key in drops:
            del sent["prefetch"][key]
        access = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300}
        access |= {"scope": "patient/*.rs", "subject": "cds-service", "patient": "p1"}
        told = {name: value for name, value in (access | changed).items() if value is not None}
        return sent | {"fhirServer": self.fhir.url, "fhirAuthorization": told}

    def send(self, body: dict[str, Any]) -> Answer:
        self.fhir.asked.clear()
        return post(self.service, VIEW, body)


@pytest.fixture(scope="module")
def ehr(start: Start) -> Iterator[Ehr]:
    with serving(TOKEN, CHART) as fhir:
        allowed = {"CDS_SERVICE_FHIR_SERVERS": fhir.url, "CDS_SERVICE_FHIR_PRIVATE": fhir.url}
        running = start("demo", CDS_SERVICE_FETCH_DEADLINE="10", **allowed)
        yield Ehr(over_http(running.url), fhir, running)


# --- checks ---


def what_one_key_lacks_is_fetched_and_nothing_else(ehr: Ehr) -> None:
    answer = ehr.call("serviceRequests")
    assert answer.status == 200
    assert RULE not in rules(answer)
    assert RULE not in unjudged(answer)
    assert set(ehr.fhir.types()) == {"ServiceRequest"}
    assert RULE in rules(ehr.call())
    assert ehr.fhir.asked == []


def a_chart_without_any_prefetch_is_fetched(ehr: Ehr) -> None:
    answer = ehr.call(*overdue()["prefetch"])
    assert answer.status == 200
    assert {"Patient", "Condition", "Procedure", "ServiceRequest"} <= set(ehr.fhir.types())
    assert not unjudged(answer)


def further_pages_are_fetched_with_the_token(ehr: Ehr) -> None:
    """The first page holds two revoked referrals; the one that counts is on the next."""
    sent = ehr.body()
    sent["prefetch"]["serviceRequests"] = ehr.fhir.page("ServiceRequest")
    answer = ehr.send(sent)
    assert RULE not in rules(answer)
    assert RULE not in unjudged(answer)
    assert ehr.fhir.types() == ["ServiceRequest"]


def every_request_carries_the_token(ehr: Ehr) -> None:
    ehr.call(*overdue()["prefetch"])
    assert ehr.fhir.asked
    assert {one.authorization for one in ehr.fhir.asked} == {f"Bearer {TOKEN}"}


def the_token_serves_one_call_and_stays_nowhere(ehr: Ehr) -> None:
    ehr.call("serviceRequests")
    sent = ehr.body("serviceRequests")
    del sent["fhirAuthorization"]
    assert RULE in unjudged(ehr.send(sent))
    assert all(one.authorization is None for one in ehr.fhir.asked)
    kept = [file for file in ehr.running.log.parent.rglob("*") if file.is_file()]
    assert ehr.running.log in kept
    assert not [file for file in kept if TOKEN.encode() in file.read_bytes()]


def scopes_of_both_versions_of_smart_are_kept_to(ehr: Ehr) -> None:
    for scope in ("patient/ServiceRequest.read", "patient/ServiceRequest.rs", "user/*.read"):
        assert RULE not in unjudged(ehr.call("serviceRequests", scope=scope)), scope
        assert ehr.fhir.asked
    for scope in ("patient/Observation.read", "patient/ServiceRequest.c", "launch openid"):
        assert RULE in unjudged(ehr.call("serviceRequests", scope=scope)), scope
        assert ehr.fhir.asked == []


def an_expired_token_is_not_used_and_one_for_another_patient_refused(ehr: Ehr) -> None:
    assert RULE in unjudged(ehr.call("serviceRequests", expires_in=0))
    assert ehr.fhir.asked == []
    answer = ehr.call("serviceRequests", patient="p2")
    assert answer.status == 400
    assert answer.json["issue"][0]["expression"] == ["fhirAuthorization.patient"]
    assert ehr.fhir.asked == []


def a_token_without_a_server_is_refused(ehr: Ehr) -> None:
    sent = ehr.body()
    del sent["fhirServer"]
    answer = ehr.send(sent)
    assert answer.status == 400
    assert answer.json["issue"][0]["expression"] == ["fhirServer"]


CHECKS = {
    what_one_key_lacks_is_fetched_and_nothing_else: ("2.0-34", "3.0-11"),
    a_chart_without_any_prefetch_is_fetched: ("2.0-34", "3.0-11"),
    further_pages_are_fetched_with_the_token: ("3.0-13",),
    every_request_carries_the_token: ("2.0-61",),
    the_token_serves_one_call_and_stays_nowhere: ("3.0-24",),
    scopes_of_both_versions_of_smart_are_kept_to: ("3.0-23",),
    an_expired_token_is_not_used_and_one_for_another_patient_refused: ("3.0-25",),
    a_token_without_a_server_is_refused: ("3.0-26",),
}


def named(check: Callable[..., None]) -> str:
    return check.__name__.replace("_", "-")


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(one, id=named(one), marks=pytest.mark.requirement(*requirements))
        for one, requirements in CHECKS.items()
    ],
)
def test_the_running_server_sees_to_it_that(check: Any, ehr: Ehr) -> None:
    check(ehr)


# --- stubs ---


def changing(ehr: Ehr, change: Change) -> Ehr:
    """The service, reached by calls that are changed on their way."""

    def call(sent: Call) -> Answer:
        body = copy.deepcopy(sent.body)
        change(body)
        return ehr.service(replace(sent, body=body))

    return replace(ehr, service=call)


def _all_or_nothing(body: dict[str, Any]) -> None:
    """Where some prefetch was sent, nothing is fetched."""
    linked = any("link" in (value or {}) for value in body["prefetch"].values())
    if body["prefetch"] and not linked and "fhirServer" in body:
        del body["fhirServer"]
        body.pop("fhirAuthorization", None)


def _first_page_only(body: dict[str, Any]) -> None:
    for value in body["prefetch"].values():
        (value or {}).pop("link", None)


def _pages_without_token(body: dict[str, Any]) -> None:
    if any("link" in (value or {}) for value in body["prefetch"].values()):
        del body["fhirAuthorization"]


def _remembering() -> Change:
    kept: dict[str, Any] = {}

    def change(body: dict[str, Any]) -> None:
        kept.update(body.get("fhirAuthorization", {}))
        if kept and "fhirServer" in body:
            body.setdefault("fhirAuthorization", dict(kept))

    return change


STUBS: dict[str, tuple[str, Callable[[Ehr], None], Change]] = {
    "fetches all or nothing": (
        "3.0-11",
        what_one_key_lacks_is_fetched_and_nothing_else,
        _all_or_nothing,
    ),
    "reads the first page only": (
        "3.0-13",
        further_pages_are_fetched_with_the_token,
        _first_page_only,
    ),
    "asks for pages without the token": (
        "3.0-13",
        further_pages_are_fetched_with_the_token,
        _pages_without_token,
    ),
    "remembers the token": (
        "3.0-24",
        the_token_serves_one_call_and_stays_nowhere,
        _remembering(),
    ),
}


@pytest.mark.parametrize(
    ("check", "change"),
    [
        pytest.param(check, change, id=name, marks=pytest.mark.notices(requirement))
        for name, (requirement, check, change) in STUBS.items()
    ],
)
def test_a_stub_is_noticed_that(check: Any, change: Change, ehr: Ehr) -> None:
    with pytest.raises(AssertionError):
        check(changing(ehr, change))


#: what looks at the authorization of a call that lacks a single key
ON_ONE_KEY = {
    an_expired_token_is_not_used_and_one_for_another_patient_refused,
    scopes_of_both_versions_of_smart_are_kept_to,
}


@pytest.mark.parametrize(
    ("own", "change"),
    [pytest.param(check, change, id=name) for name, (_, check, change) in STUBS.items()],
)
def test_a_stub_breaks_nothing_else_that(own: Any, change: Change, ehr: Ehr) -> None:
    stub = changing(ehr, change)
    entailed = ON_ONE_KEY if change is _all_or_nothing else set()
    for check in CHECKS:
        if check not in entailed | {own}:
            check(stub)
