"""Launches that go no further, and what an EHR may say that is not believed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cds_service.errors import SettingsError
from cds_service.trust.refusals import refused
from cds_service.web import clock
from cds_service.web.smart import app as smart
from cds_service.web.smart import view as views
from cds_service.web.smart.cookies import AT_ONCE, WINDOWS
from tests.smart.conftest import REDIRECT, Browser, Made
from tests.smart.launcher import CASES, Change, Launcher
from tests.trust.signing import Key


@pytest.fixture
def told() -> Any:
    """The reasons that were counted."""
    counted: list[str] = []

    def count(reason: str, client: str | None) -> None:
        counted.append(str(reason))

    with refused.connected_to(count):
        yield counted


Stopped = Callable[[TestResponse, int, str], None]


@pytest.fixture
def stopped(told: list[str], ehr: Launcher) -> Stopped:
    """Asserts that a page says so, that nothing of the record was read, and why it was."""

    def check(answer: TestResponse, status: int, reason: str) -> None:
        assert answer.status_code == status, answer.text
        assert "This cannot be shown" in answer.text
        assert "secret-in-description" not in answer.text
        assert told == [reason]
        assert not [path for _, path, _ in ehr.asked if "/fhir/C" in path]

    return check


# --- where a launch begins ---


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "https://evil.example/fhir",
        "http://127.0.0.1:1/fhir",
        "https://169.254.169.254/fhir",
        "http://10.0.0.7/fhir",
        "http://2130706433/fhir",
        "http://[::ffff:127.0.0.1]/fhir",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "not a url",
    ],
)
def test_attack_a_server_nobody_registered(
    browser: Browser, ehr: Launcher, told: list[str], iss: str
) -> None:
    answer = browser.launch(iss=iss)
    assert answer.status_code == 400
    assert told == ["smart-unregistered"]
    assert ehr.asked == []
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "change",
    ["{base}/", "{base}/x", "{base}?a=b", "{base}#x", "{base}/../fhir", "{base}@evil.example"],
)
def test_attack_a_server_that_only_looks_registered(
    browser: Browser, ehr: Launcher, change: str
) -> None:
    iss = change.format(base=ehr.base)
    answer = browser.launch(iss=iss)
    assert answer.status_code == (303 if change == "{base}/" else 400)


def test_attack_a_registered_name_that_leads_into_the_network(
    made: Made, ehr: Launcher, told: list[str]
) -> None:
    """Without CDS_SERVICE_FHIR_PRIVATE the launcher's own address, loopback, is refused."""
    answer = Browser(made(fhir_private="").test_client(), ehr).launch()
    assert answer.status_code == 502
    assert told == ["smart-unreachable"]
    assert ehr.asked == []


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {},
        lambda told: told | {"authorization_endpoint": "http://evil.example/authorize"},
        lambda told: told | {"authorization_endpoint": "javascript:alert(1)"},
        lambda told: told | {"token_endpoint": "http://10.0.0.1/token"},
        lambda told: told | {"token_endpoint": ["x"]},
        lambda told: told | {"jwks_uri": "file:///etc/passwd"},
        lambda told: told | {"code_challenge_methods_supported": ["plain"]},
        lambda told: told | {"code_challenge_methods_supported": None},
    ],
)
def test_a_configuration_that_cannot_be_used(
    browser: Browser, ehr: Launcher, stopped: Stopped, change: Change
) -> None:
    ehr.configuration = change
    stopped(browser.launch(), 502, "smart-configuration")


def test_an_endpoint_within_the_network_is_not_asked(
    browser: Browser, ehr: Launcher, stopped: Stopped
) -> None:
    ehr.configuration = lambda told: told | {"token_endpoint": "https://10.255.255.1/token"}
    stopped(browser.came_back(), 502, "smart-unreachable")


def test_a_server_that_is_away(browser: Browser, ehr: Launcher, stopped: Stopped) -> None:
    ehr.configuration = lambda told: 1 / 0  # its handler breaks off
    stopped(browser.launch(), 502, "smart-unreachable")


# --- the way back ---


def test_attack_a_state_that_was_made_up(browser: Browser, stopped: Stopped) -> None:
    back = browser.authorized()
    code = back.split("code=")[1].split("&")[0]
    stopped(browser.client.get(f"/smart/callback?code={code}&state=made-up"), 400, "smart-state")


def test_attack_no_state(browser: Browser, stopped: Stopped) -> None:
    browser.authorized()
    stopped(browser.client.get("/smart/callback?code=x"), 400, "smart-state")


def test_attack_another_browser(browser: Browser, stopped: Stopped) -> None:
    """Whoever is made to open another's way back does not get into their launch."""
    back = browser.authorized()
    stopped(browser.client.application.test_client().get(back), 400, "smart-state")


def test_attack_a_cookie_that_was_made_up(browser: Browser, ehr: Launcher, told: list[str]) -> None:
    back = browser.authorized()
    kept = next(iter(browser.client._cookies.values()))
    other = browser.client.application.test_client()
    for forged in ("", "x", kept.value[:-4] + "AAAA"):
        other.set_cookie(kept.key, forged)
        assert other.get(back).status_code == 400
    assert set(told) == {"smart-state"}


def test_attack_a_cookie_of_another_launch(
    browser: Browser, ehr: Launcher, stopped: Stopped
) -> None:
    first, second = browser.authorized(), browser.authorized()
    one, two = browser.client._cookies.values()
    thief = browser.client.application.test_client()
    thief.set_cookie(one.key, two.value)
    stopped(thief.get(first), 400, "smart-state")
    assert second


def test_attack_the_same_way_back_twice(browser: Browser, ehr: Launcher, told: list[str]) -> None:
    back = browser.authorized()
    kept = dict(browser.client._cookies)
    assert browser.client.get(back).status_code == 303
    browser.client._cookies.update(kept)  # as if the browser had kept it
    again = browser.client.get(back)
    assert again.status_code == 400
    assert told == ["smart-reused"]
    assert len(ehr.tokens) == 1


def test_attack_the_same_way_back_at_another_machine(
    made: Made, browser: Browser, ehr: Launcher, told: list[str]
) -> None:
    back = browser.authorized()
    other = made().test_client()
    other._cookies = dict(browser.client._cookies)
    assert browser.client.get(back).status_code == 303
    assert other.get(back).status_code == 400
    assert told == ["smart-reused"]


def test_attack_a_code_of_another_launch(browser: Browser, ehr: Launcher, stopped: Stopped) -> None:
    """The code is bound to the other launch's verifier: the server refuses it."""
    first, second = browser.authorized(), browser.authorized()
    stolen = second.split("code=")[1].split("&")[0]
    state = first.split("state=")[1]
    answer = browser.client.get(f"/smart/callback?code={stolen}&state={state}")
    stopped(answer, 502, "smart-token")
    assert ehr.refused == ["invalid_grant"]


def test_a_launch_that_came_back_leaves_no_cookie(browser: Browser) -> None:
    browser.client.get(browser.authorized())
    names = [cookie.key for cookie in browser.client._cookies.values()]
    assert [name for name in names if "launch" in name] == []


@pytest.mark.parametrize(
    "error", ["access_denied", "invalid_scope", "server_error", "<script>alert(1)</script>"]
)
def test_the_ehr_says_no(browser: Browser, ehr: Launcher, stopped: Stopped, error: str) -> None:
    state = browser.authorized().split("state=")[1]
    query = {"error": error, "error_description": "secret-in-description", "state": state}
    answer = browser.client.get("/smart/callback", query_string=query)
    stopped(answer, 403, "smart-denied")
    assert "<script" not in answer.text
    assert ehr.tokens == {}


def test_no_code(browser: Browser, stopped: Stopped) -> None:
    state = browser.authorized().split("state=")[1]
    stopped(browser.client.get(f"/smart/callback?state={state}"), 403, "smart-denied")


def test_attack_an_answer_of_another_server(browser: Browser, stopped: Stopped) -> None:
    """Mix-up: the answer names its issuer, and that is not the one asked (RFC 9207)."""
    back = browser.authorized()
    stopped(browser.client.get(f"{back}&iss=https://evil.example"), 400, "smart-issuer")


def test_the_issuer_that_was_asked_may_name_itself(browser: Browser, ehr: Launcher) -> None:
    assert browser.client.get(f"{browser.authorized()}&iss={ehr.url}").status_code == 303


@pytest.mark.parametrize("without", ["jwks_uri", "capabilities"])
def test_attack_an_answer_of_another_server_where_no_identity_is_told(
    browser: Browser, ehr: Launcher, stopped: Stopped, without: str
) -> None:
    ehr.configuration = lambda told: told | {without: None if without == "jwks_uri" else ["x"]}
    back = browser.authorized()
    stopped(browser.client.get(f"{back}&iss=https://evil.example"), 400, "smart-issuer")


@pytest.mark.parametrize("named", [True, False])
def test_attack_an_answer_that_does_not_say_whose_it_is(
    browser: Browser, ehr: Launcher, stopped: Stopped, named: bool
) -> None:
    """Of a server that says it always does (RFC 9207, 2.4)."""
    always = {"authorization_response_iss_parameter_supported": True}
    ehr.configuration = lambda told: told | always
    back = browser.authorized()
    if named:
        assert browser.client.get(f"{back}&iss={ehr.url}").status_code == 303
    else:
        stopped(browser.client.get(back), 400, "smart-issuer")


def test_launches_that_never_come_back_leave_room_for_the_next(
    browser: Browser, ehr: Launcher
) -> None:
    """Their cookies go with every request, whose headers may hold only so much."""
    ways = [browser.authorized() for _ in range(9)]
    kept = [name for _, _, name in browser.client._cookies if "launch" in name]
    assert len(kept) == AT_ONCE
    assert browser.client.get(ways[-1]).status_code == 303
    assert browser.client.get(ways[-AT_ONCE]).status_code == 303
    assert browser.client.get(ways[0]).status_code == 400


def test_views_that_are_left_open_leave_room_for_the_next(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC)
    views = []
    for second in range(WINDOWS + 2):
        now = began + timedelta(seconds=second)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        views.append(browser.came_back().headers["Location"])
    kept = [name for _, _, name in browser.client._cookies if "view" in name]
    assert len(kept) == WINDOWS
    codes = [browser.client.get(views[n]).status_code for n in (1, 2, -1)]
    assert codes == [403, 200, 200]


def test_a_fault_of_ours_is_told_in_words_too(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = browser.came_back().headers["Location"]

    def broken(*_: object) -> None:
        raise ZeroDivisionError("of the patient")

    monkeypatch.setattr(views, "look", broken)
    answer = browser.client.get(address)
    assert answer.status_code == 500
    assert "This cannot be shown" in answer.text
    assert "of the patient" not in answer.text


def test_the_ehr_knows_another_address_to_come_back_to(browser: Browser, ehr: Launcher) -> None:
    import requests

    ehr.redirect = "https://other.example/callback"
    sent = requests.get(browser.launch().headers["Location"], allow_redirects=False, timeout=20)
    assert sent.status_code == 400
    assert ehr.refused == ["redirect_uri or client_id"]


def test_a_server_without_our_verifier_gives_nothing(ehr: Launcher) -> None:
    """The launcher does check PKCE: else the tests above would show nothing."""
    ehr.codes["c"] = {"redirect_uri": REDIRECT, "code_challenge": "x" * 43, "scope": "launch"}
    form = {"grant_type": "authorization_code", "code": "c", "redirect_uri": REDIRECT}
    assert ehr.token(form, "")[0] == 400
    ehr.codes["c"] = {"redirect_uri": REDIRECT, "code_challenge": "x" * 43, "scope": "launch"}
    assert ehr.token(form | {"code_verifier": "wrong"}, "")[0] == 400


# --- lies of the token endpoint ---


@pytest.mark.parametrize(
    "change",
    [
        lambda told: {},
        lambda told: told | {"access_token": ""},
        lambda told: told | {"access_token": 7},
        lambda told: told | {"access_token": "two words"},
        lambda told: told | {"access_token": "line\r\nX-Header: y"},
        lambda told: told | {"access_token": "x" * 20_000},
        lambda told: told | {"token_type": "mac"},
        lambda told: {k: v for k, v in told.items() if k != "token_type"},
        lambda told: told | {"scope": ["a"]},
        lambda told: told | {"expires_in": 0},
        lambda told: told | {"expires_in": -5},
    ],
)
def test_a_token_that_cannot_be_used(
    browser: Browser, ehr: Launcher, stopped: Stopped, change: Change
) -> None:
    ehr.answer = change
    stopped(browser.came_back(), 502, "smart-token")


@pytest.mark.parametrize("patient", [None, "", "a/b", "../x", 7, "x" * 65, "a?b=c"])
def test_no_patient_no_view(
    browser: Browser, ehr: Launcher, stopped: Stopped, patient: Any
) -> None:
    ehr.answer = lambda told: told | {"patient": patient}
    stopped(browser.came_back(), 502, "smart-patient")


def test_no_answer_in_json(browser: Browser, ehr: Launcher, stopped: Stopped) -> None:
    ehr.answer = lambda told: ["x"]  # type: ignore[assignment,return-value]
    stopped(browser.came_back(), 502, "smart-unreachable")


def test_an_answer_that_is_too_large(browser: Browser, ehr: Launcher, stopped: Stopped) -> None:
    ehr.answer = lambda told: told | {"padding": "x" * 300_000}
    stopped(browser.came_back(), 502, "smart-unreachable")


def test_an_error_of_the_token_endpoint(browser: Browser, ehr: Launcher, stopped: Stopped) -> None:
    ehr.status = 500
    stopped(browser.came_back(), 502, "smart-token")


# --- who the user is ---


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"nonce": "another"},
        lambda claims: claims | {"nonce": None},
        lambda claims: claims | {"nonce": 7},
        lambda claims: claims | {"iss": "https://evil.example"},
        lambda claims: claims | {"iss": None},
        lambda claims: claims | {"aud": "another-app"},
        lambda claims: claims | {"aud": ["pht-app", "another-app"]},
        lambda claims: claims | {"azp": "another-app"},
        lambda claims: claims | {"exp": int(time.time()) - 60},
        lambda claims: claims | {"exp": None},
        lambda claims: claims | {"iat": int(time.time()) + 600},
        lambda claims: claims | {"sub": None},
    ],
)
def test_an_identity_that_is_not_for_this_launch(
    browser: Browser, ehr: Launcher, stopped: Stopped, change: Change
) -> None:
    ehr.claims = change
    stopped(browser.came_back(), 502, "smart-identity")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_attack_an_identity_without_a_signature_of_its_own(
    browser: Browser, ehr: Launcher, stopped: Stopped, algorithm: str
) -> None:
    ehr.algorithm = algorithm
    stopped(browser.came_back(), 502, "smart-identity")


@pytest.mark.parametrize("kid", ["ehr-1", "another"])
def test_attack_an_identity_signed_by_another_key(
    browser: Browser, ehr: Launcher, stopped: Stopped, kid: str
) -> None:
    ehr.sign_with = Key(kid)
    stopped(browser.came_back(), 502, "smart-identity")


@pytest.mark.parametrize("token", [None, 7, "x", "a.b.c"])
def test_an_identity_that_was_promised_and_is_not_there(
    browser: Browser, ehr: Launcher, stopped: Stopped, token: Any
) -> None:
    ehr.answer = lambda told: told | {"id_token": token}
    stopped(browser.came_back(), 502, "smart-identity")


def test_who_is_not_told_is_not_known(browser: Browser, ehr: Launcher) -> None:
    """openid was not granted: no id_token is needed, and one that is sent is not looked at."""
    ehr.granted = lambda asked: " ".join(s for s in asked.split() if s != "openid")
    ehr.answer = lambda told: told | {"id_token": "nonsense"}
    assert browser.view().status_code == 200


@pytest.mark.parametrize("user", ["Patient/delayed-referral", "RelatedPerson/1"])
def test_cards_are_for_clinicians(browser: Browser, ehr: Launcher, user: str) -> None:
    ehr.user = user
    page = browser.view()
    assert page.status_code == 200
    assert "cards are for clinicians" in page.text
    assert "<svg" not in page.text


# --- what was granted ---


def narrower(kind: str) -> Callable[[str], str]:
    return lambda asked: " ".join(one for one in asked.split() if f"/{kind}." not in one)


@pytest.mark.parametrize("kind", ["CarePlan", "Observation", "Procedure", "MedicationRequest"])
def test_what_was_not_granted_was_not_obtained(browser: Browser, ehr: Launcher, kind: str) -> None:
    """Unknown is never no: it is shown, and nothing is concluded from it."""
    ehr.granted = narrower(kind)
    page = browser.view()
    assert page.status_code == 200
    assert "Not obtained" in page.text
    assert f"<li>{kind}: the token does not grant searching {kind}</li>" in page.text
    assert not [path for _, path, _ in ehr.asked if f"/fhir/{kind}?" in path]


@pytest.mark.parametrize("kind", ["Patient", "Condition"])
def test_without_what_every_rule_needs_nothing_is_shown(
    browser: Browser, ehr: Launcher, kind: str
) -> None:
    ehr.granted = narrower(kind)
    page = browser.view()
    assert page.status_code == 412
    assert "the token does not grant" in page.text
    assert "<svg" not in page.text


def test_a_part_of_a_type_is_not_the_whole(browser: Browser, ehr: Launcher) -> None:
    part = "patient/Observation.rs?category=vital-signs"
    ehr.granted = lambda asked: asked.replace("patient/Observation.rs", part)
    assert "Observation: the token grants only a part of Observation" in browser.view().text


def test_the_right_to_write_is_not_used(browser: Browser, ehr: Launcher) -> None:
    ehr.granted = lambda asked: f"{asked} patient/*.cruds patient/*.write"
    assert browser.view().status_code == 200
    wrote = [(m, path) for m, path, _ in ehr.asked if m == "POST" and not path.endswith("_search")]
    assert wrote == [("POST", "/token")]


def test_another_patients_data_is_refused(browser: Browser, ehr: Launcher) -> None:
    other = CASES["week-6"].patient_id
    read = ehr.record.read
    ehr.record.read = lambda kind, one: read(kind, other)  # type: ignore[method-assign]
    page = browser.view()
    assert page.status_code == 412
    assert "<svg" not in page.text


# --- the end of a view ---


def test_a_token_that_was_revoked_shows_nothing(browser: Browser, ehr: Launcher) -> None:
    address = browser.came_back().headers["Location"]
    assert browser.client.get(address).status_code == 200
    ehr.revoked = True
    page = browser.client.get(address)
    assert page.status_code == 412
    assert "401" in page.text
    assert "<svg" not in page.text


def test_a_view_ends_with_its_token(
    browser: Browser, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from cds_service.web.smart import routes

    address = browser.came_back().headers["Location"]
    later = routes.clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(routes.clock, "now", lambda: later)
    page = browser.client.get(address)
    assert page.status_code == 403
    assert "This view has ended" in page.text
    assert told == ["smart-ended"]


def test_a_launch_that_takes_too_long(
    browser: Browser, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    back = browser.authorized()
    now = time.time()
    monkeypatch.setattr("cryptography.fernet.time.time", lambda: now + 601)
    assert browser.client.get(back).status_code == 400
    assert told == ["smart-state"]


@pytest.mark.parametrize("view", ["0" * 16, "x", "../launch", "%2e%2e"])
def test_attack_another_browser_opens_the_view(
    browser: Browser, told: list[str], view: str
) -> None:
    address = browser.came_back().headers["Location"]
    stranger = browser.client.application.test_client()
    assert stranger.get(address).status_code == 403
    assert stranger.post(f"{address}/end").status_code == 403
    assert browser.client.get(f"/smart/app/{view}").status_code in (400, 403, 404)
    assert browser.client.get(address).status_code == 200


def test_attack_a_secret_under_another_views_name(browser: Browser) -> None:
    address = browser.came_back().headers["Location"]
    number = address.rsplit("/", 1)[1]
    stranger = browser.client.application.test_client()
    stranger.set_cookie(f"cds-view-{number}", "guessed")
    assert stranger.get(address).status_code == 403


def test_a_client_that_is_no_longer_registered_shows_nothing(
    made: Made, browser: Browser, ehr: Launcher
) -> None:
    address = browser.came_back().headers["Location"]
    app = made()
    with app.app_context():
        smart.smart_app().registered = {}
    other = app.test_client()
    other._cookies = browser.client._cookies
    assert other.get(address).status_code == 400


# --- headers ---


def test_only_the_ehr_may_frame_the_app(made: Made, ehr: Launcher) -> None:
    browser = Browser(
        made('frame_ancestors = ["https://ehr.example", "https://b.example:8443"]').test_client(),
        ehr,
    )
    page = browser.view()
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors https://ehr.example https://b.example:8443" in policy
    assert "script-src" not in policy
    assert "X-Frame-Options" not in page.headers
    elsewhere = browser.client.get("/guideline")
    assert elsewhere.headers["X-Frame-Options"] == "DENY"


def test_that_a_view_has_ended_can_be_seen_in_the_frame(made: Made, ehr: Launcher) -> None:
    browser = Browser(made('frame_ancestors = ["https://ehr.example"]').test_client(), ehr)
    address = browser.came_back().headers["Location"]
    for answer in (browser.client.post(f"{address}/end"), browser.client.get(address)):
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors https://ehr.example" in policy
        assert "X-Frame-Options" not in answer.headers


def test_without_such_pages_nobody_may(browser: Browser) -> None:
    page = browser.view()
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_cookies_work_in_a_frame_and_nowhere_else(made: Made, ehr: Launcher) -> None:
    client = made(public_url="https://cds.example.org/pht").test_client()
    base = "https://cds.example.org/pht"
    begun = client.get(
        "/smart/launch", base_url=base, query_string={"iss": ehr.base, "launch": "x"}
    )
    cookie = begun.headers["Set-Cookie"]
    assert cookie.startswith("__Secure-cds-launch-")
    for part in ("Secure", "HttpOnly", "Path=/pht", "SameSite=None", "Partitioned"):
        assert f"; {part}" in cookie
    assert (
        "redirect_uri=https%3A%2F%2Fcds.example.org%2Fpht%2Fsmart%2Fcallback"
        in (begun.headers["Location"])
    )


# --- the start ---


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("secret = 'none'", "clients.north.smart: secret: cannot be read"),
        ("key = 'site.toml'", "key and key_id need each other"),
        ("key = 'bad'\nkey_id = 'k'", "key: cannot sign with ES384"),
        ("secret = 'bad'\nkey = 'bad'\nkey_id = 'k'", "secret or key, not both"),
        ("frame_ancestors = ['*']", "must be an origin"),
        ("frame_ancestors = [\"'self'\"]", "must be an origin"),
        ("scopes = ['patient/*.cruds']", "clients.north.smart.scopes is unknown"),
    ],
)
def test_a_faulty_registration_stops_the_start(
    made: Made, tmp_path: Path, table: str, fault: str
) -> None:
    (tmp_path / "bad").write_text("no key")
    (tmp_path / "bad").chmod(0o600)
    with pytest.raises(SettingsError, match=fault):
        made(table)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o620])
def test_a_secret_that_others_can_read_or_change_stops_the_start(
    made: Made, tmp_path: Path, mode: int
) -> None:
    (tmp_path / "open").write_text("s3cret")
    (tmp_path / "open").chmod(mode)
    with pytest.raises(SettingsError, match="others can read or change"):
        made("secret = 'open'")


def test_passwords_of_ehrs_do_not_cross_the_network_in_clear(made: Made) -> None:
    with pytest.raises(SettingsError, match="with https"):
        made(public_url="http://cds.example.org")


def test_without_a_client_for_it_there_is_no_app() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from cds_service.web import create_app; from cds_service.settings import"
        " Settings; app = create_app(Settings.load(auth='open'));"
        " assert app.test_client().get('/smart/launch').status_code == 404;"
        " assert not [m for m in sys.modules if m.startswith(('cds_service.web.smart',"
        " 'cds_service.web.console', 'drawsvg', 'flask_wtf', 'cryptography.fernet'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
