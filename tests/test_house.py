"""The repository keeps its own promises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import cds_service
from cds_service.cli import main
from cds_service.settings import Settings
from tests.conftest import ROOT

MODULES = sorted([*(ROOT / "cds_service").rglob("*.py"), *(ROOT / "hooks").rglob("*.py")])


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("variable", Settings.variables())
def test_every_setting_is_in_the_readme(variable: str, readme: str) -> None:
    assert f"`{variable}`" in readme


@pytest.mark.parametrize("command", main.commands)
def test_every_command_is_in_the_readme(command: str, readme: str) -> None:
    assert f"cds-service {command}" in readme


def every_command(group: click.Group = main) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from every_command(command)


@pytest.mark.parametrize("command", list(every_command()), ids=lambda c: c.name)
def test_every_command_and_option_has_its_help(command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("target", ["make demo", "make test", "make check"])
def test_make_targets_are_in_the_readme(target: str, readme: str) -> None:
    assert target in readme


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not {m.stem for m in MODULES} & {"utils", "util", "helpers", "manager", "common", "misc"}


PLACES = sorted(
    path.stem
    for path in (ROOT / "cds_service").iterdir()
    if (path.suffix == ".py" and not path.stem.startswith("__")) or (path / "__init__.py").exists()
)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_on_the_map_of_the_package(place: str) -> None:
    words = re.findall(r"^    (\w+) |`(\w+)`", cds_service.__doc__ or "", flags=re.MULTILINE)
    assert place in {word for pair in words for word in pair}


def test_metadata_stand_in_setup_cfg_alone() -> None:
    assert "[project]" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
