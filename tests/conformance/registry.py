"""Checks by requirement, and the stubs that break just that requirement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.caller import Caller

Check = Callable[[Caller], None]
Stub = Callable[[Caller], Caller]


@dataclass(frozen=True, slots=True)
class Verified:
    """One check; `stubs` break what it verifies, by requirement."""

    check: Check
    requirements: tuple[str, ...]
    stubs: dict[str, Stub]

    @property
    def name(self) -> str:
        return self.check.__name__.replace("_", "-")


CHECKS: list[Verified] = []


def verifies(*requirements: str, **stubs: Stub) -> Callable[[Check], Check]:
    """Registers a check. A stub is given as `broken_2_0_83=stub` for requirement 2.0-83."""

    def register(check: Check) -> Check:
        by_id = {_requirement(name): stub for name, stub in stubs.items()}
        assert by_id.keys() <= set(requirements), check.__name__
        CHECKS.append(Verified(check, requirements, by_id))
        return check

    return register


def _requirement(name: str) -> str:
    """broken_2_0_83 -> 2.0-83."""
    major, minor, number = name.removeprefix("broken_").split("_")
    return f"{major}.{minor}-{number}"
