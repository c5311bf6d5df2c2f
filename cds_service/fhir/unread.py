"""Entries of a chart that no reader would make anything of: left in the bytes they came in.

Most of a chart is of this kind: other diagnoses, prescriptions, visits. Such an entry still counts
as one version of its resource, still has an owner, and can still be what another record refers to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from cds_service.fhir.codes import Codes
from cds_service.fhir.releases import signs_of
from cds_service.fhir.releases.reshape import Signs
from cds_service.terminology import Terminology
from cds_service.terminology.memory import Memory

#: what FHIR allows as the id of a resource
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_WHY = ("bodySite", "reasonCode", "reasonReference")
_DRUG = ("medicationCodeableConcept", frozenset({"medicationReference"}))
#: type -> the element that says what it is, and those that may say more: where no value set knows
#: the first and the others are not there, the reader of this type leaves it at that
SAYS: Mapping[str, tuple[str, frozenset[str]]] = {
    "Condition": ("code", frozenset({"bodySite"})),
    "MedicationAdministration": _DRUG,
    "MedicationRequest": _DRUG,
    "MedicationStatement": _DRUG,
    "Observation": ("code", frozenset({"component"})),
    "Procedure": ("code", frozenset(_WHY)),
    "ServiceRequest": ("code", frozenset({*_WHY, "performerType"})),
}


class Unread:
    """A resource that was looked at and not kept; it can be read again.

    `name`: its 'Type/id'. `owner`: the reference in its `subject`. `path`: its JSON path. `place`:
    the body, and from where to where its entry is there.
    """

    __slots__ = ("full_url", "name", "owner", "path", "place")

    def __init__(
        self, name: str, owner: str, full_url: object, place: tuple[bytes, int, int]
    ) -> None:
        self.name = name
        self.owner = owner
        self.full_url = full_url
        self.path = ""
        self.place = place

    def read(self) -> dict[str, Any]:
        """The whole resource."""
        body, start, stop = self.place
        resource: dict[str, Any] = orjson.loads(body[start:stop])["resource"]
        return resource


class _Shape(NamedTuple):
    """What the names of a resource's elements tell.

    `says`: the element to look at; "" where more may be said. `signs`: what else would tell that
    it is of another release; None where nothing can.
    """

    says: str
    signs: Signs | None = None


def leaving(terminology: Terminology) -> Callable[[Any, bytes, int, int], object]:
    """From an entry and its place in a body: an Unread where that will do, else the entry."""
    says_nothing = Codes(terminology).says_nothing
    shapes: Memory[_Shape] = Memory()

    def keep(entry: Any, body: bytes, start: int, stop: int) -> object:
        try:
            resource = entry["resource"]
            kind, identity = resource["resourceType"], resource["id"]
            owner = resource["subject"]["reference"]
            elements = (kind, *resource)
            shape = shapes.get(elements) or shapes.keep(elements, _shape(kind, resource))
        except (KeyError, TypeError):  # as of no resource with an owner
            return entry
        silent = shape.says and says_nothing(resource.get(shape.says))
        if not silent or (shape.signs is not None and shape.signs.shown_by(resource)):
            return entry
        if not isinstance(identity, str) or not ID.fullmatch(identity):
            return entry
        if not isinstance(owner, str) or not owner:
            return entry
        return Unread(f"{kind}/{identity}", owner, entry.get("fullUrl"), (body, start, stop))

    return keep


def _shape(kind: str, elements: Mapping[str, Any]) -> _Shape:
    says, more = SAYS.get(kind, ("", frozenset()))
    signs = signs_of(kind)
    if not more.isdisjoint(elements) or "patient" in elements:
        return _Shape("")
    return _Shape(says, signs.among(elements) if signs else None)
