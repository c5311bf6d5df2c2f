"""order-dispatch: orders placed before, as somebody is chosen to carry them out."""

from cds_service.service import Service
from hooks.orders import DESCRIPTION, ORDER_RULES
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-order-dispatch",
    hook="order-dispatch",
    title="Proximal hamstring tendinopathy: orders being dispatched",
    description=DESCRIPTION,
    usage_requirements=(
        "Reads the MedicationRequest and ServiceRequest resources named in `dispatchedOrders` among"
        " those of the chart, and the chart by patient."
    ),
    prefetch=CHART,
    recommendations=ORDER_RULES,
)
