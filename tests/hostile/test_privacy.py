"""Nothing about a patient or user is left anywhere: every path is driven with marked values.

Then logs, metrics, errors, the bytes of the database and the state folder are searched for the
mark. Where a caller's own words may be, and why, stands in docs/security.md, "Patient data".
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.demo.patients import load_cases
from tests.conftest import ROOT, Running, Start
from tests.fhir import servers
from tests.fhir.servers import FakeFhir
from tests.hostile.conftest import FIXTURES, PUBLIC, SERVICE
from tests.hostile.sites import Site, migrated
from tests.operators import PASSWORD, line, operators_file
from tests.postgres import Postgres
from tests.strategies import loading, patient, pht
from tests.trust.signing import Ehr

pytestmark = pytest.mark.slow

#: stands in every id, name, text, number, token, comment and address that is sent
MARK = "Zz9Secret"
#: what a client itself makes up in feedback, where the codes and ids of its cards belong
OWN = "Zz9Own"
IDS = ("id", "patientId", "encounterId", "userId", "reference", "selections", "dispatchedOrders")
WORDS = ("text", "display", "family", "description", "title", "value", "valueString", "unit")


def marked(sent: dict[str, Any]) -> dict[str, Any]:
    """The same call about a marked patient, by a marked user, with marks in every free text."""
    written = json.dumps(sent)
    known = {sent["context"]["patientId"], sent["context"].get("encounterId")} - {None, ""}
    for name in sorted(known, key=len, reverse=True):
        written = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{MARK}-{name}"[:64], written)
    made: dict[str, Any] = worded(json.loads(written))
    made["context"]["userId"] = f"Practitioner/{MARK}-user"
    made["hookInstance"] = str(uuid.uuid4())
    if isinstance(person := made.get("prefetch", {}).get("patient"), dict):
        person |= {
            "identifier": [{"system": "urn:mrn", "value": f"{MARK}-mrn"}],
            "telecom": [{"system": "phone", "value": f"{MARK}-phone"}],
            "address": [{"line": [f"{MARK}-street"], "city": f"{MARK}-city"}],
        }
    return made


def worded(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: f"{v} {MARK}" if k in WORDS and isinstance(v, str) else worded(v)
            for k, v in value.items()
        }
    return [worded(one) for one in value] if isinstance(value, list) else value


def forms(mark: str) -> list[bytes]:
    """The mark as it may stand in bytes: plain, in UTF-16, and within base64 at each offset."""
    plain = mark.encode()
    inner = [base64.b64encode(b"x" * n + plain).rstrip(b"=")[2 + n : -2] for n in range(3)]
    return [plain, mark.encode("utf-16-le"), *inner]


def assert_clean(where: str, data: bytes, *marks: str) -> None:
    for mark in marks or (MARK, OWN):
        for form in forms(mark):
            at = data.find(form)
            assert at < 0, f"{where}: {data[max(0, at - 200) : at + 100]!r}"


@dataclass
class Driven:
    """A server under watch: every answer is checked as it comes."""

    running: Running
    ehr: Ehr
    south: Ehr
    hospital: FakeFhir
    state: Path
    statuses: set[int] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, ehr: Ehr | None = None, **more: Any) -> Any:
        """With a token whose claims are marked; an answer that is no 200 holds no mark."""
        token = (ehr or self.ehr).token(
            PUBLIC + path.partition("?")[0],
            jti=f"{MARK}-{uuid.uuid4()}",
            sub=f"{MARK}-sub",
            fhirUser=f"{MARK}-user",
        )
        self.tokens.append(token)
        headers = {
            "Authorization": f"Bearer {token}",
            "Cookie": f"session={MARK}",
            "User-Agent": MARK,
            "X-Request-Id": MARK,
        } | more.pop("headers", {})
        url = (self.running.metrics if path == "/metrics" else self.running.url) + path
        answer = requests.request(method, url, headers=headers, timeout=60, **more)
        self.statuses.add(answer.status_code)
        if answer.status_code != 200 or method == "GET":
            told = json.dumps(self.without_expressions(answer))
            assert_clean(f"{method} {path} {answer.status_code}", told.encode())
        assert_clean("headers", str(answer.headers).encode())
        return answer

    @staticmethod
    def without_expressions(answer: requests.Response) -> Any:
        try:
            told = answer.json()
        except ValueError:
            return answer.text
        for issue in told.get("issue", ()):
            issue.pop("expression", None)
        return told

    def call(self, path: str, body: Any, **more: Any) -> Any:
        return self.send("POST", path, json=body, **more)


def driven_on(site: Site, start: Start, **more: str) -> Driven:
    ehrs = site.keys["north"], site.keys["south"]
    return Driven(site.started(start, **more), *ehrs, site.hospital, site.folder / "state")


def drive_hooks(driven: Driven) -> None:
    """All demo patients and all fixtures, explained; no card names whom it is about in words."""
    files = sorted(FIXTURES.rglob("request.json"))
    assert len(files) > len(load_cases()) > 15
    for file in files:
        sent = marked(json.loads(file.read_text()))
        answer = driven.call(f"/cds-services/pht-{sent['hook']}?explain=true", sent)
        if answer.status_code != 200:
            continue
        for card in answer.json()["cards"]:
            driven.cards.append(card["uuid"])
            words = card["summary"] + json.dumps(card.get("links")) + json.dumps(card["source"])
            assert_clean("card", words.encode())
    assert len(driven.cards) > 40


def drive_errors(driven: Driven) -> None:
    """Each status a client can get."""
    sound = marked(json.loads((FIXTURES / "delayed-referral" / "request.json").read_text()))
    key = {"prefetch": {f"{MARK}-key": MARK}}
    for body in (
        {},
        {MARK: MARK},
        sound | {"hook": MARK},
        sound | {"hookInstance": MARK},
        sound | {"context": {MARK: MARK}},
        sound | {"context": sound["context"] | {"patientId": f"{MARK} x"}},
        sound | key,
        sound | {"fhirServer": f"https://ehr.example/Patient/{MARK}?id={MARK}"},
        sound | {"fhirServer": f"https://{MARK}@ehr.example/", "fhirAuthorization": {MARK: MARK}},
    ):
        driven.call(SERVICE, body)
    other = json.loads(json.dumps(sound))
    other["prefetch"]["patient"]["id"] = f"{MARK}-other"
    driven.call(SERVICE, other)
    driven.call(SERVICE, worded(sound) | {"prefetch": {}})
    for data, kind in (
        (f'{{"{MARK}": "{MARK}"'.encode(), "application/json"),
        (f'{{"{MARK}": 1, "{MARK}": 2}}'.encode(), "application/json"),
        (f'{{"{MARK}": "\\ud800"}}'.encode(), "application/json"),
        (f'{{"{MARK}": NaN}}'.encode(), "application/json"),
        (MARK.encode() + b"\xff", "application/json"),
        (f'"{MARK}"'.encode(), "application/json"),
        (b"[" * 300 + MARK.encode(), "application/json"),
        (f'{{"{MARK}": "{"x" * 1_100_000}"}}'.encode(), "application/json"),
        (MARK.encode() * 1_200_000, "application/json"),
        (MARK.encode(), f"text/{MARK}"),
    ):
        driven.send("POST", SERVICE, data=data, headers={"Content-Type": kind})
    for method, path in (
        ("GET", f"/{MARK}"),
        ("POST", f"/cds-services/{MARK}?patient={MARK}"),
        ("POST", f"/cds-services/{MARK}/feedback"),
        ("DELETE", f"{SERVICE}?{MARK}={MARK}"),
        ("GET", f"/static/{MARK}"),
        ("GET", f"/guideline?{MARK}={MARK}"),
    ):
        driven.send(method, path, data=MARK)
    driven.send("POST", SERVICE, ehr=driven.south, json=sound)
    for token in ("", MARK, f"{MARK}.{MARK}.{MARK}", driven.tokens[0], driven.tokens[-1][:-4]):
        driven.send("POST", SERVICE, json=sound, headers={"Authorization": f"Bearer {token}"})


def drive_feedback(driven: Driven) -> None:
    """Comments, and codes and ids that the client makes up."""
    entries = []
    for card in driven.cards[:20]:
        told = {"card": card, "outcomeTimestamp": "2026-06-15T09:30:00Z"}
        reason = {"reason": {"code": "patient-declined"}, "userComment": f"{MARK} comment"}
        entries.append(told | {"outcome": "overridden", "overrideReason": reason})
        entries.append(told | {"outcome": "accepted", "acceptedSuggestions": [{"id": OWN}]})
    entries.append(
        {"card": OWN, "outcome": "overridden", "outcomeTimestamp": "2026-06-15T09:30:00Z"}
    )
    path = f"{SERVICE}/feedback"
    assert_clean("feedback", driven.call(path, {"feedback": entries}).content)
    for broken in ([MARK], [{MARK: MARK}], [{**entries[0], "outcome": MARK}], MARK):
        driven.call(path, {"feedback": broken})


FAILURES = (
    servers.status(401),
    servers.status(404),
    servers.status(500),
    servers.status(302, Location=f"http://127.0.0.1:1/{MARK}"),
    servers.html,
    servers.stall,
    servers.next_at(f"http://127.0.0.1:1/{MARK}"),
    lambda handler: handler.send({"resourceType": "OperationOutcome", "text": MARK}),
    lambda handler: handler.send({MARK: MARK}),
)


def drive_fetching(driven: Driven) -> None:
    """From a FHIR server that answers, and from one that fails in every way."""
    me = f"{MARK}-patient"
    about = {"subject": {"reference": f"Patient/{me}"}}
    driven.hospital.record = {
        "Patient": [patient(id=me, name=[{"family": MARK}])],
        "Condition": [pht(**about)],
        "Procedure": [loading(since=200, note=[{"text": MARK}], **about)],
    }
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "context": {"patientId": me, "userId": f"Practitioner/{MARK}-user"},
        "fhirServer": driven.hospital.url,
        "fhirAuthorization": {
            "access_token": f"{MARK}-access-token",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": f"{MARK}-subject",
        },
    }
    answer = driven.call(SERVICE, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["cards"]
    for failure in FAILURES:
        driven.hospital.answers["Procedure"] = driven.hospital.answers["Condition"] = failure
        driven.call(f"{SERVICE}?explain=true", body)
    driven.hospital.answers.clear()
    assert driven.hospital.asked
    assert any(MARK in path for path in driven.hospital.paths())  # it did go there


def drive_pages(driven: Driven) -> None:
    for path in (
        "/cds-services",
        "/health",
        "/ready",
        "/metrics",
        "/openapi.json",
        "/",
        "/guideline",
    ):
        answer = driven.send("GET", path)
        assert answer.status_code in (200, 503), path


STATUSES = {200, 400, 401, 403, 404, 405, 412, 413, 415}


def check_left(driven: Driven) -> None:
    """What is left when all is over: the log, and every byte of the state folder."""
    log = driven.running.log.read_bytes()
    assert b'"event": "request"' in log
    assert_clean("log", log)
    for token in driven.tokens[:20]:
        for part in token.split("."):
            assert part.encode() not in log
    for file in driven.state.rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_bytes(), MARK)


def check_commands(site: Site) -> None:
    """What an operator prints or exports of the record names nobody."""
    for words in (
        ["feedback", "report"],
        ["feedback", "export", "--format", "hti1-csv"],
        ["feedback", "export", "--format", "fhir-ndjson"],
        ["ledger", "purge", "--dry-run"],
        ["clients"],
        ["settings"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "cds_service", *words],
            env={**os.environ, **site.environment},
            cwd=site.folder, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert_clean(" ".join(words), done.stdout + done.stderr, MARK)


def drive(driven: Driven) -> None:
    for step in (drive_hooks, drive_errors, drive_feedback, drive_fetching, drive_pages):
        step(driven)
    assert driven.statuses >= STATUSES


def test_nothing_of_a_patient_is_left_with_sqlite(start: Start, site: Site) -> None:
    driven = driven_on(site, start)
    drive(driven)
    database = site.folder / "state" / "ledger.sqlite3"
    held = b"".join(file.read_bytes() for file in database.parent.glob("ledger.sqlite3*"))
    assert b"surgical-referral-overdue" in held  # it does hold what was advised
    assert OWN.encode() in held
    assert_clean("database under way", held, MARK)
    check_commands(site)
    driven.running.stop()
    check_left(driven)


def test_nothing_of_a_patient_is_left_with_postgresql(
    start: Start, site: Site, cluster: Postgres
) -> None:
    """Also in the spool, while the database is down; and in the dump when it is back."""
    url = cluster.create(f"t{uuid.uuid4().hex}")
    driven = driven_on(site, start, **migrated(site, url))
    drive(driven)
    cluster.stop()
    try:
        drive_hooks(driven)
        drive_feedback(driven)
        assert 503 in driven.statuses
        spool = [file for file in (driven.state / "spool").rglob("*") if file.is_file()]
        assert b"surgical-referral-overdue" in b"".join(file.read_bytes() for file in spool)
        check_left(driven)
    finally:
        cluster.start()
    driven.call(SERVICE, marked(json.loads((FIXTURES / "day-90" / "request.json").read_text())))
    driven.running.stop()
    check_left(driven)
    dump = [str(cluster.binaries / "pg_dump"), "--inserts", url]
    held = subprocess.run(dump, capture_output=True, check=True, timeout=60).stdout
    assert b"surgical-referral-overdue" in held
    assert_clean("dump", held, MARK)


def test_a_fault_names_nobody(start: Start) -> None:
    """An exception whose message holds the whole record: the log has its type and place."""
    running = start("0", module="tests.hostile.failing_server", PYTHONPATH=str(ROOT))
    sent = marked(json.loads((FIXTURES / "delayed-referral" / "request.json").read_text()))
    answer = requests.post(running.url + SERVICE, json=sent, timeout=30)
    assert answer.status_code == 500
    assert_clean("answer", answer.content)
    running.stop()
    assert '"type": "ValueError"' in running.log.read_text()
    assert_clean("log", running.log.read_bytes())


def test_the_what_if_page_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    running = start(
        "serve",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_CONSOLE="local",
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_STATE=str(state),
        CDS_SERVICE_LOG_LEVEL="debug",
    )
    for name in ("delayed-referral", "bilateral"):
        sent = marked(json.loads((FIXTURES / name / "request.json").read_text()))
        for text in (json.dumps(sent), json.dumps(sent)[:-9], MARK):
            form = {"text": text, "service": "pht-patient-view", "today": "2026-06-15"}
            for path in ("what-if", "what-if/result", "integrator/lint"):
                requests.post(f"{running.url}/console/{path}?{MARK}", data=form, timeout=60)
    # an open server refuses what a proxy forwards
    forwarded = {"X-Forwarded-For": MARK}
    answer = requests.get(running.url + "/cds-services", headers=forwarded, timeout=20)
    assert answer.status_code == 421
    assert_clean("metrics", requests.get(running.url + "/metrics", timeout=20).content)
    running.stop()
    assert_clean("log", running.log.read_bytes())
    for file in state.rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_bytes())


def test_what_people_type_and_open_is_left_nowhere(start: Start, site: Site) -> None:
    """Names and passwords that nobody has, addresses of launches, questions of a report."""
    with (site.folder / "site.toml").open("a") as file:
        file.write('[clients.north.smart]\nclient_id = "pht"\n')
    people = {"CONSOLE": "password", "OPERATORS": str(operators_file(site.folder, line("ada")))}
    running = site.started(start, **{f"CDS_SERVICE_{name}": one for name, one in people.items()})
    with requests.Session() as browser:
        log_in(browser, running.url, MARK, f"{MARK} {PASSWORD}", 403)
        log_in(browser, running.url, "ada", f"{MARK} {PASSWORD}", 403)
        log_in(browser, running.url, "ada", PASSWORD, 303)
        for path in (
            f"/console/feedback?client={MARK}&rule={MARK}&since={MARK}",
            f"/console/feedback.json?client={MARK}&until={MARK}",
            f"/console/login?next=/{MARK}",
            f"/smart/launch?iss={site.hospital.url}/{MARK}&launch={MARK}",
            f"/smart/launch?iss={site.hospital.url}&launch={MARK}",
            f"/smart/callback?state={MARK}&code={MARK}&iss={MARK}&error={MARK}",
            f"/smart/app/{MARK}",
        ):
            answer = browser.get(running.url + path, headers=cookies(browser), timeout=60)
            assert answer.status_code < 500 or path.startswith("/smart"), path
        answer = browser.post(f"{running.url}/smart/app/{MARK}/end", data={MARK: MARK}, timeout=60)
        assert answer.status_code < 500
    assert_clean("metrics", requests.get(running.metrics + "/metrics", timeout=20).content)
    running.stop()
    log = running.log.read_bytes()
    for word in (b"login-refused", b'"operator": "ada"', b"/smart/launch", b"/console/feedback"):
        assert word in log
    assert_clean("log", log)
    for file in (site.folder / "state").rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_bytes(), MARK)


def log_in(browser: requests.Session, url: str, name: str, password: str, status: int) -> None:
    page = browser.get(f"{url}/console/login?next={MARK}", headers=cookies(browser), timeout=20)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    form = {"csrf_token": found[1], "name": name, "password": password, "next": f"/{MARK}"}
    answer = browser.post(
        f"{url}/console/login",
        data=form,
        headers=cookies(browser),
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code == status, answer.text


def cookies(browser: requests.Session) -> dict[str, str]:
    """Those that a browser would send over HTTPS only."""
    return {"Cookie": "; ".join(f"{one.name}={one.value}" for one in browser.cookies)}


def test_lint_prints_nothing_of_the_patient(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    for name in ("delayed-referral", "steroid-overuse", "us-core-text", "unreadable"):
        file.write_text(
            json.dumps(marked(json.loads((FIXTURES / name / "request.json").read_text())))
        )
        for shape in ("text", "json"):
            done = subprocess.run(
                [sys.executable, "-m", "cds_service", "lint", str(file), "--format", shape,
                 "--today", "2026-06-15"],
                cwd=ROOT, capture_output=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode in (0, 1), done.stderr
            assert_clean(f"lint {name}", done.stdout + done.stderr)


def test_a_refused_start_tells_no_password(tmp_path: Path) -> None:
    secret = f"postgresql://user:{MARK}@127.0.0.1:1/x"
    environment = {**os.environ, "CDS_SERVICE_DATABASE_URL": secret, "CDS_SERVICE_AUTH": "open"}
    for command in (["serve"], ["settings"], ["ledger", "migrate"], ["pause"]):
        done = subprocess.run(
            [sys.executable, "-m", "cds_service", *command], env=environment, cwd=tmp_path,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.stdout + done.stderr
        assert_clean(" ".join(command), done.stdout + done.stderr)
