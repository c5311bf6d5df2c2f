from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.demo.patients import load_cases, whole_record
from cds_service.errors import SettingsError


def write(directory: Path, *resources: dict[str, Any], about: dict[str, str] | None = None) -> None:
    directory.mkdir()
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}
    (directory / "record.json").write_text(json.dumps(bundle))
    if about:
        (directory / "about.json").write_text(json.dumps(about))


def patient(name: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": name}


def test_cases_come_by_directory_name_with_their_words(tmp_path: Path) -> None:
    write(tmp_path / "b", patient("2"))
    write(tmp_path / "a", patient("1"), about={"title": "A title", "story": "A story"})
    (tmp_path / "boundary-only").mkdir()
    first, second = load_cases(tmp_path)
    assert (first.patient_id, first.title, first.story) == ("1", "A title", "A story")
    assert (second.patient_id, second.title, second.story) == ("2", "b", "")


@pytest.mark.parametrize(
    "resources",
    [[], [patient("1"), patient("2")], [patient("1"), {"resourceType": "Condition"}]],
)
def test_a_faulty_record_stops_the_start(tmp_path: Path, resources: list[dict[str, Any]]) -> None:
    write(tmp_path / "a", *resources)
    with pytest.raises(SettingsError, match=r"record\.json"):
        load_cases(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_record_that_is_no_object_stops_the_start(tmp_path: Path, text: str) -> None:
    write(tmp_path / "a", patient("1"))
    (tmp_path / "a" / "record.json").write_text(text)
    with pytest.raises(SettingsError, match=r"record\.json"):
        load_cases(tmp_path)


def test_cases_may_share_a_resource_but_not_an_id(tmp_path: Path) -> None:
    doctor = {"resourceType": "Practitioner", "id": "d"}
    write(tmp_path / "a", patient("1"), doctor)
    write(tmp_path / "b", patient("2"), doctor)
    assert len(whole_record(load_cases(tmp_path)).of_type("Practitioner")) == 1
    write(tmp_path / "c", patient("3"), doctor | {"active": True})
    with pytest.raises(SettingsError, match="Practitioner/d is not unique"):
        whole_record(load_cases(tmp_path))
