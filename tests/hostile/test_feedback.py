"""Feedback that is about what is not the sender's, or is far too much. Real HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from tests.hostile.conftest import PUBLIC, SERVICE, Guarded, call, is_refused

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("afterwards")]

PATH = f"{SERVICE}/feedback"
UNKNOWN = "No card of this id was issued to you here"


def entry(card: str, **changed: Any) -> dict[str, Any]:
    told = {"card": card, "outcome": "accepted", "outcomeTimestamp": "2026-06-15T09:30:00Z"}
    return told | {"acceptedSuggestions": [{"id": str(uuid.uuid4())}]} | changed


def tell(guarded: Guarded, *entries: Any, tenant: str = "a", path: str = PATH) -> requests.Response:
    token = guarded.north.token(PUBLIC + path, tenant=tenant)
    return guarded.post(token, path, json={"feedback": list(entries)})


@pytest.fixture
def card(guarded: Guarded) -> str:
    """The id of a card issued to the client north, tenant a, and to nobody else."""
    answer = guarded.as_north(json=call() | {"hookInstance": str(uuid.uuid4())})
    return str(answer.json()["cards"][0]["uuid"])


def overridden(card: str, **changed: Any) -> dict[str, Any]:
    return {
        "card": card,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-15T09:30:00Z",
        "overrideReason": {"reason": {"code": "patient-declined", "system": "x"}, **changed},
    }


def test_the_client_itself_is_believed(guarded: Guarded, card: str) -> None:
    answer = tell(guarded, overridden(card))
    assert answer.status_code == 200
    assert UNKNOWN not in answer.text


def test_attack_feedback_on_another_clients_card(guarded: Guarded, card: str) -> None:
    """The answer is the same as for a card that never was."""
    answers = [
        guarded.post(guarded.west.token(PUBLIC + PATH), PATH, json={"feedback": [overridden(one)]})
        for one in (card, str(uuid.uuid4()))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert UNKNOWN in answers[0].text
    assert answers[0].json() == answers[1].json()


def test_attack_feedback_on_another_tenants_card(guarded: Guarded, card: str) -> None:
    assert UNKNOWN in tell(guarded, overridden(card), tenant="b").text


def test_attack_feedback_on_a_card_of_another_service(guarded: Guarded, card: str) -> None:
    path = "/cds-services/pht-order-sign/feedback"
    assert UNKNOWN in tell(guarded, overridden(card), path=path).text


def test_attack_feedback_by_others_holds_no_card_back(guarded: Guarded) -> None:
    """West dismisses north's cards: north goes on seeing them."""
    card = guarded.as_north().json()["cards"][0]["uuid"]
    guarded.post(guarded.west.token(PUBLIC + PATH), PATH, json={"feedback": [overridden(card)]})
    assert guarded.as_north().json()["cards"]


def test_attack_feedback_with_a_token_for_calls(guarded: Guarded, card: str) -> None:
    token = guarded.north.token(PUBLIC + SERVICE, tenant="a")
    answer = guarded.post(token, PATH, json={"feedback": [entry(card)]})
    assert answer.status_code == 401


def test_attack_feedback_to_a_service_that_is_not_the_clients(guarded: Guarded, card: str) -> None:
    answer = guarded.post(
        guarded.south.token(PUBLIC + PATH), PATH, json={"feedback": [entry(card)]}
    )
    is_refused(answer, 403, "forbidden")


@pytest.mark.parametrize("number", [1001, 200_000])
def test_attack_an_enormous_list_of_entries(guarded: Guarded, number: int) -> None:
    entries = (
        [entry("x", acceptedSuggestions=[{"id": "y"}])] * number if number < 5000 else [1] * number
    )
    is_refused(tell(guarded, *entries), 400, "value", "1000 entries")


def test_attack_an_enormous_list_of_suggestions(guarded: Guarded, card: str) -> None:
    many = [{"id": f"x{n}"} for n in range(50_000)]
    assert tell(guarded, entry(card, acceptedSuggestions=many)).status_code == 400


def test_attack_the_same_entry_a_thousand_times(guarded: Guarded, card: str) -> None:
    answer = tell(guarded, *[overridden(card)] * 1000)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "moment",
    [
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z"),
        *("2026-02-30T00:00:00Z", "2026-06-15T09:30:00", "2026-06-15", "1750000000", ""),
    ],
)
def test_attack_times_no_clock_shows(guarded: Guarded, card: str, moment: str) -> None:
    is_refused(tell(guarded, entry(card, outcomeTimestamp=moment)), 400, "value")


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE cards; --",
        "\x00",
        "\u202e",
        "x" * 256,
        "",
        "%s%n",
        "${jndi:ldap://x}",
        "\ufdd0",
    ],
)
def test_attack_words_for_the_database(guarded: Guarded, card: str, text: str) -> None:
    """They are values, never statements; what a database cannot hold is refused."""
    for sent in (
        entry(text),
        entry(card, acceptedSuggestions=[{"id": text}]),
        overridden(card, reason={"code": text, "system": text}),
        overridden(card, userComment=text * 100),
    ):
        answer = tell(guarded, sent)
        assert answer.status_code in (200, 400), answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "body", [{}, {"feedback": []}, {"feedback": {}}, {"feedback": None}, [], 1]
)
def test_attack_feedback_of_another_shape(guarded: Guarded, body: Any) -> None:
    answer = guarded.post(guarded.north.token(PUBLIC + PATH, tenant="a"), PATH, json=body)
    assert answer.status_code == 400
