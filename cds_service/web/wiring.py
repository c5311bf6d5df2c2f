"""What the routes of one application share, put together once by `create_app`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from flask import Flask, current_app

from cds_service import service as engine
from cds_service.decision import Decision
from cds_service.demo.patients import Case
from cds_service.demo.record import Record
from cds_service.fhir.client import FhirClient
from cds_service.fhir.resources import Evidence
from cds_service.ledger.ledger import Ledger
from cds_service.protocol.request import HookRequest
from cds_service.repeats import NOTHING, History
from cds_service.service import Service
from cds_service.settings import Settings, Site
from cds_service.site import ALL, CLIENT_IN_SHADOW
from cds_service.store.engine import Store
from cds_service.trust.clients import ANYONE, Client
from cds_service.trust.pausing import Paused, withheld
from cds_service.web import clock
from cds_service.web.wire import Limits

_KEY = "cds_service"


class Answer(Protocol):
    """`cds_service.service.answer`, or what a test puts in its place."""

    def __call__(
        self,
        service: Service,
        request: HookRequest,
        /,
        *,
        today: date,
        site: Site,
        history: History = NOTHING,
    ) -> Decision: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The demo patients, one by one and as one FHIR server."""

    cases: Mapping[str, Case]
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything a route may need; immutable."""

    settings: Settings
    site: Site
    services: Mapping[str, Service]
    answer: Answer
    demo: Demo | None
    fetch: FhirClient | None = None
    #: by name of a registered client: for its FHIR servers alone
    limited: Mapping[str, FhirClient] = field(default_factory=dict)
    #: without one nothing is remembered: for tests of other things
    store: Store | None = None
    paused: Paused | None = None
    ledger: Ledger | None = None

    @property
    def limits(self) -> Limits:
        """What a request body may hold."""
        told = self.settings
        return Limits(body=told.body_limit, resources=told.resource_limit, string=told.string_limit)

    def ids(self) -> list[str]:
        """Every id under which a service answers, as it is offered first."""
        shared = self.settings.shared_id
        return [*([shared] if shared and self.services else []), *self.services]

    def today(self) -> date:
        """The clinical date."""
        return clock.today(self.site)

    def decide(
        self,
        service: Service,
        request: HookRequest,
        client: Client = ANYONE,
        history: History = NOTHING,
        *,
        waited: float = 0.0,
    ) -> Decision:
        """The whole pipeline, at today's date. Raises CdsError. The call has `waited` seconds."""
        site, fetch = self.site_for(client), self._fetch(client)
        if fetch is None:
            return self.answer(service, request, today=self.today(), site=site, history=history)
        fetch = fetch.sooner(waited)
        return engine.answer(
            service, request, today=self.today(), site=site, client=fetch, history=history
        )

    def look(
        self, service: Service, request: HookRequest, client: Client, *, seconds: float
    ) -> tuple[Evidence, Decision]:
        """The same with what it stood on; `seconds` for fetching. Raises CdsError."""
        site, fetch = self.site_for(client), self._fetch(client)
        within = fetch.within(seconds) if fetch else None
        evidence = engine.obtain(service, request, today=self.today(), site=site, client=within)
        return evidence, engine.decide(service, request, evidence, today=self.today(), site=site)

    def site_for(self, client: Client = ANYONE) -> Site:
        """As it is now for this client.

        Rules that are paused, and all for a client in shadow mode, are judged and not shown.
        """
        held = dict(withheld(self.paused.in_force())) if self.paused else {}
        if client.mode == "shadow":
            held[ALL] = CLIENT_IN_SHADOW
        site = replace(self.site, withheld=held) if held else self.site
        if client is ANYONE or client.smart is None:
            return site
        return replace(site, smart_app=f"{self.settings.base_url()}/smart/launch")

    def _fetch(self, client: Client) -> FhirClient | None:
        """A registered client has FHIR servers of its own, or none."""
        return self.fetch if client is ANYONE else self.limited.get(client.name)


def attach(app: Flask, wiring: Wiring) -> None:
    """Gives the routes of `app` their wiring."""
    app.extensions[_KEY] = wiring


def begin(app: Flask) -> None:
    """At the start of a server process: the database is opened, and what waits for it written."""
    attached: Wiring | None = app.extensions.get(_KEY)
    if attached is not None and attached.store is not None:
        attached.store.warm()
    if attached is not None and attached.ledger is not None:
        attached.ledger.catch_up()


def wiring() -> Wiring:
    """The wiring of the application that serves the current request."""
    attached: Wiring = current_app.extensions[_KEY]
    return attached
