"""The steps of one call in one process, without HTTP: seconds of each, by processor time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import orjson

from cds_service import service as engine
from cds_service.demo.patients import DEMO_TODAY
from cds_service.fhir.read import read
from cds_service.fhir.resources import gather
from cds_service.ledger.ledger import Call, Ledger
from cds_service.ledger.scope import Owner
from cds_service.protocol.request import parse
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.terminology import default_terminology
from cds_service.trust.tokens import Endpoint
from cds_service.web import callers, create_app
from cds_service.web.clock import now
from cds_service.web.wire import parse_json
from cds_service.web.wiring import wiring
from hooks.patient_view import SERVICE
from tools.bench.bodies import body
from tools.bench.ehr import Ehr
from tools.bench.floor import create_floor
from tools.bench.in_process import caller
from tools.bench.subjects import TODAY
from tools.bench.targets import KB
from tools.refresh_fixtures import SITE

REPEATS = 100
DECIDE = "facts to cards (decide)"
WHOLE = "the whole call, without HTTP, ledger and token"
LEAST = "the floor's call, without HTTP"
#: bytes, relevant resources
SHAPES = ((10 * KB, 5), (100 * KB, 5), (100 * KB, 20), (100 * KB, 100), (1_000 * KB, 20))
Step = Callable[[], object]


def steps(size: int, relevant: int) -> dict[str, float]:
    """Step -> median seconds, in the order of a call; then all of them with what is around them."""
    service = create_app(Settings.load(auth="open", today=TODAY))
    whole = {
        WHOLE: caller(service, size, relevant),
        LEAST: caller(create_floor(), size, relevant),
    }
    with service.app_context():
        found = _steps(size, relevant)
    return {name: _median(step) for name, step in (found | whole).items()}


def ledger_steps(folder: Path) -> dict[str, float]:
    """The same for the ledger on SQLite, in wall time: most of it is spent waiting for the disk."""
    ledger = _ledger(folder)
    call = parse(parse_json(body(10_000, 5).data), hook=SERVICE.hook)
    made = Call(service=SERVICE.id, request=call, owner=Owner(client="bench"))
    decision = engine.answer(SERVICE, call, today=DEMO_TODAY, site=SITE)

    def record() -> None:
        ledger.record(made, decision, now())

    return {
        "history, read from the ledger": _median(
            lambda: ledger.history(made, DEMO_TODAY), time.perf_counter
        ),
        "the call, put on record": _median(record, time.perf_counter),
    }


def token_steps(folder: Path) -> dict[str, float]:
    """The same for a token: verified, and what it takes more to remember it in the database."""
    folder.mkdir()
    ehr = Ehr()
    settings = Settings.load(config=ehr.register(folder), state=folder, database_timeout=5_000)
    url = f"{settings.base_url()}/cds-services/{SERVICE.id}"

    def taken(store: Store | None) -> float:
        known = callers.authenticator(settings, settings.site_file().clients, (), store)
        assert known  # tokens are asked for
        tokens = iter([f"Bearer {ehr.sign(url)}" for _ in range(REPEATS)])
        endpoint = Endpoint(urlsplit(url).path)
        return _median(lambda: known.authenticate(next(tokens), endpoint), time.perf_counter)

    verified = taken(None)
    return {
        "a token, verified": verified,
        "a used token, put on record": taken(open_store(settings)) - verified,
    }


def _steps(size: int, relevant: int) -> dict[str, Step]:
    data, shared = body(size, relevant).data, wiring()
    value = parse_json(data, shared.limits)
    call = parse(value, hook=SERVICE.hook)
    evidence = gather(SERVICE.prefetch, call.prefetch, call.patient_id)
    known = default_terminology()
    facts = read(evidence, known, today=DEMO_TODAY, zone=SITE.timezone)
    decision = engine.decide(SERVICE, call, evidence, today=DEMO_TODAY, site=SITE)

    def decide() -> None:
        """Alone: the facts are read already."""
        with patch.object(engine, "read", lambda *_a, **_k: facts):
            engine.decide(SERVICE, call, evidence, today=DEMO_TODAY, site=SITE)

    return {
        "bytes to JSON (orjson alone; the floor does this too)": lambda: orjson.loads(data),
        "bytes to JSON, checked": lambda: parse_json(data, shared.limits),
        "JSON to request": lambda: parse(value, hook=SERVICE.hook),
        "prefetch to evidence": lambda: gather(SERVICE.prefetch, call.prefetch, call.patient_id),
        "evidence to facts": lambda: read(evidence, known, today=DEMO_TODAY, zone=SITE.timezone),
        DECIDE: decide,
        "cards to bytes": lambda: orjson.dumps(decision.response()),
    }


def _ledger(folder: Path) -> Ledger:
    store = open_store(Settings.load(auth="open", state=folder, database_timeout=5_000))
    return Ledger(store, SITE, folder / "spool", required=True, spool_limit=1_000_000)


def _median(step: Step, clock: Callable[[], float] = time.thread_time) -> float:
    times = []
    for _ in range(REPEATS):
        began = clock()
        step()
        times.append(clock() - began)
    return statistics.median(times)
