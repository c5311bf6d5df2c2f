"""Where a draft order is aimed: the third question of G5, asked of what an EHR really sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir import flags
from cds_service.fhir.codes import Site, items
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound
from cds_service.patient.facts import FlagKind, Place, Reason
from cds_service.patient.origin import at_hamstring_origin, concerns_pht
from cds_service.patient.when import NO, YES, Answer

INJECTIONS = ("steroid-injection", "tendon-injection", "other-injection", "steroid-elsewhere")
TEARS = (FlagKind.AVULSION, FlagKind.AVULSION_FRACTURE, FlagKind.TEAR)


def dosages(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in items(raw.get("dosageInstruction")) if isinstance(one, Mapping)]


def sites(dosage: list[Mapping[str, Any]]) -> list[Any]:
    return [site for one in dosage if (site := one.get("site"))]


def site_of(reader: Reader, draft: Resource) -> Site:
    """Its body site or dosage sites, else what the words of its code name; and the side."""
    raw, element = draft.raw, Sound(draft.raw)
    site = reader.site(raw.get("bodySite"), sites(dosages(raw)))
    return reader.sided(reader.named_elsewhere(site, element, raw.get("code")), element)


def at_origin(reader: Reader, draft: Resource, place: Place, disease: Answer) -> Answer:
    """The third question of G5; a tear of the hamstring origin as the reason is there too."""
    if place not in (Place.ORIGIN, Place.ELSEWHERE) and _for_a_tear(reader, draft):
        return YES
    return at_hamstring_origin(place, reader.reason(Sound(draft.raw)), disease)


def _for_a_tear(reader: Reader, draft: Resource) -> bool:
    element = Sound(draft.raw)
    coded = (
        flags.kind_of(reader.codes.known(one), one) for one in items(element.get("reasonCode"))
    )
    torn = {flag.reference for flag in reader.flags if flag.kind in TEARS}
    named = reader.links(element.get("reasonReference"))
    return any(found and found[0] in TEARS for found in coded) or bool(named & torn)


def unclear(place: Place, reason: Reason) -> bool:
    """It states a site or reason, and neither says whether it is the hamstring."""
    known = place in (Place.ORIGIN, Place.ISCHIUM, Place.REGION, Place.ELSEWHERE)
    known |= reason in (Reason.PHT, Reason.ELSEWHERE)
    worded = Reason.UNRECOGNISED, Reason.WORDED
    return not known and (place in (Place.UNRECOGNISED, Place.WORDED) or reason in worded)


def injects_elsewhere(reader: Reader, draft: Resource) -> bool:
    """An injection drafted for another site or reason."""
    known = reader.codes.known(*items(draft.raw.get("code")))
    if not any(known.within(name, None) for name in INJECTIONS):
        return False
    place, reason = site_of(reader, draft).place, reader.reason(Sound(draft.raw))
    named = known.within("steroid-elsewhere", None) is not None
    return named or concerns_pht(place, reason) is NO
