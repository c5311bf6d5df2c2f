"""What a token allows: SMART on FHIR scopes, versions 1 and 2."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCOPE = re.compile(r"(?:patient|user|system)/([A-Za-z]+|\*)\.(read|write|\*|[cruds]+)(\?\S+)?")
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class _Grant:
    type: str
    actions: str
    restricted: bool


@dataclass(frozen=True, slots=True)
class Scopes:
    """`told` is False when the client named no scopes: then the FHIR server decides."""

    grants: tuple[_Grant, ...] = ()
    told: bool = False

    def allow(self, resource_type: str, action: str) -> bool:
        """Whether `action` (`r` read, `s` search) is granted, perhaps for some resources only."""
        return not self.told or any(self._matching(resource_type, action))

    def partial(self, resource_type: str, action: str) -> bool:
        """Whether only some resources of the type are granted (`?category=...`).

        What is then not found may still exist.
        """
        return self.told and not any(
            not grant.restricted for grant in self._matching(resource_type, action)
        )

    def _matching(self, resource_type: str, action: str) -> list[_Grant]:
        return [g for g in self.grants if g.type in ("*", resource_type) and action in g.actions]


def parse(scope: str | None) -> Scopes:
    """'patient/Observation.rs?category=x user/*.read' and the like; other scopes say nothing."""
    if not scope:
        return Scopes()
    found = [match for one in scope.split() if (match := _SCOPE.fullmatch(one))]
    return Scopes(
        tuple(_Grant(m[1], _VERSION_1.get(m[2], m[2]), m[3] is not None) for m in found),
        told=True,
    )
