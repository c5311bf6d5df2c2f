"""Services are plug-ins: entry points that return them, named by CDS_SERVICE_PLUGINS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points

from cds_service.errors import SettingsError
from cds_service.service import Service
from cds_service.settings import SEGMENT

GROUP = "cds_service.services"


def load_services(plugins: Sequence[str]) -> list[Service]:
    """The services of the plug-ins named, in that order."""
    offered = {point.name: point for point in entry_points(group=GROUP)}
    for name in plugins:
        if name not in offered:
            known = ", ".join(sorted(offered)) or "none (is the package installed?)"
            raise SettingsError(f"CDS_SERVICE_PLUGINS: {name!r} is not installed; known: {known}")
    return [service for name in plugins for service in offered[name].load()()]


def by_id(services: Iterable[Service]) -> dict[str, Service]:
    """Services by id. Clients keep only the last of two with one id, so that is refused."""
    found: dict[str, Service] = {}
    for service in services:
        if not SEGMENT.fullmatch(service.id):
            raise SettingsError(f"The service id {service.id!r} cannot be part of a URL")
        if service.id in found:
            raise SettingsError(f"Two services have the id {service.id!r}")
        found[service.id] = service
    return found


def check_shared(shared_id: str, services: Mapping[str, Service]) -> None:
    """Under one id the hook of a call decides which service answers: it must name one only."""
    if shared_id in services:
        raise SettingsError(f"CDS_SERVICE_SHARED_ID: {shared_id!r} is the id of one service")
    hooks = [service.hook for service in services.values()]
    twice = next((hook for hook in hooks if hooks.count(hook) > 1), None)
    if shared_id and twice:
        raise SettingsError(f"CDS_SERVICE_SHARED_ID: two services answer {twice}")
