"""The integrator page as a user walks it, in Debian's Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.conformance.calls import VIEW, overdue
from tests.conftest import ROOT, Running
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints, until
from tests.web.console.test_what_if_browser import all_of, one

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
CAPTURED = ROOT / "fixtures" / "fhir" / "week-6" / "request.json"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path_factory.mktemp("chromium"), javascript=True)
    yield driver
    driver.quit()


@pytest.fixture
def browser(started: webdriver.Chrome, demo_server: Running) -> Iterator[webdriver.Chrome]:
    """On the page; the browser's console has nothing to complain of afterwards."""
    started.get(f"{demo_server.url}/console/integrator")
    yield started
    assert complaints(started) == []


def reported(browser: webdriver.Chrome) -> None:
    until(browser, lambda b: "pht-patient-view" in " ".join(all_of(b, ".report h3")))


def test_a_file_is_checked_and_forgotten(browser: webdriver.Chrome) -> None:
    browser.find_element(By.ID, "file").send_keys(str(CAPTURED))
    reported(browser)
    assert one(browser, "#said").text == "Fine"
    assert "step-up-options" in one(browser, ".report").text
    assert barriers(browser) == []
    browser.find_element(By.ID, "forget").click()
    assert browser.find_element(By.ID, "text").get_attribute("value") == ""
    assert all_of(browser, ".report") == []


DROP = """
const data = new DataTransfer();
data.items.add(new File([arguments[0]], 'captured.json', { type: 'application/json' }));
document.body.dispatchEvent(new DragEvent('dragover', { bubbles: true, dataTransfer: data }));
document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer: data }));
"""


def test_a_file_is_dropped_anywhere_on_the_page(browser: webdriver.Chrome) -> None:
    browser.execute_script(DROP, CAPTURED.read_text())
    reported(browser)


def test_what_is_pasted_is_checked_by_the_button(browser: webdriver.Chrome) -> None:
    paste = "arguments[0].value = arguments[1]"
    browser.execute_script(paste, browser.find_element(By.ID, "text"), CAPTURED.read_text())
    one(browser, "#linted button").click()
    reported(browser)
    assert browser.current_url.endswith("/console/integrator")


def test_a_request_is_copied_for_a_shell(browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    one(browser, "[data-copy=brief-pht-patient-view]").click()
    read = "navigator.clipboard.readText().then(arguments[0])"
    text = browser.execute_async_script(read)
    assert text.startswith("curl -sS ")
    assert text.endswith("\nBODY")


def test_the_calls_of_the_demo_are_there(browser: webdriver.Chrome, demo_server: Running) -> None:
    assert requests.post(demo_server.url + VIEW, json=overdue(), timeout=30).status_code == 200
    browser.refresh()
    calls = browser.find_elements(By.CSS_SELECTOR, "section[aria-labelledby=calls] tbody tr")
    assert calls
    assert "pht-patient-view" in calls[0].text
    assert "1 card" in calls[0].text


def test_it_works_without_a_script(tmp_path: Path, demo_server: Running) -> None:
    plain = chromium(tmp_path, javascript=False)
    try:
        plain.get(f"{demo_server.url}/console/integrator")
        area = plain.find_element(By.ID, "text")
        area.send_keys('{"hook": "patient-view", "hookInstance": "x"}')
        one(plain, "#linted button").click()
        until(plain, lambda b: "judgement is stopped" in one(b, ".report h3").text)
        assert "context" in one(plain, ".report").text
        assert complaints(plain) == []
    finally:
        plain.quit()
