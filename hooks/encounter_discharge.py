"""encounter-discharge: what must be in place before the patient leaves."""

from cds_service.service import Service
from hooks.chart import DISCHARGE_RULES, USAGE
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-encounter-discharge",
    hook="encounter-discharge",
    title="Proximal hamstring tendinopathy: what is in place before the patient leaves",
    description=(
        "For adults with proximal hamstring tendinopathy about to leave: a loading programme, load"
        " management, a surgical opinion due or overdue, and the criteria for return to activity."
    ),
    usage_requirements=USAGE,
    prefetch=CHART,
    recommendations=DISCHARGE_RULES,
)
