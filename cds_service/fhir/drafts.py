"""Drafts and dispatched orders -> what is being ordered (G4, G5, G6; R4, and what clients send).

Draft orders are often not valid FHIR: an object for a list, no intent, no medication yet. Every
element is looked at for itself; what cannot be made out is not stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cds_service.fhir.aim import at_origin, dosages, injects_elsewhere, site_of, unclear
from cds_service.fhir.codes import Known, Site, by, items
from cds_service.fhir.dates import Span
from cds_service.fhir.dose import daily_dose, strength_mg
from cds_service.fhir.linked import linked, of_another_site
from cds_service.fhir.medications import is_oral, is_systemic, label, medication
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.routes import route_of
from cds_service.fhir.sound import Sound
from cds_service.fhir.steroids import Answers, drug_of
from cds_service.patient.facts import (
    DraftResource,
    Order,
    OrderKind,
    Reason,
)
from cds_service.patient.origin import concerns_pht
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When
from cds_service.terminology import Concept, Drug

#: an order in one of these is no longer to be carried out
NOT_ORDERED = ("completed", "cancelled", "stopped", "revoked", "entered-in-error")
#: an order or appointment in one of these exists: it is withdrawn, not deleted
PLACED = ("active", "on-hold", "booked", "pending", "waitlist")
#: elements of a draft ServiceRequest and MedicationRequest, under their R4 names
SERVICE = ("doNotPerform", "occurrenceTiming")
MEDICATION = ("priorPrescription",)
_MEDICATION = ("medicationReference", "medicationCodeableConcept")
STEPS = {
    "prp": OrderKind.PRP,
    "whole-blood": OrderKind.WHOLE_BLOOD,
    "shockwave": OrderKind.SHOCKWAVE,
    "clearance": OrderKind.CLEARANCE,
}


def read(reader: Reader, drafts: list[Resource], disease: Answer) -> tuple[Order, ...]:
    """`disease`: whether PHT is active on some side. Linked drafts of one side are one order."""
    orders: list[Order] = []
    for draft in drafts:
        if draft.raw.get("doNotPerform") is True or draft.raw.get("status") in NOT_ORDERED:
            continue
        if draft.type == "MedicationRequest":
            orders += _medication(reader, draft, disease)
        elif draft.type == "ServiceRequest":
            orders += _service(reader, draft, disease)
    if any(injects_elsewhere(reader, draft) for draft in drafts):
        orders = [order for order in orders if not of_another_site(order, orders)]
    return tuple(linked(orders, reader.today))


def may_order(reader: Reader, draft: Resource) -> bool:
    """Whether `read` may make an order of it, wherever it is aimed and whatever the chart says.

    A drug that only a reference names may be any.
    """
    if draft.type == "MedicationRequest":
        concept = medication(reader, draft)
        drug = drug_of(reader, concept)
        unseen = concept is None and any(name in draft.raw for name in _MEDICATION)
        return unseen or (drug is not None and drug.drug_class in ("corticosteroid", "nsaid"))
    known = reader.codes.known(*items(draft.raw.get("code")))
    steps = any(known.within(name) for name in STEPS)
    return steps or _steroid_service(reader, draft, known) is not None


def _planned(reader: Reader, order: Order, span: Span | None) -> Order:
    """On its occurrence, never before today; today when none is stated (G6)."""
    today = reader.today
    if span is None or span.start is None:
        return order
    day = When(max(span.start.earliest, today), max(span.start.latest, today))
    return replace(order, planned=day, stated=(span.start,))


def _order(
    reader: Reader, draft: Resource, kind: OrderKind, concept: Concept | None, site: Site
) -> Order:
    element = Sound(draft.raw)
    reason = reader.reason(element)
    order = Order(
        reference=draft.reference,
        label=concept.words if concept else kind.value,
        recognised_by=by(concept) if concept else "",
        kind=kind,
        drafts=(as_sent(reader, draft),),
        side=site.side,
        planned=When.on(reader.today),
        at_origin=UNKNOWN,
        concerns_pht=concerns_pht(site.place, reason),
        unclear=unclear(site.place, reason),
        links=reader.links(element.get("reasonReference")),
    )
    return _planned(reader, order, reader.dates.span(element, "occurrence"))


def as_sent(reader: Reader, draft: Resource) -> DraftResource:
    """The order as the EHR sent it."""
    placed = draft.reference in reader.evidence.dispatched or draft.raw.get("status") in PLACED
    return DraftResource(draft.reference, draft.sent, placed)


# --- ServiceRequest ---


def _service(reader: Reader, draft: Resource, disease: Answer) -> list[Order]:
    known = reader.codes.known(*items(draft.raw.get("code")))
    site = site_of(reader, draft)
    aimed = at_origin(reader, draft, site.place, disease)
    orders = [
        replace(_order(reader, draft, kind, concept, site), at_origin=aimed)
        for name, kind in STEPS.items()
        if (concept := known.within(name)) and aimed is not NO
    ]
    return [*orders, *steroid_order(reader, draft, site, disease)]


def steroid_order(reader: Reader, draft: Resource, site: Site, disease: Answer) -> list[Order]:
    """The steroid injection at the hamstring origin that the draft's code names, if any."""
    found = _steroid_service(reader, draft, reader.codes.known(*items(draft.raw.get("code"))))
    if found is None:
        return []
    concept, answers = found
    aimed = at_origin(reader, draft, site.place, disease)
    if NO in (answers.steroid, answers.local, aimed):
        reader.note(draft, "draft: not a steroid injection at the hamstring origin")
        return []
    base = _order(reader, draft, OrderKind.STEROID, concept, site)
    return [replace(base, at_origin=aimed, steroid=answers.steroid, local=answers.local)]


def _steroid_service(
    reader: Reader, draft: Resource, known: Known
) -> tuple[Concept, Answers] | None:
    drug = drug_of(reader, draft.raw.get("code"))
    steroid_drug = drug is not None and drug.drug_class == "corticosteroid"
    if named := known.within("steroid-injection"):
        return named, Answers(YES, YES)
    if steroid_drug and (coded := known.within("corticosteroid-hcpcs", None)):
        local = YES if drug and drug.form == "injectable" else NO
        return known.within("tendon-injection") or coded, Answers(YES, local)
    if loosely := known.within("steroid-injection", "neighbour"):
        return loosely, Answers(YES, UNKNOWN)
    tendon = known.within("tendon-injection")
    if tendon and not known.any_of("prp", "whole-blood"):
        return tendon, Answers(UNKNOWN, YES)
    return None


# --- MedicationRequest ---


def _medication(reader: Reader, draft: Resource, disease: Answer) -> list[Order]:
    concept = medication(reader, draft)
    drug = drug_of(reader, concept)
    if drug is None:
        return []
    if drug.drug_class == "corticosteroid":
        return _steroid_medication(reader, draft, drug, disease)
    if drug.drug_class == "nsaid":
        return [_nsaid(reader, draft, drug)]
    return []


def _steroid_medication(
    reader: Reader, draft: Resource, drug: Drug, disease: Answer
) -> list[Order]:
    dosage = dosages(draft.raw)
    site = site_of(reader, draft)
    reason = reader.reason(Sound(draft.raw))
    answers = Answers.of_drug(drug, route_of(reader.codes, dosage), site.place, reason)
    if drug.ingredient == "triamcinolone" and reason is Reason.PHT and answers.local is UNKNOWN:
        answers = Answers(answers.steroid, YES)
    aimed = at_origin(reader, draft, site.place, disease)
    if NO in (answers.steroid, answers.local, aimed):
        reader.note(draft, "draft: not a local steroid injection at the hamstring origin")
        return []
    base = _order(reader, draft, OrderKind.STEROID, None, site)
    order = replace(
        base,
        label=f"{drug.ingredient or 'steroid'} injection",
        at_origin=aimed,
        steroid=answers.steroid,
        local=answers.local,
        injections=1 + _repeats(draft.raw),
    )
    return [_planned(reader, order, _timed(reader, dosage))]


def _timed(reader: Reader, dosage: list[Mapping[str, Any]]) -> Span | None:
    """The first timing that names a day."""
    spans = (reader.dates.span(Sound({"giveTiming": d.get("timing")}), "give") for d in dosage)
    return next((span for span in spans if span and span.start), None)


def _repeats(raw: Mapping[str, Any]) -> int:
    dispense = raw.get("dispenseRequest")
    repeats = dispense.get("numberOfRepeatsAllowed") if isinstance(dispense, Mapping) else 0
    return (
        repeats if isinstance(repeats, int) and not isinstance(repeats, bool) and repeats > 0 else 0
    )


def _nsaid(reader: Reader, draft: Resource, drug: Drug) -> Order:
    dosage = dosages(draft.raw)
    ingredient = drug.ingredient or "NSAID"
    dose = daily_dose(dosage, strength_mg(drug.product, ingredient))
    route = route_of(reader.codes, dosage)
    base = _order(reader, draft, OrderKind.NSAID, None, Site(reader.site([]).place, NOT_STATED))
    return replace(
        base,
        label=label(drug, reader.codes.known(draft.raw.get("medicationCodeableConcept"))),
        at_origin=UNKNOWN,
        ingredient=ingredient,
        systemic=is_systemic(drug, route),
        oral=is_oral(drug, route),
        daily_mg=dose.daily_mg,
        dose_problem=dose.problem,
        other_indication=base.concerns_pht is NO
        or reader.reason(Sound(draft.raw)) is Reason.UNRECOGNISED,
        product=drug.product,
        replaces=reader.links(draft.raw.get("priorPrescription")),
    )
