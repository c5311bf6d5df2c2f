"""Whether it is a steroid, and injected locally (guideline G5, the first two questions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cds_service.fhir.codes import codings, texts
from cds_service.fhir.reader import Reader
from cds_service.fhir.routes import NOT_INJECTED_LOCALLY
from cds_service.patient.facts import Place, Reason
from cds_service.patient.when import NO, UNKNOWN, YES, Answer
from cds_service.terminology import Drug
from cds_service.terminology.words import Route

#: forms that are not injected, or into the eye
NOT_LOCAL_FORMS = (
    "oral",
    "topical",
    "ophthalmic",
    "nasal",
    "otic",
    "rectal/vaginal",
    "oromucosal",
    "implant",
)


@dataclass(frozen=True, slots=True)
class Answers:
    steroid: Answer
    local: Answer

    @classmethod
    def of_drug(
        cls, drug: Drug, route: Route | None, place: Place, reason: Reason = Reason.NOT_STATED
    ) -> Answers:
        # Into a joint is not at a tendon, unless site or reason say that it was.
        near = place in (Place.ORIGIN, Place.ISCHIUM, Place.REGION) or reason is Reason.PHT
        local = NO if route is Route.JOINT and not near else _locally(drug, route, place)
        return cls(YES if drug.certain else UNKNOWN, local)


def _locally(drug: Drug, route: Route | None, place: Place) -> Answer:
    if route in NOT_INJECTED_LOCALLY or drug.form in NOT_LOCAL_FORMS:
        return NO
    if not drug.injectable_exists:  # prednisone
        return NO
    if route is Route.LOCAL or place is Place.ORIGIN:
        return YES
    if drug.form == "injectable" and route is None:
        return YES
    return UNKNOWN


def drug_of(reader: Reader, concept: Any) -> Drug | None:
    """The drug a medication concept names: by code, or an anticoagulant by product name (G16)."""
    terminology = reader.codes.terminology
    found = [drug for system, code in codings(concept) if (drug := terminology.drug(system, code))]
    if found:
        # A product says more than its ingredient: prefer the coding that knows the form.
        return min(found, key=lambda drug: (drug.form is None, drug.ingredient is None))
    names = (terminology.drug_named(words) for words in texts(concept))
    return next(filter(None, names), None)


def why_not(answers: Answers, at_origin: Answer, place: Place, reason: Reason) -> str:
    """Why a record is left out; empty when it counts."""
    if answers.steroid is NO:
        return "another agent than a steroid was injected"
    if answers.local is NO:
        return "not a local injection: oral, intramuscular, intravenous, topical or the like"
    if at_origin is NO:
        if place is Place.ELSEWHERE or reason.elsewhere:
            return "another site or reason"
        return f"{place.value}, and no PHT at that time"
    return ""
