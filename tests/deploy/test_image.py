"""The container image: what deploy/Dockerfile says, and its steps done without Docker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import cds_service
from cds_service.settings import Settings
from cds_service.trust.access import ROUTES
from tests.conftest import ROOT, _free_port
from tests.deploy.image import DOCKERFILE, USER, Built, build, exec_form, stages

STATE = "/var/lib/cds-service"


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_base_is_pinned() -> None:
    for stage in stages():
        name, _, digest = stage.base.partition("@sha256:")
        assert len(digest) == 64
        assert name.count(".") >= 2  # a whole version, for people
        assert "latest" not in name


def test_it_runs_as_a_user_known_by_number_who_owns_the_state_alone() -> None:
    final = stages()[-1]
    assert final.last("USER") == f"{USER}:{USER}"
    assert [name for name, _ in final.steps].index("USER") > max(
        place for place, (name, _) in enumerate(final.steps) if name in ("RUN", "COPY")
    )
    assert f"--owner {USER} --group {USER} --mode 0700 {STATE}" in final.last("RUN")
    assert final.last("VOLUME") == final.environment["CDS_SERVICE_STATE"] == STATE


def test_signals_reach_the_service_and_not_a_shell() -> None:
    final = stages()[-1]
    words = exec_form(final.last("ENTRYPOINT")) + exec_form(final.last("CMD"))
    assert words == ["cds-service", "serve"]


def test_its_settings_and_ports_are_those_of_the_service() -> None:
    final = stages()[-1]
    told = {name for name in final.environment if name.startswith("CDS_SERVICE_")}
    assert told <= Settings.variables().keys()
    assert final.last("EXPOSE") == final.environment["CDS_SERVICE_PORT"]
    assert "'GET', '/health'" in final.last("HEALTHCHECK")
    assert "/health" in ROUTES


def test_the_labels_name_this_version() -> None:
    assert f'image.version="{cds_service.__version__}"' in stages()[-1].last("LABEL")


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    copied = {one.rstrip("/") for sources, _ in stages()[0].copied() for one in sources}
    assert all((ROOT / one).exists() for one in copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_nothing_of_pip_is_in_the_final_image() -> None:
    build, final = stages()
    assert "--without-pip" in str(build.steps)
    assert "pip uninstall --yes --root-user-action ignore setuptools wheel pip" in final.last("RUN")


# --- the steps, done ---


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def container(built: Built) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """The command of the image, running as its user."""
    environment = built.environment | {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_DATABASE_TIMEOUT": "5000",  # two cores, and many tests at once
        "CDS_SERVICE_HOST": "127.0.0.1",
        "CDS_SERVICE_PORT": str(_free_port()),
    }
    final = stages()[-1]
    words = exec_form(final.last("ENTRYPOINT")) + exec_form(final.last("CMD"))
    process = subprocess.Popen(built.command(*words), cwd=built.folder / "state", env=environment)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(environment["CDS_SERVICE_PORT"]))) == 0:
                break
        time.sleep(0.1)
    yield process, environment
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=30)


Container = tuple[subprocess.Popen[bytes], dict[str, str]]


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_service_that_answers(container: Container) -> None:
    _, environment = container
    url = f"http://127.0.0.1:{environment['CDS_SERVICE_PORT']}"
    body = (ROOT / "fixtures" / "fhir" / "delayed-referral" / "request.json").read_bytes()
    answer = requests.post(
        f"{url}/cds-services/pht-patient-view",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert len(answer.json()["cards"]) == 1
    assert requests.get(f"{url}/static/style.css", timeout=30).status_code == 200
    assert requests.get(f"{url}/ready", timeout=30).json()["status"] == "ready"


@pytest.mark.slow
def test_its_health_check_passes_and_fails(container: Container, built: Built) -> None:
    _, environment = container
    _, _, command = stages()[-1].last("HEALTHCHECK").partition("CMD ")
    words = built.command(*exec_form(command))
    assert subprocess.run(words, env=environment, check=False).returncode == 0
    elsewhere = environment | {"CDS_SERVICE_PORT": str(_free_port())}
    done = subprocess.run(words, env=elsewhere, check=False, stderr=subprocess.DEVNULL)
    assert done.returncode != 0


@pytest.mark.slow
def test_it_writes_to_the_state_folder_alone(container: Container, built: Built) -> None:
    if os.geteuid() == 0:
        line = Path(f"/proc/{container[0].pid}/status").read_text()
        assert f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}" in line
    assert built.files() == built.made
    assert {path.name for path in (built.folder / "state").iterdir()} >= {"ledger.sqlite3", "keys"}


@pytest.mark.slow
def test_it_stops_when_told_to(container: Container) -> None:
    process, _ = container
    process.terminate()
    assert process.wait(timeout=30) == 0
