"""Condition and Observation -> findings that question the diagnosis or an injection.

Only coded, unrefuted, active findings (red-flag-differential, steroid-with-tendon-tear). Free-text
imaging is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cds_service.fhir.cautions import CONDITION
from cds_service.fhir.codes import Known, by, codings, items, status_of, texts
from cds_service.fhir.conditions import ACTIVE, NOT_HAD, OVER, encounter_only
from cds_service.fhir.conditions import side as side_of
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import sound
from cds_service.patient.facts import Flag, FlagKind
from cds_service.patient.when import When
from cds_service.terminology import Concept, text

#: answers that deny a finding: words; codes of SNOMED CT (no, negative, absent), LOINC and HL7
NO_WORDS = {"no", "negative", "absent", "none", "not present", "not detected", "normal", "false"}
NO_CODES = {"373067005", "260385009", "2667000", "LA32-8", "N", "NEG", "ND"}
#: elements of an Observation that tell whether the finding is there, and where
OBSERVED = (
    "valueString",
    "valueCodeableConcept",
    "interpretation",
    "dataAbsentReason",
    "bodySite",
)
LOCAL = {
    "complete-avulsion": FlagKind.AVULSION,
    "high-grade-tear": FlagKind.TEAR,
    "acute-pop-bruising": FlagKind.ACUTE_POP,
    "neuro-deficit": FlagKind.NEURO_DEFICIT,
    "cauda-equina": FlagKind.CAUDA_EQUINA,
    "suspected-malignancy": FlagKind.MALIGNANCY,
    "bone-stress-injury": FlagKind.BONE_STRESS,
}


def kind_of(known: Known, concept: Any) -> tuple[FlagKind, Concept] | None:
    """Which finding a code names; neighbour codes only with hamstring text."""
    local = known.within("local-condition")
    if local and local.code in LOCAL:
        return LOCAL[local.code], local
    if fracture := known.within("tear-fracture"):
        return FlagKind.AVULSION_FRACTURE, fracture
    if rupture := known.within("tear-rupture"):
        return FlagKind.TEAR, rupture
    rupture = known.within("tear-rupture", "neighbour")
    mentioned = any(text.mentions_hamstring(w) and not text.is_doubted(w) for w in texts(concept))
    return (FlagKind.TEAR, rupture) if rupture and mentioned else None


def read_condition(reader: Reader, resource: Resource, known: Known) -> None:
    code = resource.raw.get("code")
    found = kind_of(known, code)
    if found is None:
        return
    element = sound("Condition", resource.raw, CONDITION)
    status = status_of(element.get("clinicalStatus"), (*ACTIVE, *OVER))
    abated = any(name.startswith("abatement") for name in element.elements)
    if status_of(element.get("verificationStatus"), NOT_HAD) in NOT_HAD or status in OVER:
        return
    if abated and status not in ACTIVE:
        return
    span = reader.dates.span(element, "onset")
    begun = span.start if span else None
    recorded = reader.dates.when(element.get("recordedDate"))
    flag = _flag(reader, resource, found, begun or recorded)
    visited = encounter_only(element) and status not in ACTIVE
    reader.flags.append(replace(flag, visited=visited, recorded=recorded))


def read_observation(
    reader: Reader, resource: Resource, part: Mapping[str, Any], known: Known, when: When
) -> None:
    """A positive finding: present by its code, unless the value says no.

    `part`: the observation itself, or the component that names the finding.
    """
    found = kind_of(known, part.get("code"))
    if found is None:
        return
    if _says_no(part):
        reader.note(resource, f"{found[0].value}: observed not to be there, or no result")
        return
    reader.flags.append(replace(_flag(reader, resource, found, when), observed=True))


def _says_no(part: Mapping[str, Any]) -> bool:
    if part.get("valueBoolean") is False or part.get("dataAbsentReason") is not None:
        return True
    concepts = [part.get("valueCodeableConcept"), *items(part.get("interpretation"))]
    stated = [part.get("valueString"), *(word for one in concepts for word in texts(one))]
    words = {word.strip().casefold() for word in stated if isinstance(word, str)}
    codes = {code for one in concepts for _, code in codings(one)}
    return bool(words & NO_WORDS or codes & NO_CODES)


def _flag(
    reader: Reader, resource: Resource, found: tuple[FlagKind, Concept], when: When | None
) -> Flag:
    kind, concept = found
    site = reader.site(resource.raw.get("bodySite"))
    return Flag(
        reference=resource.reference,
        label=kind.value,
        recognised_by=by(concept),
        kind=kind,
        side=side_of(reader.codes, resource.raw.get("code"), site),
        when=when,
    )
