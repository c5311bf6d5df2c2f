"""Puts the demo patients of fixtures/fhir into the wheel; all else is in setup.cfg.

They live outside the package, where clinicians and tests read them. `package_dir` could
map them in, but breaks editable installs, so the build copies them instead.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FIXTURES = Path(__file__).parent / "fixtures" / "fhir"


class BuildWithFixtures(build_py):
    """build_py that adds fixtures/fhir/<case>/*.json as cds_service/demo/fixtures."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        inside = Path(self.build_lib) / "cds_service" / "demo" / "fixtures"
        for file in sorted(FIXTURES.glob("*/*.json")):
            target = inside / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


setup(cmdclass={"build_py": BuildWithFixtures})
