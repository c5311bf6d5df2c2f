"""The feedback page as a quality analyst walks it, in Debian's Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.conftest import ROOT, Running, Start
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
VIEW = "/cds-services/pht-patient-view"


@pytest.fixture(scope="module")
def used(start: Start) -> Running:
    """A demo of its own, in which charts were opened and some cards answered."""
    server = start("demo")
    for patient, outcome in (("delayed-referral", "overridden"), ("week-6", "accepted")):
        file = ROOT / "fixtures" / "fhir" / patient / "request.json"
        for _ in range(3):
            body = json.loads(file.read_text()) | {"hookInstance": str(uuid4())}
            card = requests.post(server.url + VIEW, json=body, timeout=30).json()["cards"][0]
            entry = {"card": card["uuid"], "outcome": outcome}
            entry["outcomeTimestamp"] = "2026-06-15T10:00:00Z"
            if outcome == "accepted":
                entry["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
            tell(server, entry)
    return server


def tell(server: Running, entry: dict[str, Any]) -> None:
    """Feedback, again while the database is busy, as the answer asks for."""
    answers = (
        requests.post(f"{server.url}{VIEW}/feedback", json={"feedback": [entry]}, timeout=30)
        for _ in range(50)
    )
    assert next((a for a in answers if a.status_code != 503), None) is not None


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_an_analyst_reads_the_page(
    used: Running, tmp_path: Path, dark: bool, javascript: bool
) -> None:
    browser = chromium(tmp_path, javascript=javascript, dark=dark)
    try:
        browser.get(f"{used.url}/console/what-if")
        browser.find_element(By.LINK_TEXT, "Feedback").click()
        assert "3 overridden" in browser.find_element(By.TAG_NAME, "main").text
        browser.find_element(By.CSS_SELECTOR, "figure summary").send_keys(Keys.ENTER)
        table = browser.find_element(By.CSS_SELECTOR, "figure table").text
        assert "surgical-referral-overdue" in table
        since = browser.find_element(By.NAME, "since")
        assert since.get_attribute("value") == "2026-03-18"
        browser.find_element(By.CSS_SELECTOR, "form.trial button").click()
        until(browser, lambda b: "since=2026-03-18" in b.current_url)
        if javascript:
            assert barriers(browser) == []
            for item in browser.find_elements(By.CSS_SELECTOR, "svg .item"):
                assert item.get_attribute("tabindex") == "0"
                assert item.find_element(By.TAG_NAME, "title").get_attribute("textContent")
        assert complaints(browser) == []
    finally:
        browser.quit()
