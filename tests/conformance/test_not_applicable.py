"""What the page calls not applicable is so: a test fails when the service begins to use it."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance.caller import Caller, in_process
from tests.conformance.calls import answered, cards, links
from tests.conformance.discovery import services, templates, tokens
from tools.conformance import reasons


@pytest.fixture(scope="module")
def service() -> Caller:
    return in_process(create_app(Settings.load(today=date(2026, 6, 15)), demo=True))


def excused(*identities: str) -> None:
    """These requirements rest on what the test shows."""
    assert {reasons()[identity][0] for identity in identities} == {"not applicable"}


def test_no_source_carries_an_icon(service: Caller) -> None:
    excused("2.0-111", "2.0-112")
    assert not any("icon" in card["source"] for card in cards(service))


def test_no_link_asks_to_be_launched_by_itself(service: Caller) -> None:
    excused("3.0-36", "3.0-37")
    for link in links(service):
        assert link.keys() == {"label", "url", "type"}
        assert link["type"] == "absolute"  # here no client has the app


def test_no_system_action_is_sent(service: Caller) -> None:
    excused("2.0-75", "3.0-35")
    assert not any("systemActions" in answer.json for _, answer in answered(service))


def test_no_template_computes_a_date_or_depends_on_another(service: Caller) -> None:
    excused("3.0-15", "3.0-16", "3.0-17", "3.0-18", "3.0-19", "3.0-20")
    assert {token for _, token in tokens(service)} == {"context.patientId"}
    assert not any("%" in template for _, template in templates(service))


def test_each_hook_is_served_in_one_version(service: Caller) -> None:
    excused("3.0-09")
    hooks = [one["hook"] for one in services(service)]
    assert len(set(hooks)) == len(hooks)


def test_the_other_draft_hooks_are_not_served(service: Caller) -> None:
    excused("3.0-52", "3.0-53", "3.0-55")
    drafts = {"medication-refill", "allergyintolerance-create", "medication-verify"}
    assert drafts.isdisjoint(one["hook"] for one in services(service))
