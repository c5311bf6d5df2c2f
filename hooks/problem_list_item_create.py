"""problem-list-item-create: what to start with, and what questions the diagnosis being added."""

from cds_service.service import Service
from hooks.chart import ADDED_RULES
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-problem-list-item-create",
    hook="problem-list-item-create",
    title="Proximal hamstring tendinopathy: a diagnosis being added",
    description=(
        "An initial plan for proximal hamstring tendinopathy as it is put on the problem list, and"
        " findings that question the diagnosis. Only what concerns the condition being added."
    ),
    usage_requirements=(
        "Reads the Condition resources being added, and the chart by patient. Patient and Condition"
        " are required."
    ),
    prefetch=CHART,
    recommendations=ADDED_RULES,
)
