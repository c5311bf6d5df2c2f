"""The card contract (guideline G9, G10; CDS Hooks 2.0), over every card of many charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt

from cds_service.decision import Decision
from cds_service.guideline import RECOMMENDATIONS
from tests.strategies import (
    SITE,
    Resource,
    ago,
    chart,
    concept,
    injection,
    judge,
    judged,
    loading,
    local,
    patients,
    pht,
    prescription,
    procedure,
    referral,
    resource,
    score,
)

RULES = {rule.id: rule for rule in RECOMMENDATIONS}
NEW = pht(onsetDateTime=ago(20), recordedDate=ago(10))
FOUR = [injection(f"i{n}", ago(350 - 60 * n)) for n in range(4)]
UNDATED = (injection("x", None), injection("y", None))
BOTH = (pht("l", "left"), pht("r", "right"))
PHYSIO = procedure("e", concept(("http://www.ama-assn.org/go/cpt", "97110")), ago(120))
SCORES = (score("s", 40, 50), score("t", 5, 52))

#: one chart for every rule and variant of patient-view
CHARTS: dict[str, list[Resource]] = {
    "steroid-overuse over-limit": [pht(), *FOUR],
    "steroid-overuse too-close": [pht(), injection("i", ago(30)), injection("j", ago(10))],
    "steroid-overuse limit-reached": [pht(), *FOUR[:3]],
    "steroid-overuse earlier-episode": [NEW, *FOUR],
    "steroid-overuse uncertain-records": [pht(), *FOUR[:2], *UNDATED],
    "initial-plan": [NEW],
    "loading-programme-missing passive-only": [pht(), procedure("m", local("massage"), ago(60))],
    "loading-programme-missing none-documented": [pht()],
    "loading-programme-missing lapsed": [
        pht(),
        loading(status="completed", performedPeriod={"start": ago(120), "end": ago(61)}),
    ],
    "step-up-options": [pht(), loading(since=60)],
    "surgical-referral-consider": [pht(), loading(since=90)],
    "surgical-referral-consider content-not-recorded": [pht(), PHYSIO],
    "surgical-referral-overdue": [pht(), loading(since=181)],
    "surgical-referral-overdue loading-not-documented": [pht(), prescription("n", ago(181))],
}
MORE: list[list[Resource]] = [
    [*BOTH, loading(since=200), *FOUR],
    [pht(side=""), loading(since=200), *FOUR],
    [pht(), loading(since=40), *SCORES],
    [NEW, resource("Condition", "preg", code=concept(("http://snomed.info/sct", "77386006")))],
]


def decisions() -> Iterator[tuple[str, Decision]]:
    for name, made in CHARTS.items():
        yield name, judged(*made)
    for n, made in enumerate(MORE):
        yield f"more {n}", judged(*made, encounterId="enc1")


def cards() -> Iterator[dict[str, Any]]:
    for _, decision in decisions():
        yield from decision.cards


@pytest.mark.parametrize("name", CHARTS)
def test_every_variant_has_a_chart_that_shows_it(name: str) -> None:
    wanted = name.split()
    shown = judged(*CHARTS[name]).shown
    assert wanted in [[o.rule, o.variant] if o.variant else [o.rule] for o in shown]


def check(card: dict[str, Any]) -> None:
    """Everything a CDS client may rely on, of one card."""
    assert 0 < len(card["summary"]) < 140
    assert not _empty(card)
    assert card["indicator"] in ("info", "warning")
    assert ("suggestions" in card) == ("selectionBehavior" in card)
    topic = card["source"]["topic"]
    expected = "at-most-one" if topic["code"] == "steroid-overuse" else "any"
    assert card.get("selectionBehavior", expected) == expected
    assert card["source"]["url"] == "https://cds.example.org/guideline"
    assert topic["display"] == RULES[topic["code"]].title
    assert all(reason["display"] and reason["code"] for reason in card["overrideReasons"])
    for link in card["links"]:
        assert link["type"] == "absolute"
        assert link["url"].startswith("https://")
    assert "AI-generated article pending human review" in card["detail"]
    assert "**Evidence:**" in card["detail"]
    uuids = [card["uuid"], *(s["uuid"] for s in card.get("suggestions", []))]
    assert len({UUID(one) for one in uuids}) == len(uuids)
    for suggestion in card.get("suggestions", []):
        for action in suggestion["actions"]:
            _valid(action)


def _valid(action: dict[str, Any]) -> None:
    made = action["resource"]
    assert action["type"] == "create"
    assert action["description"]
    assert "id" not in made
    assert made["status"] == "draft"
    assert made["subject"] == {"reference": "Patient/p1"}
    module = import_module(f"fhir.resources.R4B.{made['resourceType'].lower()}")
    getattr(module, made["resourceType"]).model_validate(made)
    assert not _empty(made)


def _empty(value: Any) -> bool:
    if isinstance(value, dict):
        return not value or any(_empty(part) for part in value.values())
    if isinstance(value, list):
        return not value or any(_empty(part) for part in value)
    return value is None or value == ""


def test_every_card_keeps_the_contract() -> None:
    made = list(cards())
    assert len(made) > len(CHARTS)
    for card in made:
        check(card)


@pytest.mark.requirement("2.0-3", "2.0-83", "2.0-93")
@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(patients())
def test_every_card_of_random_patients_keeps_the_contract(made: list[Resource]) -> None:
    for card in judge(chart(*made), encounterId="e1").cards:
        check(card)


def test_a_rationale_lets_a_reader_check_the_card_alone() -> None:
    for card in cards():
        rationale = card["extension"]["org.pht-cds.rationale"]
        assert rationale["rule"] == card["source"]["topic"]["code"]
        assert rationale["edition"]
        assert all(t["source"] and t["value"] is not None for t in rationale["thresholds"])
        facts = [f for c in rationale["criteria"] for f in c.get("facts", [])]
        assert any(f["reference"].startswith("Condition/") for f in facts)
        assert {c["answer"] for c in rationale["criteria"]} == {"yes"}


def test_a_rationale_lists_what_was_left_out_and_why() -> None:
    other = procedure("w", local("steroid-injection"), ago(5), status="entered-in-error")
    (card, *_) = judged(pht(), *FOUR, other).cards
    left_out = card["extension"]["org.pht-cds.rationale"]["leftOut"]
    assert {"Procedure/w"} <= {one["reference"] for one in left_out}
    assert all(one["reason"] for one in left_out)


# --- identity ---


def test_the_same_call_gives_the_same_ids_another_call_gives_others() -> None:
    from cds_service.service import answer
    from hooks.patient_view import SERVICE
    from tests.strategies import TODAY, request

    prefetch = chart(pht(), loading(since=200), *FOUR)
    first, again = judge(prefetch), judge(prefetch)
    assert first.response() == again.response()
    other_call = replace(request(prefetch), hook_instance="another")
    other = answer(SERVICE, other_call, today=TODAY, site=SITE)
    assert {c["uuid"] for c in first.cards}.isdisjoint(c["uuid"] for c in other.cards)
    everything = [c["uuid"] for c in first.cards] + [
        s["uuid"] for c in first.cards for s in c["suggestions"]
    ]
    assert len(set(everything)) == len(everything)


# --- suggestions ---


def drafts(kind: str, *made: Resource, **context: str) -> list[dict[str, Any]]:
    return [
        action["resource"]
        for card in judged(*made, **context).cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if action["resource"]["resourceType"] == kind
    ]


def test_a_referral_is_written_for_this_patient_encounter_clinician_side_and_diagnosis() -> None:
    (referred, *_) = drafts(
        "ServiceRequest", pht(), loading(since=200), encounterId="e1", userId="PractitionerRole/r"
    )
    assert referred["intent"] == "proposal"
    assert referred["encounter"] == {"reference": "Encounter/e1"}
    assert referred["requester"] == {"reference": "PractitionerRole/r"}
    assert referred["reasonReference"] == [{"reference": "Condition/pht"}]
    assert [c["code"] for c in referred["bodySite"][0]["coding"]] == ["hamstring-origin-left"]


def test_a_draft_without_known_side_states_none() -> None:
    (referred, *_) = drafts("ServiceRequest", pht(side=""), loading(since=200, side=""))
    assert [c["code"] for c in referred["bodySite"][0]["coding"]] == ["hamstring-origin"]


def test_a_draft_names_no_requester_that_is_no_clinician() -> None:
    (referred, *_) = drafts("ServiceRequest", pht(), loading(since=200), userId="Device/d")
    assert "requester" not in referred


def test_no_card_offers_a_steroid() -> None:
    for _, decision in decisions():
        assert "steroid-injection" not in str([c.get("suggestions") for c in decision.cards])


def test_ibuprofen_is_1200_mg_a_day_for_at_most_14_days() -> None:
    tablets = [d for d in drafts("MedicationRequest", NEW) if "ibuprofen" in str(d)]
    (dosage,) = tablets[0]["dosageInstruction"]
    repeat = dosage["timing"]["repeat"]
    daily = dosage["doseAndRate"][0]["doseQuantity"]["value"] * repeat["frequency"]
    assert (daily, repeat["period"], repeat["periodUnit"]) == (1200, 1, "d")
    assert repeat["boundsDuration"]["value"] <= 14


def test_shockwave_is_not_offered_where_something_speaks_against_it() -> None:
    warfarin = prescription("w", ago(90), ("http://www.nlm.nih.gov/research/umls/rxnorm", "11289"))
    offered = judged(pht(), loading(since=60)).cards[0]
    withheld = judged(pht(), loading(since=60), warfarin).cards[0]
    assert "shockwave" in str(offered["suggestions"]).lower()
    assert "shockwave" not in str(withheld["suggestions"]).lower()
    assert "shockwave" not in withheld["summary"].lower()


# --- what came from the record cannot act on the reader ---

HOSTILE = "<script>alert(1)</script> [x](https://evil.example) **bold** `code` ![i](http://e/p)"


def rendered(markdown: str) -> str:
    return str(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown))


@pytest.mark.requirement("3.0-30")
def test_words_of_the_record_never_reach_the_reader_as_markup() -> None:
    words = {"text": HOSTILE, "coding": [*local("hsr")["coding"]]}
    words["coding"][0] = {**words["coding"][0], "display": HOSTILE}
    sites = [{**pht()["bodySite"][0], "text": f"left {HOSTILE}"}]
    made = judged(
        pht(bodySite=sites),
        loading(since=200, code=words),
        referral("r", 30, status="revoked", note=[{"text": HOSTILE}]),
    )
    for card in made.cards:
        assert "evil" not in card["detail"]
        assert "script" not in card["detail"]
        assert "evil" not in card["summary"]


@pytest.mark.requirement("3.0-30")
@pytest.mark.parametrize("identity", ["a_b_c", "x*y*", "<b>", "www.evil.example", "a`b`", "[a](b)"])
def test_an_odd_id_is_shown_as_it_is_or_by_its_place(identity: str) -> None:
    odd = loading(identity, 200)
    prefetch = chart(pht(), odd)
    prefetch[f"extra{identity}"] = {"resourceType": "Bundle", "entry": [{"resource": odd}]}
    for card in judge(prefetch).cards:
        html = rendered(card["detail"])
        assert not re.findall(r"<(?!/?(?:p|strong|em|ul|li|h\d)>)[^>]*>", html), html


@pytest.mark.requirement("2.0-85", "3.0-30")
def test_details_are_markdown_without_html() -> None:
    for card in cards():
        assert not re.search(r"<[a-z/!]", card["detail"])
        assert "<ul>" in rendered(card["detail"])


# --- the words are true of the variant ---


def summary(name: str) -> str:
    wanted = name.split(maxsplit=1)[0]
    return next(
        c["summary"] for c in judged(*CHARTS[name]).cards if c["source"]["topic"]["code"] == wanted
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "steroid-overuse over-limit",
            "4 steroid injections at the left hamstring origin; source limit is 2-3",
        ),
        (
            "steroid-overuse too-close",
            "Two steroid injections 20 days apart at the left hamstring origin (source: 4-6 weeks)",
        ),
        (
            "steroid-overuse limit-reached",
            "3 steroid injections at the left hamstring origin; source limit is 2-3",
        ),
        (
            "steroid-overuse uncertain-records",
            "Up to 4 steroid injections at the left hamstring origin, some uncertain;"
            " source limit is 2-3",
        ),
        (
            "initial-plan",
            "Hamstring tendinopathy, week 2: start loading programme, load management,"
            " short-term pain relief",
        ),
        (
            "loading-programme-missing passive-only",
            "No progressive loading recorded for hamstring tendinopathy (390 days since diagnosis)",
        ),
        (
            "loading-programme-missing none-documented",
            "No progressive loading recorded for hamstring tendinopathy (390 days since diagnosis)",
        ),
        (
            "loading-programme-missing lapsed",
            "Loading for hamstring tendinopathy ended 61 days ago after 59 days;"
            " nothing recorded since",
        ),
        (
            "step-up-options",
            "60 days of loading with little recorded change: review programme,"
            " consider shockwave or injection",
        ),
        (
            "surgical-referral-consider",
            "90 days of loading and still symptomatic: surgical opinion may be considered"
            " (source: 3-6 months)",
        ),
        (
            "surgical-referral-consider content-not-recorded",
            "Physiotherapy for 120 days, content not recorded, still symptomatic:"
            " surgical opinion may be considered",
        ),
        (
            "surgical-referral-overdue",
            "181 days of loading, still symptomatic, no surgical referral on record"
            " (source: 3-6 months)",
        ),
        (
            "surgical-referral-overdue loading-not-documented",
            "181 days of treatment, no loading programme and no surgical referral on record"
            " (source: 3-6 months)",
        ),
    ],
)
def test_the_summary_is_the_guidelines(name: str, words: str) -> None:
    assert summary(name) == words


def test_injections_of_an_episode_of_unknown_start_are_not_said_to_be_none() -> None:
    given = [injection(f"i{n}", ago(120 - 35 * n)) for n in range(4)]
    card = judged(pht(onsetDateTime="2026", recordedDate="2026"), *given).cards[0]
    assert "0 injections in this episode" not in card["detail"]


def test_what_was_only_ordered_or_withdrawn_is_not_said_to_be_done() -> None:
    ordered = resource(
        "ServiceRequest",
        "o",
        status="active",
        intent="order",
        code=local("eswt"),
        authoredOn=ago(9),
    )
    card = judged(pht(), *FOUR, ordered, referral(status="revoked")).cards[0]
    line = next(one for one in card["detail"].split("\n") if "This episode" in one)
    assert "shockwave tried" not in line
    assert "surgical referral on record" not in line


def test_the_card_of_one_side_says_which_and_names_the_other_side_once() -> None:
    both = (*BOTH, loading("a", 200, "left"), loading("b", 100, "right"))
    (card,) = judged(*both).cards
    assert "left" in card["detail"]
    assert card["detail"].count("Other side") == 1


def test_a_rule_in_shadow_mode_shows_nowhere() -> None:
    both = (*BOTH, loading("a", 200, "left"), loading("b", 100, "right"))
    shadow = replace(SITE, rule_modes={"surgical-referral-consider": "shadow"})
    (card,) = judged(*both, site=shadow).cards
    assert "may be considered" not in card["detail"]
