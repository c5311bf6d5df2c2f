"""An EHR launches the app, and a person sees the patient's timeline and cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from cds_service.store.tables import launches
from cds_service.web.smart.app import smart_app
from tests.smart.conftest import REDIRECT, Browser, Made
from tests.smart.launcher import CASES, Launcher
from tests.trust.signing import Key


def asked(ehr: Launcher, path: str) -> list[dict[str, str]]:
    """The queries that `path` of the EHR was asked with."""
    found = [urlsplit(p) for _, p, _ in ehr.asked]
    return [{k: v[0] for k, v in parse_qs(p.query).items()} for p in found if p.path == path]


def test_an_ehr_launches_and_the_patient_is_shown(browser: Browser, ehr: Launcher) -> None:
    page = browser.view()
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "surgical" in page.text
    assert "born " in page.text
    assert "Not obtained" not in page.text
    assert ehr.refused == []


def test_whoever_has_no_pointer_reads_the_timeline_as_a_table(browser: Browser) -> None:
    """The page has no script that could tell what has the focus."""
    page = browser.view().text
    assert "<details open><summary>The timeline as a table</summary>" in page


def test_what_is_asked_of_the_authorization_server(browser: Browser, ehr: Launcher) -> None:
    browser.launch(launch="abc")
    begun = urlsplit(browser.launch(launch="abc").headers["Location"])
    told = {name: values[0] for name, values in parse_qs(begun.query).items()}
    assert told["response_type"] == "code"
    assert told["redirect_uri"] == REDIRECT
    assert told["aud"] == ehr.base
    assert told["launch"] == "abc"
    assert told["code_challenge_method"] == "S256"
    scopes = told["scope"].split()
    assert scopes[:3] == ["launch", "openid", "fhirUser"]
    assert "patient/CarePlan.rs" in scopes
    assert "patient/Patient.rs" in scopes
    assert not [one for one in scopes if "*" in one or one.endswith((".cud", ".write"))]


def test_secrets_are_new_for_each_launch(browser: Browser) -> None:
    first, second = (parse_qs(urlsplit(browser.launch().headers["Location"]).query) for _ in "12")
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_a_person_opens_it_without_the_ehr(browser: Browser, ehr: Launcher) -> None:
    page = browser.view(launch=None)
    assert page.status_code == 200
    assert "<svg" in page.text
    (sent,) = asked(ehr, "/authorize")
    assert "launch" not in sent
    assert "launch/patient" in sent["scope"].split()


def test_a_server_of_version_1_is_asked_in_its_words(browser: Browser, ehr: Launcher) -> None:
    def older(told: dict[str, Any]) -> dict[str, Any]:
        told.pop("code_challenge_methods_supported")
        return told | {"capabilities": ["launch-ehr", "sso-openid-connect"]}

    ehr.configuration = older
    assert browser.view().status_code == 200
    (sent,) = asked(ehr, "/authorize")
    assert "patient/CarePlan.read" in sent["scope"].split()
    assert browser.launch(launch=None).status_code == 502  # it has no launch-standalone


def test_a_server_that_cannot_tell_the_user_is_not_asked_to(
    browser: Browser, ehr: Launcher
) -> None:
    ehr.configuration = lambda told: {k: v for k, v in told.items() if k != "jwks_uri"}
    assert browser.view().status_code == 200
    (sent,) = asked(ehr, "/authorize")
    assert "openid" not in sent["scope"].split()
    assert "nonce" not in sent


def test_two_patients_in_two_windows_stay_apart(browser: Browser, ehr: Launcher) -> None:
    first = browser.came_back().headers["Location"]
    ehr.patient = CASES["week-6"].patient_id
    second = browser.came_back().headers["Location"]
    pages = [browser.client.get(one).text for one in (first, second, first)]
    assert pages[0] != pages[1]
    names = [page.split('class="banner"><strong>')[1].split("</strong>")[0] for page in pages]
    assert names[0] == names[2] != names[1]


def test_launches_under_way_at_once_do_not_disturb_each_other(browser: Browser) -> None:
    first, second = browser.authorized(), browser.authorized()
    assert browser.client.get(second).status_code == 303
    assert browser.client.get(first).status_code == 303


def test_the_token_is_asked_for_and_used_at_that_server_alone(
    browser: Browser, ehr: Launcher
) -> None:
    page = browser.view()
    (token,) = ehr.tokens
    assert token not in page.text
    assert all(token not in path for _, path, _ in ehr.asked)
    used = [head["Authorization"] for _, path, head in ehr.asked if path.startswith("/fhir/C")]
    assert used
    assert set(used) == {f"Bearer {token}"}


def test_token_and_record_are_nowhere_but_in_this_browsers_reach(
    browser: Browser, ehr: Launcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "cds_service"):
        back = browser.came_back()
        browser.client.get(back.headers["Location"])
    (token,) = ehr.tokens
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    held = b"".join(path.read_bytes() for path in files)
    cookies = " ".join(back.headers.getlist("Set-Cookie"))
    ours = [record for record in caplog.records if record.name.startswith("cds_service")]
    assert ours
    log = " ".join(str(vars(record)) for record in ours)
    for where in (held.decode("latin-1"), cookies, back.headers["Location"], log):
        assert token not in where
        assert ehr.patient not in where
    with browser.client.application.app_context():
        store = smart_app().store
        with store.read() as connection:
            assert len(connection.execute(select(launches)).all()) == 1


def test_no_call_is_put_on_record(browser: Browser) -> None:
    browser.view()
    with browser.client.application.app_context(), smart_app().store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM calls").scalar() == 0


def test_all_machines_know_a_launch(made: Made, ehr: Launcher) -> None:
    """Begun at one, come back to at another, looked at at a third."""
    first, second, third = (made() for _ in range(3))
    client = first.test_client()
    back = Browser(client, ehr).authorized()
    moved = Browser(second.test_client(), ehr)
    moved.client._cookies = client._cookies  # one browser
    came = moved.client.get(back)
    assert came.status_code == 303
    looking = third.test_client()
    looking._cookies = moved.client._cookies
    assert looking.get(came.headers["Location"]).status_code == 200


def test_a_view_can_be_ended(browser: Browser) -> None:
    address = browser.came_back().headers["Location"]
    assert browser.client.get(address).status_code == 200
    refusal = browser.client.post(f"{address}/end", headers={"Origin": "https://evil.example"})
    assert refusal.status_code == 403
    assert browser.client.get(address).status_code == 200
    assert "This view has ended" in browser.client.post(f"{address}/end").text
    assert browser.client.get(address).status_code == 403


# --- the app's own proof ---


def test_a_confidential_app_proves_itself_with_its_secret(
    made: Made, ehr: Launcher, tmp_path: Path
) -> None:
    ehr.secret = "s3cret: with/odd&signs"
    (tmp_path / "secret").write_text(f"{ehr.secret}\n")
    (tmp_path / "secret").chmod(0o600)
    browser = Browser(made('secret = "secret"').test_client(), ehr)
    assert browser.view().status_code == 200
    ehr.secret = "another"
    assert browser.view().status_code == 502
    assert ehr.refused == ["invalid_client"]


def test_an_app_with_a_key_pair_signs(made: Made, ehr: Launcher, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as kinds

    key = Key("app-1")
    ehr.app_key = key.private.public_key()
    pem = key.private.private_bytes(
        kinds.Encoding.PEM, kinds.PrivateFormat.PKCS8, kinds.NoEncryption()
    )
    (tmp_path / "app.pem").write_bytes(pem)
    (tmp_path / "app.pem").chmod(0o600)
    browser = Browser(made('key = "app.pem"\nkey_id = "app-1"').test_client(), ehr)
    assert browser.view().status_code == 200


# --- what a card sent along ---


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            '{"rule":"surgical-referral-overdue","side":"right"}',
            "#why-surgical-referral-overdue-right",
        ),
        ('{"rule":"initial-plan","side":"unknown"}', "#why-initial-plan"),
        ('{"rule":"initial-plan","side":"<script>"}', "#why-initial-plan"),
        ('{"rule":"<script>alert(1)</script>","side":"left"}', None),
        ("not json", None),
        ("[]", None),
        ('{"rule":["x"]}', None),
        ('{"rule":' + "[" * 7000 + "]" * 7000 + "}", None),
        (None, None),
    ],
)
def test_the_card_that_led_here_is_named(
    browser: Browser, ehr: Launcher, told: str | None, shown: str | None
) -> None:
    ehr.app_context = told
    page = browser.view()
    assert page.status_code == 200
    assert ("Opened from the card" in page.text) == (shown is not None)
    assert shown is None or f'href="{shown}"' in page.text
    assert "<script" not in page.text


@pytest.mark.requirement("2.0-144", "2.0-146")
def test_cards_lead_to_the_app_where_the_client_is_registered_for_it(
    made: Made, ehr: Launcher, tmp_path: Path
) -> None:
    from tests.conftest import ROOT
    from tests.trust.signing import Ehr, jwks

    key = Key("n")
    (tmp_path / "keys.json").write_bytes(jwks(key))
    caller = Ehr(key)
    app = made(more='jwks = "keys.json"', auth="required")
    call = json.loads((ROOT / "fixtures/fhir/delayed-referral/request.json").read_text())
    url = "http://localhost:8000/cds-services/pht-patient-view"
    answer = app.test_client().post(
        "/cds-services/pht-patient-view", json=call, headers=caller.bearer(url)
    )
    assert answer.status_code == 200, answer.json
    expected = json.loads((ROOT / "fixtures/fhir/delayed-referral/response.json").read_text())
    assert answer.json["cards"]
    for card, plain in zip(answer.json["cards"], expected["cards"], strict=True):
        *others, link = card["links"]
        assert others == plain["links"]
        assert link["type"] == "smart"
        assert link["url"] == "http://localhost:8000/smart/launch"
        context = json.loads(link["appContext"])
        assert context["rule"] == card["source"]["topic"]["code"]
        assert {**card, "links": others} == plain
