"""The report of `cds-service lint`: what was found in one hook request, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cds_service.fhir.survey import Unrecognised

SUPPLIED, NULL, OMITTED, TO_BE_FETCHED = "supplied", "null", "omitted", "to be fetched"
ERROR, MORE_PAGES, NOT_FHIR, NOT_ASKED_FOR = "error", "more pages", "not FHIR", "not asked for"
YES, NO, FETCH, UNSETTLED = "yes", "no", "after fetching", "unsettled"
NOT_ASKED, OFF = "not asked", "off"


@dataclass(frozen=True, slots=True)
class Place:
    """Something found, and the JSON path at which it stands."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Key:
    """A prefetch key; `state` is one of the words above, `resources` how many it holds."""

    name: str
    state: str
    resources: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a rule can be judged with this request: `judged` is one of the words above."""

    rule: str
    judged: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """`faults` refuse the call; `unreadable` records are left out; `orders` says what for."""

    hook: str
    service: str
    faults: tuple[Place, ...] = ()
    keys: tuple[Key, ...] = ()
    unreadable: tuple[Place, ...] = ()
    codes: tuple[Unrecognised, ...] = ()
    orders: tuple[Place, ...] = ()
    rules: tuple[Judged, ...] = ()

    @property
    def fine(self) -> bool:
        """Nothing here stops a judgement. What is yet to be fetched does not."""
        return not self.faults and all(one.judged != NO for one in self.rules)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON, without what is empty; `fine` and `rules` always."""
        found = {name: one for name, one in asdict(self).items() if one}
        return {"fine": self.fine, "rules": [], **found}
