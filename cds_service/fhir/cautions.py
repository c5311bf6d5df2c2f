"""Condition and AllergyIntolerance -> what speaks against an NSAID or shockwave (guideline G16)."""

from __future__ import annotations

from typing import Any

from cds_service.fhir.codes import Known, by, codings, status_of, texts
from cds_service.fhir.conditions import ACTIVE, NOT_HAD, OVER, malformed
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import Caution, Finding, Place
from cds_service.patient.when import latest_of
from cds_service.terminology import Concept

VALUE_SETS = {
    "pregnancy": Caution.PREGNANCY,
    "chronic-kidney-disease": Caution.KIDNEY_DISEASE,
    "gi-bleed-or-peptic-ulcer": Caution.GI_BLEED,
    "heart-failure": Caution.HEART_FAILURE,
    "cirrhosis": Caution.CIRRHOSIS,
    "cardiovascular-disease": Caution.CARDIOVASCULAR,
    "coagulopathy": Caution.COAGULOPATHY,
    "malignancy": Caution.MALIGNANCY,
}
AT_SITE = (Place.ORIGIN, Place.ISCHIUM, Place.REGION)
#: a past event still counts (G16)
EVER = (Caution.GI_BLEED, Caution.CARDIOVASCULAR)
#: CKD stages 1 and 2 do not count (G16)
EARLY_STAGES = {"431855005", "431856006", "N18.1", "N18.2", "N181", "N182"}
CONDITION = (
    "clinicalStatus",
    "verificationStatus",
    "category",
    "code",
    "onsetDateTime",
    "onsetAge",
    "onsetPeriod",
    "abatementDateTime",
    "abatementAge",
    "abatementPeriod",
    "abatementString",
    "recordedDate",
)
ALLERGY = ("clinicalStatus", "verificationStatus", "code", "onsetDateTime", "recordedDate")


def read_condition(reader: Reader, resource: Resource, known: Known) -> None:
    found = [concept for name in VALUE_SETS if (concept := known.within(name))]
    if {code for _, code in codings(resource.raw.get("code"))} & EARLY_STAGES:
        found = [concept for concept in found if concept.value_set != "chronic-kidney-disease"]
    if not found:
        return
    element = sound("Condition", resource.raw, CONDITION)
    if status_of(element.get("verificationStatus"), NOT_HAD) in NOT_HAD:
        return
    for concept in found:
        if _counts(element, VALUE_SETS[concept.value_set]):
            _add(reader, resource, element, concept)


def _counts(element: Sound, caution: Caution) -> bool:
    status = status_of(element.get("clinicalStatus"), (*ACTIVE, *OVER))
    abated = any(name.startswith("abatement") for name in element.elements)
    if caution in EVER:
        return True
    if status in OVER or (abated and status not in ACTIVE):
        return False
    return not (caution is Caution.PREGNANCY and abated)


def _add(reader: Reader, resource: Resource, element: Sound, concept: Concept) -> None:
    span = reader.dates.span(element, "onset")
    begun = span.start if span else None
    recorded = reader.dates.when(element.get("recordedDate"))
    caution = VALUE_SETS[concept.value_set]
    if caution is Caution.PREGNANCY and begun and recorded:  # onset or recorded within the time
        begun = latest_of([begun, recorded])
    reader.findings.append(
        Finding(
            reference=resource.reference,
            label=caution.value,
            recognised_by=by(concept),
            caution=caution,
            when=begun or recorded,
            at_site=reader.site(resource.raw.get("bodySite")).place in AT_SITE,
        )
    )


def _names_nsaid(reader: Reader, concept: Any) -> bool:
    """By code, or by a name that holds the ingredient: an allergy is often text alone."""
    terminology = reader.codes.terminology
    drugs = [terminology.drug(system, code) for system, code in codings(concept)]
    if any(drug and drug.drug_class == "nsaid" for drug in drugs):
        return True
    named = any(terminology.names_nsaid(words) for words in texts(concept))
    return named or reader.codes.known(concept).within("aspirin") is not None


def read_allergy(reader: Reader, resource: Resource) -> None:
    """An active allergy or intolerance to an NSAID or aspirin."""
    concept = resource.raw.get("code")
    if malformed(concept):
        reader.doubts.append("an allergy that cannot be read")
        return
    if not _names_nsaid(reader, concept):
        return
    element = sound("AllergyIntolerance", resource.raw, ALLERGY)
    status = status_of(element.get("clinicalStatus"), (*ACTIVE, *OVER))
    if status_of(element.get("verificationStatus"), NOT_HAD) in NOT_HAD or status in OVER:
        return
    reader.findings.append(
        Finding(
            reference=resource.reference,
            label=Caution.NSAID_ALLERGY.value,
            caution=Caution.NSAID_ALLERGY,
            when=reader.dates.when(element.get("recordedDate")),
        )
    )
