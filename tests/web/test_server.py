"""The real server: gunicorn in a process of its own, over HTTP."""

from __future__ import annotations

import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.web import server
from tests.conftest import DATA, Running, Start

RECORDED = DATA / "sandbox" / "recorded"
SERVICE = "/cds-services/pht-patient-view"


def raw(running: Running, request: bytes) -> bytes:
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer


@pytest.mark.parametrize("name", ["preflight-discovery", "preflight-service", "preflight-feedback"])
def test_recorded_preflights_are_answered(demo_server: Running, name: str) -> None:
    sent = json.loads((RECORDED / f"{name}.json").read_text())
    url = demo_server.url + sent["path"]
    answer = requests.options(url, headers=sent["headers"], allow_redirects=False, timeout=10)
    assert 200 <= answer.status_code < 300
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_recorded_discovery_is_answered(demo_server: Running) -> None:
    sent = json.loads((RECORDED / "discovery.json").read_text())
    answer = requests.get(demo_server.url + sent["path"], headers=sent["headers"], timeout=10)
    assert answer.status_code == 200
    told = {service["id"]: service for service in answer.json()["services"]}
    assert told["pht-patient-view"]["hook"] == "patient-view"


@pytest.mark.parametrize(
    "name", ["patient-view", "patient-view-authorized", "patient-view-no-prefetch"]
)
def test_recorded_calls_get_cards_or_an_outcome(demo_server: Running, name: str) -> None:
    sent = json.loads((RECORDED / f"{name}.json").read_text())
    headers = sent["headers"] | {"Content-Type": "application/json"}
    answer = requests.post(
        demo_server.url + SERVICE, json=sent["body"], headers=headers, timeout=10
    )
    assert answer.status_code in (200, 412)
    assert "cards" in answer.json() or answer.json()["resourceType"] == "OperationOutcome"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_body_over_the_limit_is_413_over_http(demo_server: Running) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        demo_server.url + SERVICE, data=b" " * 10_000_001, headers=headers, timeout=30
    )
    assert answer.status_code == 413
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_chunked_body_over_the_limit_is_413_too(demo_server: Running) -> None:
    headers = {"Content-Type": "application/json"}
    chunks = (b" " * 1_000_000 for _ in range(11))
    answer = requests.post(demo_server.url + SERVICE, data=chunks, headers=headers, timeout=30)
    assert answer.status_code == 413


def test_a_chunked_body_is_read_like_any_other(demo_server: Running) -> None:
    body = json.dumps(json.loads((RECORDED / "patient-view.json").read_text())["body"]).encode()
    headers = {"Content-Type": "application/json"}
    url = demo_server.url + SERVICE
    whole = requests.post(url, data=body, headers=headers, timeout=30)
    chunked = requests.post(url, data=iter([body]), headers=headers, timeout=30)
    assert chunked.status_code == whole.status_code in (200, 412)


def test_what_is_not_http_gets_an_outcome_that_repeats_nothing(demo_server: Running) -> None:
    answer = raw(demo_server, b"JANE DOE WAS HERE\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert b"JANE" not in answer
    assert "JANE" not in demo_server.log.read_text()


def test_the_server_does_not_say_what_it_runs_on(demo_server: Running) -> None:
    answer = requests.get(demo_server.url + "/health", timeout=10)
    assert "gunicorn" not in str(answer.headers).lower()


def test_the_log_is_json_and_holds_no_query(demo_server: Running) -> None:
    requests.get(demo_server.url + "/demo/fhir/Condition?patient=jane-doe", timeout=10)
    time.sleep(0.2)
    text = demo_server.log.read_text()
    assert "jane-doe" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert any(line.get("route") == "/demo/fhir/<resource_type>" for line in lines)


def test_many_calls_at_once_are_all_answered(demo_server: Running) -> None:
    def health(_: int) -> int:
        return requests.get(demo_server.url + "/health", timeout=30).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(health, range(200))) == {200}


def test_the_server_stops_when_told(start: Start) -> None:
    running = start("serve", "--workers", "1", CDS_SERVICE_AUTH="open")
    log = running.log.read_text()
    assert "WARNING: Callers are NOT authenticated" in log
    assert "control socket" not in log.lower()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=15) == 0


def test_serve_has_no_demo(start: Start) -> None:
    running = start("serve", "--workers", "1", CDS_SERVICE_AUTH="open")
    assert requests.get(running.url + "/demo/fhir/metadata", timeout=10).status_code == 404
    assert "must not be used for" in requests.get(running.url + "/", timeout=10).text


def test_tokens_need_an_address_to_be_made_out_to() -> None:
    server.check_may_serve(Settings.load())
    with pytest.raises(SettingsError, match="CDS_SERVICE_PUBLIC_URL is not set"):
        server.check_may_serve(Settings.load(host="0.0.0.0"))
    server.check_may_serve(Settings.load(host="0.0.0.0", public_url="https://cds.example.org"))


@pytest.mark.parametrize(
    "given",
    [
        {"host": "0.0.0.0", "public_url": "http://cds.example.org"},
        {"public_url": "http://10.0.0.7"},
    ],
)
def test_tokens_that_cross_the_network_in_clear_are_warned_of(given: dict[str, str]) -> None:
    (told,) = [told for told in server.warnings(Settings.load(**given)) if "CLEAR" in told]
    assert given["public_url"] in told
    for sound in ({}, given | {"public_url": "https://cds.example.org"}):
        assert not any("CLEAR" in told for told in server.warnings(Settings.load(**sound)))


def test_the_console_is_not_local_behind_a_name_of_other_machines() -> None:
    """A proxy on this machine may send nothing that tells of it."""
    far = Settings.load(console="local", public_url="https://cds.example.org")
    with pytest.raises(SettingsError, match="CDS_SERVICE_CONSOLE=local"):
        server.check_may_serve(far)
    server.check_may_serve(Settings.load(console="local", public_url="https://localhost/pht"))


def test_metrics_that_are_off_behind_a_proxy_are_told_of() -> None:
    def told(**given: str) -> bool:
        return any("/metrics is off" in one for one in server.warnings(Settings.load(**given)))

    assert told(public_url="https://cds.example.org")
    assert not told()
    for metrics in ("off", "127.0.0.1:9090"):
        assert not told(public_url="https://cds.example.org", metrics=metrics)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "cds.example.org"])
def test_other_machines_are_let_in_by_force_only(host: str) -> None:
    settings = Settings.load(auth="open", host=host)
    with pytest.raises(SettingsError, match="--allow-remote"):
        server.check_may_serve(settings)
    server.check_may_serve(settings, allow_remote=True)
    assert any(host in warning for warning in server.warnings(settings))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert server.is_loopback(host)


def test_a_fixed_date_is_served_only_openly_or_by_force() -> None:
    fixed = {"today": "2026-06-15"}
    with pytest.raises(SettingsError, match="--allow-fixed-today"):
        server.check_may_serve(Settings.load(**fixed))
    server.check_may_serve(Settings.load(**fixed), allow_fixed_today=True)
    server.check_may_serve(Settings.load(auth="open", **fixed))
    assert any(
        "2026-06-15" in told for told in server.warnings(Settings.load(auth="open", **fixed))
    )


def test_ipv6_addresses_are_bound_in_brackets() -> None:
    assert server.options(Settings.load(host="::1"))["bind"] == ["[::1]:8000"]
    assert server.options(Settings.load(host="[::1]"))["bind"] == ["[::1]:8000"]
