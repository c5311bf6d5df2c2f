"""The what-if page as a user walks it, in Debian's Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.conftest import Running, Start
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints, until
from tests.web.console.conftest import CASES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chromium")


@pytest.fixture(scope="module")
def started(profile: Path) -> Iterator[webdriver.Chrome]:
    driver = chromium(profile, javascript=True)
    yield driver
    driver.quit()


@pytest.fixture
def browser(started: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """After each test the browser's console has nothing to complain of."""
    started.set_window_size(1280, 1000)
    yield started
    assert complaints(started) == []


@pytest.fixture
def page(browser: webdriver.Chrome, demo_server: Running) -> Callable[[str], webdriver.Chrome]:
    """Opens the page, with a query or without."""

    def opened(query: str = "") -> webdriver.Chrome:
        browser.get(f"{demo_server.url}/console/what-if{query}")
        return browser

    return opened


def all_of(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def one(browser: webdriver.Chrome, selector: str) -> webdriver.remote.webelement.WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def drawn(browser: webdriver.Chrome, text: str) -> bool:
    return any(text in title for title in all_text(browser, "svg title"))


def all_text(browser: webdriver.Chrome, selector: str) -> list[str]:
    """Text also of what is not painted."""
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return [str(element.get_attribute("textContent")) for element in found]


Page = Callable[..., webdriver.Chrome]


def test_choosing_a_patient_changes_cards_and_timeline(page: Page) -> None:
    browser = page()
    Select(one(browser, "[name=patient]")).select_by_value("steroid-overuse")
    until(browser, lambda b: "4 steroid injections" in " ".join(all_of(b, ".card h3")))
    assert all_of(browser, ".side h3") == ["Left side"]
    assert "patient=steroid-overuse" in browser.current_url


def test_moving_today_by_keyboard_changes_the_cards_and_the_drawing(page: Page) -> None:
    browser = page("?patient=week-6")
    slider = one(browser, "#slider")
    assert all_of(browser, ".card h3")
    for _ in range(3):
        slider.send_keys(Keys.PAGE_DOWN)
    until(browser, lambda b: not drawn(b, "today, 2026-06-15"))
    moved = one(browser, "[name=today]").get_attribute("value")
    until(browser, lambda b: drawn(b, f"today, {moved}"))
    assert browser.switch_to.active_element == slider
    slider.send_keys(Keys.END)
    until(browser, lambda b: "surgical" in " ".join(all_of(b, ".card h3")).lower())


def test_a_pasted_record_is_judged_and_forgotten(page: Page, profile: Path) -> None:
    browser = page()
    file = profile / "record.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in CASES["week-6"].resources))
    one(browser, ".own summary").click()
    browser.find_element(By.ID, "file").send_keys(str(file))
    until(browser, lambda b: "week-6" in " ".join(all_text(b, ".records summary")))
    assert browser.current_url.endswith("/console/what-if")
    browser.find_element(By.ID, "forget").click()
    assert one(browser, "#text").get_attribute("value") == ""
    assert all_of(browser, ".card") == []


WATCH = """
window.seen = [];
const result = document.getElementById("result");
new MutationObserver(() => seen.push(result.textContent)).observe(result, { childList: true });
"""


def test_what_is_forgotten_while_it_is_being_judged_is_not_shown(page: Page, profile: Path) -> None:
    browser = page()
    file = profile / "late.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in CASES["week-6"].resources))
    one(browser, ".own summary").click()
    slow = {"offline": False, "latency": 2000, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    browser.execute_script(WATCH)
    browser.find_element(By.ID, "file").send_keys(str(file))
    until(browser, lambda b: "busy" in one(b, "#result").get_attribute("class"))
    browser.find_element(By.ID, "forget").click()
    assert "busy" not in one(browser, "#result").get_attribute("class")
    Select(one(browser, "[name=patient]")).select_by_value("steroid-overuse")
    until(browser, lambda b: "4 steroid injections" in " ".join(all_of(b, ".card h3")))
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow | {"latency": 0})
    seen = browser.execute_script("return seen")
    assert seen
    assert not [text for text in seen if "week-6" in text]


def test_a_file_that_is_forgotten_while_it_is_read_is_not_taken(page: Page) -> None:
    browser = page()
    browser.execute_async_script(
        "const file = new File(['{}'], 'record.json'), data = new DataTransfer();"
        "data.items.add(file);"
        "document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, dataTransfer: data}));"
        "document.getElementById('forget').click();"
        "file.text().then(() => setTimeout(arguments[0]));"
    )
    assert one(browser, "#text").get_attribute("value") == ""


def test_of_one_patient_nothing_stays_beside_another(page: Page, profile: Path) -> None:
    browser = page("?patient=steroid-overuse")
    assert all_of(browser, ".card")
    Select(one(browser, "[name=patient]")).select_by_value("")
    until(browser, lambda b: not all_of(b, ".card"))
    assert not one(browser, "#slider").is_displayed()
    Select(one(browser, "[name=patient]")).select_by_value("bilateral")
    until(browser, lambda b: all_of(b, ".card"))
    file = profile / "own.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in CASES["week-6"].resources))
    one(browser, ".own summary").click()
    browser.find_element(By.ID, "file").send_keys(str(file))
    until(browser, lambda b: "week-6" in " ".join(all_text(b, ".records summary")))
    assert one(browser, "[name=patient]").get_attribute("value") == ""


def test_what_was_opened_stays_open_while_today_moves(page: Page) -> None:
    browser = page("?patient=week-6")
    places = (".side details:last-of-type", ".verdict:nth-of-type(3)", ".card .overrides")
    for place in places:
        one(browser, f"{place} > summary").click()
    one(browser, "#slider").send_keys(Keys.ARROW_RIGHT)
    until(browser, lambda b: drawn(b, "today, 2026-06-16"))
    assert [one(browser, place).get_attribute("open") for place in places] == ["true"] * 3


def test_a_date_beyond_the_days_drawn_is_drawn_too(page: Page) -> None:
    browser = page("?patient=lapsed-loading")
    browser.execute_script(
        "const field = document.getElementsByName('today')[0]; field.value = '2026-12-01';"
        "field.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    until(browser, lambda b: drawn(b, "today, 2026-12-01"))
    assert one(browser, "#slid").text == "1 December 2026"


def test_a_band_tells_its_days_when_it_is_pointed_at(page: Page) -> None:
    browser = page("?patient=steroid-overuse")
    browser.execute_script("document.querySelector('.item:has(> .tl-band)').focus()")
    assert "too soon" in one(browser, ".pointed").text


def test_a_file_is_dropped_on_the_page(page: Page) -> None:
    browser = page()
    lines = "\n".join(json.dumps(one) for one in CASES["week-6"].resources)
    browser.execute_script(
        "const data = new DataTransfer();"
        "data.items.add(new File([arguments[0]], 'record.ndjson'));"
        "document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, dataTransfer: data}));",
        lines,
    )
    until(browser, lambda b: "week-6" in " ".join(all_text(b, ".records summary")))
    assert one(browser, ".trial [name=text]").get_attribute("value") == lines


def test_on_a_phone_the_drawing_shows_today(page: Page) -> None:
    browser = page("?patient=bilateral")
    narrow = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    browser.refresh()
    today, drawing = (one(browser, s).rect for s in (".tl-alarm-text", ".drawing"))
    assert drawing["x"] < today["x"] < drawing["x"] + drawing["width"]
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_an_order_is_tried(page: Page) -> None:
    browser = page("?patient=steroid-overuse")
    assert not one(browser, "[data-for-orders]").is_displayed()
    Select(one(browser, "[name=service]")).select_by_visible_text("order-sign")
    until(browser, lambda b: "critical" in one(b, ".answers .card").get_attribute("class"))
    assert one(browser, "[data-for-orders]").is_displayed()
    Select(one(browser, "[name=order]")).select_by_value("ibuprofen-3600")
    until(browser, lambda b: "ibuprofen" in " ".join(all_of(b, ".card h3")).lower())


def test_what_cannot_be_read_is_told_on_the_page(page: Page) -> None:
    browser = page()
    one(browser, ".own summary").click()
    one(browser, "#text").send_keys('{"resourceType": "Bundle"}', Keys.TAB)
    until(browser, lambda b: "No answer" in " ".join(all_of(b, "#result h2")))
    assert "one Patient" in one(browser, "#result").text
    assert [m for m in complaints(browser) if "400" not in m] == []


def test_focus_on_a_mark_tells_its_record_and_enter_opens_it(page: Page) -> None:
    browser = page("?patient=steroid-overuse")
    mark = one(browser, "svg a.item[href='#record-2']")
    browser.execute_script("arguments[0].focus()", mark)
    assert "(" in one(browser, ".pointed").text
    mark.send_keys(Keys.ENTER)
    assert one(browser, "#record-2").is_displayed()
    assert "resourceType" in one(browser, "#record-2").text


def test_a_suggestion_is_accepted_and_a_card_dismissed_with_a_reason(page: Page) -> None:
    browser = page("?patient=steroid-overuse")
    one(browser, "[data-suggestion] summary").click()
    one(browser, "[data-suggestion] button").click()
    sent = json.loads(one(browser, ".replied pre").text)["feedback"][0]
    assert sent["outcome"] == "accepted"
    suggested = one(browser, "[data-suggestion]").get_attribute("data-suggestion")
    assert sent["acceptedSuggestions"] == [{"id": suggested}]
    one(browser, ".replied button").click()
    Select(one(browser, ".reply select")).select_by_index(1)
    one(browser, ".reply button").click()
    sent = json.loads(one(browser, ".replied pre").text)["feedback"][0]
    assert sent["outcome"] == "overridden"
    assert sent["overrideReason"]["reason"]["code"]
    assert not one(browser, ".card .detail").is_displayed()
    one(browser, ".replied button").click()
    assert one(browser, ".card .detail").is_displayed()


@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_the_timeline_is_saved(kind: str, begins: bytes, page: Page, profile: Path) -> None:
    browser = page("?patient=steroid-overuse")
    one(browser, f"[data-save={kind}]").click()
    file = profile / f"timeline-left.{kind}"
    until(browser, lambda _: file.exists() and file.stat().st_size > 1000)
    assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize("dark", [False, True])
def test_no_serious_barrier_stands_on_the_page(
    dark: bool, tmp_path: Path, demo_server: Running
) -> None:
    browser = chromium(tmp_path, javascript=True, dark=dark)
    try:
        for query in ("", "?patient=steroid-overuse", "?patient=unreadable"):
            browser.get(f"{demo_server.url}/console/what-if{query}")
            for closed in browser.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
                browser.execute_script("arguments[0].parentElement.open = true", closed)
            assert barriers(browser) == []
    finally:
        browser.quit()


def test_the_page_works_without_a_script(tmp_path: Path, demo_server: Running) -> None:
    browser = chromium(tmp_path, javascript=False)
    try:
        browser.get(f"{demo_server.url}/console/what-if")
        Select(one(browser, "[name=patient]")).select_by_value("steroid-overuse")
        one(browser, ".trial button").click()
        until(browser, lambda b: "4 steroid injections" in one(b, ".card h3").text)
        assert not one(browser, ".slide").is_displayed()
        one(browser, "svg a.item").click()
        assert one(browser, "pre:target").is_displayed()
        assert complaints(browser) == []
    finally:
        browser.quit()


def test_a_form_without_a_script_comes_in_by_plain_http_too(tmp_path: Path, start: Start) -> None:
    """Under another name than this machine's a browser sends no Sec-Fetch-Site without TLS."""
    server = start("demo", CDS_SERVICE_HOSTS="cds.example")
    elsewhere = "--host-resolver-rules=MAP cds.example 127.0.0.1"
    browser = chromium(tmp_path, elsewhere, javascript=False)
    try:
        browser.get(f"{server.url.replace('127.0.0.1', 'cds.example')}/console/what-if")
        Select(one(browser, "[name=patient]")).select_by_value("steroid-overuse")
        one(browser, ".trial button").click()
        until(browser, lambda b: "4 steroid injections" in one(b, ".card h3").text)
    finally:
        browser.quit()
        server.stop()


def test_on_a_tablet_the_timeline_comes_first_and_nothing_hangs_out(page: Page) -> None:
    browser = page("?patient=bilateral")
    browser.set_window_size(768, 1024)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 768
    assert one(browser, ".course").location["y"] < one(browser, ".answers").location["y"]
