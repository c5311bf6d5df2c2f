"""appointment-book: a visit for a steroid injection, as it is booked."""

from cds_service.service import Service
from hooks.orders import STEROID_RULES
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-appointment-book",
    hook="appointment-book",
    title="Proximal hamstring tendinopathy: injections being booked",
    description=(
        "Steroid injections at the hamstring origin (number, interval, time, torn tendon), checked"
        " against the chart for the day the appointment starts."
    ),
    usage_requirements=(
        "Reads proposed Appointment resources whose service type or reason names the injection by"
        " code, and the chart by patient."
    ),
    prefetch=CHART,
    recommendations=STEROID_RULES,
)
