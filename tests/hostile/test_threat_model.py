"""The threat model keeps its word: every test it names is there, and every attack has its row."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = {
    number: [cell.strip() for cell in cells.split(" | ")]
    for number, cells in re.findall(r"^\| ([A-Z]\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    if not re.fullmatch(r"V\d+", number)
}
SOURCES = {
    *(f"CH{n}" for n in range(1, 7)),
    *(f"API{n}" for n in range(1, 11)),
    *(f"A{n:02}" for n in range(1, 11)),
    *(f"V{n}" for n in range(1, 17)),
}
ATTACKS = 60


def functions_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


TESTS = Counter(
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in functions_of(file)
    if name.startswith("test_")
)


def named(row: list[str]) -> list[str]:
    return re.findall(r"`(test_\w+)`", row[-1])


@pytest.mark.parametrize("number", ROWS)
def test_every_risk_has_a_source_a_control_and_tests_that_exist(number: str) -> None:
    risk, sources, control, _ = ROWS[number]
    assert risk
    assert control
    assert set(sources.split()) <= SOURCES
    assert named(ROWS[number])
    assert [name for name in named(ROWS[number]) if name not in TESTS] == []


def test_every_attack_has_its_row() -> None:
    told = {name for row in ROWS.values() for name in named(row)}
    attacks = {name for name in TESTS if name.startswith("test_attack_")}
    assert sorted(attacks - told) == []


def test_every_source_has_a_row() -> None:
    told = {source for row in ROWS.values() for source in row[1].split()}
    assert sorted(SOURCES - told) == []


def test_the_attacks_are_as_many_as_asked_for() -> None:
    """Counted by row, not by test or by value."""
    attacked = [n for n, row in ROWS.items() if any("test_attack_" in name for name in named(row))]
    assert len(attacked) >= ATTACKS


def test_rows_are_numbered_without_gaps() -> None:
    numbers = Counter(number[0] for number in re.findall(r"^\| ([A-Z]\d+) \| ", PAGE, re.MULTILINE))
    assert set(ROWS) == {
        f"{letter}{n}" for letter in numbers for n in range(1, numbers[letter] + 1)
    }
