"""A dismissed card is not repeated while its facts are the same; never at the cost of safety."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cds_service.errors import SettingsError
from cds_service.ledger.tables import cards
from cds_service.store.engine import Store
from cds_service.store.keys import Keyring, new_line
from cds_service.web import create_app
from tests.conformance.calls import SIGN, VIEW, body
from tests.ledger.conftest import MakeApp
from tests.ledger.telling import accepted, opened, overridden, tell, warnings
from tests.orders import LOADED, service
from tests.orders import request as ordering
from tests.strategies import ago, chart, injection, loading, pht
from tests.strategies import request as view

TODAY = date(2026, 6, 15)
DAY = "2026-06-15T09:30:00Z"


def info(since: int = 120, **context: Any) -> dict[str, Any]:
    """A call that gets one info card (a surgical opinion may be considered)."""
    return body(view(chart(pht(), loading(since=since)), **context))


def dismissed(client: FlaskClient, reason: str = "", **context: Any) -> None:
    (card,) = opened(client, info(), **context)
    assert card["indicator"] == "info"
    assert tell(client, overridden(card, reason)).status_code == 200


def on(make_app: MakeApp, day: str, **given: Any) -> FlaskClient:
    return make_app(today=day, **given).test_client()


def test_a_dismissed_info_card_is_not_shown_again(client: FlaskClient) -> None:
    dismissed(client)
    assert opened(client, info()) == []


@pytest.mark.parametrize(
    ("reason", "day", "count"),
    [
        ("", "2026-07-26", 0),  # day 41
        ("", "2026-07-27", 1),  # day 42
        ("patient-declined", "2026-07-26", 0),
        ("record-wrong", "2026-06-21", 0),  # day 6
        ("record-wrong", "2026-06-22", 1),  # day 7
    ],
)
def test_for_how_long_depends_on_the_reason(
    make_app: MakeApp, reason: str, day: str, count: int
) -> None:
    dismissed(on(make_app, "2026-06-15"), reason)
    assert len(opened(on(make_app, day), info())) == count


def test_it_is_held_back_from_that_user_alone(client: FlaskClient) -> None:
    dismissed(client, userId="Practitioner/1")
    assert opened(client, info(), userId="Practitioner/1") == []
    assert len(opened(client, info(), userId="Practitioner/2")) == 1


def test_it_is_held_back_for_that_patient_alone(client: FlaskClient, store: Store) -> None:
    dismissed(client)
    with store.write() as connection:
        connection.execute(cards.update().values(patient="f" * 64))
    assert len(opened(client, info())) == 1


def test_it_is_held_back_under_a_new_key_too(client: FlaskClient, store: Store) -> None:
    dismissed(client)
    name, _, value = new_line().partition(":")
    store.keys = Keyring(name, {name: bytes.fromhex(value), **store.keys.keys})
    assert opened(client, info()) == []
    store.keys = Keyring(name, {name: bytes.fromhex(value)})
    assert len(opened(client, info())) == 1


def test_changed_facts_bring_it_back_at_once(client: FlaskClient) -> None:
    dismissed(client)
    assert len(opened(client, info(since=121))) == 1


def test_a_card_not_answered_or_accepted_is_shown_again(client: FlaskClient) -> None:
    (card,) = opened(client, info())
    assert len(opened(client, info())) == 1
    tell(client, accepted(card))
    assert len(opened(client, info())) == 1


def test_the_last_word_counts(client: FlaskClient) -> None:
    (card,) = opened(client, info())
    tell(client, overridden(card, at=DAY), accepted(card, at="2026-06-15T09:31:00Z"))
    assert len(opened(client, info())) == 1
    tell(client, overridden(card, at="2026-06-15T09:32:00Z"))
    assert opened(client, info()) == []


def test_a_card_once_shown_stays_shown_on_record(client: FlaskClient, store: Store) -> None:
    """Also when the same hook instance asks again, and it is held back."""
    sent = info()
    (card,) = client.post(VIEW, json=sent).json["cards"]
    tell(client, overridden(card))
    assert client.post(VIEW, json=sent).json["cards"] == []
    with store.read() as connection:
        (kept,) = connection.execute(select(cards.c.state, cards.c.why, cards.c.issued))
    assert kept == ("shown", "", 2)
    assert warnings(tell(client, accepted(card))) == []


def test_a_warning_is_repeated_unless_the_site_says_otherwise(
    make_app: MakeApp, tmp_path: Path
) -> None:
    client = on(make_app, "2026-06-15")
    (card,) = opened(client)
    assert card["indicator"] == "warning"
    tell(client, overridden(card, "patient-declined"))
    assert len(opened(client)) == 1
    file = tmp_path / "site.toml"
    file.write_text("[repeats.warning]\npatient-declined = 10\n")
    assert opened(on(make_app, "2026-06-24", config=file)) == []
    assert len(opened(on(make_app, "2026-06-25", config=file))) == 1


def test_what_was_held_back_is_explained_and_on_record(client: FlaskClient, store: Store) -> None:
    dismissed(client, "patient-declined")
    answer = client.post(f"{VIEW}?explain=true", json=info()).json
    (held,) = answer["extension"]["org.pht-cds.rationale"]["withheld"]
    assert "overridden by this user on 2026-06-15 (patient-declined)" in held["reason"]
    with store.read() as connection:
        states = set(connection.scalars(select(cards.c.state)))
    assert states == {"shown", "repeat"}


@pytest.mark.parametrize(
    "table",
    [
        "[repeats.critical]\ndefault = 1",
        "[repeats.info]\ndefault = 366",
        "[repeats.info]\ndefault = -1",
        "[repeats.info]\ndefault = true",
        "[repeats.info]\npatient-decline = 3",
    ],
)
def test_a_faulty_table_stops_the_start(make_app: MakeApp, tmp_path: Path, table: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(table)
    with pytest.raises(SettingsError, match="repeats"):
        make_app(config=file)


def test_without_a_ledger_nothing_is_held_back(make_app: MakeApp) -> None:
    app = create_app(make_app().extensions["cds_service"].settings)
    client = app.test_client()
    (card,) = opened(client, info())
    assert tell(client, overridden(card)).status_code == 404
    assert len(opened(client, info())) == 1


def both(left: int, right: int) -> dict[str, Any]:
    """A call about a patient with the disease on both sides, and so many days of loading."""
    programmes = loading("a", left), loading("b", right, side="right")
    return body(view(chart(pht("l", "left"), pht("r", "right"), *programmes)))


def dismiss_all(client: FlaskClient, sent: dict[str, Any]) -> list[tuple[str, str]]:
    """Level and first word of each card, dismissed until none comes."""
    told = []
    while shown := opened(client, sent):
        (card,) = shown
        tell(client, overridden(card))
        told.append((card["indicator"], card["summary"].split()[0]))
    return told


def test_a_side_never_answered_is_not_hidden_by_a_dismissed_card_of_the_other(
    client: FlaskClient,
) -> None:
    assert dismiss_all(client, both(left=120, right=20)) == [("info", "120")]
    assert dismiss_all(client, both(left=120, right=60)) == [("info", "60")]


def test_a_warning_of_the_other_side_is_not_hidden_by_a_dismissed_one(
    make_app: MakeApp, tmp_path: Path
) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[repeats.warning]\ndefault = 10\n")
    client = on(make_app, "2026-06-15", config=file)
    told = dismiss_all(client, both(left=300, right=200))
    assert told == [("warning", "300"), ("warning", "200")]


def test_an_info_card_about_an_order_is_not_shown_again_the_next_day(make_app: MakeApp) -> None:
    """The draft names no day: that it is planned today, whenever asked, is no new fact."""
    records = [pht(), injection("i1", ago(300)), injection("i2", ago(200)), LOADED]
    sent = body(ordering(chart(*records), service()))
    third = [
        card
        for card in signed(on(make_app, "2026-06-15"), sent)
        if card["source"]["topic"]["code"] == "steroid-third-injection"
    ]
    assert [card["indicator"] for card in third] == ["info"]
    tell(on(make_app, "2026-06-15"), overridden(third[0]), path=f"{SIGN}/feedback")
    assert signed(on(make_app, "2026-06-16"), sent) == []


def signed(client: FlaskClient, sent: dict[str, Any]) -> Any:
    return client.post(SIGN, json=sent | {"hookInstance": str(uuid4())}).json["cards"]
