"""SIGHUP: the new configuration whole, or the old one; nobody is turned away meanwhile."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, Running, Start
from tests.trust.signing import Ehr, Key, jwks

pytestmark = pytest.mark.slow

BASE = "https://cds.example"
SERVICE = "/cds-services/pht-patient-view"
CALL = ROOT / "fixtures" / "fhir" / "delayed-referral" / "request.json"
EHR = Ehr(Key("a"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_bytes(jwks(EHR.key))
    site = tmp_path / "site.toml"
    site.write_text('[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n')
    return site


@pytest.fixture
def running(start: Start, file: Path) -> Running:
    environment = {"CDS_SERVICE_CONFIG": str(file), "CDS_SERVICE_PUBLIC_URL": BASE}
    return start("serve", "--workers", "2", **environment)


def status(running: Running) -> int:
    headers = EHR.bearer(BASE + SERVICE)
    body = json.loads(CALL.read_text())
    return requests.post(running.url + SERVICE, json=body, headers=headers, timeout=20).status_code


def eventually(true: Callable[[], bool]) -> bool:
    for _ in range(150):
        if true():
            return True
        time.sleep(0.1)
    return False


def hang_up(running: Running, logged: str) -> None:
    running.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: logged in running.log.read_text())


def test_a_change_of_the_file_takes_effect(running: Running, file: Path) -> None:
    assert status(running) == 200
    with file.open("a") as more:
        more.write('services = ["pht-order-sign"]\n')
    assert status(running) == 200
    hang_up(running, "configuration reloaded")
    assert eventually(lambda: [status(running) for _ in range(6)] == [403] * 6)


def test_a_new_key_in_the_file_of_keys_is_taken_up(running: Running, file: Path) -> None:
    (file.parent / "keys.json").write_bytes(jwks(Key("b")))
    assert status(running) == 200
    hang_up(running, "configuration reloaded")
    assert eventually(lambda: [status(running) for _ in range(6)] == [401] * 6)


@pytest.mark.parametrize(
    "fault", ["[clients", "[rules.nonsense]\nmode = 'off'", "[parameters]\nx = 1"]
)
def test_a_faulty_file_changes_nothing(running: Running, file: Path, fault: str) -> None:
    file.write_text(fault)
    hang_up(running, "configuration not reloaded, the old one stays")
    assert [status(running) for _ in range(6)] == [200] * 6
