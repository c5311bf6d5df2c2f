"""Markup in every text of a record: no word of it reaches a clinician's screen as more than text.

The records are those of the demo and of the boundary fixtures; the payload takes the place of, or
is put behind, each string in turn, and then of all at once.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests
from markdown_it import MarkdownIt

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.wording import escape
from tests.conftest import ROOT, Running, Start
from tests.hostile.conftest import FIXTURES, PUBLIC, Guarded

pytestmark = pytest.mark.slow

PAYLOAD = (
    "qzmark<qzmark onx=1 href='javascript:alert(1)'>\"'></title></textarea></script>"
    "<script>x</script>"
    "[a](javascript:x) ![i](https://evil.example/i) https://evil.example **b** `c` | d | ~~e~~"
    " {{7*7}} {%x%} =1+1 \u202e \x1b[31m\n\n# f\n- g\n<!-- "
)
MARK = "qzmark"
REQUESTS = sorted(FIXTURES.rglob("request.json"))
#: identities and switches: another value makes another call, not another text
FIXED = ("hook", "resourceType", "fhirServer")
Path_ = tuple[Any, ...]


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Every string in `value` with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, one in steps:
            yield from leaves(one, (*path, step))


def replaced(value: Any, path: Path_, put: str) -> Any:
    made = copy.deepcopy(value)
    here = made
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = put
    return made


def kind(value: Any, path: Path_) -> Path_:
    """The element a string stands in: its resource's type and the names below it."""
    here, names = value, list[Any](["request"])
    for step in path:
        if isinstance(here, dict) and "resourceType" in here:
            names = [here["resourceType"]]
        here = here[step]
        names += [] if isinstance(step, int) else [step]
    return tuple(names)


def elements() -> dict[Path_, tuple[Path, Path_]]:
    """Each element that any fixture has, with the first place it has it."""
    found: dict[Path_, tuple[Path, Path_]] = {}
    for file in REQUESTS:
        sent = json.loads(file.read_text())
        for path, _ in leaves(sent):
            if path[-1] not in FIXED:
                found.setdefault(kind(sent, path), (file, path))
    return found


def service_of(sent: dict[str, Any]) -> str:
    return f"/cds-services/pht-{sent['hook']}"


OWN_LINKS = {source.url for rule in RECOMMENDATIONS for source in rule.sources if source.url}


def check_answer(answer: requests.Response, sent: Any) -> None:
    """What was put in is in no word and no link; only in the order that an update sends back."""
    if answer.status_code != 200:
        assert answer.status_code in (400, 412), answer.text
        assert MARK not in answer.text
        return
    told = answer.json()
    given = [text for _, text in leaves(sent) if MARK in text]
    for path, text in leaves(told):
        in_order = "actions" in path and "resource" in path
        if MARK in text:
            assert in_order, path
            assert text in given
        if path[-1] == "url" and not in_order:
            assert text in OWN_LINKS or text.startswith(f"{PUBLIC}/guideline"), text
    for card in told["cards"]:
        assert "evil.example" not in card["summary"] + card["detail"]


@pytest.mark.usefixtures("afterwards")
@pytest.mark.parametrize("how", ["instead", "behind"])
def test_attack_markup_in_one_text_after_the_other(guarded: Guarded, how: str) -> None:
    """Every element that the fixtures hold: several hundred, each in a call of its own."""
    places = elements()
    assert len(places) > 150
    for file, path in places.values():
        sent = json.loads(file.read_text())
        text = next(text for at, text in leaves(sent) if at == path)
        sent = replaced(sent, path, PAYLOAD if how == "instead" else text + PAYLOAD)
        service = f"{service_of(sent)}?explain=true"
        check_answer(guarded.as_north(service, json=sent), sent)


def worded(value: Any) -> Any:
    """The payload in all texts at once, where no code is touched."""
    free = (
        "text",
        "display",
        "title",
        "description",
        "family",
        "given",
        "note",
        "patientInstruction",
    )
    if isinstance(value, dict):
        return {
            name: one + PAYLOAD if name in free and isinstance(one, str) else worded(one)
            for name, one in value.items()
        }
    return [worded(one) for one in value] if isinstance(value, list) else value


@pytest.mark.usefixtures("afterwards")
def test_attack_markup_in_all_texts_at_once(guarded: Guarded) -> None:
    cards = 0
    for file in REQUESTS:
        sent = worded(json.loads(file.read_text()))
        answer = guarded.as_north(f"{service_of(sent)}?explain=true", json=sent)
        check_answer(answer, sent)
        cards += len(answer.json().get("cards", ()))
    assert cards > 50  # the codes still speak


@pytest.mark.usefixtures("afterwards")
@pytest.mark.parametrize("name", ["delayed-referral", "bilateral", "steroid-overuse"])
def test_attack_markup_in_the_names_of_elements(guarded: Guarded, name: str) -> None:
    """A key of one's own in every object, one after the other."""
    sent = json.loads((FIXTURES / name / "request.json").read_text())
    objects = [path[:-1] for path, _ in leaves(sent) if isinstance(path[-1], str)]
    places = {kind(sent, path): path for path in [*objects, ("prefetch",), ("context",), ()]}
    for path in places.values():
        changed = copy.deepcopy(sent)
        here = changed
        for step in path:
            here = here[step]
        here[PAYLOAD] = PAYLOAD
        answer = guarded.as_north(f"{service_of(sent)}?explain=true", json=changed)
        if answer.status_code == 400 and path == ("prefetch",):
            assert answer.json()["issue"][0]["expression"] == [f"prefetch.{PAYLOAD}"]
        else:
            check_answer(answer, changed)


@pytest.mark.parametrize("renderer", ["commonmark", "gfm-like"])
def test_text_that_a_rule_cites_shows_as_itself(renderer: str) -> None:
    """Even where an EHR's Markdown lets HTML through."""
    text = PAYLOAD.replace("\n", " ").replace("\x1b", "")
    shown = MarkdownIt(renderer, {"html": True, "linkify": False}).render(escape(text))
    page = Page(shown)
    assert page.tags == ["p"]
    assert page.words.split() == text.split()


# --- pages ---


class Page(HTMLParser):
    """Tags, attributes and words of a page, as a browser would see them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def console(start: Start) -> Running:
    """The console as a site has it: no demo, real records pasted."""
    return start(
        "serve",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="local",
        CDS_SERVICE_TODAY="2026-06-15",
    )


def check_page(answer: requests.Response) -> None:
    page = Page(answer.text)
    assert MARK not in page.tags
    assert page.tags.count("script") == answer.text.count('<script src="/static/')
    for name, value in page.attributes:
        assert name != "onx"
        assert not name.startswith("on"), name
        if name in ("href", "src", "action", "xlink:href", "formaction"):
            assert not re.match(r"\s*(javascript|data|vbscript):", value), value
            assert "evil.example" not in value


def test_attack_markup_in_a_record_pasted_into_the_console(console: Running) -> None:
    """The page, the drawing of the timeline and the lists of records show it as text only."""
    shown = 0
    for file in REQUESTS:
        sent = worded(json.loads(file.read_text()))
        form = {"text": json.dumps(sent), "service": f"pht-{sent['hook']}", "today": "2026-06-15"}
        for path in ("/console/what-if", "/console/what-if/result"):
            answer = requests.post(console.url + path, data=form, timeout=60)
            assert answer.status_code in (200, 412), answer.text
            if answer.headers["Content-Type"].startswith("text/html"):
                check_page(answer)
        shown += answer.text.count("&lt;qzmark")
    assert shown > 0  # the records are shown, as text


def test_attack_markup_in_a_request_pasted_into_the_linter(console: Running) -> None:
    for file in REQUESTS[::5]:
        sent = worded(json.loads(file.read_text()))
        form = {"text": json.dumps(sent), "today": "2026-06-15"}
        answer = requests.post(console.url + "/console/integrator/lint", data=form, timeout=60)
        assert answer.status_code == 200, answer.text
        check_page(answer)


def test_attack_markup_in_one_text_of_a_pasted_record_after_the_other(console: Running) -> None:
    for file, path in elements().values():
        sent = json.loads(file.read_text())
        text = next(text for at, text in leaves(sent) if at == path)
        sent = replaced(sent, path, text + PAYLOAD)
        form = {"text": json.dumps(sent), "service": f"pht-{sent['hook']}", "today": "2026-06-15"}
        answer = requests.post(console.url + "/console/what-if", data=form, timeout=60)
        assert answer.status_code in (200, 400, 412)
        check_page(answer)


@pytest.mark.parametrize("field", ["text", "today", "patient", "service", "order", "first", "last"])
def test_attack_markup_in_the_consoles_own_form(console: Running, field: str) -> None:
    record = (FIXTURES / "week-6" / "record.json").read_text()
    for path in ("/console/what-if", "/console/what-if/result"):
        form = {"text": record, "last": "2026-07-01", "first": "2026-01-01"} | {field: PAYLOAD}
        answer = requests.post(console.url + path, data=form, timeout=60)
        assert answer.status_code in (200, 400, 404)
        if answer.headers["Content-Type"].startswith("text/html"):
            check_page(answer)
        else:
            assert MARK not in answer.text


def test_attack_markup_in_addresses_of_pages(console: Running) -> None:
    for path in ("/", "/guideline", "/value-sets", "/about/source-attributes", "/console/what-if"):
        for query in ("q", "patient", "text", "service", "today"):
            answer = requests.get(console.url + path, params={query: PAYLOAD}, timeout=30)
            if answer.headers["Content-Type"].startswith("text/html"):
                check_page(answer)


# --- the terminal ---


@pytest.mark.parametrize("command", ["check", "lint"])
def test_attack_a_record_that_steers_the_terminal(tmp_path: Path, command: str) -> None:
    """Escape sequences in a record reach no terminal."""
    sent = json.loads((FIXTURES / "steroid-overuse" / "request.json").read_text())
    for path, text in list(leaves(sent)):
        if path[-1] in ("text", "display", "family", "unit"):
            sent = replaced(sent, path, text + "\x1b]0;owned\x07\x1b[2J\u202e\u009b31m")
    file = tmp_path / "request.json"
    file.write_text(json.dumps(sent))
    done = subprocess.run(
        [sys.executable, "-m", "cds_service", command, str(file), "--today", "2026-06-15"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)
