"""CDS Hooks: discovery and the services."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, g, request

from cds_service.decision import Decision
from cds_service.errors import BadRequest, NotAllowed, NotFound
from cds_service.fhir.reads import READS
from cds_service.fhir.resources import template_type
from cds_service.ledger.ledger import Call
from cds_service.protocol.hooks import HOOKS, SPECIFICATION
from cds_service.protocol.request import HookRequest, parse
from cds_service.service import Service
from cds_service.trust.refusals import Reason
from cds_service.web import clock
from cds_service.web.callers import owner
from cds_service.web.metrics import metrics
from cds_service.web.wire import json_response, read_json
from cds_service.web.wiring import wiring

#: the extension that tells what a service reads
READ = "org.pht-cds.reads"

blueprint = Blueprint("services", __name__)


@blueprint.get("/cds-services")
def discovery() -> Response:
    """What is offered, in the order it is declared; under one id where the site shares one."""
    one_id = wiring().settings.shared_id
    shared = {"id": one_id} if one_id else {}
    return json_response({"services": [described(s) | shared for s in wiring().services.values()]})


# Clients that join a base URL ending in a slash ask for a double one; a redirect would
# break their preflight.
@blueprint.post("/cds-services/<service_id>")
@blueprint.post("/cds-services//<service_id>")
def call(service_id: str) -> Response:
    """One call of a hook: cards, or an OperationOutcome."""
    check_id(service_id)
    g.service = service_id
    explain = wants_explanation()
    if explain and not g.client.explain:
        raise NotAllowed(Reason.EXPLAIN)
    body = read_json(request, wiring().limits)
    service = _service(service_id, body)
    if not g.client.may_call(service.id):  # known only now, when ids are shared
        raise NotAllowed(Reason.SERVICE)
    g.service = service.id
    decision = _decided(service, parse(body, hook=service.hook))
    g.rules = decision.rules
    metrics().decision(decision)
    return json_response(decision.response(explain=explain))


def _decided(service: Service, sent: HookRequest) -> Decision:
    """The decision, on record before it leaves."""
    shared, waited = wiring(), g.get("waited", 0.0)
    if shared.ledger is None:
        return shared.decide(service, sent, g.client, waited=waited)
    made = Call(
        service=service.id,
        request=sent,
        owner=owner(),
        once_per_encounter=g.client.once_per_encounter,
        on_trial=g.client.mode == "shadow",
    )
    history = shared.ledger.history(made, shared.today())
    decision = shared.decide(service, sent, g.client, history, waited=waited)
    ms = round((time.perf_counter() - g.started) * 1000)
    shared.ledger.record(made, decision, clock.now(), ms=ms)
    return decision


def wants_explanation() -> bool:
    """Whether the query asks why (`?explain=true`)."""
    return request.args.get("explain", "").lower() in ("true", "1")


def described(service: Service) -> dict[str, Any]:
    """The service as discovery tells it; optional elements only where they say something."""
    told: dict[str, Any] = {
        "hook": service.hook,
        "title": service.title,
        "description": service.description,
        "id": service.id,
        "usageRequirements": service.usage_requirements,
        "version": SPECIFICATION,
        "hookVersion": HOOKS[service.hook].version if service.hook in HOOKS else "",
        "prefetch": dict(service.prefetch),
        "extension": {READ: _read_of(service)},
    }
    return {name: value for name, value in told.items() if value}


def _read_of(service: Service) -> dict[str, Any]:
    """Which elements and codes of which resources, and the rules that cannot do without them."""
    types = dict.fromkeys(template_type(one) for one in service.prefetch.values())
    types |= dict.fromkeys(HOOKS[service.hook].types if service.hook in HOOKS else ())
    told = {
        kind: {
            "elements": list(READS[kind].elements),
            "valueSets": list(READS[kind].value_sets),
            "neededBy": [
                rule.id
                for rule in service.recommendations
                if any(kind in group for group in rule.needs)
            ],
        }
        for kind in types
        if kind in READS
    }
    return {
        "resources": {kind: {n: v for n, v in one.items() if v} for kind, one in told.items()},
        "valueSets": f"{wiring().settings.base_url()}/value-sets",
    }


def check_id(service_id: str) -> None:
    """Raises NotFound for an id under which nothing is offered."""
    known = wiring().ids()
    if service_id not in known:
        listed = ", ".join(known) or "none"
        raise NotFound(f"There is no service with this id. Known: {listed}.")


def _service(service_id: str, body: object) -> Service:
    """The service of this id; of the shared id the one that answers the hook in the body."""
    services = wiring().services
    if service_id in services:
        return services[service_id]
    of_hook = {service.hook: service for service in services.values()}
    hook = body.get("hook") if isinstance(body, dict) else None
    if hook in (None, ""):
        return next(iter(of_hook.values()))  # which says that the hook is required
    if not isinstance(hook, str) or hook not in of_hook:
        words = f"hook: must be one of {', '.join(of_hook)}"
        raise BadRequest(words, expression=["hook"], code="value")
    return of_hook[hook]
