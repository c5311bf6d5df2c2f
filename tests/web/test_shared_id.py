"""One id for the services of all hooks: the hook in the body chooses which one answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conftest import ROOT
from tests.orders import LOADED, given
from tests.orders import request as signing
from tests.orders import service as steroid
from tests.strategies import chart, pht
from tests.web.fakes import FakeEngine, FakeService
from tools.refresh_fixtures import read

TODAY = date(2026, 6, 15)


@pytest.fixture
def shared() -> FlaskClient:
    settings = Settings.load(shared_id="pht", today=TODAY, auth="open")
    return create_app(settings).test_client()


def sign() -> dict[str, Any]:
    asked = signing(chart(pht(), LOADED, *given(400, 300, 200)), steroid())
    return {
        "hook": "order-sign",
        "hookInstance": asked.hook_instance,
        "context": dict(asked.context),
        "prefetch": dict(asked.prefetch),
    }


def check_one_id(client: FlaskClient) -> None:
    told = client.get("/cds-services").json["services"]
    assert len(told) > 1
    assert {one["id"] for one in told} == {"pht"}


@pytest.fixture
def apart() -> FlaskClient:
    """The service as it is by default: an id for each hook."""
    return create_app(Settings.load(auth="open")).test_client()


@pytest.mark.requirement("2.0-211")
def test_discovery_offers_every_hook_under_the_one_id(
    shared: FlaskClient, apart: FlaskClient
) -> None:
    check_one_id(shared)
    hooks = [
        [one["hook"] for one in client.get("/cds-services").json["services"]]
        for client in (shared, apart)
    ]
    assert hooks[0] == hooks[1]


@pytest.mark.notices("2.0-211")
def test_services_of_several_ids_are_not_taken_for_one(apart: FlaskClient) -> None:
    with pytest.raises(AssertionError):
        check_one_id(apart)


def test_each_hook_gets_all_its_cards_under_the_one_id(shared: FlaskClient) -> None:
    view = read(ROOT / "fixtures/fhir/delayed-referral/request.json")
    for own, call in (("pht-patient-view", view), ("pht-order-sign", sign())):
        answer = shared.post("/cds-services/pht", json=call).json
        assert answer["cards"]
        assert answer == shared.post(f"/cds-services/{own}", json=call).json


@pytest.mark.parametrize("hook", ["medication-prescribe", "x", 1, ["order-sign"]])
def test_a_hook_that_is_not_offered_is_refused(shared: FlaskClient, hook: object) -> None:
    answer = shared.post("/cds-services/pht", json=sign() | {"hook": hook})
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == ["hook"]


@pytest.mark.parametrize("body", [{}, [], {"hook": None}, {"hook": ""}])
def test_a_body_without_a_hook_is_refused(shared: FlaskClient, body: object) -> None:
    assert shared.post("/cds-services/pht", json=body).status_code == 400


def test_only_the_shared_id_and_the_services_own_answer(
    make_app: Callable[..., Flask], call: dict[str, Any], engine: FakeEngine
) -> None:
    app = make_app(FakeService("a"), FakeService("b", hook="order-sign"), shared_id="one")
    assert app.test_client().post("/cds-services/one", json=call).status_code == 200
    assert engine.asked[0].hook == "patient-view"
    assert app.test_client().post("/cds-services/two", json=call).status_code == 404


def test_two_services_of_one_hook_cannot_share_an_id(make_app: Callable[..., Flask]) -> None:
    make_app(FakeService("a"), FakeService("b"))
    with pytest.raises(SettingsError, match="two services answer patient-view"):
        make_app(FakeService("a"), FakeService("b"), shared_id="one")


def test_the_shared_id_is_none_of_a_service(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(SettingsError, match="is the id of one service"):
        make_app(FakeService("a"), shared_id="a")


def test_the_shared_id_can_be_part_of_an_address() -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_SHARED_ID"):
        Settings.load(shared_id="a/b")
