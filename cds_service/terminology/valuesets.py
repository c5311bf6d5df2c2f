"""Which value sets a code belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from cds_service.terminology.drugs import Drug, Formulary
from cds_service.terminology.tables import ALIASES, LOCAL, SYSTEMS, Concept, concepts

ICD_10_CM = SYSTEMS["icd-10-cm"]
CATEGORY = 3  # an ICD-10-CM category is three characters long, then comes the dot


class Terminology:
    """All value sets, with a site's own codes added.

    `find` is one dictionary look-up for an exact code, and for ICD-10-CM at most six more for
    the categories above it (`N18.4` is found under `N18`).
    """

    def __init__(
        self, members: Iterable[Concept], site_codes: Mapping[str, Mapping[str, Iterable[str]]]
    ) -> None:
        self._members: dict[tuple[str, str], tuple[Concept, ...]] = {}
        self._prefixes: dict[str, tuple[Concept, ...]] = {}
        self.value_sets: dict[str, list[Concept]] = {}
        for concept in members:
            self._add(concept)
        for value_set, systems in site_codes.items():
            for system, codes in systems.items():
                for code in codes:
                    self._add(
                        Concept(value_set, system, code, code, "include", "site configuration")
                    )
        self._formulary = Formulary(self)

    def _add(self, concept: Concept) -> None:
        self.value_sets.setdefault(concept.value_set, []).append(concept)
        if concept.prefix:
            self._prefixes[concept.code] = (*self._prefixes.get(concept.code, ()), concept)
            return
        key = (concept.system, concept.code)
        self._members[key] = (*self._members.get(key, ()), concept)

    def find(self, system: str | None, code: str | None) -> tuple[Concept, ...]:
        """Every value-set membership of the code; empty when it is in none."""
        if not system or not code:
            return ()
        system, code = normal(system, code)
        exact = self._members.get((system, code), ())
        if system != ICD_10_CM or not self._prefixes:
            return exact
        above = [code[:length] for length in range(CATEGORY, len(code) + 1)]
        return exact + tuple(c for prefix in above for c in self._prefixes.get(prefix, ()))

    def drug(self, system: str | None, code: str | None) -> Drug | None:
        """What a medication code names, or None when it is no drug this service reads."""
        if not system or not code:
            return None
        return self._formulary.find(*normal(system, code))

    def drug_named(self, name: str | None) -> Drug | None:
        """An anticoagulant whose product name holds the ingredient as a whole word (G16)."""
        return self._formulary.anticoagulant_named(name) if name else None

    def names_nsaid(self, name: str) -> bool:
        """The name holds an NSAID, aspirin or the class as a whole word."""
        return self._formulary.names_nsaid(name)


def normal(system: str, code: str) -> tuple[str, str]:
    """The spelling the tables use: canonical system, ICD-10-CM upper case with its dot."""
    system = ALIASES.get(system, system)
    if system == ICD_10_CM:
        code = code.strip().upper()
        if len(code) > CATEGORY and "." not in code:
            code = f"{code[:CATEGORY]}.{code[CATEGORY:]}"
    return system, code


@cache
def default_terminology() -> Terminology:
    return Terminology(concepts(), {})


def site_terminology(codes: Mapping[str, Mapping[str, Iterable[str]]]) -> Terminology:
    """The default value sets with a site's codes added to them."""
    return Terminology(concepts(), codes) if codes else default_terminology()


__all__ = ["LOCAL", "Terminology", "default_terminology", "normal", "site_terminology"]
