"""deploy/Dockerfile as data, and its steps done without Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
USER = 10001
#: for pip: `--no-build-isolation` is off when it is 0
OFFLINE = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}


@dataclass
class Stage:
    """The instructions of one stage, in order, and its environment."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def last(self, instruction: str) -> str:
        return [words for name, words in self.steps if name == instruction][-1]

    def copied(self) -> list[tuple[list[str], str]]:
        """What is copied from the repository, and where to."""
        lines = [words.split() for name, words in self.steps if name == "COPY"]
        return [(line[:-1], line[-1]) for line in lines if not line[0].startswith("--from")]


def stages() -> list[Stage]:
    """What deploy/Dockerfile says; names of ARG before the first stage are filled in."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    given: dict[str, str] = {}
    made: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        name, _, words = line.strip().partition(" ")
        words = words.strip()
        if name == "ARG" and not made:
            key, _, value = words.partition("=")
            given[f"${{{key}}}"] = value
        elif name == "FROM":
            base = words.split()[0]
            made.append(Stage(given.get(base, base)))
        elif name:
            made[-1].steps.append((name, words))
            if name == "ENV":
                made[-1].environment |= dict(re.findall(r"(\w+)=(\S+)", words))
    return made


@dataclass
class Built:
    """What the image would hold, in a folder; `environment` as the container has it."""

    folder: Path
    environment: dict[str, str]
    made: dict[Path, int] = field(default_factory=dict)

    def files(self) -> dict[Path, int]:
        """What is installed, and when it was last written to."""
        installed = (self.folder / "cds-service").rglob("*")
        return {path: path.lstat().st_mtime_ns for path in installed}

    def command(self, *words: str) -> list[str]:
        """The words of a container's command, run as the image's user."""
        found = shutil.which(words[0], path=self.environment["PATH"])
        assert found
        return [*as_user(), found, *words[1:]]


def build(folder: Path) -> Built:
    """Does the steps of the first stage under `folder`, with the dependencies of this run.

    The commands are those of the file, with other paths. The environment keeps pip from the
    network, and from what is here already.
    """
    first, final = stages()
    source, home, state = folder / "source", folder / "cds-service", folder / "state"
    places = {"/source": str(source), "/opt/cds-service": str(home)}
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **OFFLINE}
    environment |= {name: moved(value, places) for name, value in first.environment.items()}
    source.mkdir()
    for name, words in first.steps:
        if name == "COPY":
            copy(words, source)
        elif name == "RUN":
            run(moved(words, places), source, environment)
            borrow(home)
    shutil.rmtree(source)
    state.mkdir(mode=0o700)
    hand_over(state)
    places = {"/opt/cds-service": str(home), "/var/lib/cds-service": str(state)}
    places["$PATH"] = "/usr/bin:/bin"
    made = Built(folder, {k: moved(v, places) for k, v in final.environment.items()})
    made.made = made.files()
    return made


def run(words: str, folder: Path, environment: dict[str, str]) -> None:
    """The words of a RUN, in a shell as there."""
    done = subprocess.run(
        ["sh", "-c", words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def copy(words: str, source: Path) -> None:
    """The words of a COPY, whose last names a folder or, for files, ends in a slash."""
    *sources, target = words.split()
    for one in sources:
        if (ROOT / one).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / one, source / target, ignore=skipped)
        else:
            shutil.copy(ROOT / one, source / target)


def hand_over(state: Path) -> None:
    """The state folder is the user's, who can get there."""
    if os.geteuid() != 0:
        return
    os.chown(state, USER, USER)
    for parent in state.parents:
        if parent.stat().st_uid == 0 and len(parent.parts) > 2:
            parent.chmod(parent.stat().st_mode | 0o011)


def moved(words: str, places: dict[str, str]) -> str:
    for there, here in places.items():
        words = words.replace(there, here)
    return words


def borrow(home: Path) -> None:
    """The dependencies, and the builder, from the environment of this run."""
    packages = next((home / "lib").glob("python*")) / "site-packages"
    # A plain path entry: the .pth of an editable install there is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])


def as_user() -> list[str]:
    """As the image's user, with no right to write anywhere but its own; nothing when not root.

    The right to read stays: the interpreter of this run may be in a folder of root's.
    """
    if os.geteuid() != 0:
        return []
    only = "-all,+dac_read_search"
    return [
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--clear-groups",
        f"--inh-caps={only}",
        f"--ambient-caps={only}",
        f"--bounding-set={only}",
        "--no-new-privs",
    ]


def exec_form(words: str) -> list[str]:
    """ENTRYPOINT, CMD: a list, so that no shell stands between."""
    told = json.loads(words)
    assert isinstance(told, list)
    return told
