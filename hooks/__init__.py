"""The CDS services on offer, in discovery order. Each hook file declares one; none decides."""

from cds_service.service import Service
from hooks import order_select, order_sign, patient_view


def services() -> tuple[Service, ...]:
    """What this plug-in offers (entry point `pht` of the group `cds_service.services`)."""
    return (patient_view.SERVICE, order_select.SERVICE, order_sign.SERVICE)
