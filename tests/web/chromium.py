"""Debian's Chromium for tests: headless, and telling what its console says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
GRAVE = ("serious", "critical")


def chromium(profile: Path, *flags: str, javascript: bool, dark: bool = False) -> webdriver.Chrome:
    """A new browser with its profile in that directory; whoever asks for it quits it."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new",
        "--no-sandbox",  # CI runs as root
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--window-size=1280,1000",
        f"--user-data-dir={profile}",
        *flags,
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
    ):
        options.add_argument(argument)
    prefs: dict[str, Any] = {"download.default_directory": str(profile)}
    if not javascript:
        prefs["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", prefs)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_page_load_timeout(30)
    return driver


def until(
    browser: webdriver.Chrome, true: Callable[[webdriver.Chrome], object], told: str = ""
) -> None:
    """Waits until it is so, also while the page that is asked is being replaced.

    Chromium has several words for that: a stale element, none, a node of another document.
    """
    WebDriverWait(browser, 30, ignored_exceptions=(WebDriverException,)).until(true, told)


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the browser's console says, such as a breach of the content policy."""
    return [entry["message"] for entry in browser.get_log("browser")]


def barriers(browser: webdriver.Chrome) -> list[str]:
    """Serious accessibility faults that axe finds on the page, with the elements."""
    found = Axe().run(browser)["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in GRAVE
    ]
