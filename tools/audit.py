"""Asks for advisories on every pinned dependency, and runs ruff's security rules: `make audit`.

pip-audit calls it "no known vulnerabilities" also when it could ask about nothing: a package
index that is a mirror has no advisories, and each dependency is left out with a reason. Here
that is no pass.

Exit code 0: all were asked about and nothing is known; 1: something is known; 3: not all could
be asked about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOUND, UNASKED = 1, 3
PIP_AUDIT = [
    *(sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "constraints.txt")),
    # everything is pinned: what is asked about is what is written there, and nothing is installed
    *("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"),
]
RUFF = [sys.executable, "-m", "ruff", "check", "--select", "S", "cds_service", "hooks"]


@dataclass
class Asked:
    """How many were asked about, advisories by dependency, and why others were not asked about."""

    number: int = 0
    known: dict[str, list[str]] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)
    fault: str = ""

    @property
    def code(self) -> int:
        """The exit code this makes."""
        if self.known:
            return FOUND
        return UNASKED if self.fault or self.unasked or not self.number else 0


def ask(command: Sequence[str] = PIP_AUDIT) -> Asked:
    """What `command`, which is pip-audit, found."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Asked(fault=last[:300])
    return _read(told)


def _read(told: list[dict[str, Any]]) -> Asked:
    asked = Asked()
    for one in told:
        if "skip_reason" in one:
            asked.unasked[one["name"]] = one["skip_reason"]
            continue
        asked.number += 1
        if one["vulns"]:
            name = f"{one['name']} {one['version']}"
            asked.known[name] = [vulnerability["id"] for vulnerability in one["vulns"]]
    return asked


def tell(asked: Asked) -> None:
    """In words, the worst first."""
    for name, advisories in asked.known.items():
        print(f"KNOWN: {name}: {', '.join(advisories)}")
    if asked.fault:
        print(f"NOT AUDITED: the advisory service could not be asked: {asked.fault}")
    if asked.unasked:
        first = next(iter(asked.unasked.values()))
        print(f"NOT AUDITED: {len(asked.unasked)} dependencies, such as: {first}")
    print(f"Asked about {asked.number} dependencies; advisories on {len(asked.known)}.")


def main(command: Sequence[str] = PIP_AUDIT) -> int:
    """The exit code."""
    rules = subprocess.run(RUFF, cwd=ROOT, check=False).returncode
    asked = ask(command)
    tell(asked)
    return FOUND if rules else asked.code


if __name__ == "__main__":
    sys.exit(main())
