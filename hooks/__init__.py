"""The CDS services on offer, in discovery order. Each hook file declares one; none decides."""

from cds_service.service import Service
from hooks import (
    appointment_book,
    encounter_discharge,
    encounter_start,
    order_dispatch,
    order_select,
    order_sign,
    patient_view,
    problem_list_item_create,
)


def services() -> tuple[Service, ...]:
    """What this plug-in offers (entry point `pht` of the group `cds_service.services`)."""
    return (
        patient_view.SERVICE,
        encounter_start.SERVICE,
        order_select.SERVICE,
        order_sign.SERVICE,
        order_dispatch.SERVICE,
        appointment_book.SERVICE,
        encounter_discharge.SERVICE,
        problem_list_item_create.SERVICE,
    )
