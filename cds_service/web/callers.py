"""Builds what knows the callers, from the settings and the clients of the site's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g

from cds_service.errors import SettingsError
from cds_service.ledger.scope import Owner
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.trust import clients as registry
from cds_service.trust.clients import Client, Clients
from cds_service.trust.jwks import fetcher
from cds_service.trust.keys import FileKeys, Keys, KeySet, KeysUnavailable, RemoteKeys
from cds_service.trust.rates import Rates
from cds_service.trust.replay import LocalNonces, ReplayGuard, StoredNonces
from cds_service.trust.tokens import Authenticator


def owner() -> Owner:
    """Who makes the current request, as the ledger knows them."""
    return Owner(client=g.client.name, tenant=g.get("tenant") or "")


def clients(settings: Settings, tables: Mapping[str, Any]) -> Clients:
    """The registered clients, by issuer. Raises SettingsError with the place of each fault."""
    if not settings.config:
        return {}
    try:
        return registry.read_clients(tables, settings.config.parent)
    except SettingsError as error:
        raise SettingsError(f"{settings.config}: {error}") from None


def authenticator(
    settings: Settings,
    tables: Mapping[str, Any],
    offered: Iterable[str],
    store: Store | None = None,
) -> Authenticator | None:
    """None when callers are not authenticated. Raises SettingsError, also when none is known.

    Without a store each process remembers used tokens for itself: for tests.
    """
    known = clients(settings, tables)
    registry.check_services(known, offered)
    if settings.auth == "open":
        return None
    if not known:
        raise SettingsError(
            "CDS_SERVICE_AUTH is 'required' (the default) and no client is registered: add"
            " [clients.<name>] to the file that CDS_SERVICE_CONFIG names."
            " CDS_SERVICE_AUTH=open serves anyone who can reach it."
        )
    shared = StoredNonces(store) if store else None
    return Authenticator(
        known,
        {client.name: keys_of(client, settings) for client in known.values()},
        ReplayGuard(LocalNonces(), shared, strict=settings.replay == "strict"),
        public_url=settings.base_url(),
        max_age=settings.token_max_age,
    )


def rates(settings: Settings) -> Rates:
    """Counts how often clients call."""
    return Rates(
        redis=settings.redis_url.get_secret_value(),
        prefix=settings.base_url(),
        shares=settings.workers,
        timeout=settings.database_timeout / 1000,
        ca_file=str(settings.ca_file) if settings.ca_file else None,
    )


def keys_of(client: Client, settings: Settings) -> Keys:
    """Its file, or its registered address."""
    if client.jwks:
        return FileKeys(client.jwks)
    address = client.jku or ""
    return RemoteKeys(
        address,
        fetcher(address, private=client.jku_private, ca_file=settings.ca_file),
        ttl=settings.jwks_ttl,
        stale=settings.jwks_stale,
        client=client.name,
    )


def warnings(settings: Settings) -> list[str]:
    """What whoever starts the service must know about its clients."""
    return registry.warnings(clients(settings, settings.site_file().clients))


def published_keys(known: Clients, name: str, settings: Settings) -> KeySet:
    """The keys of the client of this name, obtained as for a call. Raises SettingsError."""
    for client in known.values():
        if client.name == name:
            keys = keys_of(client, settings)
            try:
                return keys.held()
            except KeysUnavailable as error:
                raise SettingsError(f"clients.{name}: no keys from {client.jku}: {error}") from None
    raise SettingsError(f"No client is named {name!r}; known: {', '.join(_names(known))}")


def _names(known: Clients) -> list[str]:
    return [client.name for client in known.values()] or ["none"]
