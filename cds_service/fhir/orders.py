"""ServiceRequest -> referrals, and step-ups ordered but not yet given."""

from __future__ import annotations

from cds_service.fhir.act import Act
from cds_service.fhir.codes import Known, Site, by, first_code, items
from cds_service.fhir.dates import Span
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.fhir.steroids import Answers
from cds_service.patient.facts import CareKind, Given, Referral, Specialty
from cds_service.patient.when import NO, YES
from cds_service.terminology import Concept

NEEDED = (
    "status",
    "intent",
    "code",
    "performerType",
    "authoredOn",
    "occurrenceDateTime",
    "occurrencePeriod",
    "bodySite",
    "reasonCode",
    "reasonReference",
    "doNotPerform",
)
#: an order that still may be carried out
PENDING = ("active", "on-hold", "draft")
STEPS = {"prp": CareKind.PRP, "whole-blood": CareKind.WHOLE_BLOOD, "shockwave": CareKind.SHOCKWAVE}
RELEVANT = ("surgical-opinion", "physio-referral", "generic-referral", "steroid-injection", *STEPS)


def read(reader: Reader, resource: Resource) -> None:
    code, performer = resource.raw.get("code"), resource.raw.get("performerType")
    known = reader.codes.known(code)
    if performer is None and known.silent:
        reader.not_recognised(resource, known)
        return
    house_code = not known.concepts and performer is not None
    if not any(known.within(name, None) for name in RELEVANT):
        reader.not_recognised(resource, known)
        if not house_code:
            return
    element = sound("ServiceRequest", resource.raw, NEEDED)
    if fault := element.fault_in("status", "code", "bodySite", "doNotPerform", "performerType"):
        reader.cannot_read(resource, fault)
        return
    status = first_code(element.get("status")) or "unknown"
    if status == "entered-in-error" or element.get("doNotPerform") is True:
        reader.note(resource, "entered in error, or an order not to do it: not counted")
        return
    act = Act(
        reader=reader,
        resource=resource,
        element=element,
        known=known,
        site=_site(reader, element, known),
        span=Span(reader.dates.when(element.get("authoredOn")), None),
        status=status,
        given=Given.ACTIVE,
    )
    _read_referral(act, status)
    if status in PENDING and resource.reference not in reader.evidence.dispatched:
        _read_pending(act)


def _site(reader: Reader, element: Sound, known: Known) -> Site:
    """Its body site; the words of a referral's code name a clinic, those of an injection a site."""
    site = reader.site(element.get("bodySite"))
    if any(known.within(name) for name in ("steroid-injection", *STEPS)):
        site = reader.named_elsewhere(site, element, element.get("code"))
    return reader.sided(site, element)


def _read_referral(act: Act, status: str) -> None:
    found = _specialty(act)
    if found is None:
        if act.known.within("generic-referral", None):
            act.note("a referral that does not say to whom")
        return
    specialty, concept = found
    if act.concerns_pht is NO:
        act.note(f"{concept.words}: another site or reason")
    act.reader.referrals.append(
        Referral(
            reference=act.resource.reference,
            label=concept.words,
            recognised_by=by(concept),
            specialty=specialty,
            status=status,
            when=act.span.start,
            side=act.site.side,
            concerns_pht=act.concerns_pht,
        )
    )


def _specialty(act: Act) -> tuple[Specialty, Concept] | None:
    """By the code; for a generic referral or a house code by the performer's specialty."""
    if concept := act.known.within("surgical-opinion"):
        return Specialty.SURGICAL, concept
    if concept := act.known.within("physio-referral"):
        return Specialty.PHYSIO, concept
    if act.known.within("generic-referral", None) or not act.known.concepts:
        performer = act.reader.codes.known(*items(act.element.get("performerType")))
        if concept := performer.within("surgical-specialty"):
            return Specialty.SURGICAL, concept
        if concept := performer.within("physio-specialty"):
            return Specialty.PHYSIO, concept
    return None


def _read_pending(act: Act) -> None:
    """A step-up ordered counts as active in the episode (step-up-options)."""
    if concept := act.known.within("steroid-injection"):
        act.add_injection(concept.words, by(concept), Answers(YES, YES), when=act.span.start)
    for name, kind in STEPS.items():
        concept = act.known.within(name)
        if concept and act.concerns_pht is not NO:
            act.add_care(kind, concept, f"{concept.words} (ordered)")
