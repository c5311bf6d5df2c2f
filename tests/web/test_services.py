from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.errors import DataUnavailable, SettingsError
from cds_service.settings import Settings
from cds_service.web import create_app
from hooks import services
from tests.web.fakes import CARD, FakeEngine, FakeService

BOTH = pytest.mark.parametrize(
    "path", ["/cds-services/fake", "/cds-services/fake/", "/cds-services//fake"]
)


@pytest.mark.requirement("2.0-4")
@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
def test_discovery_tells_each_service_without_a_redirect(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    told = answer.json
    (service,) = told["services"]
    reads = service.pop("extension")["org.pht-cds.reads"]
    assert set(reads["resources"]) == {"Patient", "Condition"}
    assert told == {
        "services": [
            {
                "hook": "patient-view",
                "title": "Fake",
                "description": "A fake service.",
                "id": "fake",
                "version": "3.0.0",
                "hookVersion": "1.0",
                "prefetch": {
                    "patient": "Patient/{{context.patientId}}",
                    "conditions": "Condition?patient={{context.patientId}}",
                },
            }
        ]
    }


def test_discovery_tells_what_each_service_reads_and_which_rules_need_it() -> None:
    offered = {one.hook: one for one in services()}
    for one in (
        create_app(Settings.load(auth="open")).test_client().get("/cds-services").json["services"]
    ):
        told = one["extension"]["org.pht-cds.reads"]["resources"]
        asked = {re.split(r"[/?]", template)[0] for template in one["prefetch"].values()}
        assert set(told) - asked == ({"Appointment"} if "appointment" in one["hook"] else set())
        assert asked <= set(told)
        for rule in offered[one["hook"]].recommendations:
            needed = {kind for group in rule.needs for kind in group}
            assert needed == {kind for kind in told if rule.id in told[kind].get("neededBy", ())}


def test_discovery_keeps_the_order_of_the_services(make_app: Callable[..., Flask]) -> None:
    app = make_app(FakeService("z"), FakeService("a", usage_requirements="Orders."))
    told = app.test_client().get("/cds-services").json["services"]
    assert [service["id"] for service in told] == ["z", "a"]
    assert told[1]["usageRequirements"] == "Orders."


@pytest.mark.requirement("3.0-10")
def test_without_services_discovery_is_an_empty_list() -> None:
    answer = create_app(Settings.load(auth="open"), []).test_client().get("/cds-services")
    assert (answer.status_code, answer.json) == (200, {"services": []})


@BOTH
def test_a_call_is_answered_with_cards(
    client: FlaskClient, call: dict[str, Any], engine: FakeEngine, path: str
) -> None:
    answer = client.post(path, json=call)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.json == {"cards": [CARD]}
    assert engine.asked[0].patient_id == "rosa"
    assert engine.today == date(2026, 6, 15)


def test_explain_is_passed_through(client: FlaskClient, call: dict[str, Any]) -> None:
    assert "extension" in client.post("/cds-services/fake?explain=true", json=call).json
    assert "extension" not in client.post("/cds-services/fake?explain=no", json=call).json


def test_what_cannot_be_judged_is_412_with_its_place(
    client: FlaskClient, call: dict[str, Any], engine: FakeEngine
) -> None:
    engine.error = DataUnavailable("No Conditions.", expression=["prefetch.conditions"])
    answer = client.post("/cds-services/fake", json=call)
    assert answer.status_code == 412
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.json["issue"][0]["expression"] == ["prefetch.conditions"]


def test_two_services_with_one_id_stop_the_start(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(SettingsError, match="Two services"):
        make_app(FakeService(), FakeService())


def test_a_service_id_that_is_no_path_segment_stops_the_start(
    make_app: Callable[..., Flask],
) -> None:
    with pytest.raises(SettingsError, match="cannot be part of a URL"):
        make_app(FakeService("a/b"))


def test_the_services_of_this_project_are_its_default_plug_in() -> None:
    told = (
        create_app(Settings.load(auth="open")).test_client().get("/cds-services").json["services"]
    )
    assert "pht-patient-view" in [service["id"] for service in told]


def test_a_plug_in_that_is_not_installed_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CDS_SERVICE_PLUGINS", "pht,missing")
    with pytest.raises(SettingsError, match=r"CDS_SERVICE_PLUGINS: 'missing'.*known: pht"):
        create_app(Settings.load(auth="open"))


def test_without_a_fixed_date_today_is_the_sites(
    make_app: Callable[..., Flask], call: dict[str, Any], engine: FakeEngine
) -> None:
    make_app(timezone="Pacific/Kiritimati").test_client().post("/cds-services/fake", json=call)
    east = engine.today
    make_app(timezone="Pacific/Niue").test_client().post("/cds-services/fake", json=call)
    assert east is not None
    assert engine.today is not None
    assert east > engine.today  # 25 hours apart: never the same day
