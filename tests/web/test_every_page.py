"""What holds on every page of the navigation, in Debian's Chromium.

A page that is added to the navigation is held to it without a word here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.conftest import Running
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
KNOWN = {"/", "/demo/chart", "/console/what-if", "/console/integrator", "/guideline", "/value-sets"}
TABLET, PHONE = 768, 390


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[webdriver.Chrome]:
    driver = chromium(tmp_path_factory.mktemp("chromium"), javascript=True, dark=request.param)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def addresses(browser: webdriver.Chrome, demo_server: Running) -> list[str]:
    """Of every page, as the navigation leads to it."""
    browser.get(demo_server.url)
    links = browser.find_elements(By.CSS_SELECTOR, "nav[aria-label=Pages] a")
    found = [str(link.get_attribute("href")) for link in links]
    assert {f"{demo_server.url}{path}" for path in KNOWN} <= set(found)
    return found


def wide(browser: webdriver.Chrome, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
    )


@pytest.fixture(autouse=True)
def desktop(browser: webdriver.Chrome) -> Iterator[None]:
    """Each test begins and ends at the width of a desk, and on the screen."""
    wide(browser, 1280)
    yield
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def overflow(browser: webdriver.Chrome) -> int:
    """Pixels by which the page hangs out of its window."""
    return int(
        browser.execute_script(
            "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
        )
    )


def opened(browser: webdriver.Chrome) -> None:
    """What a reader may open is open."""
    browser.execute_script(
        "document.querySelectorAll('details').forEach(one => { one.open = true })"
    )


def test_no_serious_barrier_and_no_complaint(
    browser: webdriver.Chrome, addresses: list[str]
) -> None:
    for address in addresses:
        browser.get(address)
        opened(browser)
        assert barriers(browser) == [], address
        assert complaints(browser) == [], address


@pytest.mark.parametrize("width", [TABLET, PHONE])
def test_nothing_hangs_out_of_a_narrow_screen(
    width: int, browser: webdriver.Chrome, addresses: list[str]
) -> None:
    wide(browser, width)
    for address in addresses:
        browser.get(address)
        opened(browser)
        assert overflow(browser) <= 0, address


def test_the_first_tab_leads_past_the_navigation(
    browser: webdriver.Chrome, addresses: list[str]
) -> None:
    for address in addresses:
        browser.get(address)
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        skip = browser.switch_to.active_element
        assert skip.text == "Skip to content", address
        skip.send_keys(Keys.ENTER)
        assert browser.switch_to.active_element.get_attribute("id") == "content", address


def test_focus_can_be_seen_on_all_that_takes_it(
    browser: webdriver.Chrome, addresses: list[str]
) -> None:
    for address in addresses:
        browser.get(address)
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        for _ in range(25):
            browser.switch_to.active_element.send_keys(Keys.TAB)
            here = browser.switch_to.active_element
            if here.tag_name == "body":  # the page has no more
                break
            style = here.value_of_css_property("outline-style")
            assert style != "none", f"{address}: {here.get_attribute('outerHTML')[:200]}"


def test_each_page_has_its_landmarks_and_says_where_one_is(
    browser: webdriver.Chrome, addresses: list[str]
) -> None:
    titles = set()
    for address in addresses:
        browser.get(address)
        for landmark in ("header.top", "nav[aria-label=Pages]", "main", "body > footer"):
            assert len(browser.find_elements(By.CSS_SELECTOR, landmark)) == 1, address
        assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1, address
        here = browser.find_elements(By.CSS_SELECTOR, "nav[aria-label=Pages] [aria-current=page]")
        assert [link.get_attribute("href") for link in here] == [address]
        titles.add(browser.title)
    assert len(titles) == len(addresses)


def test_on_paper_there_is_content_and_nothing_to_press(
    browser: webdriver.Chrome, addresses: list[str]
) -> None:
    for address in addresses:
        browser.get(address)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert not browser.find_element(By.CSS_SELECTOR, "nav[aria-label=Pages]").is_displayed()
        pressed = browser.find_elements(By.CSS_SELECTOR, "button, input, select, textarea")
        assert [one.get_attribute("outerHTML") for one in pressed if one.is_displayed()] == []
        assert browser.find_element(By.TAG_NAME, "main").is_displayed()
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_pages_ask_no_other_server(browser: webdriver.Chrome, addresses: list[str]) -> None:
    for address in addresses:
        browser.get(address)
        asked = browser.execute_script(
            "return performance.getEntriesByType('resource').map(one => one.name)"
        )
        assert asked, address
        here = address.split("/", 3)[:3]
        assert [one for one in asked if one.split("/", 3)[:3] != here] == []


def test_the_policy_of_every_page_lets_nothing_inline_run(addresses: list[str]) -> None:
    for address in addresses:
        policy = requests.get(address, timeout=30).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address
        assert "unsafe" not in policy, address
