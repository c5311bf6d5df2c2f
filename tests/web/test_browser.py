"""The demo page in Debian's Chromium, with JavaScript switched off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from cds_service.demo.patients import load_cases
from tests.conftest import Running
from tests.web.chromium import CHROMIUM, DRIVER, chromium, complaints

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path_factory.mktemp("chromium"), javascript=False)
    yield driver
    driver.quit()


def test_one_picks_a_patient_and_sees_the_cards(
    browser: webdriver.Chrome, demo_server: Running
) -> None:
    for case in load_cases():
        browser.get(f"{demo_server.url}/demo/chart")
        link = f'a[href="/demo/chart?patient={case.patient_id}"]'
        browser.find_element(By.CSS_SELECTOR, link).click()
        assert browser.find_element(By.TAG_NAME, "h1").text == case.title
        assert browser.find_elements(By.CSS_SELECTOR, ".card, .none"), case.name
        assert complaints(browser) == []


def test_a_suggestion_opens_on_what_it_would_write(
    browser: webdriver.Chrome, demo_server: Running
) -> None:
    shown = []
    for case in load_cases():
        browser.get(f"{demo_server.url}/demo/chart?patient={case.patient_id}")
        for summary in browser.find_elements(By.CSS_SELECTOR, ".suggestions summary")[:1]:
            summary.click()
            shown.append(browser.find_element(By.CSS_SELECTOR, ".suggestions pre").text)
    assert shown
    assert all("resourceType" in text for text in shown)


def test_the_style_is_loaded_under_the_strict_policy(
    browser: webdriver.Chrome, demo_server: Running
) -> None:
    browser.get(demo_server.url)
    header = browser.find_element(By.CSS_SELECTOR, ".bar")
    assert header.value_of_css_property("display") == "flex"
    assert complaints(browser) == []


def test_the_guideline_opens_at_a_rule(browser: webdriver.Chrome, demo_server: Running) -> None:
    browser.get(f"{demo_server.url}/guideline#steroid-overuse")
    rule = browser.find_element(By.ID, "steroid-overuse")
    assert "steroid" in rule.text.lower()
    assert complaints(browser) == []


def test_the_page_fits_a_narrow_screen(browser: webdriver.Chrome, demo_server: Running) -> None:
    browser.set_window_size(500, 900)
    browser.get(f"{demo_server.url}/demo/chart?patient={load_cases()[0].patient_id}")
    main = browser.find_element(By.TAG_NAME, "main")
    assert main.size["width"] <= 500
    browser.set_window_size(1280, 1000)
