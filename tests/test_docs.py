"""What README and docs say is so: links, tables and commands against the code."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cds_service.cli import main
from cds_service.guideline import RECOMMENDATIONS
from cds_service.report import _shown
from cds_service.service import parameters
from cds_service.settings import Settings
from cds_service.terminology.valuesets import default_terminology
from hooks import services
from tests.conftest import ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TOP = ("cds_service/", "hooks/", "fixtures/", "tests/", "tools/", "docs/", "deploy/")
PROGRAMS = set(
    "chmod curl docker kubectl pg_dump pg_restore pip python sqlite3 systemctl".split()
)  # of others
LEVELS = {"info", "warning", "critical"}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table whose header begins with `heading`, without code marks."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text_of(page), re.MULTILINE)
    assert table, f"{page.name} has no table headed {heading}"
    lines = table[1].splitlines()
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def anchors(page: Path) -> set[str]:
    """The anchors GitHub gives the headings of a page."""
    prose = FENCE.sub("", text_of(page))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = FENCE.sub("", text_of(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_file_named_exists(page: Path) -> None:
    prose = FENCE.sub("", text_of(page))
    for named in re.findall(r"`([\w./-]+)`", prose):
        if named.startswith(TOP):
            assert (ROOT / named).exists(), f"{page.name} names {named}"


def test_the_table_of_recommendations_is_the_registry() -> None:
    told = {row[0]: row for row in rows(README, "Rule")}
    for rule in RECOMMENDATIONS:
        hooks = ", ".join(s.hook for s in services() if rule in s.recommendations)
        row = f"| `{rule.id}` | {rule.title} | <levels> | {hooks} | {rule.header.origin} |"
        assert rule.id in told, f"README lacks the row {row}"
        _, title, levels, asked_at, origin = told[rule.id]
        assert [title, asked_at, origin] == [rule.title, hooks, rule.header.origin], row
        assert set(levels.split(", ")) <= LEVELS, row
    assert list(told) == [rule.id for rule in RECOMMENDATIONS]


def test_no_fixture_shows_a_card_of_a_level_the_table_does_not_name() -> None:
    told = {row[0]: row[2].split(", ") for row in rows(README, "Rule")}
    for file in (ROOT / "fixtures" / "fhir").rglob("response.json"):
        for card in json.loads(text_of(file)).get("cards", ()):
            rule = card["source"]["topic"]["code"]
            assert card["indicator"] in told[rule], f"{rule} in {file.parent.name}"


def test_the_prefetch_table_is_what_discovery_offers() -> None:
    told = {row[0]: row[1] for row in rows(README, "Key")}
    offered: dict[str, str] = {}
    for service in services():
        offered |= service.prefetch
    assert list(told) == list(offered)
    for key, template in told.items():
        if template.endswith("..."):
            assert offered[key].startswith(template.removesuffix("..."))
        else:
            assert offered[key] == template


def test_the_prefetch_table_says_how_many_rules_need_each_type() -> None:
    needed = Counter(group[0] for r in RECOMMENDATIONS for group in r.needs if len(group) == 1)
    for key, template, _, lacking in rows(README, "Key"):
        count = needed[re.split(r"[/?]", template)[0]]
        if key not in ("patient", "conditions"):  # without these it is 412
            said = re.match(r"(\d+) rules? (?:are|is) not judged", lacking)
            assert (int(said[1]) if said else 0) == count, f"{key}: {count} rules are not judged"


@pytest.mark.requirement("3.0-04")
def test_the_table_of_services_is_what_discovery_offers() -> None:
    told = [(row[0], row[1]) for row in rows(README, "Service")]
    assert told == [(service.id, service.hook) for service in services()]


def test_the_table_of_settings_gives_their_defaults() -> None:
    fields = Settings.model_fields
    told = {row[0]: row[1] for row in rows(README, "Setting")}
    assert told == {v: _shown(fields[name].default) for v, name in Settings.variables().items()}


def test_the_table_of_parameters_is_the_guideline() -> None:
    told = [row[:4] for row in rows(ROOT / "docs" / "informaticist.md", "Parameter")]
    for name, one in parameters().items():
        row = [name, f"{one.value:g}", one.unit, f"{one.safe[0]:g} to {one.safe[1]:g}"]
        assert row in told, f"informaticist.md lacks the row | `{' | '.join(row)} |".replace(
            name, f"{name}`", 1
        )
    assert {row[0] for row in told} == set(parameters())


def test_every_value_set_a_site_is_told_to_extend_exists() -> None:
    known = {"pht", *default_terminology().value_sets}
    assert {row[0] for row in rows(ROOT / "docs" / "informaticist.md", "Value set")} <= known


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command in a shell block: the page's name, and its words."""
    for page in PAGES:
        for language, block in FENCE.findall(text_of(page)):
            if language == "sh":
                for line in block.replace("\\\n", " ").splitlines():
                    words = shlex.split(line, comments=True)
                    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                        variable = words.pop(0).partition("=")[0]
                        assert variable in {*Settings.variables(), "POSTGRES_PASSWORD"}, line
                    if words:
                        yield page.name, words


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=str)
def test_every_command_exists(page: str, words: list[str]) -> None:
    program = Path(words[0]).name
    if program == "make":
        targets = {word for word in words[1:] if "=" not in word}
        assert targets <= set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    elif program == "cds-service":
        command: click.Command = main
        for word in words[1:]:
            if isinstance(command, click.Group):
                command = command.commands[word]
        known = {o for p in command.params if isinstance(p, click.Option) for o in p.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= known
    else:
        assert program in PROGRAMS, f"{page}: {shlex.join(words)}"
    for word in words[1:]:
        if word.lstrip("@").startswith(TOP) and "<" not in word:
            assert (ROOT / word.lstrip("@")).exists(), f"{page} names {word}"
