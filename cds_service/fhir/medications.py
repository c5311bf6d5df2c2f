"""MedicationStatement, MedicationRequest, MedicationAdministration -> steroids, NSAIDs, cautions.

The medication is a CodeableConcept, a contained Medication, or a reference to one in the same
prefetch. One that cannot be resolved is noted: it may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir.act import Act
from cds_service.fhir.codes import Known, codings, first_code, items, plain_status
from cds_service.fhir.dates import Span
from cds_service.fhir.dose import daily_dose, strength_mg
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.routes import route_of
from cds_service.fhir.sound import Sound, sound
from cds_service.fhir.steroids import Answers, drug_of
from cds_service.patient.facts import (
    Care,
    CareKind,
    Caution,
    DraftResource,
    Finding,
    Given,
    Reason,
)
from cds_service.patient.when import NO, YES, When
from cds_service.terminology import Drug
from cds_service.terminology.words import Route

_REASONS = ("reasonCode", "reasonReference")
NEEDED = {
    "MedicationStatement": (
        "status",
        "effectiveDateTime",
        "effectivePeriod",
        "informationSource",
        "dosage",
        "partOf",
        "basedOn",
        "derivedFrom",
        *_REASONS,
    ),
    "MedicationRequest": (
        "status",
        "intent",
        "authoredOn",
        "dosageInstruction",
        "dispenseRequest",
        "reportedBoolean",
        "reportedReference",
        "doNotPerform",
        *_REASONS,
    ),
    "MedicationAdministration": (
        "status",
        "effectiveDateTime",
        "effectivePeriod",
        "dosage",
        "partOf",
        "request",
        *_REASONS,
    ),
}
_UNSURE = {"unknown": Given.PERHAPS, None: Given.PERHAPS}
#: status -> how the record stands to the act; statuses not listed are not counted (G4)
GIVEN: dict[str, dict[str | None, Given]] = {
    "MedicationStatement": {
        "completed": Given.DONE,
        "active": Given.DONE,
        "recorded": Given.DONE,
        **_UNSURE,
    },
    "MedicationRequest": {
        "completed": Given.ORDERED,
        "active": Given.ACTIVE,
        "unknown": Given.ORDERED,
        None: Given.ORDERED,
    },
    "MedicationAdministration": {
        "completed": Given.DONE,
        "in-progress": Given.PERHAPS,
        **_UNSURE,
    },
}
#: statuses of a medication that is being taken
TAKEN = ("active", "recorded")


def read(reader: Reader, resource: Resource) -> None:
    concept = medication(reader, resource)
    drug = None if reader.codes.says_nothing(concept) else drug_of(reader, concept)
    if drug is None or resource.reference in reader.evidence.dispatched:
        return
    element = sound(resource.type, resource.raw, NEEDED[resource.type])
    if fault := element.fault_in("status", "doNotPerform"):
        reader.cannot_read(resource, fault)
        reader.doubts.append(
            f"a record of {drug.ingredient or drug.drug_class} that cannot be read"
        )
        return
    status = first_code(element.get("status"))
    given = GIVEN[resource.type].get(status)
    if given is None or element.get("doNotPerform") is True:
        words = plain_status(status)
        reader.note(resource, f"status {words}, or an order not to give it: not counted")
        return
    span, begun = reader.past(resource, _span(reader, resource.type, element))
    if begun:
        act = Act(
            reader=reader,
            resource=resource,
            element=element,
            known=reader.codes.known(concept),
            site=reader.sided(
                reader.site([d.get("site") for d in _dosage(resource.type, element)]), element
            ),
            span=span,
            status=status,
            given=given,
        )
        _read_drug(act, drug, concept)


def medication(reader: Reader, resource: Resource) -> Any:
    """The medication's CodeableConcept; a reference that leads nowhere is noted."""
    concept = resource.raw.get("medicationCodeableConcept")
    if isinstance(concept, dict):
        return concept
    reference = resource.raw.get("medicationReference")
    target = None
    if isinstance(reference, Mapping):
        target = reader.evidence.resolve(reference.get("reference"), resource)
    if target is not None:
        return target.get("code")
    if concept is not None or reference is not None:
        reader.note(resource, "its Medication was not sent along: the drug is not known")
        if resource.raw.get("status") in TAKEN:
            reader.doubts.append("a medicine being taken whose name was not sent along")
    return None


def _read_drug(act: Act, drug: Drug, concept: Any) -> None:
    if drug.drug_class == "corticosteroid":
        _read_steroid(act, drug, concept)
    elif drug.drug_class == "nsaid":
        _read_nsaid(act, drug)
    elif drug.drug_class == "anticoagulant" and act.status in TAKEN:
        act.reader.findings.append(
            Finding(
                reference=act.resource.reference,
                label=label(drug, act.known),
                caution=Caution.ANTICOAGULANT,
                when=act.span.start,
            )
        )
    elif drug.drug_class == "anticoagulant" and _may_be_taken(act):
        act.reader.doubts.append("an anticoagulant that may still be taken")


def _may_be_taken(act: Act) -> bool:
    """Its status does not say; in R5 'recorded' for one day does not either."""
    return act.status in (None, "unknown") or act.resource.sent.get("status") == "recorded"


def label(drug: Drug, known: Known) -> str:
    """The ingredient in plain words; never the record's own text."""
    if drug.ingredient:
        return drug.ingredient
    for name in ("hcpcs", "injectable-product"):
        if concept := known.within(f"{drug.drug_class}-{name}", None):
            return concept.words
    return drug.drug_class


def _span(reader: Reader, resource_type: str, element: Sound) -> Span | None:
    """When it was taken; for an order its supply period, else from the day it was written."""
    if resource_type != "MedicationRequest":
        return reader.dates.span(element, "effective")
    dispense = element.get("dispenseRequest")
    validity = dispense.get("validityPeriod") if isinstance(dispense, Mapping) else None
    if isinstance(validity, Mapping):
        start = reader.dates.when(validity.get("start"))
        if start:
            return Span(start, reader.dates.when(validity.get("end")))
    authored = reader.dates.when(element.get("authoredOn"))
    return Span(authored, None) if authored else None


def _dosage(resource_type: str, element: Sound) -> list[Any]:
    name = "dosageInstruction" if resource_type == "MedicationRequest" else "dosage"
    return [one for one in items(element.get(name)) if isinstance(one, Mapping)]


def _read_steroid(act: Act, drug: Drug, concept: Any) -> None:
    route = route_of(act.reader.codes, _dosage(act.resource.type, act.element))
    answers = Answers.of_drug(drug, route, act.site.place, act.reason)
    triamcinolone = drug.ingredient == "triamcinolone" and drug.form is None and route is None
    if triamcinolone and act.reason is Reason.PHT:  # G5: by ingredient with reason PHT
        answers = Answers(answers.steroid, YES)
    system, code = next(iter(codings(concept)), ("", ""))
    element = act.element
    act.add_injection(
        label(drug, act.known),
        f"{system}|{code}" if code else "product name",
        answers,
        when=_day_given(act),
        links=act.reader.links(*map(element.get, ("partOf", "request", "basedOn", "derivedFrom"))),
        patient_reported=_patient_reported(act),
    )


def _day_given(act: Act) -> When | None:
    """The injection's day; for an order, the day it was written (G4 counts from it)."""
    if act.resource.type == "MedicationRequest":
        authored = act.reader.dates.when(act.element.get("authoredOn"))
        return (authored.not_after(act.reader.today) if authored else None) or act.span.start
    return act.day


def _patient_reported(act: Act) -> bool:
    """Told by the patient or a relative: by type, or by what the reference names."""
    if act.element.get("reportedBoolean") is True:
        return True
    source = act.element.get("informationSource") or act.element.get("reportedReference")
    if not isinstance(source, Mapping):
        return False
    told_by = str(source.get("reference") or "")
    named = act.reader.evidence.resolve(told_by, act.resource) or {}
    types = {str(source.get("type")), str(named.get("resourceType")), *told_by.split("/")[-2:-1]}
    return bool(types & {"Patient", "RelatedPerson"})


def _read_nsaid(act: Act, drug: Drug) -> None:
    dosage = _dosage(act.resource.type, act.element)
    route = route_of(act.reader.codes, dosage)
    topical = is_topical(drug, route)
    ongoing = _current(act) and act.resource.type != "MedicationAdministration"
    # An order that is active or was completed is treatment from its start (G13).
    treated = act.status in (*TAKEN, "completed")
    name = drug.ingredient or drug.drug_class
    dose = daily_dose(dosage, strength_mg(drug.product, name))
    act.reader.care.append(
        Care(
            reference=act.resource.reference,
            label=f"topical {name}" if topical else name,
            recognised_by="drug code",
            kind=CareKind.NSAID,
            start=act.span.start,
            end=act.span.end or (None if ongoing else act.span.start),
            side=act.reader.site([]).side,
            ongoing=ongoing,
            given=Given.DONE if treated else Given.PERHAPS,
            systemic=is_systemic(drug, route),
            other_indication=act.reason.elsewhere or act.reason is Reason.UNRECOGNISED,
            ingredient=name,
            daily_mg=dose.daily_mg,
            dose_problem=dose.problem,
            supplied=_supplied(act),
            links=act.reader.links(*map(act.element.get, ("basedOn", "derivedFrom"))),
            order=_active_order(act),
        )
    )


def _supplied(act: Act) -> bool:
    """A taking period, or an order's supply period; the day an order was written is neither."""
    if act.resource.type != "MedicationRequest":
        return act.span.start is not None and not act.span.single
    dispense = act.element.get("dispenseRequest")
    validity = dispense.get("validityPeriod") if isinstance(dispense, Mapping) else None
    return isinstance(validity, Mapping) and validity.get("start") is not None


def _active_order(act: Act) -> DraftResource | None:
    named = act.resource.reference.startswith(("MedicationRequest/", "MedicationOrder/"))
    active = named and act.status == "active"
    return DraftResource(act.resource.reference, act.resource.sent) if active else None


def is_topical(drug: Drug, route: Route | None) -> bool:
    return drug.form == "topical" or route is Route.TOPICAL


def is_systemic(drug: Drug, route: Route | None) -> bool:
    """Neither on the skin, nor drops, nor injected locally; no route stated is systemic."""
    drops = drug.form in ("ophthalmic", "otic") or route is Route.DROPS
    return not (drops or is_topical(drug, route) or route is Route.LOCAL)


def is_oral(drug: Drug, route: Route | None) -> bool:
    """By mouth, by form or else by route; neither stated is oral."""
    unstated = drug.form is None and route in (None, Route.ORAL, Route.UNRECOGNISED)
    return is_systemic(drug, route) and (drug.form == "oral" or unstated)


def _current(act: Act) -> bool:
    """Taken today: an end that lies in the past is the end."""
    end = act.span.end if not act.span.single else None
    ended = end is not None and end.is_before(act.reader.today) is not NO
    return act.status in TAKEN and not ended
