"""patient-view: what the record shows when a clinician opens the chart."""

from cds_service.service import Service
from hooks.chart import CHART_RULES, DESCRIPTION, USAGE
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-patient-view",
    hook="patient-view",
    title="Proximal hamstring tendinopathy: where the patient stands",
    description=DESCRIPTION,
    usage_requirements=USAGE,
    prefetch=CHART,
    recommendations=CHART_RULES,
)
