"""Which fixtures, vignettes and tests show a rule; which variants it has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cds_service.cards import RATIONALE
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.finding import Recommendation

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures" / "fhir"
TESTS = ROOT / "tests"
VIGNETTES = TESTS / "data" / "vignettes.json"


@dataclass(slots=True)
class Shown:
    """Where one rule is seen at work; sorted, each once."""

    fixtures: list[str] = field(default_factory=list)
    vignettes: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    #: variants a fixture or a vignette shows; empty string for a rule that has one way to fire
    variants: set[str] = field(default_factory=set)


def variants(rule: Recommendation) -> tuple[str, ...]:
    """The variants its head declares: what stands in code marks under When."""
    rules = {one.id for one in RECOMMENDATIONS}
    named = re.findall(r"`([a-z0-9-]+)`", rule.header.when)
    return tuple(dict.fromkeys(name for name in named if name not in rules))


def evidence() -> dict[str, Shown]:
    """Rule id -> where it is shown."""
    found = {rule.id: Shown() for rule in RECOMMENDATIONS}
    for name, rule, variant in _cards():
        _once(found[rule].fixtures, name)
        found[rule].variants.add(variant)
    for name, rule, variant in _expected():
        _once(found[rule].vignettes, name)
        found[rule].variants.add(variant)
    for name, text in _tests():
        for rule, shown in found.items():
            if re.search(rf"(?<![\w-]){rule}(?![\w-])", text):
                shown.tests.append(name)
    return found


def _once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _cards() -> Iterator[tuple[str, str, str]]:
    """(fixture, rule, variant) of every card in the answers among the fixtures."""
    for file in sorted(FIXTURES.rglob("response*.json")):
        name = file.parent.relative_to(ROOT).as_posix()
        for card in json.loads(file.read_text(encoding="utf-8")).get("cards", ()):
            variant = card["extension"][RATIONALE].get("variant", "")
            yield name, card["source"]["topic"]["code"], variant


def _expected() -> Iterator[tuple[str, str, str]]:
    """(vignette, rule, variant) of every card a vignette expects; no variant may be any."""
    for case in json.loads(VIGNETTES.read_text(encoding="utf-8"))["vignettes"]:
        for one in case["expected"]["fires"]:
            yield case["id"], one["ruleId"], one.get("variant", "")


def _tests() -> Iterator[tuple[str, str]]:
    """(name, text) of every module of tests."""
    for file in sorted(TESTS.rglob("test_*.py")):
        yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
