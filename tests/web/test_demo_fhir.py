from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

FHIR = "/demo/fhir"


def ids(answer: Any, mode: str = "match") -> list[str]:
    entries = answer.json.get("entry", [])
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == mode]


def test_the_capability_statement_says_r4(demo_client: FlaskClient) -> None:
    answer = demo_client.get(f"{FHIR}/metadata")
    assert answer.content_type == "application/fhir+json"
    assert answer.json["fhirVersion"] == "4.0.1"


def test_a_resource_is_read(demo_client: FlaskClient) -> None:
    assert demo_client.get(f"{FHIR}/Patient/rosa").json["id"] == "rosa"


@pytest.mark.parametrize(
    "path", ["Patient/nobody", "Nonsense", "Nonsense/1", "Patient/rosa/_history"]
)
def test_what_is_not_there_is_an_outcome(demo_client: FlaskClient, path: str) -> None:
    answer = demo_client.get(f"{FHIR}/{path}")
    assert answer.status_code == 404
    assert answer.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("name", ["patient", "subject"])
@pytest.mark.parametrize("value", ["rosa", "Patient/rosa"])
def test_search_by_patient_with_get_and_post(
    demo_client: FlaskClient, name: str, value: str
) -> None:
    got = demo_client.get(f"{FHIR}/Condition?{name}={value}")
    posted = demo_client.post(f"{FHIR}/Condition/_search", data={name: value})
    assert ids(got) == ids(posted) == ["rosa-c"]
    assert got.json["total"] == 1
    assert got.json["entry"][0]["fullUrl"] == "http://localhost/demo/fhir/Condition/rosa-c"


def test_the_patient_list_is_a_search_without_parameters(demo_client: FlaskClient) -> None:
    assert ids(demo_client.get(f"{FHIR}/Patient")) == ["rosa", "bert"]


def test_a_page_has_its_count_the_total_and_the_next(demo_client: FlaskClient) -> None:
    first = demo_client.get(f"{FHIR}/Patient?_count=1")
    assert (ids(first), first.json["total"]) == (["rosa"], 2)
    links = {link["relation"]: link["url"] for link in first.json["link"]}
    second = demo_client.get(links["next"])
    assert ids(second) == ["bert"]
    assert [link["relation"] for link in second.json["link"]] == ["self"]


def test_a_count_of_zero_asks_for_the_total_only(demo_client: FlaskClient) -> None:
    answer = demo_client.get(f"{FHIR}/Patient?_count=0")
    assert answer.json["total"] == 2
    assert "entry" not in answer.json


@pytest.mark.parametrize("count", ["x", "-1", "²", ""])
def test_a_count_that_is_no_number_is_refused(demo_client: FlaskClient, count: str) -> None:
    assert demo_client.get(f"{FHIR}/Patient?_count={count}").status_code == 400


def test_a_medication_is_included_on_request(demo_client: FlaskClient) -> None:
    path = f"{FHIR}/MedicationRequest?patient=rosa&_include=MedicationRequest:medication"
    answer = demo_client.get(path)
    assert ids(answer) == ["rosa-m"]
    assert ids(answer, "include") == ["m"]
    assert answer.json["total"] == 1


def test_a_type_no_patient_has_is_known_to_be_empty(demo_client: FlaskClient) -> None:
    answer = demo_client.get(f"{FHIR}/Procedure?patient=rosa")
    assert answer.json["total"] == 0
    assert "entry" not in answer.json


def test_nothing_can_be_written(demo_client: FlaskClient) -> None:
    assert demo_client.post(f"{FHIR}/Patient", json={}).status_code == 405
    answer = demo_client.put(f"{FHIR}/Patient/rosa", json={})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
