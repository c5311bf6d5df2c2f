"""What cards must be (CDS Hooks: CDS Service Response, Card Attributes, Suggestion, Link)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from markdown_it import MarkdownIt

from tests.conformance.caller import Caller, get, post
from tests.conformance.calls import VIEW, answered, cards, links, suggestions, without_guidance
from tests.conformance.registry import verifies
from tests.conformance.stubs import on_bodies, on_cards

NON_ADHERENCE = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
LEVELS = ("info", "warning", "critical")
REVERSE_DOMAIN = re.compile(r"[a-z]{2,}(\.[a-z0-9-]+)+")


def _without(name: str) -> Any:
    return on_cards(lambda card: card.pop(name, None))


def _same_uuid(card: dict[str, Any]) -> None:
    card["uuid"] = "00000000-0000-4000-8000-000000000000"


def _long_summary(card: dict[str, Any]) -> None:
    card["summary"] = card["summary"].ljust(140, ".")


def _null_icon(card: dict[str, Any]) -> None:
    card["source"]["icon"] = None


def _no_display(card: dict[str, Any]) -> None:
    for reason in card["overrideReasons"]:
        del reason["display"]


def _app_context(card: dict[str, Any]) -> None:
    for link in card["links"]:
        link["appContext"] = "rule"


def _empty_system_actions(body: dict[str, Any]) -> None:
    if "cards" in body:
        body["systemActions"] = []


def is_absolute(url: object) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme in ("http", "https")


def is_coding(value: Any) -> bool:
    """code and system are strings; so is display, where there is one."""
    return (
        isinstance(value, dict)
        and all(isinstance(value[name], str) and value[name] for name in ("code", "system"))
        and isinstance(value.get("display", ""), str)
    )


def codings(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield card["source"]["topic"]
    yield from card["overrideReasons"]


def empties(value: Any, path: str = "") -> Iterator[str]:
    """Paths of what is null or empty."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from empties(one, f"{path}.{name}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from empties(one, f"{path}[{index}]")


@verifies("2.0-74")
def success_is_200_and_an_object_with_a_list_of_cards(service: Caller) -> None:
    for _, answer in answered(service):
        assert isinstance(answer.json, dict)
        assert isinstance(answer.json["cards"], list)


@verifies("2.0-77", "3.0-28")
def no_guidance_is_200_and_an_empty_list(service: Caller) -> None:
    answer = post(service, VIEW, without_guidance())
    assert (answer.status, answer.json["cards"]) == (200, [])


@verifies("2.0-3", "3.0-03", broken_2_0_3=on_cards(_null_icon))
def nothing_sent_is_null_or_empty_but_the_list_of_cards(service: Caller) -> None:
    assert not list(empties(get(service, "/cds-services").json))
    for _, answer in answered(service):
        assert set(empties(answer.json)) <= {".cards"}


@verifies("3.0-29", broken_3_0_29=on_bodies(_empty_system_actions))
def system_actions_are_never_an_empty_list(service: Caller) -> None:
    for _, answer in answered(service):
        assert answer.json.get("systemActions", ["none sent"])


@verifies("2.0-80", broken_2_0_80=on_cards(_same_uuid))
def each_card_has_a_uuid_of_its_own(service: Caller) -> None:
    for _, answer in answered(service):
        told = [card["uuid"] for card in answer.json["cards"]]
        assert all(str(UUID(one)) == one for one in told)
    everywhere = [card["uuid"] for card in cards(service)]
    assert len(everywhere) > 1
    assert len(set(everywhere)) == len(everywhere)


@verifies("2.0-83", broken_2_0_83=on_cards(_long_summary))
def a_summary_has_fewer_than_140_characters(service: Caller) -> None:
    for card in cards(service):
        assert isinstance(card["summary"], str)
        assert 0 < len(card["summary"]) < 140


@verifies("2.0-85")
def a_detail_is_github_flavoured_markdown(service: Caller) -> None:
    for card in cards(service):
        html = MarkdownIt("gfm-like", {"linkify": False}).render(card["detail"])
        assert "<strong>" in html
        assert "<ul>" in html
        assert "**" not in html


@verifies("2.0-87", "2.0-88", "2.0-89", broken_2_0_87=_without("indicator"))
def each_card_has_an_indicator_of_the_three(service: Caller) -> None:
    assert {card["indicator"] for card in cards(service)} == set(LEVELS)


@verifies("2.0-90", "2.0-105", "2.0-107")
def each_card_has_a_source_with_a_label_and_an_absolute_url(service: Caller) -> None:
    for card in cards(service):
        assert isinstance(card["source"]["label"], str)
        assert card["source"]["label"]
        assert is_absolute(card["source"]["url"])


@verifies("2.0-109", "2.0-110")
def the_source_is_general_and_the_drill_down_is_a_link(service: Caller) -> None:
    shown = cards(service)
    assert len({card["source"]["url"] for card in shown}) == 1
    for card in shown:
        rule = card["source"]["topic"]["code"]
        assert any(link["url"].endswith(f"#{rule}") for link in card["links"])


@verifies("2.0-115", "2.0-216", "2.0-217", "2.0-218", "2.0-220")
def topics_and_reasons_are_codings(service: Caller) -> None:
    found = [coding for card in cards(service) for coding in codings(card)]
    assert found
    assert all(map(is_coding, found))


@verifies("2.0-98", "2.0-100", "2.0-136", "2.0-219", broken_2_0_100=on_cards(_no_display))
def override_reasons_are_codings_with_words(service: Caller) -> None:
    for card in cards(service):
        assert isinstance(card["overrideReasons"], list)
        for reason in card["overrideReasons"]:
            assert is_coding(reason)
            assert reason.get("display", "").strip()


@verifies("3.0-38")
def override_reasons_are_told_in_hl7s_codes_too(service: Caller) -> None:
    """Each reason sent is published with HL7's code; one has none that fits."""
    published = get(service, "/fhir/CodeSystem/override-reason").json
    same = {
        concept["code"]: concept["property"][0]["valueCoding"]
        for concept in published["concept"]
        if "property" in concept
    }
    assert all(coding["system"] == NON_ADHERENCE and coding["code"] for coding in same.values())
    reasons = [reason for card in cards(service) for reason in card["overrideReasons"]]
    assert {reason["system"] for reason in reasons} == {published["url"]}
    assert {reason["code"] for reason in reasons} - same.keys() <= {"record-wrong"}


@verifies("2.0-92", "2.0-117", "2.0-119", "2.0-121", "2.0-124")
def suggestions_have_label_uuid_and_a_list_of_actions(service: Caller) -> None:
    found = suggestions(service)
    assert any("isRecommended" in one for one in found)
    for one in found:
        assert isinstance(one["label"], str)
        assert one["label"]
        assert str(UUID(one["uuid"])) == one["uuid"]
        assert one.get("isRecommended", False) in (True, False)
        assert isinstance(one["actions"], list)
        assert all(isinstance(action, dict) for action in one["actions"])
    for card in cards(service):
        offered = card.get("suggestions", ())
        for name in ("uuid", "label"):
            assert len({one[name] for one in offered}) == len(offered)


@verifies("2.0-93", "2.0-95", "2.0-96", broken_2_0_93=_without("selectionBehavior"))
def suggestions_come_with_a_selection_behaviour(service: Caller) -> None:
    offering = [card for card in cards(service) if "suggestions" in card]
    assert {card.get("selectionBehavior") for card in offering} == {"any", "at-most-one"}


@verifies("3.0-31")
def of_suggestions_that_exclude_each_other_one_is_recommended_at_most(service: Caller) -> None:
    for card in cards(service):
        if card.get("selectionBehavior") == "at-most-one":
            told = [one for one in card["suggestions"] if one.get("isRecommended")]
            assert len(told) <= 1


@verifies("2.0-103", "2.0-138", "2.0-139", "2.0-141", "2.0-142")
def links_have_label_url_and_type(service: Caller) -> None:
    assert links(service)
    for link in links(service):
        assert isinstance(link["label"], str)
        assert link["label"]
        assert is_absolute(link["url"])
        assert link["type"] in ("absolute", "smart")


@verifies("2.0-147", broken_2_0_147=on_cards(_app_context))
def absolute_links_carry_no_app_context(service: Caller) -> None:
    absolute = [link for link in links(service) if link["type"] == "absolute"]
    assert absolute
    assert not any("appContext" in link for link in absolute)


@verifies("2.0-214", "2.0-215", "3.0-50")
def extensions_are_objects_under_reversed_domain_names(service: Caller) -> None:
    held = [card["extension"] for card in cards(service)]
    held += [
        answer.json["extension"] for _, answer in answered(service) if "extension" in answer.json
    ]
    assert held
    for extension in held:
        assert all(REVERSE_DOMAIN.fullmatch(name) for name in extension)
        assert all(isinstance(value, dict) for value in extension.values())


@verifies("3.0-02")
def answers_are_json_without_comments_or_trailing_commas(service: Caller) -> None:
    for _, answer in answered(service):
        json.loads(answer.data, parse_constant=_refused)


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
