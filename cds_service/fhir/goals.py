"""Goal -> an active goal of return to full activity (return-to-activity-checklist)."""

from __future__ import annotations

from typing import Any

from cds_service.fhir.codes import by, first_code, texts
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import Goal
from cds_service.patient.sides import NOT_STATED, Laterality
from cds_service.terminology.tables import stated_side

NEEDED = ("lifecycleStatus", "achievementStatus", "description", "startDate", "addresses")
#: STU3 says in-progress; a goal on hold is not being pursued
ACTIVE = ("accepted", "active", "in-progress", "planned")
RETURN = "return-to-full-activity"


def read(reader: Reader, resource: Resource) -> None:
    described = resource.raw.get("description")
    concept = reader.codes.known(described).within("local-goal")
    if concept is None or concept.code != RETURN:
        return
    element = sound("Goal", resource.raw, NEEDED)
    if fault := element.fault_in("lifecycleStatus", "description"):
        reader.cannot_read(resource, fault)
        return
    status = first_code(element.get("lifecycleStatus"))
    achieved = first_code(element.get("achievementStatus")) == "achieved"
    if status not in ACTIVE or achieved:
        reader.note(resource, "a goal that is not active, or achieved")
        return
    if reader.addresses(element.get("addresses")).elsewhere:
        reader.note(resource, "a goal for another condition")
        return
    reader.goals.append(
        Goal(
            reference=resource.reference,
            label=concept.words,
            recognised_by=by(concept),
            side=_side(reader, described, element),
            when=reader.dates.when(element.get("startDate")),
        )
    )


def _side(reader: Reader, described: Any, element: Sound) -> Laterality:
    """The side its words name, else that of the diagnosis it addresses."""
    stated = Laterality.of(stated_side(words) for words in texts(described))
    named = reader.links(element.get("addresses"))
    sides = {d.side for d in reader.diagnoses if d.reference in named}
    return sides.pop() if stated is NOT_STATED and len(sides) == 1 else stated
