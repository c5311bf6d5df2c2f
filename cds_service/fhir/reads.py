"""What is read of each resource type: its elements, and the value sets its codes are looked up in.

Put together from what the readers declare. A test reads every fixture and fails when a reader looks
at an element or a value set that is not told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.fhir import (
    aim,
    careplans,
    cautions,
    conditions,
    drafts,
    flags,
    goals,
    medications,
    observations,
    orders,
    procedures,
    reader,
)


@dataclass(frozen=True, slots=True)
class Reads:
    """Of one resource type, each once: JSON names of elements, names of value sets."""

    elements: tuple[str, ...]
    value_sets: tuple[str, ...] = ()


_OWNER = ("id", "meta", "subject")
_SITE = ("hamstring-origin", "confirming-site", "body-site", "laterality")
_PHT = ("local-condition", "pht", "pht-condition", "hamstring-strain-rupture-avulsion")
_REASON = (*_PHT, *reader.OTHER_REASONS)
_FLAGS = ("local-condition", "tear-fracture", "tear-rupture")
_ROUTE = ("route-local", "route-other", "route-systemic", "route-topical")
_STEROID = (
    "corticosteroid-ingredient",
    "corticosteroid-injectable-product",
    "corticosteroid-hcpcs",
)
_DRUGS = (
    *_STEROID,
    "nsaid-ingredient",
    "nsaid-injectable",
    "nsaid-topical",
    "anticoagulant",
)


def _of(elements: tuple[str, ...], *value_sets: str) -> Reads:
    return Reads(tuple(dict.fromkeys((*_OWNER, *elements))), tuple(dict.fromkeys(value_sets)))


def _medication(resource_type: str, *more: str) -> Reads:
    drug = ("medicationCodeableConcept", "medicationReference", "contained")
    elements = (*drug, *medications.NEEDED[resource_type], *more)
    return _of(elements, *_DRUGS, *_ROUTE, *_SITE, *_REASON)


READS: Mapping[str, Reads] = {
    "Patient": Reads(("id", "birthDate", "deceasedBoolean", "deceasedDateTime", "link")),
    "Condition": _of(
        (*conditions.NEEDED, *cautions.CONDITION),
        *_REASON,
        *_SITE,
        *_FLAGS,
        *cautions.VALUE_SETS,
    ),
    "Procedure": _of(
        procedures.NEEDED, *procedures.RELEVANT, "not-loading", *_STEROID, *_SITE, *_REASON
    ),
    "ServiceRequest": _of(
        (*orders.NEEDED, *drafts.SERVICE),
        *orders.RELEVANT,
        "surgical-specialty",
        "physio-specialty",
        *drafts.STEPS,
        *aim.INJECTIONS,
        *_STEROID,
        *_FLAGS,
        *_SITE,
        *_REASON,
    ),
    "MedicationRequest": _medication("MedicationRequest", *drafts.MEDICATION),
    "MedicationStatement": _medication("MedicationStatement"),
    "MedicationAdministration": _medication("MedicationAdministration"),
    "CarePlan": _of(careplans.NEEDED, *careplans.RELEVANT, *_SITE, *_REASON),
    "Goal": _of(goals.NEEDED, "local-goal", *_REASON),
    "AllergyIntolerance": Reads(
        ("id", "meta", "patient", *cautions.ALLERGY), ("nsaid-ingredient", "aspirin")
    ),
    "Observation": _of(
        (*observations.NEEDED, *flags.OBSERVED),
        "local-observation",
        *observations.RELEVANT,
        *_FLAGS,
        *_SITE,
    ),
    "Appointment": _of(
        (
            "status",
            "serviceType",
            "reasonCode",
            "reason",
            "reasonReference",
            "start",
            "requestedPeriod",
            "participant",
        ),
        *aim.INJECTIONS,
        *_STEROID,
        *_SITE,
        *_REASON,
    ),
}
