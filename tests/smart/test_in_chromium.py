"""Launches in Debian's Chromium: real server, real TLS, two sites, third-party cookies blocked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.conftest import Running, Start
from tests.smart.launcher import CLIENT, Launcher, launching
from tests.web.chromium import CHROMIUM, DRIVER, barriers, chromium, complaints, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]
SITE = """
[clients.north]
iss = "https://ehr.example"
jku = "https://ehr.example/jwks"
fhir_servers = ["{ehr}/fhir"]
[clients.north.smart]
client_id = "{client}"
frame_ancestors = ["{ehr}"]
"""


@dataclass
class Set:
    """The EHR at 127.0.0.1 and the service at localhost: to a browser two sites."""

    ehr: Launcher
    running: Running
    app: str

    def launch(self) -> str:
        return f"{self.app}/smart/launch?iss={self.ehr.base}&launch={self.ehr.launch()}"


@pytest.fixture(scope="module")
def both(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    folder, authority = tmp_path_factory.mktemp("smart"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    with launching(Launcher(interactive=True), context) as ehr:
        file = folder / "site.toml"
        file.write_text(SITE.format(ehr=ehr.url, client=CLIENT))
        running = start(
            "serve",
            "--workers",
            "2",
            "--allow-fixed-today",
            CDS_SERVICE_AUTH="open",
            CDS_SERVICE_CONFIG=str(file),
            CDS_SERVICE_STATE=str(folder / "state"),
            CDS_SERVICE_PUBLIC_URL="https://localhost:{port}",
            CDS_SERVICE_FHIR_PRIVATE=ehr.base,
            CDS_SERVICE_CA_FILE=str(folder / "ca.pem"),
            CDS_SERVICE_TLS_CERTIFICATE=str(folder / "certificate.pem"),
            CDS_SERVICE_TLS_KEY=str(folder / "key.pem"),
            CDS_SERVICE_TODAY="2026-06-15",
            CDS_SERVICE_DATABASE_TIMEOUT="5000",
        )
        app = running.url.replace("127.0.0.1", "localhost")
        ehr.redirect = f"{app}/smart/callback"
        yield Set(ehr, running, app)
        running.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    flags = ("--ignore-certificate-errors", "--test-third-party-cookie-phaseout")
    driver = chromium(tmp_path, *flags, javascript=True)
    yield driver
    driver.quit()


def allow(browser: webdriver.Chrome) -> None:
    """The user logs in at the EHR and agrees, and waits for the app."""
    until(browser, lambda b: b.find_element(By.ID, "allow").is_displayed())
    browser.find_element(By.ID, "allow").click()
    until(browser, lambda b: b.find_element(By.CSS_SELECTOR, "main").is_displayed())


def said(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def test_an_ehr_shows_the_app_in_a_frame(browser: webdriver.Chrome, both: Set) -> None:
    both.ehr.page = f'<h1>Chart</h1><iframe width="1200" height="900" src="{both.launch()}">'
    browser.get(f"{both.ehr.url}/ehr")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    allow(browser)
    assert "surgical referral" in said(browser)
    assert "Not obtained" not in said(browser)
    assert browser.find_elements(By.CSS_SELECTOR, "figure.side svg")
    assert barriers(browser) == []
    for link in browser.find_elements(By.CSS_SELECTOR, "article footer a"):
        assert link.get_attribute("target") == "_blank"
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    until(browser, lambda b: "This view has ended" in said(b))
    assert complaints(browser) == []
    assert both.ehr.refused == []


def test_a_person_opens_the_app_by_itself(browser: webdriver.Chrome, both: Set) -> None:
    browser.get(f"{both.app}/smart/launch?iss={both.ehr.base}")
    allow(browser)
    assert "/smart/app/" in browser.current_url
    assert "code=" not in browser.current_url
    assert "surgical referral" in said(browser)
    assert barriers(browser) == []
    browser.refresh()
    assert "surgical referral" in said(browser)
    assert complaints(browser) == []


def test_a_page_that_is_not_the_ehrs_cannot_frame_the_app(
    browser: webdriver.Chrome, both: Set
) -> None:
    """The same server under another name is another origin."""
    browser.get(f"{both.app}/smart/launch?iss={both.ehr.base}")
    allow(browser)
    view = browser.current_url
    both.ehr.page = f'<h1>Trap</h1><iframe width="1200" height="900" src="{view}">'
    browser.get(f"{both.ehr.url.replace('127.0.0.1', 'localhost')}/ehr")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    assert not browser.find_elements(By.CSS_SELECTOR, "figure.side svg")
    assert any("frame-ancestors" in one for one in complaints(browser))


def test_the_log_tells_nothing_of_the_patient(browser: webdriver.Chrome, both: Set) -> None:
    browser.get(f"{both.app}/smart/launch?iss={both.ehr.base}")
    allow(browser)
    log = both.running.log.read_text()
    assert '"route": "/smart/app/<view>"' in log
    assert '"client": "north"' in log
    for secret in (*both.ehr.tokens, *both.ehr.launches, both.ehr.patient, "meredith", "code="):
        assert secret not in log
