"""order-sign: all orders about to be signed."""

from cds_service.service import Service
from hooks.orders import DESCRIPTION, ORDER_RULES, USAGE
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-order-sign",
    hook="order-sign",
    title="Proximal hamstring tendinopathy: orders being signed",
    description=DESCRIPTION,
    usage_requirements=f"{USAGE} All draft orders are judged.",
    prefetch=CHART,
    recommendations=ORDER_RULES,
)
