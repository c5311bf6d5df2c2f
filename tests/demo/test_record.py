from __future__ import annotations

from typing import Any

import pytest

from cds_service.demo.record import Record, resources_of, searchset


def observation(name: str, system: str, code: str, subject: str = "Patient/1") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "subject": {"reference": subject},
        "code": {"coding": [{"system": system, "code": code}]},
    }


RECORD = Record(
    [
        observation("a", "s", "1"),
        observation("b", "s", "2", "https://ehr.example/fhir/Patient/1"),
        observation("c", "t", "1", "Patient/1/_history/4"),
        observation("d", "s", "1", "Patient/11"),
        {
            "resourceType": "Observation",
            "id": "e",
            "category": [{"coding": [{"system": "c", "code": "vital-signs"}]}],
        },
    ]
)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([], "abcde"),
        ([("patient", "1")], "abc"),
        ([("subject", "Patient/1,Patient/11")], "abcd"),
        ([("patient", "1"), ("code", "s|1")], "a"),
        ([("patient", "1"), ("code", "s|1,s|2")], "ab"),
        ([("patient", "1"), ("code", "1")], "ac"),
        ([("patient", "1"), ("code", "t|")], "c"),
        ([("code", "u|1")], ""),
        ([("_id", "a,e")], "ae"),
        ([("status", "final"), ("patient", "11")], "d"),
        ([("category", "vital-signs")], "e"),
        ([("_sort", "-date"), ("patient", "11")], "d"),
    ],
)
def test_search_finds_what_a_fhir_server_would(
    parameters: list[tuple[str, str]], expected: str
) -> None:
    found = RECORD.search("Observation", parameters)
    assert "".join(r["id"] for r in found.matches) == expected


def test_resources_of_bundles_within_bundles_are_found() -> None:
    inner = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}
    bundle = {"entry": [{"resource": inner}, {}, {"resource": None}, {"resource": {"id": "x"}}]}
    assert list(resources_of(bundle)) == [{"resourceType": "Patient"}]


@pytest.mark.parametrize("entry", [None, 1, {}, [1], [{"resource": {"resourceType": []}}]])
def test_a_malformed_bundle_holds_nothing(entry: object) -> None:
    assert list(resources_of({"entry": entry})) == []


def test_a_resource_without_id_is_searched_but_not_read() -> None:
    record = Record([{"resourceType": "Condition"}])
    assert record.read("Condition", "") is None
    assert len(record.search("Condition", []).matches) == 1


def test_an_empty_searchset_has_no_empty_list() -> None:
    assert searchset(RECORD.search("Condition", []), base="x") == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
    }
