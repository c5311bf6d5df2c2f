"""Operators for tests: hashing is slow, so their lines are made once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cds_service.trust.operators import new_line

PASSWORD = "correct horse battery"
OTHER = "another fine password"


@cache
def line(name: str, password: str = PASSWORD) -> str:
    return new_line(name, password)


def operators_file(folder: Path, *lines: str) -> Path:
    """A file that only its owner reads; without lines: ada."""
    path = folder / "operators"
    path.write_text("".join(f"{one}\n" for one in lines or [line("ada")]))
    path.chmod(0o600)
    return path
