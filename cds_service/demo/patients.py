"""The demo patients: one directory each, with a record and words about it.

    <case>/record.json   a Bundle of type collection: the Patient and the whole record
    <case>/about.json    {"title": ..., "story": ..., "today": "2026-06-15"}

A wheel carries them inside the package; a checkout has them in fixtures/fhir. Directories
without a record are other fixtures, and are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.demo.record import Record, Resource, resources_of
from cds_service.errors import SettingsError

IN_PACKAGE = Path(__file__).parent / "fixtures"
IN_CHECKOUT = Path(__file__).parents[2] / "fixtures" / "fhir"

# The date all demo patients are written around.
DEMO_TODAY = date(2026, 6, 15)


@dataclass(frozen=True, slots=True)
class Case:
    """One demo patient and their story."""

    name: str
    title: str
    story: str
    patient: Resource
    resources: tuple[Resource, ...]

    @property
    def patient_id(self) -> str:
        """The id of the Patient."""
        return str(self.patient["id"])


def load_cases(directory: Path | None = None) -> tuple[Case, ...]:
    """All demo patients, by directory name. Raises SettingsError for a faulty fixture."""
    place = directory or (IN_PACKAGE if IN_PACKAGE.is_dir() else IN_CHECKOUT)
    return tuple(_load(file.parent) for file in sorted(place.glob("*/record.json")))


def whole_record(cases: Iterable[Case]) -> Record:
    """One record over all cases. Raises SettingsError when two use the same id differently."""
    held: dict[tuple[str, str], Resource] = {}
    for case in cases:
        for resource in case.resources:
            key = (resource["resourceType"], str(resource.get("id")))
            if held.setdefault(key, resource) != resource:
                raise SettingsError(f"Demo patient {case.name}: {'/'.join(key)} is not unique")
    return Record(held.values())


def _load(directory: Path) -> Case:
    resources = tuple(resources_of(_read(directory / "record.json")))
    patients = [r for r in resources if r["resourceType"] == "Patient"]
    if len(patients) != 1 or not all("id" in resource for resource in resources):
        raise SettingsError(f"{directory}: record.json needs one Patient, and an id everywhere")
    file = directory / "about.json"
    about = _read(file) if file.exists() else {}
    return Case(
        name=directory.name,
        title=about.get("title", directory.name),
        story=about.get("story", ""),
        patient=patients[0],
        resources=resources,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"{file}: is not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: must hold an object")
    return content
