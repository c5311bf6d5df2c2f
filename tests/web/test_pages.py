from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service import __version__
from cds_service.errors import DataUnavailable
from cds_service.guideline import EDITION, RECOMMENDATIONS
from cds_service.guideline.registry import parameters
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.pauses import Pause, pause
from cds_service.web import create_app, readiness
from cds_service.web.markdown import render, render_inline
from tests.web.fakes import CARD, UNJUDGED, FakeDecision, FakeEngine, FakeService


def test_health_says_the_date_is_fixed_only_when_it_is(
    client: FlaskClient, make_app: Callable[..., Flask]
) -> None:
    assert client.get("/health").json["fixedToday"] == "2026-06-15"
    assert make_app().test_client().get("/health").json == {"status": "ok", "version": "0.1.0"}


def test_the_local_codes_are_a_code_system(client: FlaskClient) -> None:
    answer = client.get("/fhir/CodeSystem/pht")
    assert answer.content_type == "application/fhir+json"
    assert answer.json["resourceType"] == "CodeSystem"


def test_the_home_page_says_what_it_is_not_for(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "What it must not be used for" in page
    assert "http://localhost:8000/cds-services" in page


def status(page: str) -> dict[str, str]:
    """The lines of the home page's status."""
    return dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", page))


def test_the_home_page_says_how_the_service_stands(
    client: FlaskClient, demo_client: FlaskClient
) -> None:
    told = status(client.get("/").text)
    assert told["Version"] == f"{__version__}, running"
    assert EDITION in told["Guideline"]
    assert told["Clinical date"].startswith("fixed at 2026-06-15")
    assert "nobody is authenticated" in told["Who may call"]
    assert told["Console"] == "off"
    assert "demo" in status(demo_client.get("/").text)["Console"]


def test_the_home_page_names_what_is_paused_and_not_why(store: Store) -> None:
    now = datetime.now(UTC)
    pause(store, Pause(rule="step-up-options", since=now, by="Dr Secret", reason="for a secret"))
    app = create_app(Settings.load(auth="open"), [FakeService()], store=store)
    page = app.test_client().get("/").text
    assert status(page)["Paused"] == "step-up-options"
    assert status(page)["Ready"] == "yes"
    assert "secret" not in page.lower()


@pytest.mark.parametrize("rule", ["step-up-options", "all"])
def test_the_guideline_marks_what_is_paused_and_not_why(store: Store, rule: str) -> None:
    pause(store, Pause(rule=rule, since=datetime.now(UTC), by="Dr Secret", reason="for a secret"))
    app = create_app(Settings.load(auth="open"), [FakeService()], store=store)
    page = app.test_client().get("/guideline").text
    marked = len(re.findall(r"paused since [^<:]+:\d\d UTC: judged, but not shown", page))
    assert marked == (1 if rule != "all" else len(RECOMMENDATIONS))
    assert f"Out of service now: {'all rules' if rule == 'all' else rule}" in page
    assert "secret" not in page.lower()


def test_the_home_page_says_what_is_at_fault_when_it_is_not_ready(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    broken = {"database": readiness.database(up=False, needed=True)}
    monkeypatch.setattr(readiness.of(app), "parts", lambda: broken)
    assert status(app.test_client().get("/").text)["Ready"] == "no: database down"


def test_services_are_not_listed_for_strangers_where_discovery_is_closed(
    make_app: Callable[..., Flask], client: FlaskClient
) -> None:
    assert "<code>fake</code>" in client.get("/").text
    closed = make_app(discovery="client").test_client()
    assert "<code>fake</code>" not in closed.get("/").text


def test_the_demo_offers_its_patients_as_plain_links(demo_client: FlaskClient) -> None:
    page = demo_client.get("/demo/chart").text
    assert 'href="/demo/chart?patient=rosa"' in page
    assert "The story of bert" in page
    assert "15 June 2026" in page


def test_a_chart_shows_the_card_as_an_ehr_does(demo_client: FlaskClient) -> None:
    page = demo_client.get("/demo/chart?patient=rosa").text
    for text in (
        "Rosa Runner",
        "Ran too far.",
        CARD["summary"],
        "<strong>Facts</strong>",
        "Refer for a surgical opinion",
        "Draft a referral",
        "&#34;resourceType&#34;: &#34;ServiceRequest&#34;",
        "Patient declines",
        'href="https://x.example/why"',
        "The article",
    ):
        assert text in page


def test_the_chart_calls_the_service_as_an_ehr_would(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    demo_client.get("/demo/chart?patient=rosa")
    (asked,) = engine.asked
    assert asked.patient_id == "rosa"
    assert asked.prefetch["patient"]["id"] == "rosa"
    assert [e["resource"]["id"] for e in asked.prefetch["conditions"]["entry"]] == ["rosa-c"]


def test_cards_stand_in_order_of_urgency(demo_client: FlaskClient, engine: FakeEngine) -> None:
    cards = [CARD | {"indicator": i, "summary": f"is {i}"} for i in ("info", "critical", "warning")]
    engine.decision = FakeDecision({"cards": cards})
    page = demo_client.get("/demo/chart?patient=rosa").text
    assert re.findall(r"<h3>is (\w+)", page) == ["critical", "warning", "info"]


def test_text_from_the_record_is_never_markup(demo_client: FlaskClient) -> None:
    page = demo_client.get("/demo/chart?patient=rosa").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<img") == 1  # our own mark


def test_a_patient_who_cannot_be_judged_is_shown_as_such(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    engine.error = DataUnavailable("No Conditions.", expression=["prefetch.conditions"])
    answer = demo_client.get("/demo/chart?patient=rosa")
    assert answer.status_code == 200
    assert "could not be judged" in answer.text
    assert "prefetch.conditions" in answer.text


def test_no_card_is_said_in_words(demo_client: FlaskClient, engine: FakeEngine) -> None:
    engine.decision = FakeDecision({"cards": []})
    assert "nothing to advise" in demo_client.get("/demo/chart?patient=rosa").text


def test_that_no_rule_was_asked_is_not_shown_as_nothing_to_advise(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    engine.decision = FakeDecision({"cards": []}, silence="the patient has died")
    page = demo_client.get("/demo/chart?patient=rosa").text
    assert "nothing to advise" not in page
    assert "No cards. No rule was asked: the patient has died." in page


def test_what_was_not_judged_is_not_shown_as_nothing_to_advise(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    engine.decision = FakeDecision({"cards": [], "extension": UNJUDGED})
    page = demo_client.get("/demo/chart?patient=rosa").text
    assert "nothing to advise" not in page
    assert "steroid-overuse</a> (left): no Procedures" in page


def test_an_unknown_patient_is_404(demo_client: FlaskClient) -> None:
    assert demo_client.get("/demo/chart?patient=nobody").status_code == 404


def test_services_of_other_hooks_are_not_asked_on_opening_a_chart(
    make_app: Callable[..., Flask], engine: FakeEngine
) -> None:
    make_app(FakeService(hook="order-sign"), demo=True).test_client().get("/demo/chart")
    assert engine.asked == []


def test_the_guideline_page_has_an_anchor_for_every_recommendation(client: FlaskClient) -> None:
    page = client.get("/guideline").text
    assert RECOMMENDATIONS
    for rule in RECOMMENDATIONS:
        assert f'id="{rule.id}"' in page
        assert f"<dt>When</dt><dd>{render_inline(rule.header.when)}</dd>" in page
        assert f"<p>{render_inline(rule.header.source_says)}</p>" in page
        for parameter in rule.parameters:
            assert parameter.name in page


def test_the_guideline_page_shows_the_rules_that_hold_all_words(client: FlaskClient) -> None:
    page = client.get("/guideline?q=Injections+steroid-max").text
    shown = re.findall(r'data-rule="([a-z-]+)"', page)
    assert "steroid-count-limit" in shown
    assert "step-up-options" not in shown
    assert f"{len(shown)} of {len(RECOMMENDATIONS)} rules" in page
    nothing = client.get("/guideline?q=<b>no-such-word").text
    assert "No rule holds these words" in nothing
    assert "<b>" not in nothing


def test_every_number_in_force_stands_on_the_guideline_page(client: FlaskClient) -> None:
    page = client.get("/guideline").text
    for name in parameters():
        assert f"<code>{name}</code>" in page


def test_the_guideline_page_shows_what_the_site_has_changed(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    rule = next(rule for rule in RECOMMENDATIONS if rule.parameters)
    low, high = rule.parameters[0].safe
    value = low if rule.parameters[0].value != low else high
    file = tmp_path / "site.toml"
    file.write_text(
        f'[rules.{rule.id}]\nmode = "shadow"\n[parameters]\n{rule.parameters[0].name} = {value}\n'
    )
    page = make_app(config=file).test_client().get("/guideline").text
    assert "not shown (shadow)" in page
    assert f"here: {value:g}" in page


SCRIPTED = ("/", "/guideline")


@pytest.mark.parametrize(
    "path", [*SCRIPTED, "/demo/chart?patient=rosa", "/value-sets", "/about/source-attributes"]
)
def test_pages_obey_their_own_strict_policy(demo_client: FlaskClient, path: str) -> None:
    answer = demo_client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("script-src 'self'" in policy) is (path in SCRIPTED)
    own = r'<script src="/static/\w+\.js" defer></script>'
    assert bool(re.search(own, answer.text)) is (path in SCRIPTED)
    text = re.sub(own, "", answer.text)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text)


@pytest.mark.parametrize("path", ["/", "/cds-services", "/nope", "/health", "/static/style.css"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    if "static" not in path:
        assert headers["Cache-Control"] == "no-store"


def test_https_is_insisted_on_where_it_is_used(make_app: Callable[..., Flask]) -> None:
    client = make_app(public_url="https://cds.example").test_client()
    assert "Strict-Transport-Security" in client.get("/health").headers


def test_markdown_is_rendered_and_links_with_scripts_are_not() -> None:
    assert "<td>1</td>" in render("|a|\n|-|\n|1|")
    assert "href" not in render("[x](javascript:alert(1))")


@pytest.mark.parametrize(
    ("patient", "name"),
    [
        ({"id": "1", "name": [{"text": "Rosa R."}]}, "Rosa R."),
        ({"id": "1", "name": [{}, {"family": "Runner"}]}, "Runner"),
        ({"id": "1"}, "1"),
    ],
)
def test_a_patient_is_named_by_what_the_record_has(
    client: FlaskClient, patient: dict[str, Any], name: str
) -> None:
    assert client.application.jinja_env.filters["patient_name"](patient) == name
