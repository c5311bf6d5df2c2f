"""The page docs/conformance.md: every requirement of CDS Hooks, and what shows that it is met.

The requirements stand in tests/data/requirements.csv. Tests name those they verify
(`@pytest.mark.requirement`); tests/data/conformance.toml gives the reason for each that does
not apply or is not met. `tests.conformance.plugin` runs the tests and writes the page.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tools.trace_guideline import table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
REASONS = ROOT / "tests" / "data" / "conformance.toml"
REQUIREMENTS = ROOT / "tests" / "data" / "requirements.csv"
MET, NOT_APPLICABLE, NOT_MET = "met", "not applicable", "not met"
HEAD = """\
<!-- Made by `make conformance`; do not edit. -->

# Conformance to CDS Hooks

What CDS Hooks 2.0, its hook library and the 3.0 draft ask of a service, requirement by
requirement. **Met** means that the tests named here passed when this page was made. For the
requirements marked with a star, which services often get wrong, the same check was also run
against a stub that breaks just that requirement, and failed there.

`make conformance` runs the tests and writes this page. `make check` fails when a requirement has
neither a test nor a reason, and when this page is not what the tests and reasons give.
"""
HEADINGS = {
    "2.0": "CDS Hooks 2.0",
    "lib": "Hook library 1.0.1",
    "3.0": "CDS Hooks 3.0.0 (draft)",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the table. `starred`: one of the 30 that other services get wrong."""

    id: str
    url: str
    strength: str
    text: str
    starred: bool

    @property
    def part(self) -> str:
        """The specification it comes from, a key of `HEADINGS`."""
        return self.id.partition("-")[0]


@dataclass(slots=True)
class Shown:
    """Tests by requirement id: those that verify it, and those that see a stub break it.

    A test is named `tests/web/test_cors.py::test_...`. `unpassed`: those that did not pass.
    """

    tests: dict[str, list[str]] = field(default_factory=dict)
    stubs: dict[str, list[str]] = field(default_factory=dict)
    unpassed: frozenset[str] = frozenset()

    def of(self, requirement: str) -> list[str]:
        """All tests the requirement rests on."""
        return [*self.tests.get(requirement, ()), *self.stubs.get(requirement, ())]


@cache
def requirements() -> Mapping[str, Requirement]:
    """All requirements by id, in the order of the table."""
    with REQUIREMENTS.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Requirement(
                row["id"], row["url"], row["conformance"], row["text"], bool(row["top30"])
            )
            for row in csv.DictReader(file)
        }


def reasons() -> dict[str, tuple[str, str]]:
    """Requirement id -> (not applicable | not met, why)."""
    told = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return {
        identity: (status, why)
        for status in (NOT_APPLICABLE, NOT_MET)
        for identity, why in told.pop(status.replace(" ", "-"), {}).items()
    } | dict.fromkeys(told, ("unknown table", ""))


def faults(shown: Shown, told: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """What is lacking or contradictory, one sentence each."""
    for identity in told.keys() - requirements().keys():
        yield f"{REASONS.name}: {identity} is not a requirement"
    for one in requirements().values():
        tests, stubs = shown.tests.get(one.id), shown.stubs.get(one.id)
        if not tests and not told.get(one.id, ("", ""))[1]:
            yield f"{one.id} has neither a test nor a reason in {REASONS.name}: {one.text[:90]}"
        if tests and one.id in told:
            yield f"{one.id} has a test: take its reason out of {REASONS.name}"
        if one.starred and tests and not stubs:
            yield f"{one.id} needs a test that sees a stub break it (marker 'notices')"


def page(shown: Shown, told: Mapping[str, tuple[str, str]]) -> str:
    """The whole of docs/conformance.md."""
    status = {one: _status(one, shown, told) for one in requirements().values()}
    lines = [HEAD, *_summary(status)]
    for part, heading in HEADINGS.items():
        rows = [_row(one, status[one], shown, told) for one in status if one.part == part]
        lines += ["", f"## {heading}", "", *table(("Requirement", "Asks", "Status", "Why"), rows)]
    return "\n".join(lines) + "\n"


def _status(one: Requirement, shown: Shown, told: Mapping[str, tuple[str, str]]) -> str:
    if one.id in shown.tests:
        return NOT_MET if shown.unpassed.intersection(shown.of(one.id)) else MET
    return told[one.id][0] if one.id in told else NOT_MET


def _summary(status: Mapping[Requirement, str]) -> Iterator[str]:
    counts = Counter((one.strength.split()[0], state) for one, state in status.items())
    states = (MET, NOT_APPLICABLE, NOT_MET)
    rows = [
        (words, *(str(sum(counts[s, state] for s in strengths)) for state in states))
        for words, strengths in (
            ("SHALL, SHALL NOT", ("SHALL",)),
            ("SHOULD, SHOULD NOT", ("SHOULD",)),
            (f"All {len(status)}", ("SHALL", "SHOULD")),
        )
    ]
    yield from table(("Strength", *states), rows)


def _row(
    one: Requirement, status: str, shown: Shown, told: Mapping[str, tuple[str, str]]
) -> Sequence[str]:
    star = " \N{BLACK STAR}" if one.starred else ""
    if status == MET:
        why = _named(shown.tests[one.id])
        if one.id in shown.stubs:
            why += f"; fails against a stub: {_named(shown.stubs[one.id])}"
    elif one.id in shown.tests:
        why = f"did not pass: {_named(sorted(shown.unpassed.intersection(shown.of(one.id))))}"
    else:
        why = told.get(one.id, ("", "no test and no reason"))[1]
    asks = f"**{one.strength}** {' '.join(one.text.split())}"
    return (f"[{one.id}]({one.url}){star}", asks, status, why)


def _named(tests: Iterable[str]) -> str:
    """Tests as links to their files."""
    split = [test.partition("::") for test in tests]
    return ", ".join(f"[`{name}`](../{file})" for file, _, name in split)
