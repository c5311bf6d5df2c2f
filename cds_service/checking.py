"""`cds-service check` and `lint`: one file in; the response, or what is wrong with it, out."""

from __future__ import annotations

from typing import Any

from cds_service import linting
from cds_service import service as engine
from cds_service.demo.call import call_from_bundle
from cds_service.errors import BadRequest
from cds_service.lint_report import LintReport
from cds_service.protocol.request import parse
from cds_service.service import Service
from cds_service.settings import Settings
from cds_service.web import clock
from cds_service.web.plugins import load_services
from cds_service.web.wire import parse_json


def check(data: bytes, *, hook: str, settings: Settings, explain: bool) -> dict[str, Any]:
    """The response to the Bundle or hook request in `data`. Raises CdsError.

    A hook request names its own hook; a Bundle is judged at `hook`.
    """
    site = settings.site()
    engine.check_site(site)
    content = parse_json(data)
    if not isinstance(content, dict):
        raise BadRequest("The file must hold a JSON object.", code="structure")
    service = _service_at(content.get("hook", hook), settings)
    if content.get("resourceType") == "Bundle":
        content = call_from_bundle(service.hook, service.prefetch, content)
    elif "resourceType" in content:
        raise BadRequest("The file must hold a Bundle or a whole hook request.", code="value")
    request = parse(content, hook=service.hook)
    decision = engine.answer(service, request, today=clock.today(site), site=site)
    return decision.response(explain=explain)


def lint(data: bytes, *, settings: Settings) -> LintReport:
    """The report on the hook request in `data`. Raises CdsError when it is none."""
    site = settings.site()
    engine.check_site(site)
    services = load_services(settings.plugins)
    return linting.lint(parse_json(data), services, today=clock.today(site), site=site)


def _service_at(hook: object, settings: Settings) -> Service:
    services = load_services(settings.plugins)
    for service in services:
        if service.hook == hook:
            return service
    offered = ", ".join(dict.fromkeys(service.hook for service in services)) or "none"
    raise BadRequest(f"No service answers this hook. Offered: {offered}.", code="value")
