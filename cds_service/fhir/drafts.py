"""context.draftOrders -> what is being ordered (G4, G5, G6; R4, and what the sandbox sends).

Draft orders are often not valid FHIR: an object for a list, no intent, no medication yet, DSTU2
MedicationOrder or STU3 ProcedureRequest. Every element is looked at for itself; what cannot be
made out is not stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cds_service.fhir.codes import Known, Site, by, items
from cds_service.fhir.dates import Span
from cds_service.fhir.dose import daily_dose, strength_mg
from cds_service.fhir.medications import is_topical, label, medication
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound
from cds_service.fhir.steroids import Answers, drug_of, route_of
from cds_service.patient.facts import DraftResource, Order, OrderKind, Reason
from cds_service.patient.injections import same_side
from cds_service.patient.origin import at_hamstring_origin, concerns_pht
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When
from cds_service.terminology import Concept, Drug

#: older names -> the R4 type they are read as
TYPES = {"MedicationOrder": "MedicationRequest", "ProcedureRequest": "ServiceRequest"}
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
        if draft.raw.get("doNotPerform") is True:
            continue
        kind = TYPES.get(draft.type, draft.type)
        if kind == "MedicationRequest":
            orders += _medication(reader, draft, disease)
        elif kind == "ServiceRequest":
            orders += _service(reader, draft, disease)
    return tuple(_linked(orders))


def _element(raw: Mapping[str, Any]) -> Sound:
    """The draft's elements under their R4 names."""
    renamed = dict(raw)
    for older, name in (
        ("dateWritten", "authoredOn"),
        ("orderedOn", "authoredOn"),
        ("reasonCodeableConcept", "reasonCode"),
        ("scheduledDateTime", "occurrenceDateTime"),
        ("scheduledPeriod", "occurrencePeriod"),
        ("scheduledTiming", "occurrenceTiming"),
    ):
        if older in renamed and name not in renamed:
            renamed[name] = renamed[older]
    return Sound(renamed)


def _planned(reader: Reader, span: Span | None) -> When:
    """The occurrence, never before today; today when none is stated (G6)."""
    today = reader.today
    if span is None or span.start is None:
        return When.on(today)
    return When(max(span.start.earliest, today), max(span.start.latest, today))


def _order(
    reader: Reader, draft: Resource, kind: OrderKind, concept: Concept | None, site: Site
) -> Order:
    element = _element(draft.raw)
    reason = reader.reason(element)
    return Order(
        reference=draft.reference,
        label=concept.words if concept else kind.value,
        recognised_by=by(concept) if concept else "",
        kind=kind,
        drafts=(DraftResource(draft.reference, draft.raw),),
        side=site.side,
        planned=_planned(reader, reader.dates.span(element, "occurrence")),
        at_origin=UNKNOWN,
        concerns_pht=concerns_pht(site.place, reason),
    )


# --- ServiceRequest ---


def _service(reader: Reader, draft: Resource, disease: Answer) -> list[Order]:
    known = reader.codes.known(*items(draft.raw.get("code")))
    site = reader.sided(reader.site(draft.raw.get("bodySite")), _element(draft.raw))
    reason = reader.reason(_element(draft.raw))
    at_origin = at_hamstring_origin(site.place, reason, disease)
    orders = [
        replace(_order(reader, draft, kind, concept, site), at_origin=at_origin)
        for name, kind in STEPS.items()
        if (concept := known.within(name)) and at_origin is not NO
    ]
    steroid = _steroid_service(reader, draft, known)
    if steroid:
        concept, answers = steroid
        if NO in (answers.steroid, answers.local, at_origin):
            reader.note(draft, "draft: not a steroid injection at the hamstring origin")
        else:
            base = _order(reader, draft, OrderKind.STEROID, concept, site)
            orders.append(
                replace(base, at_origin=at_origin, steroid=answers.steroid, local=answers.local)
            )
    return orders


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


def _dosage(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in items(raw.get("dosageInstruction")) if isinstance(one, Mapping)]


def _sites(dosage: list[Mapping[str, Any]]) -> list[Any]:
    named = [one.get("site") or one.get("siteCodeableConcept") for one in dosage]
    return [site for site in named if site]


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
    dosage = _dosage(draft.raw)
    site = reader.sided(reader.site(_sites(dosage)), _element(draft.raw))
    reason = reader.reason(_element(draft.raw))
    answers = Answers.of_drug(drug, route_of(reader, dosage), site.place)
    if drug.ingredient == "triamcinolone" and reason is Reason.PHT and answers.local is UNKNOWN:
        answers = Answers(answers.steroid, YES)
    at_origin = at_hamstring_origin(site.place, reason, disease)
    if NO in (answers.steroid, answers.local, at_origin):
        reader.note(draft, "draft: not a local steroid injection at the hamstring origin")
        return []
    base = _order(reader, draft, OrderKind.STEROID, None, site)
    return [
        replace(
            base,
            label=f"{drug.ingredient or 'steroid'} injection",
            planned=_medication_planned(reader, dosage),
            at_origin=at_origin,
            steroid=answers.steroid,
            local=answers.local,
            injections=1 + _repeats(draft.raw),
        )
    ]


def _medication_planned(reader: Reader, dosage: list[Mapping[str, Any]]) -> When:
    for one in dosage:
        span = reader.dates.span(Sound({"giveTiming": one.get("timing")}), "give")
        if span and span.start:
            return _planned(reader, span)
    return When.on(reader.today)


def _repeats(raw: Mapping[str, Any]) -> int:
    dispense = raw.get("dispenseRequest")
    repeats = dispense.get("numberOfRepeatsAllowed") if isinstance(dispense, Mapping) else 0
    return (
        repeats if isinstance(repeats, int) and not isinstance(repeats, bool) and repeats > 0 else 0
    )


def _nsaid(reader: Reader, draft: Resource, drug: Drug) -> Order:
    dosage = _dosage(draft.raw)
    ingredient = drug.ingredient or "NSAID"
    dose = daily_dose(dosage, strength_mg(drug.product, ingredient))
    topical = drug.form == "topical" or is_topical(reader, dosage)
    base = _order(reader, draft, OrderKind.NSAID, None, Site(reader.site([]).place, NOT_STATED))
    return replace(
        base,
        label=label(drug, reader.codes.known(draft.raw.get("medicationCodeableConcept"))),
        at_origin=UNKNOWN,
        ingredient=ingredient,
        systemic=not topical and drug.form not in ("ophthalmic", "otic"),
        daily_mg=dose.daily_mg,
        dose_problem=dose.problem,
        other_indication=base.concerns_pht is NO
        or reader.reason(_element(draft.raw)) is Reason.UNRECOGNISED,
    )


# --- linked drafts ---


def _linked(orders: list[Order]) -> list[Order]:
    """A draft ServiceRequest and a draft MedicationRequest for one side are one order (G4)."""
    linked: list[Order] = []
    for order in sorted(orders, key=lambda o: o.reference, reverse=True):
        partner = next((one for one in linked if _together(one, order)), None)
        if partner is None:
            linked.append(order)
        else:
            linked[linked.index(partner)] = _combined(partner, order)
    return sorted(linked, key=lambda order: order.reference)


def _together(one: Order, other: Order) -> bool:
    if one.kind is not OrderKind.STEROID or other.kind is not OrderKind.STEROID:
        return False
    types = {_type(draft.reference) for draft in (*one.drafts, *other.drafts)}
    pair = len(one.drafts) == 1 and len(types) == len(one.drafts) + len(other.drafts)
    return pair and same_side(one.side, other.side)


def _type(reference: str) -> str:
    name = reference.split("/", maxsplit=1)[0]
    return TYPES.get(name, name)


def _combined(service: Order, drug: Order) -> Order:
    """One injection told by two drafts: what either one says is said."""
    today = min(service.planned.earliest, drug.planned.earliest)
    later = [o.planned for o in (service, drug) if o.planned.earliest > today]
    return replace(
        service,
        drafts=(*service.drafts, *drug.drafts),
        side=service.side if service.side is not NOT_STATED else drug.side,
        planned=later[0] if later else service.planned,
        at_origin=service.at_origin | drug.at_origin,
        concerns_pht=service.concerns_pht | drug.concerns_pht,
        steroid=service.steroid | drug.steroid,
        local=service.local | drug.local,
        injections=max(service.injections, drug.injections),
    )
