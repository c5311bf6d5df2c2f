"""The CDS services on offer, in discovery order. Each hook file declares one; none decides."""

from cds_service.service import Service
from hooks import patient_view


def services() -> tuple[Service, ...]:
    """What this plug-in offers (entry point `pht` of the group `cds_service.services`)."""
    return (patient_view.SERVICE,)
