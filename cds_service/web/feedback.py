"""What became of the cards: POST /cds-services/{id}/feedback (CDS Hooks 2.0 and 3.0)."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from cds_service.errors import CdsError, Issue, NotFound, operation_outcome
from cds_service.ledger.feedback import read_entry
from cds_service.protocol.feedback import parse
from cds_service.web import clock
from cds_service.web.callers import owner
from cds_service.web.services import check_id
from cds_service.web.wire import json_response, read_json
from cds_service.web.wiring import wiring

blueprint = Blueprint("feedback", __name__)


@blueprint.post("/cds-services/<service_id>/feedback")
@blueprint.post("/cds-services//<service_id>/feedback")
def feedback(service_id: str) -> Response:
    """Feedback on cards: kept when the answer is 200, which names each entry that was not."""
    check_id(service_id)
    g.service = service_id
    shared = wiring()
    if shared.ledger is None:
        raise NotFound("Feedback is not kept by this server.")
    entries, issues = parse(read_json(request, shared.limits))
    comments, zone = shared.settings.keep_comments, shared.site.timezone
    told = [read_entry(place, sent, comments=comments, zone=zone) for place, sent in entries]
    issues += shared.ledger.feedback(
        told,
        owner=owner(),
        service=service_id,
        services=list(shared.services) if service_id == shared.settings.shared_id else [service_id],
        now=clock.now(),
        day=shared.today(),
    )
    kept = Issue("information", "informational", f"Feedback entries kept: {len(told)}.")
    return json_response(operation_outcome(CdsError.of([*issues, kept])))
