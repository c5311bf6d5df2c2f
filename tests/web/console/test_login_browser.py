"""Logging in, working, and logging out, as an operator does it in Debian's Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.conftest import ROOT, Running, Start
from tests.operators import PASSWORD, operators_file
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
RECORD = ROOT / "fixtures" / "fhir" / "delayed-referral" / "record.json"


@pytest.fixture(scope="module")
def server(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Running:
    folder = tmp_path_factory.mktemp("login")
    return start(
        "serve",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="password",
        CDS_SERVICE_OPERATORS=str(operators_file(folder)),
        CDS_SERVICE_STATE=str(folder / "state"),
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
    )


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path, javascript=True)
    yield driver
    driver.quit()


def said(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def until_said(browser: webdriver.Chrome, text: str) -> None:
    until(browser, lambda b: text in said(b), f"{text!r} is not on the page")


def fill(browser: webdriver.Chrome, password: str) -> None:
    browser.find_element(By.NAME, "name").send_keys("ada")
    browser.find_element(By.NAME, "password").send_keys(password, Keys.ENTER)


def test_an_operator_logs_in_works_and_logs_out(browser: webdriver.Chrome, server: Running) -> None:
    browser.get(f"{server.url}/console/what-if?today=2026-06-15")
    assert "These pages are for the operators" in said(browser)
    assert barriers(browser) == []
    assert browser.switch_to.active_element.get_attribute("name") == "name"
    assert complaints(browser) == []

    fill(browser, "not the password")
    until_said(browser, "Name or password is not right.")
    assert barriers(browser) == []
    browser.get_log("browser")  # Chromium writes there that the answer was 403

    fill(browser, PASSWORD)
    until_said(browser, "Logged in as ada")
    assert browser.current_url.endswith("/console/what-if?today=2026-06-15")
    assert barriers(browser) == []

    field = browser.find_element(By.ID, "text")
    browser.execute_script("arguments[0].value = arguments[1]", field, RECORD.read_text())
    browser.find_element(By.CSS_SELECTOR, "#trial .fields button").click()
    until_said(browser, "surgical")
    assert complaints(browser) == []

    browser.find_element(By.CSS_SELECTOR, ".operator button").click()
    until_said(browser, "These pages are for the operators")
    browser.get(f"{server.url}/console/what-if")
    assert "/console/login?next=" in browser.current_url
    assert complaints(browser) == []


def test_a_page_elsewhere_cannot_use_the_session(
    browser: webdriver.Chrome, server: Running, tmp_path: Path
) -> None:
    browser.get(f"{server.url}/console/login")
    fill(browser, PASSWORD)
    until_said(browser, "Logged in as ada")
    trap = tmp_path / "trap.html"
    trap.write_text(
        f'<form method="post" action="{server.url}/console/logout"><button>Win</button></form>'
    )
    browser.get(trap.as_uri())
    browser.find_element(By.TAG_NAME, "button").click()
    until_said(browser, "OperationOutcome")
    browser.get(f"{server.url}/console/what-if")
    assert "Logged in as ada" in said(browser)


def test_over_https_the_cookies_are_bound_to_this_host(
    start: Start, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    issued = trustme.CA().issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    server = start(
        "serve",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="password",
        CDS_SERVICE_OPERATORS=str(operators_file(tmp_path)),
        CDS_SERVICE_STATE=str(tmp_path / "state"),
        CDS_SERVICE_PUBLIC_URL="https://localhost:{port}",
        CDS_SERVICE_TLS_CERTIFICATE=str(tmp_path / "certificate.pem"),
        CDS_SERVICE_TLS_KEY=str(tmp_path / "key.pem"),
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
    )
    profile = tmp_path_factory.mktemp("chromium")
    driver = chromium(profile, "--ignore-certificate-errors", javascript=True)
    try:
        driver.get(f"{server.url.replace('127.0.0.1', 'localhost')}/console/what-if")
        fill(driver, PASSWORD)
        until_said(driver, "Logged in as ada")
        held = {one["name"]: one for one in driver.get_cookies()}
        assert sorted(held) == ["__Host-cds-console", "__Host-cds-console-known"]
        for cookie in held.values():
            told = (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"])
            assert told == (True, True, "Strict", "/")
    finally:
        driver.quit()
        server.stop()
