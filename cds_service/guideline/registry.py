"""Every number of the guideline in one table: its evidence, and the rules that stand on it.

The table is what `cds-service parameters` prints and docs/guideline.md is made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline import conventions as c
from cds_service.guideline.evidence import Parameter

#: numbers that no single rule holds, and what reads them instead
SERVICE_WIDE: dict[str, str] = {
    c.ENCOUNTER_DIAGNOSIS.name: "every rule: whether the disease, or a finding, is active",
    c.CARD_BUDGET.name: "the choice of cards, after all rules",
}


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter of the guideline by name: the shared ones first, then rule by rule."""
    named = {p.name: p for rule in RECOMMENDATIONS for p in rule.parameters}
    return MappingProxyType({p.name: p for p in c.CONVENTIONS} | named)


def rules_using(parameter: Parameter) -> tuple[str, ...]:
    """Ids of the rules that declare it, in guideline order."""
    return tuple(rule.id for rule in RECOMMENDATIONS if parameter in rule.parameters)


def rows(overrides: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """One row a parameter, JSON-ready. `value` is the one in force, `guidelineValue` the own one.

    `overrides`: the site's values by name.
    """
    for name, parameter in parameters().items():
        rules = rules_using(parameter)
        yield {
            "name": name,
            "value": overrides.get(name, parameter.value),
            "guidelineValue": parameter.value,
            "setBySite": name in overrides,
            "unit": parameter.unit,
            "safeFrom": parameter.safe[0],
            "safeTo": parameter.safe[1],
            "source": parameter.source.citation,
            "place": parameter.place,
            "quote": parameter.quote,
            "reading": parameter.reading,
            "reviewed": parameter.reviewed.isoformat(),
            "rules": list(rules),
            "usedBy": ", ".join(rules) or SERVICE_WIDE.get(name, ""),
        }


#: (lower, higher): values that are each safe may contradict each other
ORDERED: tuple[tuple[str, str], ...] = (
    ("surgery-consider-days", "surgery-overdue-after-days"),
    ("step-up-from-days", "step-up-unknown-from-days"),
    ("step-up-unknown-from-days", "surgery-consider-days"),
    ("steroid-interval-minimum", "steroid-interval-preferred"),
    ("ibuprofen-ceiling", "ibuprofen-maximum"),
    ("nsaid-egfr-critical", "nsaid-egfr-caution"),
)


def faults(overrides: Mapping[str, float]) -> Iterator[str]:
    """What is wrong with a site's values, one sentence each; the names are known."""
    known = parameters()
    for name, value in overrides.items():
        parameter = known[name]
        low, high = parameter.safe
        if not low <= value <= high:
            yield f"parameters.{name} = {value:g} lies outside {low:g} to {high:g} {parameter.unit}"
        elif isinstance(parameter.value, int) and value != int(value):
            yield f"parameters.{name} = {value:g} must be a whole number ({parameter.unit})"
    in_force = {name: overrides.get(name, p.value) for name, p in known.items()}
    for low_name, high_name in ORDERED:
        lower, higher = in_force[low_name], in_force[high_name]
        if lower > higher:
            yield (
                f"parameters.{low_name} = {lower:g} must not be more than {high_name} = {higher:g}"
            )
