"""encounter-start: what the record shows when a visit begins; asks what patient-view asks."""

from cds_service.service import Service
from hooks.chart import CHART_RULES, DESCRIPTION, USAGE
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-encounter-start",
    hook="encounter-start",
    title="Proximal hamstring tendinopathy: where the patient stands as the visit begins",
    description=DESCRIPTION,
    usage_requirements=USAGE,
    prefetch=CHART,
    recommendations=CHART_RULES,
)
