"""What one value of a call holds, fault by fault, and the codes in it that no value set knows.

The readers stop at the first value that is no FHIR, and look at known codes only. Here the rest is
named, for the person who connects an EHR. Values of a record never leave: only codes and places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.errors import BadRequest, DataUnavailable, Issue
from cds_service.fhir.codes import codings, items, texts
from cds_service.fhir.read import orders_of
from cds_service.fhir.reader import Reader
from cds_service.fhir.reads import READS
from cds_service.fhir.resources import (
    DEEPEST,
    Evidence,
    Resource,
    about,
    collect,
    foreign,
)
from cds_service.patient.when import YES
from cds_service.terminology import Terminology, text

#: names of people and organisations may hold the same words
_CLINICAL = {*READS, "Medication"} - {"Patient"}
#: elements whose `text` is a person's own words, not the name of a concept
_PROSE = ("text", "note", "dosageInstruction", "dosage", "contained", "meta", "extension")


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A concept near the subject of the rules that no value set knows.

    `path`: where it stands. `codes`: 'system|code'; none where it is text alone. `near`: the word
    of this service's own list that its text or display holds.
    """

    path: str
    codes: tuple[str, ...]
    near: str


def faults(value: Any, path: str) -> list[Issue]:
    """Every place of a prefetch value, or of a Bundle in the context, that is no FHIR JSON."""
    found: list[Issue] = []
    for place, piece in _pieces(value, path):
        try:
            collect(piece, place, {}, Evidence())
        except BadRequest as error:
            found += error.issues
    return found


def strangers(resources: list[Resource], evidence: Evidence, patient_id: str) -> list[Issue]:
    """Every resource that is about another patient, at the element that says so."""
    found: list[Issue] = []
    for resource in resources:
        try:
            if resource.type != "Patient":
                about(resource, evidence, patient_id)
            elif resource.raw.get("id") != patient_id:
                raise foreign(resource.at("id"))
        except DataUnavailable as error:
            found += error.issues
    return found


def recognised(reader: Reader, order: Resource) -> tuple[str, ...]:
    """The kinds of order a draft, a dispatched order or a booking is taken for, seen by itself."""
    kinds = (one.kind.value for one in orders_of(reader, [order], YES))
    return tuple(dict.fromkeys(kinds))


def unrecognised(resource: Resource, terminology: Terminology) -> list[Unrecognised]:
    """Concepts of one resource, as sent, that look relevant and are in no value set."""
    if resource.type not in _CLINICAL:
        return []
    found = []
    for path, concept in _concepts(resource.sent, resource.path):
        near = next(filter(None, map(text.near_subject, texts(concept))), None)
        if near is None or _known(concept, terminology):
            continue
        codes = tuple(f"{system}|{code}" for system, code in codings(concept))
        found.append(Unrecognised(path, codes, near))
    return found


def _known(concept: Any, terminology: Terminology) -> bool:
    coded = any(terminology.find(*one) or terminology.drug(*one) for one in codings(concept))
    named = (text.names_pht(one) or text.names_hamstring_origin(one) for one in texts(concept))
    return coded or any(named)


def _pieces(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The single resources of a value, each with its place; what is none of these as it is."""
    entries = value.get("entry") if isinstance(value, dict) else None
    if path.count("[") > DEEPEST:
        yield path, value
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _pieces(one, f"{path}[{index}]")
    elif isinstance(value, dict) and value.get("resourceType") == "Bundle" and _listed(entries):
        for index, entry in enumerate(items(entries)):
            if isinstance(entry, dict) and entry.get("resource") is not None:
                yield from _pieces(entry["resource"], f"{path}.entry[{index}].resource")
    else:
        yield path, value


def _listed(entries: Any) -> bool:
    return not entries or isinstance(entries, list)


def _concepts(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything below a value that has the shape of a CodeableConcept."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _concepts(one, f"{path}[{index}]", depth + 1)
    elif isinstance(value, Mapping):
        if depth and ("coding" in value or isinstance(value.get("text"), str)):
            yield path, value
        for name, one in value.items():
            if name not in _PROSE:
                yield from _concepts(one, f"{path}.{name}", depth + 1)
