"""Attacks on the log-in of operators, over HTTP, at a server of two processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cds_service.trust.attempts import NAME
from cds_service.web.overload import FORM
from tests.conftest import Running, Start
from tests.operators import PASSWORD, line, operators_file

LOGIN, PAGE = "/console/login", "/console/what-if"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Running:
    folder = tmp_path_factory.mktemp("login")
    return start(
        "serve",
        "--workers",
        "2",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="password",
        CDS_SERVICE_OPERATORS=str(operators_file(folder, line("ada"), line("bob"), line("eve"))),
        CDS_SERVICE_STATE=str(folder / "state"),
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
    )


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def token(browser: requests.Session, server: Running, path: str = LOGIN) -> str:
    page = browser.get(server.url + path, headers=HTML, timeout=20)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def post(
    browser: requests.Session, server: Running, path: str = LOGIN, **form: str
) -> requests.Response:
    headers = {"Origin": server.url}
    url = server.url + path
    return browser.post(url, data=form, headers=headers, allow_redirects=False, timeout=30)


def log_in(browser: requests.Session, server: Running, name: str) -> None:
    entered = post(browser, server, csrf_token=token(browser, server), name=name, password=PASSWORD)
    assert entered.status_code == 303, entered.text
    assert browser.get(server.url + PAGE, timeout=20).status_code == 200


def cookie(browser: requests.Session) -> str:
    return str(browser.cookies["cds-console"])


def opened(server: Running, value: str | None) -> int:
    cookies = {"cds-console": value} if value is not None else {}
    return requests.get(server.url + PAGE, cookies=cookies, timeout=20).status_code


def test_attack_no_cookie(server: Running) -> None:
    assert opened(server, None) == 403
    for path in (f"{PAGE}/result", "/console/logout"):
        assert requests.post(server.url + path, timeout=20).status_code == 403


@pytest.mark.parametrize("chunks", [False, True])
def test_attack_a_large_form_of_a_stranger(server: Running, chunks: bool) -> None:
    data = b"name=" + b"x" * FORM
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(
        server.url + LOGIN, data=iter([data]) if chunks else data, headers=form, timeout=20
    )
    assert answer.status_code == 413
    assert f"larger than {FORM} bytes" in answer.json()["issue"][0]["diagnostics"]


def test_attack_a_forged_cookie(server: Running, browser: requests.Session) -> None:
    log_in(browser, server, "bob")
    payload, stamp, signature = cookie(browser).split(".")
    for forged in (
        f"{payload}.{stamp}.{signature[:-2]}aa",
        f"{payload}.{stamp}.",
        f"{payload}..{signature}",
        f"eyJzZWNyZXQiOiJ4In0.{stamp}.{signature}",
        "eyJzZWNyZXQiOiJ4In0",
        "",
        "x" * 4000,
    ):
        assert opened(server, forged) == 403
    assert opened(server, cookie(browser)) == 200


def test_attack_a_cookie_used_after_log_out(server: Running, browser: requests.Session) -> None:
    """Whichever process took the log-out, no process takes the cookie."""
    log_in(browser, server, "bob")
    stolen = cookie(browser)
    form = token(browser, server, PAGE)
    assert post(browser, server, "/console/logout", csrf_token=form).status_code == 303
    assert [opened(server, stolen) for _ in range(6)] == [403] * 6


def test_attack_a_form_from_another_site(server: Running, browser: requests.Session) -> None:
    log_in(browser, server, "bob")
    data = {"csrf_token": token(browser, server, PAGE)}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post(
            server.url + "/console/logout", data=data, headers=headers, timeout=20
        )
        assert answer.status_code == 403
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert opened(server, cookie(browser)) == 200


def test_attack_a_log_in_that_leads_elsewhere(server: Running, browser: requests.Session) -> None:
    form = {"csrf_token": token(browser, server), "name": "bob", "password": PASSWORD}
    for wanted in ("//evil.example/console/what-if", "https://evil.example", "/\\evil.example"):
        entered = post(browser, server, **form, next=wanted)
        assert entered.headers["Location"] == PAGE
        form["csrf_token"] = token(browser, server)


def test_attack_guessing_at_all_processes_at_once(
    server: Running, browser: requests.Session
) -> None:
    form = {"csrf_token": token(browser, server), "name": "eve", "password": "wrong"}
    cookies = browser.cookies.get_dict()

    def guess(_: int) -> int:
        headers = {"Origin": server.url}
        url = server.url + LOGIN
        return requests.post(
            url, data=form, headers=headers, cookies=cookies, timeout=60
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, range(40)))
    assert set(codes) <= {403, 429, 503}
    assert codes.count(403) <= NAME.amount
    assert codes.count(429) >= 40 - 2 * NAME.amount
    assert requests.get(f"{server.url}/health", timeout=20).status_code == 200


def test_what_was_tried_is_in_no_log(server: Running) -> None:
    log = server.log.read_text()
    assert '"event": "login"' in log
    assert '"operator": "bob"' in log
    assert PASSWORD not in log
    assert "cds-console" not in log
    assert "csrf" not in log


def test_the_state_folder_holds_no_password_and_no_cookie(
    server: Running, browser: requests.Session
) -> None:
    log_in(browser, server, "bob")
    held = b"".join(
        path.read_bytes() for path in Path(server.log.parent).parent.rglob("ledger.sqlite3*")
    )
    assert b"bob" in held
    assert PASSWORD.encode() not in held
    assert cookie(browser).split(".")[0].encode() not in held
