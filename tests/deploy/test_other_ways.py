"""systemd and compose: sound by their own checkers, and true of this service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

import cds_service
from cds_service.cli import main
from cds_service.settings import Settings
from tests.conftest import ROOT, _clean_environment
from tests.deploy.image import stages
from tests.postgres import Postgres

DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNIT, PURGE, TIMER = (
    SYSTEMD / name
    for name in ("cds-service.service", "cds-service-purge.service", "cds-service-purge.timer")
)
COMPOSE = DEPLOY / "compose.yaml"
TOOLS = Path(sys.executable).parent
STYLE = "{extends: default, rules: {line-length: {max: 100}, document-start: disable}}"


def run(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)


def test_the_yaml_is_well_written() -> None:
    done = run(TOOLS / "yamllint", "--strict", "-d", STYLE, DEPLOY)
    assert (done.returncode, done.stdout) == (0, "")


# --- systemd ---


@pytest.fixture
def systemd() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is missing (on Debian: apt-get install systemd)")
    return found


@pytest.mark.parametrize(
    ("unit", "does"), [(UNIT, "serve"), (PURGE, "ledger purge"), (TIMER, "ledger purge")]
)
def test_systemd_has_nothing_to_say_about_the_units(
    systemd: str, tmp_path: Path, unit: Path, does: str
) -> None:
    for one in SYSTEMD.iterdir():
        text = one.read_text()
        here = text.replace("/opt/cds-service/bin/cds-service", str(TOOLS / "cds-service"))
        (tmp_path / one.name).write_text(here)
    service = (tmp_path / unit.name).with_suffix(".service").read_text()
    assert f"ExecStart={TOOLS / 'cds-service'} {does}\n" in service
    done = run(systemd, "verify", "--man=no", tmp_path / unit.name)
    # It looks at the units that this one needs, too: what it says of those is not ours.
    told = [line for line in done.stderr.splitlines() if "cds-service" in line]
    assert (done.returncode, told) == (0, [])


@pytest.mark.parametrize("unit", [UNIT, PURGE])
def test_systemd_counts_the_units_as_hardened(systemd: str, unit: Path) -> None:
    done = run(systemd, "security", "--offline=true", "--threshold=15", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


def test_the_unit_has_settings_and_time_to_stop() -> None:
    text = UNIT.read_text()
    assert set(re.findall(r"CDS_SERVICE_[A-Z_]+(?=[=])", text)) <= Settings.variables().keys()
    assert "KillMode=mixed" in text  # the signal must reach the main process alone
    assert "RestartPreventExitStatus=2" in text


def test_records_are_purged_as_the_services_user_with_its_settings_every_day() -> None:
    shared = ("EnvironmentFile", "LoadCredential", "Environment", "DynamicUser", "User",
              "StateDirectory", "StateDirectoryMode", "UMask")  # fmt: skip
    served, purged = (
        {line for line in unit.read_text().splitlines() if line.startswith(shared)}
        for unit in (UNIT, PURGE)
    )
    assert served == purged
    assert {line.partition("=")[0] for line in purged} == set(shared)
    assert "OnCalendar=*-*-* 03:00\n" in TIMER.read_text()
    assert main.commands["ledger"].commands["purge"]  # type: ignore[attr-defined]


# --- compose ---


@pytest.fixture
def services() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return told


def test_the_compose_file_is_what_compose_takes() -> None:
    done = run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert done.returncode == 0, done.stdout


def test_it_can_be_reached_from_this_machine_alone(services: dict[str, Any]) -> None:
    (port,) = services["service"]["ports"]
    inside = stages()[-1].last("EXPOSE")
    assert port == f"127.0.0.1:{inside}:{inside}"


@pytest.mark.parametrize("name", ["prepare", "service"])
def test_its_containers_may_do_little(services: dict[str, Any], name: str) -> None:
    one = services[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["volumes"] == [f"state:{stages()[-1].environment['CDS_SERVICE_STATE']}"]
    assert one["environment"].keys() <= Settings.variables().keys()
    assert one["image"] == f"cds-service:{cds_service.__version__}"
    assert (COMPOSE.parent / one["build"]["context"] / one["build"]["dockerfile"]).exists()


def test_images_are_exact(services: dict[str, Any]) -> None:
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", services["database"]["image"])


def test_its_command_is_one_of_the_service(services: dict[str, Any]) -> None:
    command, *options = services["service"]["command"]
    known = {option for p in main.commands[command].params for option in p.opts}
    assert set(options) <= known


@pytest.mark.slow
def test_what_it_does_first_makes_keys_once_and_tables(
    services: dict[str, Any], postgres: Postgres, tmp_path: Path
) -> None:
    prepare = services["prepare"]
    given = prepare["environment"] | {
        "CDS_SERVICE_DATABASE_URL": postgres.create(f"compose{uuid4().hex}"),
        "CDS_SERVICE_KEYS": str(tmp_path / "keys"),
        "CDS_SERVICE_STATE": str(tmp_path),
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
    }
    made = []
    for _ in range(2):
        words = [*prepare["entrypoint"], *prepare["command"]]
        done = run(*words, cwd=tmp_path, env={**_clean_environment(), **given})
        assert "The tables are current." in done.stdout, done.stderr
        made.append((tmp_path / "keys").read_text())
    assert made[0] == made[1]
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
