"""A client may want each card once in an encounter, whichever hook comes first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from cds_service.ledger.tables import cards
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.web import create_app
from tests.conformance.calls import VIEW, overdue
from tests.trust.signing import Ehr, Key, jwks

HERE = "https://cds.example"
START = "/cds-services/pht-encounter-start"
Opens = Callable[..., list[str]]


@pytest.fixture
def opens(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Opens:
    """The rules shown to a client whose table in the site file has this line."""
    key = Key("k1")
    (tmp_path / "keys.json").write_bytes(jwks(key))
    file = tmp_path / "site.toml"
    line = getattr(request, "param", "once_per_encounter = true")
    file.write_text(f'[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n{line}\n')
    given = {"config": file, "public_url": HERE, "state": tmp_path / "state"}
    app = create_app(Settings.load(today="2026-06-15", **given), store=store)

    def opened(path: str = VIEW, **context: Any) -> list[str]:
        sent = overdue(**{"encounterId": "e1", **context}) | {"hookInstance": str(uuid4())}
        sent["hook"] = path.removeprefix("/cds-services/pht-")
        bearer = Ehr(key).bearer(f"{HERE}{path}")
        answer = app.test_client().post(path, json=sent, headers=bearer)
        assert answer.status_code == 200, answer.json
        return [card["source"]["topic"]["code"] for card in answer.json["cards"]]

    return opened


OVERDUE = ["surgical-referral-overdue"]


def test_another_hook_of_the_encounter_leaves_it_out(opens: Opens, store: Store) -> None:
    assert opens(VIEW) == OVERDUE
    assert opens(START) == []
    with store.read() as connection:
        states = dict(list(connection.execute(select(cards.c.hook, cards.c.state))))
    assert states == {"patient-view": "shown", "encounter-start": "repeat"}


def test_the_same_hook_shows_it_whenever_asked(opens: Opens) -> None:
    assert opens(VIEW) == opens(VIEW) == OVERDUE


@pytest.mark.parametrize("other", [{"encounterId": "e2"}, {"userId": "Practitioner/other"}])
def test_another_encounter_or_user_sees_it(opens: Opens, other: dict[str, str]) -> None:
    assert opens(VIEW) == OVERDUE
    assert opens(START, **other) == OVERDUE


def test_without_an_encounter_nothing_is_left_out(opens: Opens) -> None:
    assert opens(VIEW, encounterId=None) == OVERDUE
    assert opens(START) == OVERDUE


@pytest.mark.parametrize("opens", ["", "once_per_encounter = false"], indirect=True)
def test_other_clients_see_it_at_each_hook(opens: Opens) -> None:
    assert opens(VIEW) == opens(START) == OVERDUE
