"""Prefetch templates: by patient only; only Observation by code; one _include per template."""

from cds_service.terminology import default_terminology

_PATIENT = "patient={{context.patientId}}"
#: value sets of the codes asked for; findings (local-condition) may be observations too
_OBSERVED = ("local-observation", "local-condition", "pain-observation", "egfr")


def _observation_codes() -> str:
    sets = default_terminology().value_sets
    return ",".join(
        f"{concept.system}|{concept.code}"
        for name in _OBSERVED
        for concept in sets[name]
        if concept.role == "include"
    )


CHART = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": f"Condition?{_PATIENT}",
    "procedures": f"Procedure?{_PATIENT}",
    "serviceRequests": f"ServiceRequest?{_PATIENT}",
    "medicationRequests": f"MedicationRequest?{_PATIENT}&_include=MedicationRequest:medication",
    "medicationStatements": (
        f"MedicationStatement?{_PATIENT}&_include=MedicationStatement:medication"
    ),
    "medicationAdministrations": (
        f"MedicationAdministration?{_PATIENT}&_include=MedicationAdministration:medication"
    ),
    "carePlans": f"CarePlan?{_PATIENT}",
    "goals": f"Goal?{_PATIENT}",
    "allergies": f"AllergyIntolerance?{_PATIENT}",
    "observations": f"Observation?{_PATIENT}&code={_observation_codes()}",
}
