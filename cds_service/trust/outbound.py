"""Whom this service may call, as the operator configured it."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.errors import SettingsError
from cds_service.fhir.policy import Policy, normal
from cds_service.settings import PREFIX, Settings
from cds_service.trust.clients import Client


def servers(client: Client) -> frozenset[str]:
    """The FHIR servers that may be asked for calls of this registered client."""
    return _bases(client.fhir_servers, f"[clients.{client.name}] fhir_servers")


def policy(
    settings: Settings, clients: Iterable[Client] = (), *, own: Iterable[str] = ()
) -> Policy:
    """The policy for all clients together; `own` are FHIR servers on this machine.

    Raises SettingsError for what is no base URL, and for a private one that is not registered.
    """
    local = frozenset(normal(url) for url in own)
    allowed = _bases(settings.fhir_servers, f"{PREFIX}FHIR_SERVERS").union(*map(servers, clients))
    private = _bases(settings.fhir_private, f"{PREFIX}FHIR_PRIVATE")
    if private - allowed:
        raise SettingsError(f"{PREFIX}FHIR_PRIVATE names a server that may not be asked at all")
    return Policy(
        servers=allowed | local,
        private=private | local,
        deadline=settings.fetch_deadline,
        size=settings.fetch_bytes,
        pages=settings.fetch_pages,
        connections=settings.fetch_connections,
        ca=settings.ca_file,
    )


def _bases(urls: Iterable[str], setting: str) -> frozenset[str]:
    try:
        return frozenset(normal(url) for url in urls)
    except ValueError as error:
        raise SettingsError(f"{setting}: {error}") from None
