"""Procedure -> injections, loading, passive care, step-ups, surgery (G4, G5, G11, G15)."""

from __future__ import annotations

from dataclasses import replace

from cds_service.fhir.act import Act
from cds_service.fhir.codes import Known, Site, by, first_code, plain_status
from cds_service.fhir.dates import Span
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.fhir.steroids import Answers, drug_of
from cds_service.patient.facts import CareKind, Given, Place, Reason
from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO, UNKNOWN, YES
from cds_service.terminology import Concept

NEEDED = (
    "status",
    "code",
    "bodySite",
    "performedDateTime",
    "performedPeriod",
    "performedAge",
    "performedRange",
    "performedString",
    "reasonCode",
    "reasonReference",
    "partOf",
    "basedOn",
)
DONE = ("completed",)
GOING_ON = ("in-progress",)
NOT_DONE = ("not-done", "entered-in-error", "stopped", "preparation", "on-hold")

STEPS = {
    "prp": CareKind.PRP,
    "whole-blood": CareKind.WHOLE_BLOOD,
    "shockwave": CareKind.SHOCKWAVE,
    "load-management": CareKind.LOAD_MANAGEMENT,
    "rehab-passive": CareKind.PASSIVE,
}
RELEVANT = (
    *STEPS,
    "steroid-injection",
    "steroid-elsewhere",
    "tendon-injection",
    "other-injection",
    "loading-programme",
    "rehab-active",
    "hamstring-surgery",
    "surgery",
    "corticosteroid-hcpcs",
)


def read(reader: Reader, resource: Resource) -> None:
    """One Procedure; a code may say several things (an injection that is also PRP)."""
    code = resource.raw.get("code")
    known = reader.codes.known(code)
    if known.silent or not any(known.within(name, None) for name in RELEVANT):
        reader.not_recognised(resource, known)
        return
    element = sound("Procedure", resource.raw, NEEDED)
    if fault := element.fault_in("status", "code", "bodySite"):
        operation = known.any_of("hamstring-surgery", "surgery") is not None
        reader.cannot_read(resource, fault, surgery=operation)
        return
    status = first_code(element.get("status"))
    if status in NOT_DONE:
        reader.note(resource, f"status {plain_status(status)}: not counted")
        return
    if fault := element.fault_in(*NEEDED):
        reader.note(
            resource, f"{resource.named(fault.element)} is {fault.reason}: taken as not stated"
        )
    span, begun = reader.past(resource, reader.dates.span(element, "performed"))
    if begun:
        _read_act(_act(reader, resource, element, known, status, span=span))


def _act(
    reader: Reader,
    resource: Resource,
    element: Sound,
    known: Known,
    status: str | None,
    *,
    span: Span,
) -> Act:
    carried_out = status in (*DONE, *GOING_ON)
    return Act(
        reader=reader,
        resource=resource,
        element=element,
        known=known,
        site=_site(reader, element, known),
        span=span,
        status=status,
        given=Given.DONE if carried_out else Given.PERHAPS,
        ongoing=status in GOING_ON and not _has_ended(span, reader),
    )


def _site(reader: Reader, element: Sound, known: Known) -> Site:
    """The body site; its side may stand in a modifier of the code (LT, RT) instead."""
    site = reader.site(element.get("bodySite"))
    site = reader.named_elsewhere(site, element, element.get("code"))
    if not known.within("laterality"):
        return reader.sided(site, element)
    modifier = Known(tuple(c for c in known.concepts if c.value_set == "laterality"))
    return replace(site, side=Laterality.agreed((site.side, reader.codes.coded_side(modifier))))


def _has_ended(span: Span, reader: Reader) -> bool:
    """A record left in-progress whose period ended in the past is over."""
    if span.single or span.end is None:
        return False
    return span.end.is_before(reader.today) is YES


def _read_act(act: Act) -> None:
    _read_injection(act)
    for name, kind in STEPS.items():
        if concept := act.known.within(name):
            if act.concerns_pht is NO:
                act.note(f"{concept.words}: another site or reason")
            else:
                act.add_care(kind, concept)
    _read_loading(act)
    _read_surgery(act)


def _read_loading(act: Act) -> None:
    """G11: local codes, or exercise codes aimed at the hamstring, are certain loading."""
    named = act.known.within("loading-programme")
    concept = named or act.known.within("rehab-active")
    if concept is None and act.known.within("not-loading", None):
        act.note("an evaluation, advice or stretching alone is not loading")
        return
    if concept is None and act.concerns_pht is YES:
        concept = act.known.within("rehab-active", "neighbour")
    if concept is None:
        return
    if act.concerns_pht is NO:
        act.note(f"{concept.words}: another site or reason")
        return
    certain = (named is not None or act.concerns_pht is YES) and act.given is Given.DONE
    act.add_care(CareKind.LOADING if certain else CareKind.UNSPECIFIED, concept)


def _read_surgery(act: Act) -> None:
    """G15: specific codes count alone, others need a hamstring or ischium site, or a PHT reason."""
    named = act.known.within("hamstring-surgery")
    concept = named or act.known.within("surgery")
    if concept is None or act.status in GOING_ON:
        return
    close = act.site.place in (Place.ORIGIN, Place.ISCHIUM) or act.reason is Reason.PHT
    if named or close:
        ended = act.span.end or act.span.start
        replace(act, span=Span(ended, ended)).add_care(CareKind.SURGERY, concept)
    else:
        act.note(f"{concept.words}: no hamstring site or reason stated")


def _read_injection(act: Act) -> None:
    """G5 for a procedure: a steroid injection, or a tendon injection that names no drug."""
    if act.known.within("steroid-elsewhere", None):
        act = replace(act, site=replace(act.site, place=Place.ELSEWHERE))
    found = _injected(act)
    if found is None:
        return
    concept, answers = found
    given = Given.DONE if act.status in DONE else Given.PERHAPS
    replace(act, given=given).add_injection(
        concept.words,
        by(concept),
        answers,
        when=act.day,
        links=act.reader.links(act.element.get("partOf"), act.element.get("basedOn")),
    )


def _injected(act: Act) -> tuple[Concept, Answers] | None:
    """The injection a code names, whether of a steroid, whether local."""
    found = _named(act)
    drug = drug_of(act.reader, act.element.get("code"))
    if drug and drug.drug_class == "corticosteroid":
        local = Answers.of_drug(drug, None, act.site.place).local
        if found is not None:
            return found[0], Answers(YES, NO if local is NO else YES)
        coded = act.known.within("corticosteroid-hcpcs", None)
        return (coded, Answers(YES, local)) if coded else None
    if found and found[1].steroid is not YES and act.known.any_of("prp", "whole-blood"):
        return found[0], Answers(NO, found[1].local)
    return found


def _named(act: Act) -> tuple[Concept, Answers] | None:
    """By the procedure's own name: a steroid injection, a tendon injection, another injection."""
    known = act.known
    if named := known.within("steroid-injection") or known.within("steroid-elsewhere", None):
        return named, Answers(YES, YES)
    if tendon := known.within("tendon-injection"):
        loosely = known.within("steroid-injection", "neighbour")
        return tendon, Answers(YES if loosely else UNKNOWN, YES)
    if loosely := known.within("steroid-injection", "neighbour"):
        return loosely, Answers(YES, UNKNOWN)
    other = known.within("other-injection", None)
    if other is None:
        return None
    if act.site.place in (Place.ORIGIN, Place.ISCHIUM, Place.ELSEWHERE):
        return other, Answers(UNKNOWN, YES)  # elsewhere: left out, with what is linked to it
    act.note(f"{other.words}: no hamstring site stated")
    return None
