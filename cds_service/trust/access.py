"""Who may use which route: one table, the same as in docs/security.md.

A route that is not in it stops the start: nothing is served that nobody thought about.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType

from cds_service.errors import SettingsError


class Access(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"  # anyone: nothing about patients or the site's clients
    CLIENT = "client"  # a registered CDS client, by its token
    OPERATOR = "operator"  # whoever runs the service (CDS_SERVICE_CONSOLE); anyone in the demo
    SMART = "smart"  # a browser in which a registered EHR's user has launched the SMART app
    DEMO = "demo"  # anyone, but served by `cds-service demo` alone


DISCOVERY = "/cds-services"

ROUTES = MappingProxyType(
    {
        DISCOVERY: Access.PUBLIC,  # CLIENT with CDS_SERVICE_DISCOVERY=client
        "/cds-services/<service_id>": Access.CLIENT,
        "/cds-services//<service_id>": Access.CLIENT,
        "/cds-services/<service_id>/feedback": Access.CLIENT,
        "/cds-services//<service_id>/feedback": Access.CLIENT,
        "/health": Access.PUBLIC,
        "/ready": Access.PUBLIC,
        "/fhir/CodeSystem/pht": Access.PUBLIC,
        "/fhir/CodeSystem/override-reason": Access.PUBLIC,
        "/": Access.PUBLIC,
        "/guideline": Access.PUBLIC,
        "/value-sets": Access.PUBLIC,
        "/about/source-attributes": Access.PUBLIC,
        "/about/source-attributes.json": Access.PUBLIC,
        "/static/<path:filename>": Access.PUBLIC,
        "/openapi.json": Access.PUBLIC,
        "/metrics": Access.OPERATOR,  # as CDS_SERVICE_METRICS says
        "/console/login": Access.PUBLIC,  # tries are counted
        "/console/logout": Access.OPERATOR,
        "/console/integrator": Access.OPERATOR,
        "/console/integrator/lint": Access.OPERATOR,
        "/console/feedback": Access.OPERATOR,
        "/console/feedback.json": Access.OPERATOR,
        "/console/what-if": Access.OPERATOR,
        "/console/what-if/result": Access.OPERATOR,
        "/smart/launch": Access.SMART,
        "/smart/callback": Access.SMART,
        "/smart/app/<view>": Access.SMART,
        "/smart/app/<view>/end": Access.SMART,
        "/demo/chart": Access.DEMO,
        "/demo/fhir/metadata": Access.DEMO,
        "/demo/fhir/<resource_type>": Access.DEMO,
        "/demo/fhir/<resource_type>/_search": Access.DEMO,
        "/demo/fhir/<resource_type>/<resource_id>": Access.DEMO,
    }
)


def check(routes: Iterable[str]) -> None:
    """Raises SettingsError for a route about which nothing is decided."""
    undecided = sorted(set(routes) - ROUTES.keys())
    if undecided:
        raise SettingsError(
            f"cds_service.trust.access does not say who may use {', '.join(undecided)}"
        )


def needed(route: str, *, discovery_is_public: bool) -> Access:
    """Who may use `route`, which is one of the table."""
    if route == DISCOVERY and not discovery_is_public:
        return Access.CLIENT
    return ROUTES[route]
