"""HTTP: one application factory, and one module per thing it serves.

- `services`   discovery and the CDS services
- `feedback`   what became of the cards
- `health`     health, and the service's own CodeSystem
- `pages`      what people read: home (`status` on it) and the guideline
- `chart`      the demo's chart page
- `about`      source attributes (ONC HTI-1), as a page and as JSON
- `value_sets` every code, searchable
- `readiness`  whether this process should be sent calls
- `metrics`    what is counted, for Prometheus; `standing` is what stands now, `sharing` its files
- `openapi`    the OpenAPI description of all of these
- `demo_fhir`  the demo patients as a read-only FHIR server
- `gate`       who may use which route; `callers` builds what knows them, `operators` who is one
- `login`      operators log in; imported only with CDS_SERVICE_CONSOLE=password
- `same_origin`  whether a form comes from a page of this service
- `console`    what-if and the timeline, for people; imported only when it is on
- `smart`      the same as a SMART app; imported only when a client is registered for it
- `cookies`    how the cookies of both are named
- `server`     gunicorn, and what it refuses to serve
- `stopping`   what happens between SIGTERM and the end
- `worker`     a server process whose slow clients hold up nobody
- `arenas`     how much memory the allocator keeps for its threads
- `overload`   how many calls are worked on at once
- `wire`, `errors`, `cors`, `headers`, `log`, `clock`, `plugins`, `wiring`  what these share
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Flask

from cds_service import service as engine
from cds_service.demo.patients import Case, load_cases, whole_record
from cds_service.fhir.client import FhirClient
from cds_service.ledger.ledger import Ledger
from cds_service.service import Service
from cds_service.settings import Settings, Site
from cds_service.store.engine import Store
from cds_service.trust import outbound
from cds_service.trust.clients import Client
from cds_service.trust.kept_pauses import KeptPauses
from cds_service.trust.pausing import Paused
from cds_service.web import (
    about,
    callers,
    chart,
    cors,
    demo_fhir,
    errors,
    feedback,
    gate,
    headers,
    health,
    log,
    markdown,
    metrics,
    openapi,
    operators,
    overload,
    pages,
    readiness,
    value_sets,
)
from cds_service.web import services as hook_services
from cds_service.web.plugins import by_id, check_shared, load_services
from cds_service.web.readiness import Readiness
from cds_service.web.wiring import Answer, Demo, Wiring, attach

__all__ = ["create_app"]


def create_app(
    settings: Settings | None = None,
    services: Sequence[Service] | None = None,
    *,
    demo: bool | Demo = False,
    answer: Answer = engine.answer,
    store: Store | None = None,
) -> Flask:
    """The application. Raises SettingsError when it cannot serve as configured.

    `services` default to the plug-ins that the settings name. With `demo` it also serves
    the demo patients (or those given), as a FHIR endpoint and as charts.
    """
    settings = settings or Settings.load()
    from_file = settings.site_file()
    site = settings.site(from_file)
    engine.check_site(site)
    offered = by_id(load_services(settings.plugins) if services is None else services)
    check_shared(settings.shared_id, offered)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit + 1  # see wire.read_json
    patients = demo_of(load_cases()) if demo is True else demo or None
    if patients is not None:  # invented patients, for anyone
        settings = settings.model_copy(update={"auth": "open"})
    authenticator = callers.authenticator(settings, from_file.clients, offered, store)
    known = callers.clients(settings, from_file.clients).values()
    fetch = _fetch(settings, known, demo=patients is not None, answer=answer)
    shared = Wiring(
        settings=settings,
        site=site,
        services=offered,
        answer=answer,
        fetch=fetch,
        limited={c.name: fetch.limited_to(outbound.servers(c)) for c in known} if fetch else {},
        demo=patients,
        store=store,
        paused=_paused(settings, store) if store else None,
        ledger=_ledger(settings, site, store) if store else None,
    )
    attach(app, shared)
    _serve(app, settings, demo=patients is not None)
    readiness.init_app(app, Readiness(settings, shared.ledger, authenticator, shared.paused))
    _serve_people(app, shared, known)
    operator = operators.init_app(app, settings, store, demo=patients is not None)
    gate.init_app(app, settings, authenticator, operator=operator, rates=callers.rates(settings))
    overload.init_app(app, settings)
    app.before_request(operators.check_form)
    return app


def _serve_people(app: Flask, wiring: Wiring, clients: Iterable[Client]) -> None:
    """The console and the SMART app; their libraries weigh on no worker without them."""
    if wiring.demo or wiring.settings.console != "off":
        from cds_service.web import console

        console.init_app(app)
    launching = [client for client in clients if client.smart]
    if launching and not wiring.demo:
        from cds_service.web import smart

        smart.init_app(app, wiring.settings, wiring, launching)


def _fetch(
    settings: Settings, known: Iterable[Client], *, demo: bool, answer: Answer
) -> FhirClient | None:
    """The engine's way to FHIR servers, of which the demo may ask its own."""
    if answer is not engine.answer:
        return None
    own = demo_fhir.addresses(settings) if demo else ()
    return FhirClient(outbound.policy(settings, known, own=own))


def _paused(settings: Settings, store: Store) -> Paused:
    return Paused(store, kept=KeptPauses(settings.state_folder() / "pauses.json"))


def _ledger(settings: Settings, site: Site, store: Store) -> Ledger:
    return Ledger(
        store,
        site,
        settings.state_folder() / "spool",
        required=settings.ledger_required,
        spool_limit=settings.spool_limit,
        shared_id=settings.shared_id,
    )


def demo_of(cases: Iterable[Case]) -> Demo:
    """The demo patients, one by one (by patient id) and as one record."""
    known = {case.patient_id: case for case in cases}
    return Demo(cases=known, record=whole_record(known.values()))


def _serve(app: Flask, settings: Settings, *, demo: bool) -> None:
    """Hooks in order: what is registered first sees a response last."""
    metrics.metrics()  # counts from the first request on
    app.url_map.strict_slashes = False  # /cds-services/ is served, not redirected:
    app.url_map.merge_slashes = False  # a redirect on a preflight breaks the sandbox
    log.init_app(app)
    errors.init_app(app)
    headers.init_app(app, settings)
    cors.init_app(app, settings, any_origin=demo)
    app.jinja_env.filters |= {"markdown": markdown.render, "inline": markdown.render_inline}
    for module in (hook_services, feedback, health, metrics, pages, about, value_sets, openapi):
        app.register_blueprint(module.blueprint)
    if demo:
        app.register_blueprint(demo_fhir.blueprint)
        app.register_blueprint(chart.blueprint)
