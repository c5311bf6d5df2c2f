from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.errors import DataUnavailable
from cds_service.guideline import RECOMMENDATIONS
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


def test_the_demo_offers_its_patients_as_plain_links(demo_client: FlaskClient) -> None:
    page = demo_client.get("/").text
    assert 'href="/?patient=rosa"' in page
    assert "The story of bert" in page
    assert "15 June 2026" in page


def test_a_chart_shows_the_card_as_an_ehr_does(demo_client: FlaskClient) -> None:
    page = demo_client.get("/?patient=rosa").text
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
    demo_client.get("/?patient=rosa")
    (asked,) = engine.asked
    assert asked.patient_id == "rosa"
    assert asked.prefetch["patient"]["id"] == "rosa"
    assert [e["resource"]["id"] for e in asked.prefetch["conditions"]["entry"]] == ["rosa-c"]


def test_cards_stand_in_order_of_urgency(demo_client: FlaskClient, engine: FakeEngine) -> None:
    cards = [CARD | {"indicator": i, "summary": f"is {i}"} for i in ("info", "critical", "warning")]
    engine.decision = FakeDecision({"cards": cards})
    page = demo_client.get("/?patient=rosa").text
    assert re.findall(r"<h3>is (\w+)", page) == ["critical", "warning", "info"]


def test_text_from_the_record_is_never_markup(demo_client: FlaskClient) -> None:
    page = demo_client.get("/?patient=rosa").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<img" not in page


def test_a_patient_who_cannot_be_judged_is_shown_as_such(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    engine.error = DataUnavailable("No Conditions.", expression=["prefetch.conditions"])
    answer = demo_client.get("/?patient=rosa")
    assert answer.status_code == 200
    assert "could not be judged" in answer.text
    assert "prefetch.conditions" in answer.text


def test_no_card_is_said_in_words(demo_client: FlaskClient, engine: FakeEngine) -> None:
    engine.decision = FakeDecision({"cards": []})
    assert "nothing to advise" in demo_client.get("/?patient=rosa").text


def test_what_was_not_judged_is_not_shown_as_nothing_to_advise(
    demo_client: FlaskClient, engine: FakeEngine
) -> None:
    engine.decision = FakeDecision({"cards": [], "extension": UNJUDGED})
    page = demo_client.get("/?patient=rosa").text
    assert "nothing to advise" not in page
    assert "steroid-overuse</a> (left): no Procedures" in page


def test_an_unknown_patient_is_404(demo_client: FlaskClient) -> None:
    assert demo_client.get("/?patient=nobody").status_code == 404


def test_services_of_other_hooks_are_not_asked_on_opening_a_chart(
    make_app: Callable[..., Flask], engine: FakeEngine
) -> None:
    make_app(FakeService(hook="order-sign"), demo=True).test_client().get("/")
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


@pytest.mark.parametrize("path", ["/", "/?patient=rosa", "/guideline"])
def test_pages_obey_their_own_strict_policy(demo_client: FlaskClient, path: str) -> None:
    answer = demo_client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("path", ["/", "/cds-services", "/nope", "/health", "/static/style.css"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
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
