"""The CDS Hooks Sandbox before a demo of this service: a walk through it, with pictures.

    python -m tools.sandbox_tour BUILD     BUILD: the folder `build` of a built sandbox

The sandbox is not part of this project. Get it from github.com/cds-hooks/sandbox, then
`npm ci` and `npm run build`. It is served on this machine, the browser is kept from all others,
and what is seen is printed; pictures go to docs/images/sandbox-*.png. Needs Debian's chromium.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tools.screenshots import IMAGES, browser, demo
from tools.static_server import served

PATIENCE = 20  # seconds for an answer to be on the screen
NEAR = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
IBUPROFEN, STEROID = "Ibuprofen 800 MG Oral Tablet", "Methylprednisolone 4 MG Oral Tablet"
#: what became of each call of our services, as the browser saw it
CALLS = """
return performance.getEntriesByType('resource')
  .filter(one => one.name.includes('/cds-services/pht-') && one.initiatorType === 'xmlhttprequest')
  .map(one => one.name.split('/cds-services/')[1] + ' ' + one.responseStatus)
"""


def rest(seconds: float) -> None:
    threading.Event().wait(seconds)


class Tour:
    """One browser with the sandbox at `sandbox` before the demo at `demo`."""

    def __init__(self, window: webdriver.Chrome, sandbox: str, demo: str) -> None:
        self._window, self._sandbox, self._demo = window, sandbox, demo

    def walk(self) -> None:
        """All of it, in order."""
        self.read_charts()
        self.answer_cards()
        for drug, patient, picture in (
            (IBUPROFEN, "no-oral-nsaid", "ibuprofen"),
            (STEROID, "steroid-overuse", "steroid"),
        ):
            self.opened(patient, "order-select", "rx-view")
            self.prescribe(drug)
            self.seen(f"Rx View, {drug}", f"rx-view-{picture}")
            self.opened(patient, "order-sign", "rx-sign")
            self.prescribe(drug)
            self.press("Sign Order")
            self.seen(f"Rx Sign, {drug}", f"rx-sign-{picture}")
        self.answer_orders()

    def read_charts(self) -> None:
        self.opened("bilateral", "patient-view", "patient-view")
        self.seen("Patient View, both sides", "bilateral")
        self.opened("newly-diagnosed", "patient-view", "patient-view")
        self.accept()
        self.seen("Patient View, a suggestion accepted", "suggestions")

    def answer_cards(self) -> None:
        """A warning comes back, an information does not."""
        for patient, level in (("steroid-overuse", "a warning"), ("week-6", "an information")):
            self.opened(patient, "patient-view", "patient-view")
            self.dismiss("dismiss" if patient == "steroid-overuse" else "")
            self.seen(f"Patient View, {level} dismissed with a reason")
            self.opened(patient, "patient-view", "patient-view")
            self.seen(f"Patient View, {level}: opened again")

    def answer_orders(self) -> None:
        self.opened("week-6", "order-select", "rx-view")
        self.prescribe(IBUPROFEN)
        self.answered()
        self.accept()
        self.seen("Rx View, a suggestion accepted")
        self.opened("week-6", "order-sign", "rx-sign")
        self.prescribe(IBUPROFEN)
        self.press("Sign Order")
        self.answered()
        self.dismiss()
        self.seen("Rx Sign, a card dismissed with a reason")

    def opened(self, patient: str, hook: str, screen: str) -> None:
        """A screen of the sandbox on a demo patient, with nothing remembered from before."""
        self._window.get(self._sandbox)
        self._window.execute_script("localStorage.clear()")
        query = {
            "fhirServiceUrl": f"{self._demo}/demo/fhir",
            "patientId": patient,
            "serviceDiscoveryURL": f"{self._demo}/cds-services",
            "hook": hook,
            "screen": screen,
        }
        self._window.get(f"{self._sandbox}?{urlencode(query)}")
        self.until(lambda: "Patient" in self.text())
        if screen == "patient-view":
            self.answered()

    def prescribe(self, drug: str) -> None:
        """Types a medication and chooses it; four times a day."""
        box = self.until(lambda: self._window.find_element(By.NAME, "medication-input"))
        for letter in drug:  # it drops letters that come faster than it keeps them
            box.send_keys(letter)
            rest(0.3)
        self.clickable(f"//*[normalize-space()='{drug}' and contains(@class, 'ListItem')]").click()
        self.clickable("//*[@id='dosage-frequency']").click()
        self.clickable("//li[normalize-space()='four times daily']").click()

    def accept(self) -> None:
        """The first suggestion of the first card."""
        self.until(lambda: self._window.find_elements(By.CSS_SELECTOR, "button[class*=contained]"))
        self._window.find_element(By.CSS_SELECTOR, "button[class*=contained]").click()

    def dismiss(self, picture: str = "") -> None:
        """The first card, for the first reason it offers."""
        self.clickable("//button[@aria-label='select dismiss reason']").click()
        reason = self.clickable("//li[contains(., 'Override:')]")
        rest(1)
        if picture:
            self.picture(picture)
        print(f"  dismissed: {' '.join(reason.text.split())}")
        reason.click()

    def press(self, words: str) -> None:
        self.clickable(f"//button[normalize-space()='{words}']").click()

    def seen(self, title: str, picture: str = "") -> None:
        """Prints which cards are there and how the calls went."""
        self.answered()
        print(title)
        for summary in self.summaries():
            print(f"  card: {summary}")
        for call in self._window.execute_script(CALLS):
            print(f"  called: {call}")
        for box in self._window.find_elements(By.NAME, "medication-input"):
            print(f"  medication: {box.get_attribute('value')}, {self.frequency()}")
        if picture:
            self.picture(picture)

    def frequency(self) -> str:
        number = self._window.find_element(By.ID, "dosage-amount").get_attribute("value")
        return f"{number} {self._window.find_element(By.ID, 'dosage-frequency').text}"

    def summaries(self) -> list[str]:
        cards = self._window.find_elements(By.CSS_SELECTOR, "[class*=decision-card]")
        return [card.text.splitlines()[0] for card in cards if card.text]

    def answered(self) -> None:
        """Waits for our services' answer, and for the screen to be at rest."""

        def calls() -> bool:
            made: list[str] = self._window.execute_script(CALLS)
            return bool(made) and "Loading" not in self.text()

        self.until(calls)
        rest(1.5)  # it redraws after each of several answers

    def picture(self, name: str) -> None:
        file = IMAGES / f"sandbox-{name}.png"
        self._window.save_screenshot(str(file))
        print(f"  picture: {file.name}")

    def text(self) -> str:
        return self._window.find_element(By.TAG_NAME, "body").text

    def clickable(self, path: str) -> WebElement:
        return self.until(lambda: self._window.find_element(By.XPATH, path))

    def until(self, true: Any) -> Any:
        try:
            return WebDriverWait(self._window, PATIENCE, ignored_exceptions=(Exception,)).until(
                lambda _: true()
            )
        except TimeoutException:
            self.picture("where-it-stopped")
            raise


def main(build: Path) -> None:
    if not (build / "app.bundle.js").is_file():
        sys.exit(f"{build} holds no built sandbox: {__doc__}")
    with served(build) as port, demo() as url, browser(NEAR, window="1400,1000") as window:
        near = url.replace("127.0.0.1", "localhost")
        Tour(window, f"http://localhost:{port}/", near).walk()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
