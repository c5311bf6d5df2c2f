"""Feedback by CDS Hooks 2.0 and 3.0."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cds_service.ledger.feedback import Told
from cds_service.ledger.tables import cards, feedback
from cds_service.protocol.feedback import parse
from cds_service.store.engine import Store
from tests.conformance.calls import VIEW
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import FEEDBACK, accepted, opened, overridden, tell, warnings
from tests.stores import revert


def kept(store: Store) -> list[Any]:
    with store.read() as connection:
        order = (feedback.c.outcome_at, feedback.c.received)
        return list(connection.execute(select(feedback).order_by(*order)))


@pytest.mark.requirement("3.0-39")
def test_one_request_tells_of_cards_of_many_calls(client: FlaskClient, store: Store) -> None:
    (first,), (second,) = opened(client), opened(client, userId="Practitioner/2")
    answer = tell(client, accepted(first), overridden(second, "patient-declined"))
    assert answer.status_code == 200
    assert warnings(answer) == []
    assert [(one.outcome, one.reason) for one in kept(store)] == [
        ("accepted", ""),
        ("overridden", "patient-declined"),
    ]
    assert all(one.card for one in kept(store))


@pytest.mark.requirement("3.0-41")
def test_the_same_entry_again_is_kept_once(client: FlaskClient, store: Store) -> None:
    (card,) = opened(client)
    for _ in range(3):
        assert tell(client, accepted(card), accepted(card)).status_code == 200
    assert len(kept(store)) == 1


def test_a_change_of_mind_is_kept_beside_what_went_before(
    client: FlaskClient, store: Store
) -> None:
    (card,) = opened(client)
    tell(client, overridden(card, at="2026-06-15T09:30:00Z"))
    tell(client, accepted(card, at="2026-06-15T09:31:00Z"))
    assert [one.outcome for one in kept(store)] == ["overridden", "accepted"]


def test_of_a_mixed_batch_the_good_are_kept_and_the_others_named(
    client: FlaskClient, store: Store
) -> None:
    (card,) = opened(client)
    answer = tell(client, {"card": card["uuid"]}, accepted(card), {"outcome": "accepted"}, 7)
    assert answer.status_code == 200
    assert len(kept(store)) == 1
    assert set(warnings(answer)) >= {
        "feedback[0].outcome",
        "feedback[0].outcomeTimestamp",
        "feedback[2].card",
        "feedback[3]",
    }


@pytest.mark.requirement("3.0-40")
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"outcome": "ignored"}, "outcome"),
        ({"outcomeTimestamp": "yesterday"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-06-15T09:30:00"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-02-30T09:30:00Z"}, "outcomeTimestamp"),
        ({"card": ""}, "card"),
        ({"card": "a\0b"}, "card"),
        ({"acceptedSuggestions": []}, "acceptedSuggestions"),
        ({"acceptedSuggestions": None}, "acceptedSuggestions"),
        ({"acceptedSuggestions": [{}]}, "acceptedSuggestions[0].id"),
        ({"overrideReason": {}}, "overrideReason"),
        ({"overrideReason": {"reason": {}}}, "overrideReason.reason.code"),
    ],
)
def test_a_faulty_entry_is_400_at_its_place(
    client: FlaskClient, change: dict[str, Any], place: str
) -> None:
    entry = {
        "card": "x",
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "y"}],
        "outcomeTimestamp": "2026-06-15T09:30:00.123Z",
    }
    answer = tell(client, entry | change)
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == [f"feedback[0].{place}"]


@pytest.mark.parametrize("body", [[], {}, {"feedback": []}, {"feedback": {}}, {"feedback": "x"}])
def test_a_faulty_envelope_is_400(client: FlaskClient, body: Any) -> None:
    assert client.post(FEEDBACK, json=body).status_code == 400


def test_an_unknown_card_is_named_and_its_entry_kept(client: FlaskClient, store: Store) -> None:
    answer = tell(client, overridden({"uuid": "never-issued"}))
    assert answer.status_code == 200
    assert warnings(answer) == ["feedback[0].card"]
    assert kept(store)[0].card is None


def test_a_card_of_another_service_or_client_is_as_unknown_as_any(
    client: FlaskClient, store: Store
) -> None:
    (card,) = opened(client)
    elsewhere = tell(client, accepted(card), path="/cds-services/pht-order-sign/feedback")
    with store.write() as connection:
        connection.execute(cards.update().values(client="another"))
    foreign = tell(client, overridden(card))
    unknown = tell(client, overridden({"uuid": "never-issued"}))
    assert elsewhere.json == foreign.json == unknown.json


def test_a_suggestion_the_card_does_not_have_is_named(client: FlaskClient) -> None:
    (card,) = opened(client)
    entry = accepted(card)
    entry["acceptedSuggestions"].append({"id": "other"})
    assert warnings(tell(client, entry)) == ["feedback[0].acceptedSuggestions[1].id"]


@pytest.mark.parametrize("keep", [True, False])
def test_comments_are_kept_only_where_the_site_says_so(
    make_app: MakeApp, store: Store, keep: bool
) -> None:
    client = make_app(keep_comments=keep).test_client()
    (card,) = opened(client)
    entry = overridden(card) | {"overrideReason": {"userComment": "Jane Doe said no"}}
    assert tell(client, entry).status_code == 200
    assert kept(store)[0].comment == ("Jane Doe said no" if keep else None)


def test_no_comment_is_kept_with_feedback_whose_card_is_unknown(
    make_app: MakeApp, store: Store
) -> None:
    """Who erases a patient's records could not find it."""
    client = make_app(keep_comments=True).test_client()
    entry = overridden({"uuid": "x"}) | {"overrideReason": {"userComment": "Jane Doe said no"}}
    assert warnings(tell(client, entry)) == ["feedback[0].card"]
    assert kept(store)[0].comment is None


def test_without_a_database_feedback_is_to_be_sent_again(client: FlaskClient, store: Store) -> None:
    revert(store)
    answer = tell(client, overridden({"uuid": "x"}))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_the_shared_id_takes_feedback_on_cards_of_all_services(make_app: MakeApp) -> None:
    client = make_app(shared_id="pht").test_client()
    (card,) = opened(client)
    assert warnings(tell(client, accepted(card), path="/cds-services/pht/feedback")) == []


def test_a_service_that_does_not_exist_takes_no_feedback(client: FlaskClient) -> None:
    answer = tell(client, overridden({"uuid": "x"}), path="/cds-services/none/feedback")
    assert answer.status_code == 404


def test_the_methods_and_media_types_are_those_of_a_call(client: FlaskClient) -> None:
    assert client.get(FEEDBACK).status_code == 405
    assert client.post(FEEDBACK, data="{}").status_code == 415
    assert client.post(f"{VIEW}//feedback", json={}).status_code == 404


# --- servers that do otherwise would be noticed ---


@pytest.mark.notices("3.0-39")
def test_it_would_be_seen_were_only_the_first_entry_kept(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_alone(body: Any) -> Any:
        entries, issues = parse(body)
        return entries[:1], issues

    monkeypatch.setattr("cds_service.web.feedback.parse", first_alone)
    with pytest.raises(AssertionError):
        test_one_request_tells_of_cards_of_many_calls(client, store)


@pytest.mark.notices("3.0-41")
def test_it_would_be_seen_were_repeats_counted(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "digest", lambda _: uuid4().hex)
    with pytest.raises(AssertionError):
        test_the_same_entry_again_is_kept_once(client, store)
