"""A page of another origin calls the service from a browser, as the public sandbox does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.conftest import Running, Start
from tests.web.chromium import CHROMIUM, DRIVER, chromium, complaints, until
from tools.static_server import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
PAGE = Path(__file__).parent / "page_elsewhere"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The origin of the page: another port is another origin."""
    with served(PAGE) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path_factory.mktemp("chromium"), javascript=True)
    yield driver
    driver.quit()


def state(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.ID, "state").text


def until_state(browser: webdriver.Chrome, begins: str) -> str:
    until(browser, lambda b: state(b).startswith(begins))
    return state(browser)


def opened(browser: webdriver.Chrome, page: str, service: str, fhir: str, patient: str) -> None:
    query = urlencode({"service": service, "fhir": f"{fhir}/demo/fhir", "patient": patient})
    browser.get(f"{page}/?{query}")


def test_the_demo_is_called_and_told_from_any_page(
    browser: webdriver.Chrome, elsewhere: str, start: Start
) -> None:
    demo = start("demo").url
    opened(browser, elsewhere, demo, demo, "week-6")
    assert until_state(browser, "200") == "200 1"
    assert browser.find_element(By.CSS_SELECTOR, "article h2").text
    browser.find_element(By.CSS_SELECTOR, "article button").click()
    until_state(browser, "feedback 200")
    opened(browser, elsewhere, demo, demo, "week-6")  # what was dismissed is not shown again
    assert until_state(browser, "200") == "200 0"
    assert complaints(browser) == []


def test_a_server_is_called_by_listed_pages_only(
    browser: webdriver.Chrome, elsewhere: str, start: Start, demo_server: Running
) -> None:
    usual = {"CDS_SERVICE_AUTH": "open", "CDS_SERVICE_TODAY": "2026-06-15"}
    listed = start("serve", **usual, CDS_SERVICE_CORS_ORIGINS=elsewhere)
    opened(browser, elsewhere, listed.url, demo_server.url, "steroid-overuse")
    assert until_state(browser, "200") == "200 1"
    closed = start("serve", **usual, CDS_SERVICE_CORS_ORIGINS="https://ehr.example")
    opened(browser, elsewhere, closed.url, demo_server.url, "steroid-overuse")
    assert until_state(browser, "refused") == "refused: TypeError"
    assert any("CORS policy" in one for one in complaints(browser))
