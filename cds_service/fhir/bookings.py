"""Appointments being booked -> the steroid injections they are for (G12).

An appointment's service type or reason names the injection; its start is the planned date. R4 names
a reason `reasonCode`, STU3 `reason`; of R5 both it and the service type may hold a reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cds_service.fhir.aim import INJECTIONS
from cds_service.fhir.codes import Site, items, texts
from cds_service.fhir.drafts import as_sent, steroid_order
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound
from cds_service.fhir.steroids import drug_of
from cds_service.patient.facts import Order, Place
from cds_service.patient.when import Answer
from cds_service.terminology import text

#: an appointment in one of these will not take place, or has
NOT_BOOKED = ("cancelled", "entered-in-error", "fulfilled", "noshow")


def read(reader: Reader, drafts: list[Resource], disease: Answer) -> tuple[Order, ...]:
    """One order of a steroid injection for each appointment that names one."""
    booked = (
        d for d in drafts if d.type == "Appointment" and d.raw.get("status") not in NOT_BOOKED
    )
    return tuple(order for draft in booked for order in _booked(reader, draft, disease))


def _booked(reader: Reader, draft: Resource, disease: Answer) -> Iterator[Order]:
    stated = [*_concepts(draft.raw, "serviceType"), *_reasons(draft.raw)]
    named = [concept for concept in stated if _names_injection(reader, concept)]
    if not named:
        return
    request = draft._replace(raw=_as_request(draft.raw, named))
    site = reader.sided(_site(reader, stated, named), Sound(request.raw))
    for order in steroid_order(reader, request, site, disease):
        yield replace(order, drafts=(as_sent(reader, draft),))


def _names_injection(reader: Reader, concept: Mapping[str, Any]) -> bool:
    known = reader.codes.known(concept)
    drug = drug_of(reader, concept)
    steroid = drug is not None and drug.drug_class == "corticosteroid"
    return steroid or any(known.within(name, None) for name in INJECTIONS)


def _as_request(raw: Mapping[str, Any], named: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The appointment with the elements of an order."""
    periods = [one for one in items(raw.get("requestedPeriod")) if isinstance(one, Mapping)]
    references = [one.get("reference") for one in items(raw.get("reason")) if isinstance(one, dict)]
    made = {
        "code": {"coding": [coding for one in named for coding in items(one.get("coding"))]},
        "reasonCode": [one for one in _reasons(raw) if one not in named],
        "reasonReference": [
            *items(raw.get("reasonReference")),
            *(one for one in references if isinstance(one, dict)),
        ],
        "occurrenceDateTime": raw.get("start"),
        "occurrencePeriod": periods[0] if periods and not raw.get("start") else None,
    }
    return {name: value for name, value in made.items() if value}


def _reasons(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*_concepts(raw, "reasonCode"), *_concepts(raw, "reason")]


def _concepts(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The CodeableConcepts of an element, those within a CodeableReference included."""
    stated = [one for one in items(raw.get(name)) if isinstance(one, Mapping)]
    inner = [one.get("concept") if {"concept", "reference"} & one.keys() else one for one in stated]
    return [one for one in inner if isinstance(one, Mapping)]


def _site(reader: Reader, stated: list[Mapping[str, Any]], named: list[Mapping[str, Any]]) -> Site:
    """An appointment has no body site: its words may name the hamstring origin, and the side.

    Another part of the body counts only in the words for the injection itself.
    """
    side = reader.codes.side(stated)
    if any(text.names_hamstring_origin(word) for one in stated for word in texts(one)):
        return Site(Place.ORIGIN, side, "appointment text")
    if any(map(reader.codes.targets_other_region, named)):
        return Site(Place.ELSEWHERE, side, "appointment text")
    return Site(Place.NOT_STATED, side)
