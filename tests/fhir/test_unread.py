"""Entries that nobody reads are left in the body: every answer is as if they had been read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.errors import CdsError
from cds_service.fhir import unread
from cds_service.fhir.read import READERS
from cds_service.fhir.resources import Evidence, gather
from cds_service.fhir.unread import SAYS, Unread
from cds_service.service import answer
from cds_service.terminology import default_terminology
from cds_service.web.wire import Limits, parse_json
from hooks.order_dispatch import SERVICE as DISPATCH
from hooks.patient_view import SERVICE
from tests.strategies import (
    ICD,
    KEYS,
    SCT,
    SITE,
    TODAY,
    UNRELATED,
    Resource,
    ago,
    altered,
    chart,
    concept,
    entries,
    injection,
    judge,
    loading,
    patients,
    pht,
    request,
    resource,
)

LIMITS = Limits(body=10_000_000, resources=10_000, string=1_000_000)
KEEP = unread.leaving(default_terminology())
COLONOSCOPY = concept((SCT, "73761001"), text="Colonoscopy")


def addressed(prefetch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each entry with the fullUrl servers give it, between two that count for nothing.

    The first and the last entry of a Bundle are read with what is around it.
    """
    for key, listed in entries(prefetch):
        for number, entry in enumerate(listed):
            one = entry["resource"]
            named = one.get("id") if isinstance(one, dict) else None
            entry["fullUrl"] = f"https://ehr.example/{key}/{named or number}"
        rim = [{"fullUrl": f"urn:{key}:{end}", "resource": None} for end in ("first", "last")]
        listed[:] = [{"fullUrl": one.pop("fullUrl"), **one} for one in (rim[0], *listed, rim[1])]
    return prefetch


def received(prefetch: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """The prefetch as it comes out of a body."""
    body = orjson.dumps({"prefetch": addressed(prefetch)})
    read: dict[str, Any] = parse_json(body, LIMITS, None if whole else KEEP)["prefetch"]
    return read


def gathered(*resources: Resource) -> Evidence:
    return gather(SERVICE.prefetch, received(chart(*resources)), "p1")


def told(prefetch: Mapping[str, Any]) -> Any:
    """The whole answer with its reasons, or why there is none."""
    try:
        return judge(prefetch).response(explain=True)
    except CdsError as error:
        return type(error).__name__, error.issues


def both(*resources: Resource) -> tuple[Any, Any]:
    """What is told of a chart read entry by entry, and of the same chart read as a whole."""
    return told(received(chart(*resources))), told(received(chart(*resources), whole=True))


LAW = settings(max_examples=150, derandomize=True, deadline=None)


@LAW
@given(patients(), st.lists(st.sampled_from(UNRELATED).flatmap(altered), max_size=4))
def test_a_chart_is_judged_the_same_whatever_is_left_unread(
    made: list[Resource], odd: list[Any]
) -> None:
    strange = [one for one in odd if isinstance(one, dict) and one.get("resourceType") in [*KEYS]]
    by_entry, as_a_whole = both(*made, *UNRELATED, *strange)
    assert by_entry == as_a_whole


def test_most_unrelated_records_are_left_unread() -> None:
    evidence = gathered(pht(), *UNRELATED)
    of_types = {name.split("/")[0] for name in evidence.unread}
    assert of_types == {one["resourceType"] for one in UNRELATED} & SAYS.keys()
    assert [one.reference for one in evidence.of("Condition")] == ["Condition/pht"]


def test_every_type_it_speaks_of_has_a_reader() -> None:
    assert SAYS.keys() <= {"Condition", *READERS}


def silent(kind: str, **elements: Any) -> Resource:
    return resource(kind, "one", **{SAYS[kind][0]: COLONOSCOPY}, **elements)


@pytest.mark.parametrize("kind", sorted(SAYS))
def test_what_no_value_set_knows_is_left_unread(kind: str) -> None:
    evidence = gathered(silent(kind))
    assert list(evidence.unread) == [f"{kind}/one"]
    assert evidence.of(kind) == []


@pytest.mark.parametrize(
    ("kind", "element"), [(kind, one) for kind in sorted(SAYS) for one in sorted(SAYS[kind][1])]
)
def test_what_may_say_more_is_read(kind: str, element: str) -> None:
    assert not gathered(silent(kind, **{element: []})).unread


@pytest.mark.parametrize(
    "elements",
    [
        {"id": "not an id"},
        {"id": None},
        {"patient": {"reference": "Patient/p1"}},
        {"subject": {"identifier": {"value": "1"}}},
        {"subject": {"reference": ""}},
        {"status": "aborted"},  # of STU3
        {"notDone": True},  # of STU3
        {"occurrenceDateTime": "2026-01-01"},  # of R5
        {"code": {"text": 5}},
        {"code": concept((ICD, "M76.891"), text="Colonoscopy")},
    ],
    ids=str,
)
def test_what_is_odd_or_of_another_release_is_read(elements: Resource) -> None:
    made = {**resource("Procedure", "one", code=COLONOSCOPY), **elements}
    assert not gathered({name: one for name, one in made.items() if one is not None}).unread


@pytest.mark.parametrize("newest", ["2026-05-01T00:00:00Z", "2026-03-01T00:00:00Z"])
def test_of_two_versions_the_later_counts_though_it_says_nothing(newest: str) -> None:
    written = injection("twice", ago(10)) | {"meta": {"lastUpdated": "2026-04-01T00:00:00Z"}}
    corrected = {**written, "code": COLONOSCOPY, "meta": {"lastUpdated": newest}}
    del corrected["bodySite"]
    for order in ((written, corrected), (corrected, written), (corrected, corrected, written)):
        by_entry, as_a_whole = both(pht(), loading(), *order)
        assert by_entry == as_a_whole
        counted = gathered(pht(), *order).by_type["Procedure"]
        assert (counted[0].raw["code"] == COLONOSCOPY) == (newest > "2026-04")


def test_another_patients_record_refuses_the_call_though_nobody_reads_it() -> None:
    foreign = silent("Procedure", subject={"reference": "Patient/p2"})
    by_entry, as_a_whole = both(pht(), foreign)
    assert by_entry == as_a_whole
    kind, issues = by_entry
    assert kind == "DataUnavailable"
    assert issues[0].expression == ("prefetch.procedures.entry[1].resource.subject.reference",)


@pytest.mark.parametrize("way", ["Condition/other", "https://ehr.example/conditions/other"])
def test_an_unread_condition_is_still_the_reason_of_another_record(way: str) -> None:
    other = resource(
        "Condition", "other", code=concept((ICD, "M77.11"), text="Lateral epicondylitis")
    )
    shot = injection("i", ago(10), None, reasonReference=[{"reference": way}])
    assert "Condition/other" in gathered(pht(), other).unread
    by_entry, as_a_whole = both(pht(), other, shot, loading())
    assert by_entry == as_a_whole
    named = gathered(pht(), other).find(way)
    assert named is not None
    assert (named.reference, named.raw) == ("Condition/other", other)


def test_a_dispatched_order_that_nobody_reads_is_found() -> None:
    order = resource(
        "ServiceRequest", "xray", status="active", intent="order", code={"text": "Chest X-ray"}
    )
    read = received(chart(pht(), order))
    assert any(isinstance(one, Unread) for one in read[KEYS["ServiceRequest"]]["entry"])
    sent = request(read, dispatchedOrders=["ServiceRequest/xray"], performer="Practitioner/1")
    decision = answer(DISPATCH, sent, today=TODAY, site=SITE)
    assert decision.silence == "no order of this call is one this service speaks of"
