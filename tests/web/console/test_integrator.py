"""The integrator page: requests that work as copied, the linter, and the calls so far."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from cds_service.demo.patients import DEMO_TODAY
from cds_service.errors import Unavailable
from cds_service.ledger.ledger import Ledger
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.web import create_app
from cds_service.web.console.asked import asked
from hooks import services
from tests.conformance.calls import VIEW, overdue
from tests.conftest import ROOT, Running, Start

PAGE, LINT = "/console/integrator", "/console/integrator/lint"
FIXTURES = ROOT / "fixtures" / "fhir"
CAPTURED = (
    "week-6",
    "unreadable",
    "boundaries/steroid-interval-27-days",
    "hooks/order-dispatch-3-injections-before",
)


def captured(name: str) -> str:
    return (FIXTURES / name / "request.json").read_text()


def commands(page: str, kind: str) -> list[str]:
    """The curl commands of a page: `whole` or `brief`."""
    found = re.findall(rf'<pre id="{kind}-[a-z-]+" tabindex="0">(.*?)</pre>', page, re.S)
    return [html.unescape(one) for one in found]


@pytest.mark.parametrize("kind", ["whole", "brief"])
def test_every_request_works_as_copied_and_gets_a_card(kind: str, demo_server: Running) -> None:
    page = requests.get(demo_server.url + PAGE, timeout=30).text
    found = commands(page, kind)
    offered = len(services())
    assert len(found) == (offered if kind == "whole" else offered - 1)  # dispatched orders
    for command in found:
        ran = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(ran.stdout)["cards"], command[:200]


def test_where_clients_are_known_the_requests_carry_a_token(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[clients.north]\niss = "https://n.example"\njku = "https://n.example/keys"\n')
    settings = Settings.load(console="local", config=file, today=DEMO_TODAY)
    page = create_app(settings).test_client().get(PAGE).text
    found = commands(page, "whole")
    assert len(found) == len(services())
    assert all('-H "Authorization: Bearer $TOKEN"' in one for one in found)
    assert commands(page, "brief") == []  # nothing but a demo has its patients on a FHIR server


@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_request_gets_the_report_of_the_command(name: str, console: FlaskClient) -> None:
    file = FIXTURES / name / "request.json"
    lint = (sys.executable, "-m", "cds_service", "lint", file)
    printed = subprocess.run(
        [*lint, "--today", "2026-06-15", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    page = console.post(LINT, data={"text": file.read_text(), "today": "2026-06-15"}).text
    shown = re.findall(r'<pre id="lint-json" tabindex="0">(.*?)</pre>', page, re.S)
    told = json.loads(printed.stdout)
    assert json.loads(html.unescape(shown[0])) == told
    assert ("judgement is stopped" in page) is not told["fine"]
    for rule in told["rules"]:
        assert f">{rule['rule']}</a>" in page


def test_the_whole_page_reports_too_for_who_has_no_script(console: FlaskClient) -> None:
    page = console.post(PAGE, data={"text": captured("week-6")}).text
    assert "Rules that can be judged" in page
    assert "Requests to copy" in page
    refused = console.post(PAGE, data={"text": '{"resourceType": "Bundle"}'})
    assert refused.status_code == 400
    assert "no hook request" in refused.text


@pytest.mark.parametrize(
    "text", ["", "{", '{"hook": "no-such-hook"}', '{"hook": "patient-view", "hook": "x"}']
)
def test_what_is_no_request_is_refused_as_everywhere(text: str, console: FlaskClient) -> None:
    answer = console.post(LINT, data={"text": text})
    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


def test_text_of_a_captured_request_is_never_markup(console: FlaskClient) -> None:
    body = json.loads(captured("week-6"))
    body["prefetch"]["<script>alert(1)</script>"] = None
    page = console.post(PAGE, data={"text": json.dumps(body)}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_what_is_captured_is_neither_logged_nor_put_on_record(start: Start) -> None:
    server = start("demo")
    body = json.loads(captured("week-6"))
    body["context"]["userId"] = "Practitioner/canary-user"
    answer = requests.post(server.url + LINT, data={"text": json.dumps(body)}, timeout=30)
    assert answer.status_code == 200
    page = requests.get(server.url + PAGE, timeout=30).text
    assert "No call yet" in page
    server.stop()
    log = server.log.read_text()
    assert LINT in log
    assert "canary-user" not in log
    assert "week-6" not in log


@pytest.fixture
def recorded(store: Store, tmp_path: Path) -> Callable[[], FlaskClient]:
    """The demo over a ledger."""

    def made() -> FlaskClient:
        settings = Settings.load(auth="open", today=DEMO_TODAY, state=tmp_path / "state")
        return create_app(settings, demo=True, store=store).test_client()

    return made


def test_calls_are_shown_with_outcome_and_time_and_no_patient(
    recorded: Callable[[], FlaskClient],
) -> None:
    client = recorded()
    assert "No call yet" in client.get(PAGE).text
    body = overdue()
    for _ in range(2):  # the second brings no further card into the ledger, and shows it again
        assert client.post(VIEW, json=body).status_code == 200
    page = client.get(PAGE).text
    calls = page.split('id="calls"')[1]
    assert calls.count("<code>pht-patient-view</code>") == 2
    assert re.findall(r"<td>(\d+) card</td>", re.sub(r"\s+", " ", calls)) == ["1", "1"]
    assert re.search(r"half of them took at most [\d.]+ ms", calls)
    assert body["context"]["patientId"] not in calls
    assert body["context"]["userId"] not in calls


def test_a_database_that_does_not_answer_costs_only_the_calls(
    recorded: Callable[[], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_ledger: Ledger) -> Any:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(Ledger, "recent", down)
    answer = recorded().get(PAGE)
    assert answer.status_code == 200
    assert "The database does not answer." in answer.text
    assert commands(answer.text, "whole")


def test_what_a_missing_key_costs_is_what_the_readme_says() -> None:
    (alike,) = asked(services())
    rows = re.findall(r"^\| `(\w+)` \| `.*?` \| .*? \| (.*?) \|$", README, re.M)
    told = {key.name: key for key in alike.keys}
    assert [name for name, _ in rows] == list(told)
    for name, words in rows:
        count = re.match(r"(\d+) rules? (?:is|are) not judged", words)
        if count:
            assert len(told[name].rules) == int(count[1])
        assert ("412" in words) is told[name].lacking.startswith("412")
        for also in ("no NSAID is suggested", "no rule says that loading is missing"):
            assert (also in words) is (also in told[name].lacking.replace("No ", "no "))


README = (ROOT / "README.md").read_text()
