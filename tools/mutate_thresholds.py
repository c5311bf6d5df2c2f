"""Moves every number of the guideline by one unit, both ways, and sees whether a test notices.

    python -m tools.mutate_thresholds                      every number (make mutate)
    python -m tools.mutate_thresholds steroid-max ...      some of them
    python -m tools.mutate_thresholds --write docs/mutation.md

Each mutant is a copy of the repository with one number changed in the source; the rule tests run
on it until the first failure. Left out are tests that notice any change of a number as such
(stored answers, whose rationale prints the numbers, and the checks of the numbers themselves):
what must notice is a card that comes or goes. Exit code 1 when a mutant survives.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
KNOWLEDGE = Path("cds_service/guideline")
RULE_TESTS = ("tests/guideline", "tests/patient", "tests/fixtures", "tests/test_vignettes*.py")
#: they compare numbers or whole stored answers, not decisions
SEES_ANY_CHANGE = ("tests/guideline/test_claims.py", "tests/fixtures/test_validity.py")
DECISIONS_ONLY = "not on_file"
COPIED = ("cds_service", "hooks", "tests", "tools", "fixtures", "pyproject.toml", "setup.cfg")
WORKERS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter in the source: its literal stands at `line` from `start` to `end`."""

    name: str
    value: float
    file: Path
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mutant:
    number: Number
    value: float


@dataclass(frozen=True, slots=True)
class Result:
    """`killer` is the first test that failed; empty when the mutant survived."""

    mutant: Mutant
    killer: str


def numbers() -> Iterator[Number]:
    """Every `Parameter(...)` of the guideline, in the order of the files."""
    for file in sorted((ROOT / KNOWLEDGE).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Parameter":
                given = {one.arg: one.value for one in node.keywords}
                name, value = given["name"], given["value"]
                assert isinstance(name, ast.Constant)
                assert isinstance(value, ast.Constant)
                yield Number(
                    str(name.value),
                    float(str(value.value)),
                    file.relative_to(ROOT),
                    value.lineno,
                    value.col_offset,
                    value.end_col_offset or 0,
                )


def mutants(number: Number) -> Iterator[Mutant]:
    """One unit less and one more; a fraction moves by a hundredth."""
    step = 0.01 if number.value < 1 else 1
    for value in (number.value - step, number.value + step):
        yield Mutant(number, round(value, 2))


def main() -> int:
    """Exit code 1 when a mutant survives."""
    arguments = sys.argv[1:]
    target = Path(arguments.pop(arguments.index("--write") + 1)) if "--write" in arguments else None
    wanted = set(arguments) - {"--write"}
    chosen = [one for one in numbers() if not wanted or one.name in wanted]
    results = judge([mutant for number in chosen for mutant in mutants(number)])
    text = report(results)
    print(text)
    if target:
        target.write_text(text, encoding="utf-8")
    return 1 if any(not one.killer for one in results) else 0


def judge(made: list[Mutant]) -> list[Result]:
    """Each mutant's fate, in order; several run at once, each in a copy of its own."""
    with tempfile.TemporaryDirectory() as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            free.put(copied(Path(folder) / str(number)))

        def one(mutant: Mutant) -> Result:
            copy = free.get()
            try:
                return Result(mutant, killer(mutant, copy))
            finally:
                free.put(copy)

        first = free.get()
        if failing := run(first):
            raise SystemExit(f"the tests fail without any change: {failing}")
        free.put(first)
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(one, made))


def copied(place: Path) -> Path:
    place.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    return place


def killer(mutant: Mutant, copy: Path) -> str:
    file = copy / mutant.number.file
    original = file.read_text(encoding="utf-8")
    lines = original.splitlines(keepends=True)
    line = lines[mutant.number.line - 1]
    lines[mutant.number.line - 1] = (
        f"{line[: mutant.number.start]}{mutant.value:g}{line[mutant.number.end :]}"
    )
    file.write_text("".join(lines), encoding="utf-8")
    try:
        return run(copy)
    finally:
        file.write_text(original, encoding="utf-8")


def run(copy: Path) -> str:
    """The id of the first test that fails in `copy`; empty when all pass."""
    tests = [str(path.relative_to(copy)) for one in RULE_TESTS for path in sorted(copy.glob(one))]
    left_out = [f"--ignore={one}" for one in SEES_ANY_CHANGE]
    options = [
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "-rfE",
        "-k",
        DECISIONS_ONLY,
    ]
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *options, *left_out, *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S[^\n]*?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return found[1] if found else f"pytest ended with {done.returncode}"


def report(results: list[Result]) -> str:
    """A page: how many were caught, and by which test each."""
    survived = [one for one in results if not one.killer]
    lines = [
        "# Mutation check",
        "",
        "Every number of the guideline moved by one unit, down and up; a rule test must fail.",
        "Made by `make mutate`. Tests that compare stored answers or numbers do not count.",
        "",
        f"{len(results)} mutants, {len(results) - len(survived)} caught, {len(survived)} survived.",
        "",
        "| Number | Guideline | Moved to | Caught by |",
        "|---|---|---|---|",
    ]
    for one in results:
        number = one.mutant.number
        caught = one.killer.replace("|", "\\|") or "**survived**"
        lines.append(f"| `{number.name}` | {number.value:g} | {one.mutant.value:g} | {caught} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    raise SystemExit(main())
