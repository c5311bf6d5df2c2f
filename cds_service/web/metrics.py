"""What is counted, and `/metrics` for Prometheus. Nothing about a patient; labels are bounded.

Counters and durations are of all processes of this server together (`cds_service.web.sharing`);
what stands now (database, keys, pauses) is as the process that answers sees it.
"""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from cds_service.decision import Decision
from cds_service.fhir.prefetch import fetched
from cds_service.fhir.reads import READS
from cds_service.guideline.finding import State
from cds_service.ledger.ledger import unwritten
from cds_service.trust.refusals import degraded, refused
from cds_service.web import sharing
from cds_service.web.standing import NowStanding
from cds_service.web.wiring import wiring

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: error -> the limit that was hit
LIMITS = {
    "Overloaded": "in-flight",
    "PayloadTooLarge": "size",
    "RequestTimeout": "patience",
    "TooManyRequests": "rate",
}
_UNJUDGED = (State.NOT_JUDGED, State.UNKNOWN)

blueprint = Blueprint("metrics", __name__)


class Metrics:
    """The counters of one process; prometheus-client makes them safe between threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Requests answered.", "route", "method", "status", "client"
        )
        self.seconds = self._seconds("request_seconds", "Time to answer a request.", "route")
        self.cards = self._counter("cards", "Cards shown.", "rule", "indicator")
        self.withheld = self._counter("withheld", "Findings not shown.", "rule", "kind")
        self.unjudged = self._counter("unjudged", "Rules that could not be judged.", "rule")
        self.fetches = self._counter("fetches", "Fetches from FHIR servers.", "type", "outcome")
        self.fetch_seconds = self._seconds("fetch_seconds", "Time of a fetch.", "type")
        self.refusals = self._counter("refusals", "Callers refused.", "reason")
        self.degraded = self._counter("degraded", "Done less strictly than usual.", "what")
        self.limits = self._counter("limits", "Requests beyond a limit.", "limit")
        self.unwritten = self._counter("unwritten", "Calls not put on record at once.", "what")

    def request(self, route: str, status: int, seconds: float, client: str, error: str) -> None:
        """One request that is answered; `route` is its pattern."""
        method = request.method if request.method in METHODS else "other"
        self.requests.labels(route, method, status, client).inc()
        self.seconds.labels(route).observe(seconds)
        if error in LIMITS:
            self.limits.labels(LIMITS[error]).inc()

    def decision(self, made: Decision) -> None:
        """What was decided for one call."""
        for outcome in made.shown:
            self.cards.labels(outcome.rule, outcome.indicator).inc()
        for held in made.withheld:
            self.withheld.labels(held.outcome.rule, held.kind.value).inc()
        for outcome in made.outcomes:
            if outcome.state in _UNJUDGED:
                self.unjudged.labels(outcome.rule).inc()

    def fetch(self, kind: str, outcome: str, seconds: float) -> None:
        """One fetch; a type that no reader knows may have come from a record."""
        told = kind if kind in READS or kind == "Medication" else "other"
        self.fetches.labels(told, outcome).inc()
        self.fetch_seconds.labels(told).observe(seconds)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"cds_{name}", told, labels, registry=self.registry)

    def _seconds(self, name: str, told: str, *labels: str) -> Histogram:
        return Histogram(f"cds_{name}", told, labels, registry=self.registry, buckets=SECONDS)


@cache
def metrics() -> Metrics:
    """Those of this process, however many applications it has made.

    No value is made before it is counted: the processes of a server count in files of their own.
    """
    made = Metrics()
    refused.connect(lambda reason, **_: made.refusals.labels(reason).inc(), weak=False)
    degraded.connect(lambda what, **_: made.degraded.labels(what).inc(), weak=False)
    unwritten.connect(lambda what, **_: made.unwritten.labels(what).inc(), weak=False)
    fetched.connect(made.fetch, weak=False)
    return made


@blueprint.get("/metrics")
def exposition() -> Response:
    """Everything counted, in the format that Prometheus asks for."""
    told = CollectorRegistry()
    if sharing.folder():
        MultiProcessCollector(told)  # type: ignore[no-untyped-call]
    else:
        told.register(metrics().registry)
    told.register(NowStanding(current_app, wiring()))
    return Response(generate_latest(told), content_type=CONTENT_TYPE_PLAIN_0_0_4)
