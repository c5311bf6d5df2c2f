"""The page on what became of the cards, and the same as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.web import create_app
from tests.ledger.advised import advised, answered
from tests.stores import revert

PAGE, JSON = "/console/feedback", "/console/feedback.json"


@pytest.fixture
def make(store: Store, tmp_path: Path) -> Callable[..., FlaskClient]:
    def made(**given: Any) -> FlaskClient:
        usual = {"auth": "open", "today": "2026-06-15", "state": tmp_path / "state"}
        app: Flask = create_app(Settings.load(**usual | {"console": "local"} | given), store=store)
        return app.test_client()

    return made


@pytest.fixture
def client(make: Callable[..., FlaskClient], store: Store) -> FlaskClient:
    answered(store, advised(store, 6), "accepted", after=60)
    answered(store, advised(store, 8, rule="nsaid-caution"), "overridden", reason="improving")
    advised(store, 7, rule="nsaid-caution", state="repeat")
    return make()


def text(client: FlaskClient, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_page_tells_the_figures_and_what_they_mean(client: FlaskClient) -> None:
    told = text(client)
    for words in (
        "21 calls were judged, with 21 findings",
        "14 cards were shown: 6 accepted (43 %), 8 overridden (57 %), 0 ignored (0 %)",
        "7 were suppressed, 0 judged in shadow",
        "Half of the cards that were answered had their first answer within 60 s",
        "the denominator is Shown",
        "Clinically improving",
    ):
        assert words in told, words


def test_each_chart_is_told_in_words_and_as_a_table(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    titles = re.findall(r"<title>([^<]*)</title>", page)
    assert "nsaid-caution: 8 shown: 0 accepted, 8 overridden, 0 ignored" in titles
    assert "Clinically improving: 8 overridden" in titles
    assert page.count("as a table</summary>") == 3
    assert "style=" not in page


def test_small_numbers_are_hidden_in_the_drawing_too(
    make: Callable[..., FlaskClient], store: Store
) -> None:
    for rule in ("nsaid-caution", "eswt-caution"):
        answered(store, advised(store, 3, rule=rule), "accepted")
        answered(store, advised(store, 40, rule=rule), "overridden", reason="improving")
    client = make()
    page = client.get(PAGE).text
    assert "nsaid-caution: 43 shown: &lt;5 accepted" in page
    assert client.get(f"{JSON}?by=rule").json["rows"][0]["accepted"] == "<5"
    assert ">3<" not in page
    assert "43: 3 /" not in page


def test_a_period_is_chosen_by_a_plain_form(client: FlaskClient) -> None:
    assert "Cards by day" in text(client, "?since=2026-06-15&until=2026-06-15")
    assert "Cards by week" in text(client, "?since=2026-01-01&until=2026-06-15")
    assert "Nothing in this period" in text(client, "?since=2026-06-16")
    assert client.get(f"{JSON}?until=2026-06-14").json["total"]["findings"] == 0


@pytest.mark.parametrize(
    ("query", "place"),
    [("since=june", "since"), ("until=2026-13-01", "until"),
     ("since=2026-06-16&until=2026-06-15", "since")],
)  # fmt: skip
def test_what_is_no_period_is_said(client: FlaskClient, query: str, place: str) -> None:
    page = client.get(f"{PAGE}?{query}")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    answer = client.get(f"{JSON}?{query}")
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == [place]


def test_the_figures_as_json(client: FlaskClient) -> None:
    told = client.get(f"{JSON}?by=rule").json
    assert told["by"] == "rule"
    assert [row["rule"] for row in told["rows"]] == ["steroid-overuse", "nsaid-caution"]
    assert told["total"]["shown"] == 14
    assert told["measures"][0]["means"]
    assert client.get(f"{JSON}?by=patient").status_code == 400
    reasons = client.get(f"{JSON}?by=reason").json["rows"]
    assert [(one["reason"], one["overridden"]) for one in reasons] == [("improving", 8)]


def test_without_a_database_the_page_says_so(client: FlaskClient, store: Store) -> None:
    revert(store)
    assert client.get(PAGE).status_code == 503
    assert client.get(JSON).status_code == 503


def test_without_a_ledger_there_is_nothing(make: Callable[..., FlaskClient]) -> None:
    settings = make().application.extensions["cds_service"].settings
    client = create_app(settings).test_client()
    assert "Nothing is put on record" in client.get(PAGE).text
    assert client.get(JSON).json == {"recorded": False}


def test_it_is_for_operators_alone(make: Callable[..., FlaskClient]) -> None:
    client = make(console="local")
    far = {"REMOTE_ADDR": "10.0.0.1"}
    assert client.get(PAGE, environ_base=far).status_code == 404
    assert client.get(JSON, environ_base=far).status_code == 404


def test_a_name_of_a_client_is_no_markup(make: Callable[..., FlaskClient], store: Store) -> None:
    advised(store, 9, rule="<script>x</script>", client="<b>")
    page = make().get(PAGE).text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
