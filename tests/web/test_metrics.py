"""/metrics at the running server: what several processes did together, and who may read it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, current_app
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.web import create_app, operators, sharing
from cds_service.web.metrics import metrics
from cds_service.web.standing import NowStanding
from cds_service.web.wiring import wiring
from tests.conftest import ROOT, Running, Start
from tests.test_docs import rows
from tests.trust.signing import Key, jwks, key_server
from tests.trust.test_reload import eventually, hang_up

SLOW = pytest.mark.slow
PATH = "/cds-services/pht-patient-view"
CALL = json.loads((ROOT / "fixtures/fhir/delayed-referral/request.json").read_text())
OWN = "127.0.0.1:{another}"  # a port of its own
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Figures:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(url: str) -> Figures:
    answer = requests.get(f"{url}/metrics", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return read(answer.text)


def figure(figures: Figures, name: str, **labels: str) -> float:
    """The sum over all samples of this name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (one, has), value in figures.items() if one == name and wanted <= has)


def calls(figures: Figures, **labels: str) -> float:
    return figure(figures, "cds_requests_total", route="/cds-services/<service_id>", **labels)


def call(running: Running, times: int = 1) -> None:
    for _ in range(times):
        answer = requests.post(running.url + PATH, json=CALL, timeout=20)
        assert answer.status_code == 200


def workers(running: Running) -> list[int]:
    process = running.process.pid
    return [int(p) for p in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def files(running: Running) -> list[str]:
    """The files in which the workers of this server count."""
    for folder in sharing.memory().glob(f"{sharing.PREFIX}*"):
        held = {str(f.readlink()) for f in Path(f"/proc/{running.process.pid}/fd").iterdir()}
        if str(folder / "lock") in held:
            return sorted(file.name for file in folder.iterdir())
    raise AssertionError("the server counts nowhere")


@pytest.fixture
def running(start: Start, tmp_path: Path) -> Running:
    site = tmp_path / "site.toml"
    site.write_text('[rules.surgical-referral-overdue]\nmode = "on"\n')
    return start(
        "serve",
        "--workers",
        "2",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONFIG=str(site),
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
    )


@SLOW
def test_all_workers_count_together(running: Running) -> None:
    call(running, 12)
    told = scraped(running.url)
    assert calls(told, method="POST", status="200", client="anyone") == 12
    shown = {"rule": "surgical-referral-overdue", "indicator": "warning"}
    assert figure(told, "cds_cards_total", **shown) == 12
    route = "/cds-services/<service_id>"
    assert figure(told, "cds_request_seconds_count", route=route) == 12
    assert figure(told, "cds_request_seconds_bucket", route=route, le="+Inf") == 12
    assert figure(told, "cds_database_up") == 1
    assert figure(told, "cds_build_info", version="0.1.0") == 1


@SLOW
def test_what_a_killed_worker_counted_stays_and_its_files_are_used_again(running: Running) -> None:
    call(running, 8)
    before = files(running)
    for _ in range(3):
        killed = workers(running)[0]
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda k=killed: k not in workers(running) and len(workers(running)) == 2)
        call(running, 8)
    assert calls(scraped(running.url), status="200") == 32
    assert set(before) <= set(files(running))
    assert len(files(running)) <= len(["lock"]) + 2 * len(["counter", "histogram"])


@SLOW
def test_a_reload_forgets_nothing_and_leaves_no_more_files_each_time(
    running: Running, tmp_path: Path
) -> None:
    call(running, 5)
    for mode in ("shadow", "on", "shadow"):
        old = set(workers(running))
        (tmp_path / "site.toml").write_text(f'[rules.surgical-referral-overdue]\nmode = "{mode}"\n')
        hang_up(running, "configuration reloaded")
        assert eventually(
            lambda old=old: len(workers(running)) == 2 and not old & set(workers(running))
        )
    call(running, 5)
    told = scraped(running.url)
    assert calls(told, status="200") == 10
    assert figure(told, "cds_cards_total") == 5
    held_back = {"rule": "surgical-referral-overdue", "kind": "shadow"}
    assert figure(told, "cds_withheld_total", **held_back) == 5
    assert len(files(running)) <= len(["lock"]) + 4 * len(["counter", "histogram"])


@SLOW
def test_a_pause_shows_until_it_ends(running: Running) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(running.log.parent / "state")}

    def told() -> float:
        return figure(scraped(running.url), "cds_paused", rule="steroid-overuse")

    def command(*words: str) -> None:
        words = (sys.executable, "-m", "cds_service", *words)
        subprocess.run(words, check=True, env=environment, timeout=60)

    assert told() == 0
    command("pause", "steroid-overuse", "--reason", "under review")
    assert eventually(lambda: told() == 1)
    command("resume", "steroid-overuse")
    assert eventually(lambda: told() == 0)


@SLOW
def test_fetches_and_what_could_not_be_judged_are_counted(start: Start) -> None:
    running = start("demo", CDS_SERVICE_FETCH_DEADLINE="20")
    alone = {key: value for key, value in CALL.items() if key != "prefetch"}
    fhir = {"fhirServer": f"{running.url}/demo/fhir"}
    answer = requests.post(running.url + PATH, json=alone | fhir, timeout=60)
    assert answer.status_code == 200
    told = scraped(running.url)
    assert figure(told, "cds_fetches_total", type="Condition", outcome="ok") == 1
    assert figure(told, "cds_fetch_seconds_count", type="Condition") == 1
    assert figure(told, "cds_unjudged_total") == 0
    lacking = {key: value for key, value in CALL["prefetch"].items() if key != "procedures"}
    body = alone | {"prefetch": lacking}
    answer = requests.post(running.url + PATH, json=body, timeout=60)
    unjudged = answer.json()["extension"]["org.pht-cds.unjudged"]["rules"]
    assert figure(scraped(running.url), "cds_unjudged_total") == len(unjudged) > 0


@SLOW
def test_refused_callers_and_their_keys_show(start: Start, tmp_path: Path) -> None:
    with key_server(tmp_path) as keys:
        keys.body = jwks(Key("a"))
        (tmp_path / "site.toml").write_text(
            f'[clients.north]\niss = "https://ehr.example"\n'
            f'jku = "{keys.url}"\njku_private = true\n'
        )
        running = start(
            "serve",
            CDS_SERVICE_CONFIG=str(tmp_path / "site.toml"),
            CDS_SERVICE_PUBLIC_URL="https://cds.example",
            CDS_SERVICE_METRICS=OWN,
            CDS_SERVICE_CA_FILE=str(tmp_path / "ca.pem"),
        )
        for token in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
            answer = requests.post(running.url + PATH, json=CALL, headers=token, timeout=20)
            assert answer.status_code == 401
        told = scraped(running.metrics)
        for reason in ("no-token", "malformed", "not-bearer"):
            assert figure(told, "cds_refusals_total", reason=reason) == 1
        assert calls(told, status="401", client="") == 3
        assert eventually(
            lambda: figure(scraped(running.metrics), "cds_client_keys", state="current") == 1
        )


@SLOW
def test_a_failed_reload_shows(running: Running, tmp_path: Path) -> None:
    assert figure(scraped(running.url), "cds_part_standing", part="configuration") == 0
    (tmp_path / "site.toml").write_text("[clients")
    hang_up(running, "configuration not reloaded")
    assert eventually(
        lambda: figure(scraped(running.url), "cds_part_standing", part="configuration") == 1
    )


@SLOW
def test_its_files_go_with_the_server(start: Start) -> None:
    running = start("serve", CDS_SERVICE_AUTH="open")
    requests.get(running.url + "/health", timeout=10)
    assert "counter_0.db" in files(running) or "counter_1.db" in files(running)
    folders = set(sharing.memory().glob(f"{sharing.PREFIX}*"))
    running.stop()
    assert len(folders - set(sharing.memory().glob(f"{sharing.PREFIX}*"))) >= 1


def test_what_a_killed_server_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    left, used = tmp_path / f"{sharing.PREFIX}left", tmp_path / f"{sharing.PREFIX}used"
    for folder in (left, used):
        folder.mkdir()
        (folder / "lock").touch()
        (folder / "counter_0.db").touch()
    with (used / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sharing.sweep(tmp_path)
    assert not left.exists()
    assert (used / "counter_0.db").exists()


@pytest.mark.parametrize(("taken", "free"), [([], 0), ([0, 1], 2), ([1, 2], 0), ([0, 2], 1)])
def test_a_worker_takes_the_lowest_free_slot(taken: list[int], free: int) -> None:
    assert sharing.free_slot(taken) == free


# --- a port of its own ---


@SLOW
def test_on_a_port_of_its_own_nothing_else_is_served(start: Start) -> None:
    running = start("serve", CDS_SERVICE_AUTH="open", CDS_SERVICE_METRICS=OWN)
    own = running.metrics
    requests.get(running.url + "/cds-services", timeout=20)
    assert figure(scraped(own), "cds_requests_total", route="/cds-services", status="200") == 1
    assert requests.get(f"{own}/ready", timeout=20).status_code == 200
    assert requests.get(f"{own}/health", timeout=20).status_code == 200
    for path in ("/", "/cds-services", "/guideline", "/openapi.json", "/console/what-if"):
        answer = requests.get(own + path, timeout=20)
        assert answer.status_code == 404, path
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert requests.post(own + PATH, json=CALL, timeout=20).status_code == 404
    assert requests.get(running.url + "/metrics", timeout=20).status_code == 404


# --- who may read it, and what it says ---


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=x"}]
)
def test_by_default_only_this_machine_reads_it(
    make_app: Callable[..., Flask], headers: dict[str, str]
) -> None:
    client = make_app(hosts="evil.example").test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers=headers).status_code in (404, 421)
    there = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert there.status_code == 404


@pytest.mark.parametrize("header", operators.FORWARDED)
def test_what_a_proxy_has_passed_on_is_not_local(
    make_app: Callable[..., Flask], header: str
) -> None:
    answer = make_app().test_client().get("/metrics", headers={header: "x"})
    assert answer.status_code in (404, 421)


def test_behind_a_name_of_other_machines_it_is_off_but_on_a_port_of_its_own(
    make_app: Callable[..., Flask],
) -> None:
    far = {"public_url": "https://cds.example.org"}
    assert make_app(**far).test_client().get("/metrics").status_code == 404
    own = make_app(**far, metrics="127.0.0.1:9090").test_client()
    assert own.get("/metrics", base_url="http://localhost:9090").status_code == 200


def test_it_can_be_switched_off(make_app: Callable[..., Flask]) -> None:
    assert make_app(metrics="off").test_client().get("/metrics").status_code == 404


@pytest.mark.parametrize("where", ["on", "9090", "0.0.0.0:0", "0.0.0.0:99999", "0.0.0.0:8000"])
def test_an_address_that_cannot_be_is_refused(where: str) -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_METRICS"):
        Settings.load(metrics=where)


def test_labels_are_bounded_whatever_is_asked(client: FlaskClient) -> None:
    before = set(read(client.get("/metrics").text))
    for n in range(20):
        client.open(f"/nothing-{n}/jane-doe?name=jane", method=f"JANE{n}")
        client.get("/cds-services/jane-doe", headers={"X-Request-Id": f"jane-{n}"})
        metrics().fetch(f"Jane{n}", outcome="ok", seconds=0.1)
    text = client.get("/metrics").text
    assert "jane" not in text.lower()
    assert len(set(read(text)) - before) < 60


def test_limits_and_refusals_are_counted(
    make_app: Callable[..., Flask], call: dict[str, Any]
) -> None:
    client = make_app(body_limit=1_000).test_client()

    def told(name: str, **labels: str) -> float:
        return figure(read(client.get("/metrics").text), name, **labels)

    before = told("cds_limits_total", limit="size"), told("cds_refusals_total", reason="host")
    client.post("/cds-services/fake", json=call | {"extension": {"x": "y" * 2_000}})
    client.get("/health", headers={"Host": "evil.example"})
    after = told("cds_limits_total", limit="size"), told("cds_refusals_total", reason="host")
    assert after == (before[0] + 1, before[1] + 1)


@pytest.fixture
def ledger_client(tmp_path: Path) -> Iterator[FlaskClient]:
    settings = Settings.load(auth="open", state=tmp_path / "state")
    store = open_store(settings)
    yield create_app(settings, store=store).test_client()
    store.close()


def test_every_metric_is_documented(ledger_client: FlaskClient) -> None:
    told = {row[0] for row in rows(ROOT / "docs" / "operator.md", "Metric")}
    counted = {family.name for family in metrics().registry.collect()}
    with ledger_client.application.test_request_context():
        standing = {family.name for family in NowStanding(current_app, wiring()).collect()}
    assert {name.removesuffix("_total") for name in told} == counted | standing
