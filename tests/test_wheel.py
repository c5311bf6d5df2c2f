"""What `pip install` puts on another machine works there, without the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import requests

from cds_service.demo.patients import load_cases
from tests.conftest import ROOT, Start

SOURCES = ["cds_service", "hooks", "fixtures", "setup.py", "setup.cfg", "pyproject.toml"]
TEXTS = ["README.md", "LICENSE", "NOTICE", "MANIFEST.in", "CHANGELOG.md"]


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A new environment with this project's wheel, and its dependencies from this one."""
    place = tmp_path_factory.mktemp("wheel")
    (place / "source").mkdir()
    for name in (name for name in [*SOURCES, *TEXTS] if (ROOT / name).exists()):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / "source" / name)
    pip(
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-w",
        str(place),
        str(place / "source"),
    )
    (wheel,) = place.glob("*.whl")
    shutil.rmtree(place / "source")
    venv.create(place / "env", with_pip=False)
    new = place / "env" / "bin" / "python"
    pip("--python", str(new), "install", "--no-deps", "--no-index", str(wheel))
    packages = Path(next((place / "env" / "lib").glob("python*")) / "site-packages")
    # A plain path entry: the .pth of an editable install there is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return str(new)


def test_the_wheel_runs_the_demo_outside_the_checkout(python: str, start: Start) -> None:
    code = "import cds_service, hooks; print(cds_service.__file__, hooks.__file__)"
    where = subprocess.run(
        [python, "-c", code], cwd="/", check=True, capture_output=True, text=True
    )
    assert str(ROOT) not in where.stdout
    url = start("demo", python=python).url
    cases = load_cases()
    assert cases
    assert requests.get(f"{url}/demo/fhir/Patient", timeout=10).json()["total"] == len(cases)
    for path in (f"/demo/chart?patient={cases[0].patient_id}", "/guideline", "/static/style.css"):
        assert requests.get(url + path, timeout=10).status_code == 200
    told = requests.get(f"{url}/cds-services", timeout=10).json()["services"]
    assert "pht-patient-view" in [service["id"] for service in told]
