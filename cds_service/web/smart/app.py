"""What the routes of the SMART app share, put together once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from flask import Flask, current_app

from cds_service.errors import SettingsError
from cds_service.fhir.policy import Policy, normal
from cds_service.service import Service
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.trust import outbound
from cds_service.trust.clients import Client
from cds_service.trust.keys import RemoteKeys
from cds_service.trust.smart.asking import Asker
from cds_service.trust.smart.discovery import Discovery
from cds_service.trust.smart.refused import LaunchRefused, Why
from cds_service.trust.smart.registration import Smart
from cds_service.web.cookies import Jar, jar
from cds_service.web.server import is_loopback
from cds_service.web.wiring import Wiring

HOOK = "patient-view"
_KEY = "cds_service.smart"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that may launch, and the service that is asked for it."""

    client: Client
    smart: Smart
    service: Service


@dataclass(slots=True, kw_only=True)
class SmartApp:
    """`registered`: by FHIR server, in normal form. `redirect`: the one address to come back to."""

    registered: Mapping[str, Registered]
    redirect: str
    store: Store
    jar: Jar
    asker: Asker
    discovery: Discovery
    ttl: float
    stale: float
    _keys: dict[str, RemoteKeys] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def all_ancestors(self) -> tuple[str, ...]:
        """Every origin whose pages may frame the app for some client."""
        known = self.registered.values()
        return tuple(sorted({origin for one in known for origin in one.smart.frame_ancestors}))

    def of(self, iss: str) -> tuple[str, Registered]:
        """The server `iss` names, in normal form. Raises LaunchRefused."""
        try:
            base = normal(iss)
        except ValueError:
            raise LaunchRefused(Why.UNREGISTERED) from None
        if base not in self.registered:
            raise LaunchRefused(Why.UNREGISTERED)
        return base, self.registered[base]

    def keys(self, address: str) -> RemoteKeys:
        """The keys at `address`, kept between launches."""
        with self._lock:
            if address not in self._keys:
                self._keys[address] = RemoteKeys(
                    address, partial(self.asker.keys, address), ttl=self.ttl, stale=self.stale
                )
            return self._keys[address]


def put_together(settings: Settings, wiring: Wiring, clients: Iterable[Client]) -> SmartApp:
    """Raises SettingsError when the app cannot be served as configured."""
    if wiring.store is None or wiring.fetch is None:
        raise SettingsError("[clients.<name>.smart] needs a store, and a way to FHIR servers")
    public = urlsplit(settings.base_url())
    if public.scheme != "https" and not is_loopback(public.hostname or ""):
        raise SettingsError("[clients.<name>.smart] needs a CDS_SERVICE_PUBLIC_URL with https")
    asker = Asker(_policy(wiring.fetch.policy))
    return SmartApp(
        registered=_registered(clients, wiring),
        redirect=f"{settings.base_url()}/smart/callback",
        store=wiring.store,
        jar=jar(settings),
        asker=asker,
        discovery=Discovery(asker),
        ttl=settings.jwks_ttl,
        stale=settings.jwks_stale,
    )


def _registered(clients: Iterable[Client], wiring: Wiring) -> dict[str, Registered]:
    found: dict[str, Registered] = {}
    for client in clients:
        service = _service(client, wiring.services.values())
        for base in outbound.servers(client):
            if base in found:
                both = f"{found[base].client.name} and {client.name}"
                raise SettingsError(f"clients {both} have the same FHIR server, and both smart")
            if client.smart:
                found[base] = Registered(client, client.smart, service)
    return found


def _service(client: Client, services: Iterable[Service]) -> Service:
    for service in services:
        if service.hook == HOOK and client.may_call(service.id):
            return service
    raise SettingsError(f"clients.{client.name}.smart needs a service of {HOOK} that it may call")


def _policy(policy: Policy) -> Policy:
    """The same addresses; of its limits `asking` has its own."""
    return replace(policy, connections=4)


def attach(app: Flask, smart: SmartApp) -> None:
    """Gives the routes of `app` what they share."""
    app.extensions[_KEY] = smart


def smart_app() -> SmartApp:
    """Of the application that serves the current request."""
    held: SmartApp = current_app.extensions[_KEY]
    return held
