"""Tokens used again while the database is down: a real PostgreSQL, stopped and started again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.conftest import Running, Start
from tests.hostile.conftest import FIXTURES, PUBLIC, SERVICE
from tests.hostile.sites import Site, migrated
from tests.postgres import Postgres
from tests.trust.test_reload import eventually
from tests.web.test_metrics import figure, scraped

pytestmark = pytest.mark.slow

CALL = json.loads((FIXTURES / "delayed-referral" / "request.json").read_text())


@pytest.fixture
def settings(site: Site, cluster: Postgres) -> dict[str, str]:
    """Of servers on one new database."""
    made = migrated(site, cluster.create(f"t{uuid.uuid4().hex}"))
    return made | {"CDS_SERVICE_WORKERS": "1", "CDS_SERVICE_DATABASE_TIMEOUT": "2000"}


@contextmanager
def stopped(cluster: Postgres) -> Iterator[None]:
    cluster.stop()
    try:
        yield
    finally:
        cluster.start()


def token(site: Site) -> str:
    return site.keys["north"].token(PUBLIC + SERVICE)


def call(running: Running, bearer: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}"}
    return requests.post(running.url + SERVICE, json=CALL, headers=headers, timeout=60)


def statuses(bearer: str, *servers: Running) -> list[int]:
    return [call(one, bearer).status_code for one in servers]


def ready(running: Running) -> tuple[int, str]:
    answer = requests.get(f"{running.url}/ready", timeout=20)
    return answer.status_code, answer.json()["parts"]["database"]


def reasons(running: Running) -> list[str]:
    lines = [line for line in running.log.read_text().splitlines() if line.startswith("{")]
    return [told["reason"] for line in lines if "reason" in (told := json.loads(line))]


def test_attack_a_token_replayed_while_the_database_is_down(
    start: Start, site: Site, cluster: Postgres, settings: dict[str, str]
) -> None:
    """Each process still refuses what it has seen; what it cannot know is counted and logged."""
    one, two = (site.started(start, **settings) for _ in range(2))
    assert statuses(token(site), one, two) == [200, 401]
    before = figure(scraped(one.metrics), "cds_degraded_total", what="replay-local")
    with stopped(cluster):
        assert statuses(token(site), one, one, two, two) == [200, 401, 200, 401]
        after = figure(scraped(one.metrics), "cds_degraded_total", what="replay-local")
        assert (before, after) == (0, 1)
        assert reasons(one)[-1] == "replayed"
        assert '"degraded": ["replay-local"]' in one.log.read_text()
        assert eventually(lambda: ready(one) == (200, "down"))  # it looks once a second
    back = [statuses(token(site), one, two) for _ in range(3)]
    assert back[-1] == [200, 401]  # the first calls may find the connection still broken


def test_attack_a_token_replayed_while_the_database_is_down_and_strict(
    start: Start, site: Site, cluster: Postgres, settings: dict[str, str]
) -> None:
    """No call that cannot be checked is served: 503, and the log says why."""
    strict = {"CDS_SERVICE_REPLAY": "strict"}
    one, two = (site.started(start, **settings | strict) for _ in range(2))
    assert statuses(token(site), one, two) == [200, 401]
    with stopped(cluster):
        for server in (one, two):
            answer = call(server, token(site))
            assert answer.status_code == 503
            assert answer.json()["resourceType"] == "OperationOutcome"
            assert "Retry-After" in answer.headers
            assert reasons(server)[-1] == "replay-unchecked"
            refused = figure(
                scraped(server.metrics), "cds_refusals_total", reason="replay-unchecked"
            )
            assert refused == 1
            assert eventually(lambda server=server: ready(server) == (503, "down"))
            assert requests.get(f"{server.url}/health", timeout=20).status_code == 200
    back = [statuses(token(site), one, two) for _ in range(3)]
    assert back[-1] == [200, 401]
