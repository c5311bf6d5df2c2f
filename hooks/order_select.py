"""order-select: the orders just chosen; other drafts are not judged."""

from cds_service.service import Service
from hooks.orders import DESCRIPTION, SELECT_RULES, USAGE
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-order-select",
    hook="order-select",
    title="Proximal hamstring tendinopathy: orders being chosen",
    description=DESCRIPTION,
    usage_requirements=f"{USAGE} Only the drafts named in `selections` are judged.",
    prefetch=CHART,
    recommendations=SELECT_RULES,
)
