"""Pictures for README and docs, taken of a demo that this command starts and stops.

    python -m tools.screenshots            writes docs/images/*.png
    python -m tools.screenshots FOLDER     every page, to look at: light, dark, tablet and phone

Needs Debian's chromium and chromium-driver.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WINDOW = "1400,1900"  # tall: what scrolls is cut
#: file -> address, and the element that is pictured
PICTURES: dict[str, tuple[str, str]] = {
    "card.png": ("/demo/chart?patient=delayed-referral", ".card"),
    "home.png": ("/", "body"),
    "integrator.png": ("/console/integrator", "body"),
    "timeline.png": ("/console/what-if?patient=steroid-overuse", ".side"),
    "what-if.png": ("/console/what-if?patient=week-6", ".outcome"),
}
DARK = "--blink-settings=preferredColorScheme=0"
#: name -> width of the window in pixels, and arguments for the browser
LOOKS: dict[str, tuple[int, tuple[str, ...]]] = {
    "light": (1280, ()),
    "dark": (1280, (DARK,)),
    "tablet": (768, ()),
    "phone": (390, ()),
}


def main(folder: Path | None = None) -> None:
    if folder is None:
        _for_docs()
    else:
        _to_look_at(folder)


def _to_look_at(folder: Path) -> None:
    """Each page of the navigation, from its top, in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as url:
        for look, (width, arguments) in LOOKS.items():
            with browser(*arguments) as window:
                _sized(window, width)
                window.get(url)
                links = window.find_elements(By.CSS_SELECTOR, "nav[aria-label=Pages] a")
                for address in [str(link.get_attribute("href")) for link in links]:
                    window.get(address)
                    name = address.removeprefix(url).strip("/").replace("/", "-") or "home"
                    window.save_screenshot(str(folder / f"{name}-{look}.png"))


def _sized(window: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 1500, "deviceScaleFactor": 1, "mobile": False}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _for_docs() -> None:
    with demo() as url, browser() as window:
        for name, (address, element) in PICTURES.items():
            window.get(url + address)
            window.find_element(By.CSS_SELECTOR, element).screenshot(str(IMAGES / name))
            print(IMAGES / name)


@contextmanager
def demo() -> Iterator[str]:
    """A demo on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "cds_service", "demo", "--port", port])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(f"{url}/health", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    sys.exit("the demo does not answer")


@contextmanager
def browser(*more: str, window: str = WINDOW) -> Iterator[webdriver.Chrome]:
    """Chromium, headless, with a new profile; `more` arguments for it."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    with tempfile.TemporaryDirectory() as profile:
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={window}",
            f"--user-data-dir={profile}",
            *more,
        ):
            options.add_argument(argument)
        driver = webdriver.Chrome(
            options=options, service=Service(str(shutil.which("chromedriver")))
        )
        try:
            yield driver
        finally:
            driver.quit()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
