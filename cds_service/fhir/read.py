"""Evidence -> Facts: every relevant resource once, in one order.

Codes are looked at in the raw JSON first; only resources the value sets know are validated.
Raises DataUnavailable (412) for what makes the patient impossible to judge: no Patient, no
Conditions, a Patient replaced by another, an unreadable Condition that may be PHT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, tzinfo

from cds_service.errors import DataUnavailable, Issue
from cds_service.fhir import (
    bookings,
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
)
from cds_service.fhir.codes import Codes, items, texts
from cds_service.fhir.conditions import Kind
from cds_service.fhir.dates import Dates
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Evidence, Resource
from cds_service.fhir.sound import sound
from cds_service.patient.facts import (
    Diagnosis,
    Facts,
    Note,
    Order,
    Patient,
    Place,
    Reason,
    Unreadable,
)
from cds_service.patient.when import YES, Answer, When
from cds_service.terminology import Terminology, text

NOT_HERE = "the site declares that its EHR does not have this type"
READERS = {
    "Procedure": procedures.read,
    "ServiceRequest": orders.read,
    "MedicationStatement": medications.read,
    "MedicationRequest": medications.read,
    "MedicationAdministration": medications.read,
    "CarePlan": careplans.read,
    "Observation": observations.read,
    "AllergyIntolerance": cautions.read_allergy,
    "Goal": goals.read,
}
REASONS = {
    Kind.PHT: Reason.PHT,
    Kind.POSSIBLE: Reason.NEAR,
    Kind.NEIGHBOUR: Reason.NEAR,
    Kind.STRAIN: Reason.ELSEWHERE,
}


def read(
    evidence: Evidence,
    terminology: Terminology,
    *,
    today: date,
    zone: tzinfo,
    nonspecific_counts: bool = False,
) -> Facts:
    """All facts of one patient. `zone` is the facility's time zone."""
    _required(evidence)
    patient = _patient(evidence.of("Patient")[0], zone)
    reader = Reader(
        evidence,
        Codes(terminology),
        Dates(zone, patient.born),
        today,
        nonspecific_counts,
    )
    for resource in evidence.of("Condition"):
        _condition(reader, resource)
    _refuse_unreadable(reader)
    for resource_type, read_one in READERS.items():
        for resource in evidence.of(resource_type):
            read_one(reader, resource)
    return _facts(patient, reader, evidence)


def may_name_order(evidence: Evidence, terminology: Terminology, today: date) -> bool:
    """False only when `names_order` is, whatever chart is added to `evidence`."""
    reader = Reader(evidence, Codes(terminology), Dates(UTC), today, nonspecific_counts=False)
    return any(drafts.may_order(reader, draft) for draft in evidence.drafts)


def names_order(evidence: Evidence, terminology: Terminology, today: date, zone: tzinfo) -> bool:
    """Whether any draft is of a kind the rules speak of, whatever the chart says.

    Asked first: an order for something else needs no chart, and gets no refusal for lack of one.
    """
    reader = Reader(evidence, Codes(terminology), Dates(zone), today, nonspecific_counts=False)
    return bool(orders_of(reader, evidence.drafts, YES))


def _required(evidence: Evidence) -> None:
    """Patient and Condition; without them nothing can be judged."""
    issues = [
        Issue("error", "incomplete", f"{kind}: {evidence.missing[kind]}", (f"prefetch.{key}",))
        for kind, key in (("Patient", "patient"), ("Condition", "conditions"))
        if kind in evidence.missing
    ]
    if not issues and not evidence.of("Patient"):
        issues = [
            Issue("error", "incomplete", "Patient: no Patient was sent", ("prefetch.patient",))
        ]
    if issues:
        raise DataUnavailable.of(issues)


def _patient(resource: Resource, zone: tzinfo) -> Patient:
    """Whoever may be dead or replaced is taken to be: looked at in the raw record."""
    raw = resource.raw
    links = [link for link in items(raw.get("link")) if isinstance(link, Mapping)]
    if any(link.get("type") == "replaced-by" for link in links):
        raise DataUnavailable(
            "this Patient was replaced by another one, whose record must be judged instead",
            expression=[f"{resource.path}.link"],
        )
    alive = raw.get("deceasedBoolean") in (None, False, "false")
    deceased = not alive or raw.get("deceasedDateTime") is not None
    born = Dates(zone).when(sound("Patient", raw, ("birthDate",)).get("birthDate"))
    return Patient(reference=resource.reference, born=born, deceased=deceased)


def _condition(reader: Reader, resource: Resource) -> None:
    code = resource.raw.get("code")
    known = reader.codes.known(code)
    if known.silent and resource.raw.get("bodySite") is None:
        return
    if conditions.malformed(code):
        path = f"{resource.path}.code"
        reader.unreadable.append(
            Unreadable("Condition", resource.reference, path, "not valid FHIR")
        )
        return
    found = conditions.recognise(
        reader.codes,
        code,
        resource.raw.get("bodySite"),
        known,
        nonspecific_counts=reader.nonspecific_counts,
    )
    reader.conditions[resource.reference] = _as_reason(reader, found, code)
    cautions.read_condition(reader, resource, known)
    flags.read_condition(reader, resource, known)
    if found.kind in (Kind.PHT, Kind.POSSIBLE):
        diagnosis = conditions.read(resource, reader.codes, reader.dates, found)
        _keep(reader, resource, diagnosis, found)
    elif found.kind is not Kind.OTHER:
        reader.note(resource, f"{found.kind.value} ({found.how}): not counted as PHT")
    elif any(text.mentions_hamstring(words) for words in texts(code)):
        reader.note(resource, "mentions the hamstring, but no code or phrase names PHT")


def _as_reason(reader: Reader, found: conditions.Recognised, code: object) -> Reason:
    """What the condition is as a reason; of one not recognised its body site may tell."""
    stated = REASONS.get(found.kind) or reader.other_reason(code)
    if stated is Reason.UNRECOGNISED and found.site.place is Place.ELSEWHERE:
        return Reason.ELSEWHERE
    return stated


def _keep(
    reader: Reader,
    resource: Resource,
    diagnosis: Diagnosis | Unreadable | None,
    found: conditions.Recognised,
) -> None:
    if isinstance(diagnosis, Unreadable):
        reader.unreadable.append(diagnosis)
    elif diagnosis is None:
        reader.conditions[resource.reference] = Reason.ELSEWHERE
        reader.note(resource, "refuted, entered in error or a differential diagnosis")
    else:
        reader.diagnoses.append(_past(reader, resource, diagnosis))
        if not diagnosis.certain:
            reader.note(resource, f"possibly PHT ({found.how}): no card without confirmation")


def _past(reader: Reader, resource: Resource, diagnosis: Diagnosis) -> Diagnosis:
    """A disease that is on record has begun: no day in the future is its date.

    One that is being added now, and does not say when it was recorded, is recorded today.
    """
    stated = (diagnosis.onset, diagnosis.recorded)
    onset, recorded = (when.not_after(reader.today) if when else None for when in stated)
    if (onset, recorded).count(None) > stated.count(None):
        reader.note(resource, "a date in the future: taken as not stated")
    if recorded is None and resource.reference in reader.evidence.added:
        diagnosis, recorded = replace(diagnosis, assumed=True), When.on(reader.today)
    return replace(diagnosis, onset=onset, recorded=recorded)


def _refuse_unreadable(reader: Reader) -> None:
    if reader.unreadable:
        raise DataUnavailable.of(
            [
                Issue(
                    "error",
                    "structure",
                    "A Condition that may be proximal hamstring tendinopathy cannot be read",
                    (u.path,),
                )
                for u in reader.unreadable
            ]
        )


def _orders(reader: Reader, evidence: Evidence) -> tuple[Order, ...]:
    """What is being ordered; whether PHT is active decides what an order without site may be."""
    active = any(d.certain and d.active is YES for d in reader.diagnoses)
    return orders_of(reader, evidence.drafts, Answer.of(active))


def orders_of(reader: Reader, sent: list[Resource], disease: Answer) -> tuple[Order, ...]:
    """What drafts, dispatched orders and bookings order; `disease`: whether PHT is active."""
    return (*drafts.read(reader, sent, disease), *bookings.read(reader, sent, disease))


def _facts(patient: Patient, reader: Reader, evidence: Evidence) -> Facts:
    return Facts(
        patient=patient,
        diagnoses=tuple(reader.diagnoses),
        injections=tuple(reader.injections),
        care=tuple(reader.care),
        referrals=tuple(reader.referrals),
        scores=tuple(reader.scores),
        findings=tuple(reader.findings),
        filtration=tuple(reader.filtration),
        flags=tuple(reader.flags),
        measures=tuple(reader.measures),
        goals=tuple(reader.goals),
        orders=_orders(reader, evidence),
        unreadable=tuple(reader.unreadable),
        noted=(*reader.noted, *(Note(kind, NOT_HERE) for kind in sorted(evidence.unsupported))),
        doubts=tuple(dict.fromkeys(reader.doubts)),
        missing=dict(evidence.missing),
    )
