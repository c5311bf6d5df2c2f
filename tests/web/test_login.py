"""Logging in to the pages for operators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.trust.attempts import NAME
from cds_service.trust.operators import keep
from cds_service.trust.refusals import refused
from cds_service.web import create_app, server
from tests.operators import OTHER, PASSWORD, line, operators_file
from tests.web.fakes import FakeEngine, FakeService

pytestmark = pytest.mark.usefixtures("no_minute_ends")
LOGIN, PAGE = "/console/login", "/console/what-if"
HTML = {"Accept": "text/html"}
Made = Callable[..., Flask]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """The application with ada as its operator; keyword arguments are settings."""
    opened: list[Store] = []

    def make(**given: Any) -> Flask:
        settings = Settings.load(
            auth="open",
            console="password",
            operators=operators_file(tmp_path),
            state=tmp_path / "state",
            database_timeout=5000,
            **given,
        )
        opened.append(open_store(settings))
        return create_app(settings, [FakeService()], answer=FakeEngine(), store=opened[-1])

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def client(made: Made) -> FlaskClient:
    return made().test_client()


def token(client: FlaskClient, path: str = LOGIN) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path, headers=HTML).text)
    assert found
    return found[1]


def log_in(client: FlaskClient, name: str = "ada", password: str = PASSWORD, **more: Any) -> Any:
    form = {"csrf_token": token(client), "name": name, "password": password}
    return client.post(LOGIN, data=form | more)


def cookies(answer: TestResponse) -> dict[str, str]:
    """Name -> the whole Set-Cookie header."""
    sent = answer.headers.getlist("Set-Cookie")
    return {next(iter(SimpleCookie(one))): one for one in sent}


def test_a_person_who_opens_a_page_is_sent_to_log_in_and_on_to_it(client: FlaskClient) -> None:
    sent = client.get(f"{PAGE}?today=2026-06-15", headers=HTML)
    assert sent.status_code == 303
    assert sent.headers["Location"] == f"{LOGIN}?next=%2Fconsole%2Fwhat-if%3Ftoday%3D2026-06-15"
    form = client.get(sent.headers["Location"])
    assert 'value="/console/what-if?today=2026-06-15"' in form.text
    entered = log_in(client, next="/console/what-if?today=2026-06-15")
    assert entered.status_code == 303
    assert entered.headers["Location"] == "/console/what-if?today=2026-06-15"
    page = client.get(entered.headers["Location"], headers=HTML)
    assert page.status_code == 200
    assert "Logged in as <strong>ada</strong>" in page.text


def test_a_script_without_a_session_is_told_so(client: FlaskClient) -> None:
    for answer in (client.get(PAGE), client.post(f"{PAGE}/result")):
        assert answer.status_code == 403
        assert answer.json["issue"][0]["diagnostics"] == "Log in first."


def test_whoever_sends_a_form_too_late_is_sent_to_log_in(client: FlaskClient) -> None:
    for path in (PAGE, "/console/logout"):
        sent = client.post(path, headers=HTML)
        assert sent.status_code == 303
        assert sent.headers["Location"] == f"{LOGIN}?next={quote(path, safe='')}"


def test_an_operator_may_paste_as_much_as_a_call_may_hold(client: FlaskClient) -> None:
    """More than the 500,000 bytes that a form may have otherwise."""
    log_in(client)
    form = {"csrf_token": token(client, PAGE), "text": "{" + " " * 600_000}
    parts = {name: (None, value) for name, value in form.items()}
    sent = requests.Request("POST", "http://localhost", files=parts).prepare()
    for path in (f"{PAGE}/result", "/console/integrator/lint"):
        refusal = client.post(path, data=sent.body, headers=dict(sent.headers))
        assert "not valid JSON" in refusal.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("", ""), ("ada", "")]
)
def test_all_who_are_refused_are_told_the_same(
    client: FlaskClient, name: str, password: str
) -> None:
    answer = log_in(client, name, password)
    assert answer.status_code == 403
    assert "Name or password is not right." in answer.text
    assert client.get(PAGE).status_code == 403


def test_a_session_is_a_new_one_after_logging_in(client: FlaskClient) -> None:
    """Whoever planted a cookie in the browser before learns nothing of the session."""
    planted = cookies(client.get(LOGIN))
    entered = cookies(log_in(client))
    assert planted["cds-console"] != entered["cds-console"]
    thief = client.application.test_client()
    thief.set_cookie("cds-console", SimpleCookie(planted["cds-console"])["cds-console"].value)
    assert thief.get(PAGE).status_code == 403


def test_logging_in_again_ends_the_session_before(client: FlaskClient) -> None:
    first = SimpleCookie(cookies(log_in(client))["cds-console"])["cds-console"].value
    log_in(client)
    assert client.get(PAGE).status_code == 200
    thief = client.application.test_client()
    thief.set_cookie("cds-console", first)
    assert thief.get(PAGE).status_code == 403


def test_a_cookie_that_was_stolen_is_worth_nothing_after_log_out(client: FlaskClient) -> None:
    stolen = SimpleCookie(cookies(log_in(client))["cds-console"])["cds-console"].value
    thief = client.application.test_client()
    thief.set_cookie("cds-console", stolen)
    assert thief.get(PAGE).status_code == 200
    left = client.post("/console/logout", data={"csrf_token": token(client, PAGE)})
    assert (left.status_code, left.headers["Location"]) == (303, LOGIN)
    assert thief.get(PAGE).status_code == 403
    assert client.get(PAGE).status_code == 403


def test_sessions_hold_for_all_processes_of_a_deployment(made: Made) -> None:
    first, second = made().test_client(), made().test_client()
    cookie = SimpleCookie(cookies(log_in(first))["cds-console"])["cds-console"].value
    second.set_cookie("cds-console", cookie)
    assert second.get(PAGE).status_code == 200
    second.post("/console/logout", data={"csrf_token": token(second, PAGE)})
    assert first.get(PAGE).status_code == 403


def test_a_new_password_logs_out(client: FlaskClient, tmp_path: Path) -> None:
    log_in(client)
    assert client.get(PAGE).status_code == 200
    keep(tmp_path / "operators", "ada", line("ada", OTHER))
    assert client.get(PAGE).status_code == 403
    assert log_in(client, password=OTHER).status_code == 303


@pytest.mark.parametrize(
    ("url", "prefix", "path"),
    [
        ("https://cds.example.org", "__Host-", "/"),
        ("https://cds.example.org/pht", "__Secure-", "/pht"),
        ("", "", "/"),
    ],
)
def test_cookies_are_for_this_service_alone(made: Made, url: str, prefix: str, path: str) -> None:
    client = made(public_url=url).test_client()
    base = url or "http://localhost"
    form = client.get(LOGIN, base_url=base)
    found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    data = {"csrf_token": found[1], "name": "ada", "password": PASSWORD}
    sent = cookies(client.post(LOGIN, base_url=base, data=data))
    assert sorted(sent) == [f"{prefix}cds-console", f"{prefix}cds-console-known"]
    for cookie in sent.values():
        assert "; HttpOnly" in cookie
        assert "; SameSite=Strict" in cookie
        assert cookie.split("; Path=")[1].split(";")[0] == path
        assert "Domain" not in cookie
        assert ("; Secure" in cookie) == bool(url)


def test_behind_a_proxy_with_a_path_all_addresses_have_it(made: Made) -> None:
    client = made(public_url="https://cds.example.org/pht").test_client()
    base = "https://cds.example.org/pht"
    sent = client.get(PAGE, base_url=base, headers=HTML)
    assert sent.headers["Location"] == "/pht/console/login?next=%2Fconsole%2Fwhat-if"
    form = client.get(LOGIN, base_url=base)
    assert 'action="/pht/console/login"' in form.text
    found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    data = {"csrf_token": found[1], "name": "ada", "password": PASSWORD, "next": PAGE}
    entered = client.post(LOGIN, base_url=base, data=data)
    assert entered.headers["Location"] == "/pht/console/what-if"
    assert client.get(PAGE, base_url=base).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/console/what-if",
        "//evil.example/console/what-if",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "console/what-if",
        "/console/what-if/../../../evil",
        "/console/logout",
        "/cds-services",
        "/console/what-if\r\nX: y/..",
        "@evil.example",
        "",
    ],
)
def test_attack_logging_in_leads_nowhere_else(client: FlaskClient, wanted: str) -> None:
    assert log_in(client, next=wanted).headers["Location"] == PAGE


def test_what_is_put_into_the_next_address_is_text(client: FlaskClient) -> None:
    form = client.get(LOGIN, query_string={"next": '"><script>alert(1)</script>'})
    assert "<script>alert" not in form.text


# --- forms of other pages ---


def test_attack_a_form_without_its_token(client: FlaskClient) -> None:
    assert client.post(LOGIN, data={"name": "ada", "password": PASSWORD}).status_code == 400
    log_in(client)
    for path in (PAGE, f"{PAGE}/result", "/console/logout"):
        refusal = client.post(path, data={"text": "{}"})
        assert refusal.status_code == 400
        assert "open too long" in refusal.json["issue"][0]["diagnostics"]
    assert client.get(PAGE).status_code == 200


def test_attack_a_form_with_the_token_of_another_session(made: Made) -> None:
    app = made()
    mine, yours = app.test_client(), app.test_client()
    log_in(mine)
    log_in(yours)
    stolen = token(mine, PAGE)
    assert yours.post("/console/logout", data={"csrf_token": stolen}).status_code == 400
    assert mine.post("/console/logout", data={"csrf_token": stolen}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_attack_a_form_on_a_page_elsewhere(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in (LOGIN, PAGE):
        form = {"csrf_token": token(client, LOGIN), "name": "ada", "password": PASSWORD}
        assert client.post(path, data=form, headers=headers).status_code == 403
    log_in(client)
    form = {"csrf_token": token(client, PAGE)}
    assert client.post("/console/logout", data=form, headers=headers).status_code == 403
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}]
)
def test_a_form_of_our_own_pages_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    form = {"csrf_token": token(client), "name": "ada", "password": PASSWORD}
    assert client.post(LOGIN, data=form, headers=headers).status_code == 303


def test_attack_a_page_elsewhere_uses_the_open_console(tmp_path: Path) -> None:
    app = create_app(
        Settings.load(auth="open", console="local"), [FakeService()], answer=FakeEngine()
    )
    form = {"text": '{"resourceType": "Bundle"}'}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refusal = app.test_client().post(PAGE, data=form, headers=headers)
        assert refusal.status_code == 403
    assert app.test_client().post(PAGE, data=form).status_code != 403


def test_every_form_of_the_console_has_its_token(client: FlaskClient) -> None:
    """A form without one would be refused where operators log in."""
    log_in(client)
    rules = [r for r in client.application.url_map.iter_rules() if r.rule.startswith("/console")]
    pages = [r.rule for r in rules if "GET" in r.methods and not r.arguments]
    assert PAGE in pages
    for page in pages:
        shown = client.get(page, headers=HTML)
        for form in re.findall(r"<form\b[^>]*method=.?post.*?</form>", shown.text, re.S | re.I):
            assert 'name="csrf_token"' in form, page


# --- tries ---


def test_a_password_cannot_be_guessed_for_long(client: FlaskClient) -> None:
    counted: list[str] = []
    form = {"csrf_token": token(client), "name": "ada", "password": "wrong"}

    def count(reason: str, client: str | None) -> None:
        counted.append(str(reason))

    with refused.connected_to(count):
        answers = [client.post(LOGIN, data=form) for _ in range(NAME.amount + 3)]
    codes = [answer.status_code for answer in answers]
    let = NAME.amount // 2  # two processes by default: each has its part
    assert codes == [403] * let + [429] * (NAME.amount + 3 - let)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= NAME.get_expiry()
    assert "Too many tries" in answers[-1].text
    right = client.post(LOGIN, data=form | {"password": PASSWORD})
    assert right.status_code == 429
    assert counted.count("login-refused") == let


def test_the_operator_gets_in_while_strangers_guess(made: Made) -> None:
    app = made()
    ada, stranger = app.test_client(), app.test_client()
    log_in(ada)
    ada.post("/console/logout", data={"csrf_token": token(ada, PAGE)})
    form = {"csrf_token": token(stranger), "name": "ada", "password": "wrong"}
    while stranger.post(LOGIN, data=form).status_code != 429:
        pass
    assert log_in(stranger).status_code == 429
    assert log_in(ada).status_code == 303


def test_attack_a_known_browser_that_is_made_up(made: Made) -> None:
    app = made()
    ada, stranger = app.test_client(), app.test_client()
    known = SimpleCookie(cookies(log_in(ada))["cds-console-known"])["cds-console-known"].value
    form = {"csrf_token": token(stranger), "name": "ada", "password": "wrong"}
    while stranger.post(LOGIN, data=form).status_code != 429:
        pass
    for forged in (known[:-2] + "xx", "WyJhZGEiLCJ4Il0.AAAA.AAAA", "x"):
        stranger.set_cookie("cds-console-known", forged)
        assert stranger.post(LOGIN, data=form).status_code == 429
    other = form | {"name": "bob"}  # the cookie is ada's: it opens no count of its own for bob
    stranger.set_cookie("cds-console-known", known)
    codes = [stranger.post(LOGIN, data=other).status_code for _ in range(NAME.amount)]
    assert codes.count(403) == NAME.amount // 2


# --- the audit ---


def test_the_log_tells_who_came_and_went(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "cds_service"):
        log_in(client, "my password by mistake")
        log_in(client, "ada", "wrong")
        log_in(client)
        client.get(PAGE)
        client.post("/console/logout", data={"csrf_token": token(client, PAGE)})
    events = [
        (r.message, vars(r).get("operator"))
        for r in caplog.records
        if r.name == "cds_service.operator"
    ]
    assert events == [
        ("login-refused", None),
        ("login-refused", "ada"),
        ("login", "ada"),
        ("logout", "ada"),
    ]
    requests = [r for r in caplog.records if r.name == "cds_service.request"]
    at_page = [r for r in requests if vars(r).get("route") == PAGE]
    assert vars(at_page[0]).get("operator") == "ada"
    told = " ".join(str(vars(r)) for r in caplog.records)
    assert "by mistake" not in told
    assert PASSWORD not in told


# --- the start ---


def test_without_operators_nothing_starts(tmp_path: Path, made: Made) -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_OPERATORS must name"):
        create_app(
            Settings.load(auth="open", console="password", state=tmp_path),
            [FakeService()],
            store=open_store(Settings.load(state=tmp_path)),
        )
    empty = tmp_path / "nobody"
    empty.write_text("# nobody yet\n")
    empty.chmod(0o600)
    with pytest.raises(SettingsError, match="nobody who could log in"):
        create_app(
            Settings.load(auth="open", console="password", operators=empty, state=tmp_path),
            [FakeService()],
            store=open_store(Settings.load(state=tmp_path)),
        )


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"host": "0.0.0.0", "public_url": "http://cds.example.org"}, True),
        ({"public_url": "http://cds.example.org"}, True),
        ({"host": "0.0.0.0", "public_url": "https://cds.example.org"}, False),
        ({}, False),
    ],
)
def test_passwords_do_not_cross_the_network_in_clear(given: dict[str, Any], refused: bool) -> None:
    settings = Settings.load(console="password", **given)
    if refused:
        with pytest.raises(SettingsError, match="clear text"):
            server.check_may_serve(settings)
    else:
        server.check_may_serve(settings)


def test_the_demo_asks_nobody_to_log_in(tmp_path: Path) -> None:
    settings = Settings.load(console="password", operators=operators_file(tmp_path))
    app = create_app(settings, demo=True)
    assert app.test_client().get(PAGE).status_code == 200
    assert app.test_client().get(LOGIN).status_code == 404
