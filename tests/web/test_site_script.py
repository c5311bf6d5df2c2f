"""What the script of the public pages adds, in Debian's Chromium: copying, and filtering."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cds_service.guideline import RECOMMENDATIONS
from tests.conftest import Running
from tests.web.chromium import CHROMIUM, DRIVER, chromium, complaints

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path_factory.mktemp("chromium"), javascript=True)
    yield driver
    assert complaints(driver) == []
    driver.quit()


def shown(browser: webdriver.Chrome, selector: str) -> list[str]:
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return [one.text for one in found if one.is_displayed()]


def test_the_discovery_address_is_copied(browser: webdriver.Chrome, demo_server: Running) -> None:
    browser.get(demo_server.url)
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    address = browser.find_element(By.ID, "discovery").text
    browser.find_element(By.CSS_SELECTOR, "[data-copy]").click()
    read = "navigator.clipboard.readText().then(arguments[0])"
    assert browser.execute_async_script(read) == address
    assert address.endswith("/cds-services")
    assert shown(browser, ".copied [role=status]") == ["Copied"]


def test_rules_are_filtered_as_one_types(browser: webdriver.Chrome, demo_server: Running) -> None:
    browser.get(f"{demo_server.url}/guideline")
    box = browser.find_element(By.ID, "filter")
    assert len(shown(browser, ".rule[data-rule]")) == len(RECOMMENDATIONS)
    box.send_keys("Shockwave ordered")
    titles = shown(browser, ".rule[data-rule] h2")
    assert any("eswt-caution" in title for title in titles)
    assert len(titles) < len(RECOMMENDATIONS)
    assert len(shown(browser, ".contents li")) == len(titles)
    assert shown(browser, ".search [role=status]") == [
        f"{len(titles)} of {len(RECOMMENDATIONS)} shown"
    ]
    box.send_keys(" nowhere-at-all")
    assert shown(browser, ".rule[data-rule]") == []
    box.clear()
    box.send_keys(" ", Keys.BACKSPACE)
    assert len(shown(browser, ".rule[data-rule]")) == len(RECOMMENDATIONS)


def test_the_form_filters_too(browser: webdriver.Chrome, demo_server: Running) -> None:
    browser.get(f"{demo_server.url}/guideline")
    browser.find_element(By.ID, "filter").send_keys("shockwave", Keys.ENTER)
    assert browser.current_url.endswith("?q=shockwave")
    assert 0 < len(shown(browser, ".rule[data-rule]")) < len(RECOMMENDATIONS)
