"""Condition and AllergyIntolerance -> what speaks against an NSAID or shockwave (guideline G16)."""

from __future__ import annotations

from cds_service.fhir.codes import Known, by, codings, first_code
from cds_service.fhir.conditions import ACTIVE, NOT_HAD, OVER
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import Caution, Finding, Place
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
    if first_code(element.get("verificationStatus")) in NOT_HAD:
        return
    for concept in found:
        if _counts(element, VALUE_SETS[concept.value_set]):
            _add(reader, resource, element, concept)


def _counts(element: Sound, caution: Caution) -> bool:
    status = first_code(element.get("clinicalStatus"))
    abated = any(name.startswith("abatement") for name in element.elements)
    if caution in EVER:
        return True
    if status in OVER or (abated and status not in ACTIVE):
        return False
    return not (caution is Caution.PREGNANCY and abated)


def _add(reader: Reader, resource: Resource, element: Sound, concept: Concept) -> None:
    span = reader.dates.span(element, "onset")
    caution = VALUE_SETS[concept.value_set]
    reader.findings.append(
        Finding(
            reference=resource.reference,
            label=caution.value,
            recognised_by=by(concept),
            caution=caution,
            when=(span.start if span else None) or reader.dates.when(element.get("recordedDate")),
            at_site=reader.site(resource.raw.get("bodySite")).place in AT_SITE,
        )
    )


def read_allergy(reader: Reader, resource: Resource) -> None:
    """An active allergy or intolerance to an NSAID or aspirin."""
    terminology = reader.codes.terminology
    concept = resource.raw.get("code")
    drugs = [terminology.drug(system, code) for system, code in codings(concept)]
    aspirin = reader.codes.known(concept).within("aspirin")
    if not aspirin and not any(drug and drug.drug_class == "nsaid" for drug in drugs):
        return
    element = sound("AllergyIntolerance", resource.raw, ALLERGY)
    status = first_code(element.get("clinicalStatus"))
    if first_code(element.get("verificationStatus")) in NOT_HAD or status in OVER:
        return
    reader.findings.append(
        Finding(
            reference=resource.reference,
            label=Caution.NSAID_ALLERGY.value,
            caution=Caution.NSAID_ALLERGY,
            when=reader.dates.when(element.get("recordedDate")),
        )
    )
