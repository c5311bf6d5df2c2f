"""SIGTERM at the running server: what is under way is finished, and /ready says so at once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.settings import Settings
from cds_service.web import create_app, server
from cds_service.web.stopping import DrainingArbiter, Stopping
from tests.conftest import ROOT, Running, Start
from tests.trust.test_reload import eventually
from tests.web.fakes import FakeService

pytestmark = pytest.mark.slow

PATH = "/cds-services/fake"
CALL = {
    "hook": "patient-view",
    "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
    "context": {"patientId": "rosa", "userId": "Practitioner/1"},
}


@pytest.fixture
def slow(start: Start) -> Callable[..., Running]:
    def run(seconds: float, **settings: str) -> Running:
        return start(str(seconds), module="tests.web.slow_server", PYTHONPATH=str(ROOT), **settings)

    return run


def called(running: Running) -> requests.Response:
    return requests.post(running.url + PATH, json=CALL, timeout=30)


def under_way(running: Running, number: int, pool: ThreadPoolExecutor) -> list[Any]:
    """Calls that the server is working on."""
    made = [pool.submit(called, running) for _ in range(number)]
    time.sleep(1)
    assert not any(one.done() for one in made)
    return made


def test_calls_under_way_are_answered_before_it_ends(slow: Callable[..., Running]) -> None:
    running = slow(4)
    with ThreadPoolExecutor(4) as pool:
        made = under_way(running, 4, pool)
        running.process.send_signal(signal.SIGTERM)
        assert [one.result().status_code for one in made] == [200] * 4
    assert running.process.wait(timeout=30) == 0


def test_a_probe_on_a_kept_connection_learns_at_once(slow: Callable[..., Running]) -> None:
    running = slow(4)
    with ThreadPoolExecutor(2) as pool, requests.Session() as probe:
        made = under_way(running, 2, pool)
        assert probe.get(running.url + "/ready", timeout=10).status_code == 200
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        try:
            answer = probe.get(running.url + "/ready", timeout=10)
        except requests.ConnectionError:  # closed: to a balancer that is the same
            pass
        else:
            assert answer.status_code == 503
            assert answer.json()["parts"]["server"] == "stopping"
        assert [one.result().status_code for one in made] == [200] * 2
    assert running.process.wait(timeout=30) == 0


def test_while_it_drains_calls_are_answered_and_probes_refused(
    slow: Callable[..., Running],
) -> None:
    running = slow(0, CDS_SERVICE_DRAIN="60")
    assert requests.get(running.url + "/ready", timeout=10).status_code == 200
    running.process.send_signal(signal.SIGTERM)

    def told() -> int:
        return requests.get(running.url + "/ready", timeout=10).status_code

    assert eventually(lambda: told() == 503)
    assert [told() for _ in range(8)] == [503] * 8
    assert [called(running).status_code for _ in range(4)] == [200] * 4
    assert requests.get(running.url + "/health", timeout=10).status_code == 200
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGTERM)  # a second word ends the waiting
    assert running.process.wait(timeout=30) == 0


def test_two_words_taken_at_once_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn takes all signals that wait, and they may come while it starts its workers."""
    app = create_app(Settings.load(auth="open"), [FakeService()])
    chosen = server.options(Settings.load())
    arbiter = DrainingArbiter(server.Server(app, chosen, lambda: app), Stopping(), drain=3600)
    monkeypatch.setattr(arbiter, "pid", os.getpid(), raising=False)
    for _ in range(2):
        arbiter.signal(signal.SIGTERM, None)
    assert arbiter.wait_for_signals() == [signal.SIGTERM] * 2
    with pytest.raises(StopIteration):
        arbiter.handle_term()


def test_a_worker_that_is_told_to_stop_does_not_stop_the_server(
    slow: Callable[..., Running],
) -> None:
    running = slow(0)
    for worker in children(running.process.pid):
        os.kill(worker, signal.SIGTERM)
    assert eventually(lambda: len(children(running.process.pid)) == 2)
    assert eventually(lambda: requests.get(running.url + "/ready", timeout=10).status_code == 200)


def test_the_time_to_drain_ends_by_itself(slow: Callable[..., Running]) -> None:
    running = slow(0, CDS_SERVICE_DRAIN="1")
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=30) == 0


def test_a_worker_that_dies_while_draining_is_replaced(slow: Callable[..., Running]) -> None:
    running = slow(0, CDS_SERVICE_DRAIN="60", CDS_SERVICE_WORKERS="1")
    running.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: requests.get(running.url + "/ready", timeout=10).status_code == 503)
    (worker,) = children(running.process.pid)
    os.kill(worker, signal.SIGKILL)
    assert eventually(lambda: children(running.process.pid) not in ([], [worker]))
    assert called(running).status_code == 200
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=30) == 0


def children(process: int) -> list[int]:
    return [
        int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def test_logs_of_the_end_are_json(slow: Callable[..., Running]) -> None:
    running = slow(0)
    running.stop()
    lines = [line for line in running.log.read_text().splitlines() if "Shutting down" in line]
    assert [json.loads(line)["level"] for line in lines] == ["info"]
