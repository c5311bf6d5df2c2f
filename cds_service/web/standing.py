"""What `/metrics` tells of now: version, readiness, database and spool, keys, pauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flask import Flask
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cds_service import __version__
from cds_service.guideline import EDITION
from cds_service.trust.keys import Held
from cds_service.web import readiness
from cds_service.web.readiness import Standing
from cds_service.web.wiring import Wiring


class NowStanding(Collector):
    """Asked anew for each scrape."""

    def __init__(self, app: Flask, wiring: Wiring) -> None:
        self._readiness = readiness.of(app)
        self._wiring = wiring

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus-client."""
        yield _one("build_info", "Always 1.", version=__version__, edition=EDITION)
        yield self._parts()
        yield from self._database()
        yield self._keys()
        yield self._paused()

    def _parts(self) -> Metric:
        told = _family("part_standing", "0: ready, 1: degraded, 2: not ready.", "part")
        for name, part in self._readiness.parts().items():
            told.add_metric([name], list(Standing).index(part.standing))
        return told

    def _database(self) -> Iterator[Metric]:
        status = self._readiness.status()
        if status:
            yield _one("database_up", "Whether the database answers.", status.database)
            yield _one("spool_bytes", "Bytes that wait for the database.", status.waiting)
            yield _one("spool_rejected_bytes", "Bytes it never took.", status.rejected)

    def _keys(self) -> Metric:
        told = _family("client_keys", "Registered clients, by how their keys stand.", "state")
        standing = Counter(self._readiness.keys())
        for state in Held:
            told.add_metric([state.value], standing[state])
        return told

    def _paused(self) -> Metric:
        told = _family("paused", "1 for each rule out of service, or all.", "rule")
        held = self._wiring.paused.in_force() if self._wiring.paused else ()
        for rule in sorted({one.rule for one in held}):
            told.add_metric([rule], 1)
        return told


def _family(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"cds_{name}", told, labels=labels)


def _one(name: str, told: str, value: float = 1, **labels: str) -> Metric:
    made = _family(name, told, *labels)
    made.add_metric(list(labels.values()), value)
    return made
