"""How often clients may call: in one process, in several, with a real Redis and without."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import generate_latest

from cds_service.settings import Settings
from cds_service.trust.rates import REST, Rates
from cds_service.trust.refusals import degraded
from cds_service.web import create_app
from cds_service.web.metrics import metrics
from tests.conftest import ROOT, Running, Start
from tests.redis_server import RedisServer, new_redis
from tests.trust.signing import Ehr, Key, jwks
from tests.trust.test_reload import eventually
from tests.web.fakes import FakeEngine, FakeService

pytestmark = pytest.mark.usefixtures("no_minute_ends")
SLOW = pytest.mark.slow
BASE = "https://cds.example"
SERVICE = "/cds-services/pht-patient-view"
CALL = json.loads((ROOT / "fixtures/fhir/delayed-referral/request.json").read_text())
NORTH, SOUTH = Ehr(Key("a")), Ehr(Key("b"), iss="https://south.example")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = new_redis(tmp_path)
    yield server
    server.stop()


def made(**given: Any) -> Rates:
    return Rates(timeout=5.0, **given)


def let_in(rates: Rates, calls: int, client: str = "north", kind: str = "services") -> int:
    return sum(rates.wait(client, kind, 10) == 0 for _ in range(calls))


def test_a_client_may_call_as_often_as_agreed_and_no_more() -> None:
    assert let_in(made(), 30) == 10


def test_one_client_uses_up_nothing_of_another_nor_calls_of_feedback() -> None:
    rates = made()
    assert let_in(rates, 30) == 10
    assert let_in(rates, 30, client="south") == 10
    assert let_in(rates, 30, kind="feedback") == 10


def test_who_is_refused_is_told_when_to_come_back() -> None:
    rates = made()
    let_in(rates, 10)
    assert 1 <= rates.wait("north", "services", 10) <= 60


@pytest.mark.parametrize(("shares", "each"), [(1, 10), (2, 5), (4, 3), (64, 1)])
def test_a_process_that_counts_alone_lets_its_share_in(shares: int, each: int) -> None:
    assert let_in(made(shares=shares), 30) == each


def test_processes_count_together_in_redis(redis: RedisServer) -> None:
    one, two = made(redis=redis.url, shares=2), made(redis=redis.url, shares=2)
    assert let_in(one, 7) + let_in(two, 7) == 10
    other = made(redis=redis.url, prefix="https://another.example")
    assert let_in(other, 3) == 3
    for rates in (one, two, other):
        rates.close()


def test_without_redis_each_counts_its_share_and_tells(redis: RedisServer) -> None:
    time = [0.0]
    rates = made(redis=redis.url, shares=2, now=lambda: time[0])
    told: list[str] = []

    def note(what: str) -> None:
        told.append(what)

    with degraded.connected_to(note):
        assert let_in(rates, 4) == 4
        redis.stop()
        time[0] += 1
        assert let_in(rates, 30) == 5
        assert set(told) == {"rates-local"}
        redis.start()
        told.clear()
        assert let_in(rates, 3) == 0  # it rests first
        time[0] += REST
        assert let_in(rates, 30) == 10
        assert len(told) == 3
    rates.close()


@SLOW
def test_redis_is_asked_over_tls_and_with_its_password(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = authority.issue_cert("localhost")
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    files = ("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem")
    options = (*files, "--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no")
    options = tuple(str(tmp_path / o) if o.endswith(".pem") else o for o in options)
    server = new_redis(tmp_path, *options, "--requirepass", "secret")
    url, ca = f"rediss://:secret@localhost:{server.port}", str(tmp_path / "ca.pem")
    try:
        one, two = made(redis=url, ca_file=ca), made(redis=url, ca_file=ca)
        assert let_in(one, 7) + let_in(two, 7) == 10
        wrong = made(redis=url.replace("secret", "wrong"), ca_file=ca)
        strange = made(redis=url)  # the usual authorities do not vouch for it
        for rates in (wrong, strange):
            assert let_in(rates, 14) == 10  # counted alone
        for rates in (one, two, wrong, strange):
            rates.close()
    finally:
        server.stop()


def test_a_redis_that_hangs_holds_up_one_call_and_not_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, time = silent.getsockname()[1], [0.0]
        rates = Rates(redis=f"redis://127.0.0.1:{port}", timeout=0.2, now=lambda: time[0])
        assert let_in(rates, 30) == 10
        silent.settimeout(0.1)
        connections = []
        with suppress(TimeoutError):
            while True:
                connections.append(silent.accept()[0])
        assert len(connections) == 1  # the other 29 did not try
        connections[0].close()
        rates.close()


# --- through the gate ---


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Flask]:
    (tmp_path / "keys.json").write_bytes(jwks(NORTH.key, SOUTH.key))
    file = tmp_path / "site.toml"
    file.write_text(
        '[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n'
        "limits = { per_minute = 6 }\n"
        '[clients.south]\niss = "https://south.example"\njwks = "keys.json"\n'
    )

    def run(**given: Any) -> Flask:
        usual = {"config": file, "public_url": BASE, "workers": 1}
        return create_app(Settings.load(**usual | given), [FakeService()], answer=FakeEngine())

    return run


def called(client: FlaskClient, ehr: Ehr, call: dict[str, Any]) -> Any:
    path = "/cds-services/fake"
    return client.post(path, json=call, headers=ehr.bearer(BASE + path))


@pytest.fixture
def call() -> dict[str, Any]:
    return {
        "hook": "patient-view",
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "rosa", "userId": "Practitioner/1"},
    }


def test_beyond_its_limit_a_client_gets_429_and_others_do_not(
    app: Callable[..., Flask], call: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    client = app().test_client()
    answers = [called(client, NORTH, call) for _ in range(9)]
    assert [a.status_code for a in answers] == [200] * 6 + [429] * 3
    refused = answers[-1]
    assert refused.json["resourceType"] == "OperationOutcome"
    assert refused.json["issue"][0]["code"] == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert {called(client, SOUTH, call).status_code for _ in range(20)} == {200}


def test_the_refusal_is_logged_and_counted(
    app: Callable[..., Flask], call: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="cds_service.request")
    client = app().test_client()
    for _ in range(7):
        called(client, NORTH, call)
    last = vars(caplog.records[-1])
    assert (last["client"], last["status"], last["reason"]) == ("north", 429, "rate-limit")
    assert b'cds_limits_total{limit="rate"}' in generate_latest(metrics().registry)


def test_the_usual_limit_is_for_clients_without_one_of_their_own(
    app: Callable[..., Flask], call: dict[str, Any]
) -> None:
    client = app(rate_limit=3).test_client()
    south = [called(client, SOUTH, call).status_code for _ in range(5)]
    north = [called(client, NORTH, call).status_code for _ in range(8)]
    assert south == [200] * 3 + [429] * 2
    assert north == [200] * 6 + [429] * 2


def test_who_is_not_authenticated_uses_up_nothing(
    app: Callable[..., Flask], call: dict[str, Any]
) -> None:
    client = app().test_client()
    liar = Ehr(Key("a"))
    assert {called(client, liar, call).status_code for _ in range(20)} == {401}
    assert called(client, NORTH, call).status_code == 200


def test_feedback_has_a_limit_too(app: Callable[..., Flask]) -> None:
    client = app(rate_limit=3).test_client()
    path = "/cds-services/fake/feedback"
    statuses = [
        client.post(path, json={"feedback": []}, headers=SOUTH.bearer(BASE + path)).status_code
        for _ in range(5)
    ]
    assert statuses == [404] * 3 + [429] * 2  # this server keeps no feedback


# --- the running server ---


def serving(start: Start, folder: Path, **more: str) -> Running:
    (folder / "keys.json").write_bytes(jwks(NORTH.key))
    (folder / "site.toml").write_text(
        '[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n'
        "limits = { per_minute = 40 }\n"
    )
    return start(
        "serve",
        "--workers",
        "2",
        CDS_SERVICE_CONFIG=str(folder / "site.toml"),
        CDS_SERVICE_PUBLIC_URL=BASE,
        CDS_SERVICE_METRICS="127.0.0.1:{another}",
        CDS_SERVICE_STATE=str(folder / "state"),
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
        **more,
    )


def statuses(running: Running, calls: int) -> Counter[int]:
    return Counter(
        requests.post(
            running.url + SERVICE, json=CALL, headers=NORTH.bearer(BASE + SERVICE), timeout=20
        ).status_code
        for _ in range(calls)
    )


@SLOW
def test_four_workers_of_two_servers_count_together(
    start: Start, tmp_path: Path, redis: RedisServer
) -> None:
    one, two = (serving(start, tmp_path, CDS_SERVICE_REDIS_URL=redis.url) for _ in range(2))
    told = statuses(one, 30) + statuses(two, 30)
    # The window slides while the test runs: a few more may come in.
    assert 40 <= told[200] <= 50
    assert told[200] + told[429] == 60


@SLOW
def test_a_redis_that_ends_takes_no_advice_down(
    start: Start, tmp_path: Path, redis: RedisServer
) -> None:
    running = serving(start, tmp_path, CDS_SERVICE_REDIS_URL=redis.url)
    assert statuses(running, 5) == {200: 5}
    redis.stop()
    assert statuses(running, 10) == {200: 10}
    text = requests.get(running.metrics + "/metrics", timeout=20).text
    assert 'cds_degraded_total{what="rates-local"}' in text


@SLOW
def test_a_redis_that_stands_still_takes_no_advice_down(
    start: Start, tmp_path: Path, redis: RedisServer
) -> None:
    running = serving(start, tmp_path, CDS_SERVICE_REDIS_URL=redis.url)
    assert statuses(running, 2) == {200: 2}
    assert redis.process
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        assert statuses(running, 4) == {200: 4}
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)


@SLOW
def test_workers_that_count_alone_share_the_limit(start: Start, tmp_path: Path) -> None:
    running = serving(start, tmp_path)
    told = statuses(running, 100)
    assert 20 <= told[200] <= 50  # as the calls happened to fall on the two
    assert told[200] + told[429] == 100
    assert eventually(lambda: "rate-limit" in running.log.read_text())
