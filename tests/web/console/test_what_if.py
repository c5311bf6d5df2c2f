"""The what-if page over HTTP: what goes in, what comes out, and what is never kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.demo.orders import ORDERS
from cds_service.demo.patients import DEMO_TODAY
from cds_service.service import Service
from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.store.pauses import Pause, pause
from cds_service.web import create_app
from hooks import services
from tests.conftest import ROOT
from tests.web.console.conftest import CASES

PAGE, RESULT = "/console/what-if", "/console/what-if/result"
BOUNDARIES = ROOT / "fixtures" / "fhir" / "boundaries"


def bundle(name: str = "week-6") -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"resource": r} for r in CASES[name].resources]}


def rules(page: str) -> set[str]:
    """The rules of the cards on a page."""
    return set(
        re.findall(r'href="[^"]*/guideline#([a-z-]+)"[^>]*>How this rule decides</a></li>', page)
    )


def post(console: FlaskClient, **form: str) -> Any:
    return console.post(RESULT, data={"service": "pht-patient-view", **form})


def test_whoever_opens_the_page_sees_a_patient_at_once(console: FlaskClient) -> None:
    page = console.get(PAGE).text
    assert CASES["bilateral"].title in page
    assert page.count("<svg") == 2


def test_a_link_names_patient_and_date(console: FlaskClient) -> None:
    page = console.get(f"{PAGE}?patient=week-6&today=2026-05-18").text
    assert "18 May 2026" in page
    assert "step-up-options" not in rules(page)
    assert "step-up-options" in rules(console.get(f"{PAGE}?patient=week-6").text)


def test_a_bundle_gives_the_cards_of_the_demo_patient_it_holds(console: FlaskClient) -> None:
    pasted = post(console, text=json.dumps(bundle())).text
    chosen = post(console, patient=CASES["week-6"].patient_id).text
    assert rules(pasted) == rules(chosen) == {"step-up-options"}


def test_ndjson_gives_the_same_as_the_bundle(console: FlaskClient) -> None:
    lines = "\n".join(json.dumps(resource) for resource in CASES["week-6"].resources)
    assert rules(post(console, text=lines).text) == {"step-up-options"}


def test_a_hook_request_is_judged_at_its_own_hook(console: FlaskClient) -> None:
    sent = (BOUNDARIES / "steroid-interval-27-days" / "request.json").read_text()
    page = post(console, text=sent).text
    assert "steroid-interval" in rules(page)
    assert "/cds-services/pht-order-sign" in page


@pytest.mark.parametrize("order", [name for name in ORDERS if name != "unrelated"])
def test_an_order_is_tried_on_a_demo_patient(order: str, console: FlaskClient) -> None:
    form = {"service": "pht-order-sign", "patient": "steroid-overuse", "order": order}
    answer = console.post(RESULT, data=form)
    assert answer.status_code == 200
    assert "No rule was asked" not in answer.text


@pytest.mark.parametrize("service", services(), ids=lambda service: service.hook)
@pytest.mark.parametrize("pasted", [False, True])
def test_every_hook_is_tried_on_a_record(
    pasted: bool, service: Service, console: FlaskClient
) -> None:
    form = {"service": service.id, "order": "steroid-left"}
    whole = json.dumps(bundle("steroid-overuse"))
    form |= {"text": whole} if pasted else {"patient": "steroid-overuse"}
    answer = console.post(RESULT, data=form)
    assert answer.status_code == 200
    assert "No rule was asked" not in answer.text


@pytest.mark.parametrize(
    "hook", ["order-select", "order-sign", "order-dispatch", "appointment-book"]
)
def test_a_fifth_injection_is_too_many_at_whatever_hook_it_comes(
    hook: str, console: FlaskClient
) -> None:
    form = {"service": f"pht-{hook}", "patient": "steroid-overuse", "order": "steroid-left"}
    assert "steroid-count-limit" in rules(console.post(RESULT, data=form).text)


def test_the_other_side_has_its_own_count(console: FlaskClient) -> None:
    form = {"service": "pht-order-sign", "patient": "steroid-overuse", "order": "steroid-right"}
    assert "steroid-count-limit" not in rules(console.post(RESULT, data=form).text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON: "),
        ("[1]", "JSON object"),
        ('{"resourceType": "Bundle"}', "one Patient"),
        ('{"resourceType": "Patient", "id": "p"}\n{"resourceType": ', "Line 2"),
        ('{"hook": "no-such-hook"}', "No service answers this hook"),
        ('{"hook": "patient-view"}', "hookInstance"),
        ('{"resourceType": "Patient", "id": "p", "id": "q"}', "same key twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    text: str, words: str, console: FlaskClient
) -> None:
    answer = post(console, text=text)
    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"
    assert words in answer.json["issue"][0]["diagnostics"]
    page = console.post(PAGE, data={"text": text})
    assert page.status_code == 400
    assert words in page.text


@pytest.mark.parametrize("today", ["yesterday", "1492-10-12", "2026-02-30"])
def test_a_day_that_is_none_is_refused(today: str, console: FlaskClient) -> None:
    answer = post(console, patient="week-6", today=today)
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == ["today"]


def test_a_patient_who_cannot_be_judged_is_told_as_a_client_is(console: FlaskClient) -> None:
    assert post(console, patient="unreadable").status_code == 412


def test_pasted_records_are_not_taken_from_an_address(console: FlaskClient) -> None:
    page = console.get(PAGE, query_string={"text": json.dumps(bundle())}).text
    assert "Patient/week-6" not in page


def test_a_large_record_is_taken_up_to_the_limit_of_a_call() -> None:
    client = create_app(Settings.load(auth="open", body_limit=700_000), demo=True).test_client()
    padded = json.dumps(bundle()) + " " * 600_000
    assert client.post(RESULT, data={"text": padded}).status_code == 200
    assert client.post(RESULT, data={"text": padded + " " * 200_000}).status_code == 413


def test_nothing_a_call_names_is_fetched(console: FlaskClient) -> None:
    sent = json.loads((BOUNDARIES / "steroid-interval-27-days" / "request.json").read_text())
    sent |= {"fhirServer": "http://127.0.0.1:9/fhir", "fhirAuthorization": {"access_token": "s3"}}
    page = post(console, text=json.dumps(sent)).text
    assert "127.0.0.1:9" not in page
    assert "s3" not in page


def test_markup_in_a_record_is_text_on_the_page(console: FlaskClient) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    record = bundle()
    for entry in record["entry"]:
        if entry["resource"]["resourceType"] in ("Condition", "Procedure"):
            entry["resource"]["code"]["text"] = f"proximal hamstring tendinopathy {nasty}"
    page = post(console, text=json.dumps(record)).text
    assert "<img" not in page


def test_the_reasons_name_every_rule_and_lead_to_the_records(console: FlaskClient) -> None:
    page = post(console, patient="steroid-overuse").text
    assert 'id="why-steroid-overuse-left"' in page
    targets = set(re.findall(r'id="(record-\d+)"', page))
    assert targets
    assert set(re.findall(r'href="#(record-\d+)"', page)) <= targets


def test_why_a_card_was_held_back_is_said(console: FlaskClient) -> None:
    page = post(console, patient="bilateral").text
    assert "held back" in page
    assert "another pathway card comes first" in page


def test_an_order_of_something_else_asks_no_rule_and_the_course_is_drawn(
    console: FlaskClient,
) -> None:
    form = {"service": "pht-order-sign", "patient": "steroid-overuse", "order": "unrelated"}
    page = console.post(RESULT, data=form).text
    assert "No rule was asked: no order of this call is one this service speaks of." in page
    assert "The rules asked at order-sign speak of steroid injection, " in page
    assert "no episode to draw" not in page
    assert page.count("<svg") == 1
    assert "the course that the chart tells" in page


def test_of_a_patient_who_has_died_nothing_is_drawn_and_the_reason_told(
    console: FlaskClient,
) -> None:
    record = bundle()
    who = next(e["resource"] for e in record["entry"] if e["resource"]["resourceType"] == "Patient")
    who = who | {"deceasedBoolean": True}
    others = [e for e in record["entry"] if e["resource"]["resourceType"] != "Patient"]
    page = post(console, text=json.dumps(record | {"entry": [{"resource": who}, *others]})).text
    assert "There is nothing to draw: " in page
    assert "<svg" not in page


def test_a_rule_not_met_says_in_its_line_what_decided(console: FlaskClient) -> None:
    page = post(console, patient="week-6").text
    assert re.search(r'not met</span>.*?<span class="turning">[^<]+</span></summary>', page, re.S)
    assert "rules of other hooks" in page


def test_without_the_disease_there_is_no_episode_to_draw(console: FlaskClient) -> None:
    page = post(console, patient="possible-pht-only").text
    assert "there is no episode to draw" in page
    assert "<svg" not in page


def test_the_pages_allow_their_own_script_and_nothing_else(console: FlaskClient) -> None:
    policy = console.get(PAGE).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "script-src" not in console.get("/value-sets").headers["Content-Security-Policy"]


@pytest.fixture
def local() -> FlaskClient:
    """The console of a service, for people at the machine itself."""
    return create_app(Settings.load(auth="open", console="local")).test_client()


def test_the_console_is_off_unless_asked_for() -> None:
    client = create_app(Settings.load(auth="open")).test_client()
    assert client.get(PAGE).status_code == 404
    assert "What if" not in client.get("/").text


def test_on_the_machine_itself_the_console_has_no_demo_patients(local: FlaskClient) -> None:
    page = local.get(PAGE)
    assert page.status_code == 200
    assert "Four steroid injections" not in page.text
    answer = local.post(RESULT, data={"text": json.dumps(bundle()), "today": "2026-06-15"})
    assert rules(answer.text) == {"step-up-options"}


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"Host": "cds.example.org"}, "127.0.0.1"),
        ({"Host": "127.0.0.1.example.org"}, "127.0.0.1"),
        ({"Host": "localhost"}, "192.0.2.7"),
        ({"Host": "localhost", "X-Forwarded-For": "192.0.2.7"}, "127.0.0.1"),
        ({"Host": "localhost", "Forwarded": "for=192.0.2.7"}, "127.0.0.1"),
    ],
)
def test_for_anyone_else_there_is_no_console(
    headers: dict[str, str], address: str, local: FlaskClient
) -> None:
    answer = local.get(PAGE, headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code in (404, 421)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_the_machine_may_be_called_by_its_own_names(host: str, local: FlaskClient) -> None:
    assert local.get(PAGE, headers={"Host": host}).status_code == 200


def test_the_address_of_a_page_is_offered_to_those_for_whom_it_is_there(local: FlaskClient) -> None:
    here, elsewhere = local.get("/"), local.get("/", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert "/console/what-if" in here.text
    assert "/console/" not in elsewhere.text


def test_behind_a_proxy_of_the_same_machine_no_address_is_offered() -> None:
    settings = Settings.load(auth="open", console="local", public_url="https://cds.example.org")
    page = create_app(settings).test_client().get("/", base_url="http://localhost:8000")
    assert page.status_code == 200
    assert "/console/" not in page.text


def test_a_rule_that_is_paused_is_held_back_here_too(tmp_path: Path) -> None:
    settings = Settings.load(auth="open", state=tmp_path, today=DEMO_TODAY, database_timeout=5000)
    store = open_store(settings)
    now = datetime.now(UTC)
    pause(store, Pause(rule="step-up-options", since=now, by="x", reason="wrong cards seen"))
    page = post(create_app(settings, demo=True, store=store).test_client(), patient="week-6").text
    store.close()
    assert rules(page) == set()
    assert re.search(r"no card shows it: paused since [^<]+: wrong cards seen", page)


def test_a_date_beyond_the_days_drawn_draws_others(console: FlaskClient) -> None:
    frame = {"first": "2026-01-01", "last": "2026-08-28"}
    for today in ("2026-12-01", "2025-12-01"):
        page = post(console, patient="lapsed-loading", today=today, **frame).text
        shown = re.search(r'data-first="([^"]+)" data-last="([^"]+)"', page)
        assert shown
        assert shown[1] < today < shown[2]
        assert f"today, {today}" in page or "<svg" not in page


def test_bands_and_count_are_in_the_table(console: FlaskClient) -> None:
    page = post(console, patient="steroid-overuse").text
    assert '<th scope="row">Steroid injections, interval</th>' in page
    assert '<th scope="row">Steroid injections, count</th><td></td><td>4 of at most 3</td>' in page


def test_what_was_typed_is_still_there_after_a_refusal(console: FlaskClient) -> None:
    form = {"service": "pht-order-sign", "today": "2026-05-01", "text": '{"resourceType": '}
    page = console.post(PAGE, data=form).text
    assert "{&#34;resourceType&#34;:" in page
    assert 'value="2026-05-01"' in page
    assert re.search(r'<option value="pht-order-sign"[^>]* selected>', page)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_a_line_ends_where_json_says_and_not_where_unicode_does(
    end: str, console: FlaskClient
) -> None:
    first, *others = CASES["week-6"].resources
    lines = [json.dumps(first | {"language": f"a{end}b"}, ensure_ascii=False)]
    lines += [json.dumps(one) for one in others]
    assert rules(post(console, text="\r\n".join(lines)).text) == {"step-up-options"}


def test_what_is_pasted_may_hold_no_more_than_a_call() -> None:
    settings = Settings.load(auth="open", resource_limit=10, string_limit=1000)
    client = create_app(settings, demo=True).test_client()
    lines = [json.dumps(one) for one in CASES["steroid-overuse"].resources]
    assert len(lines) > 10
    assert client.post(RESULT, data={"text": "\n".join(lines)}).status_code == 413
    whole = json.dumps(bundle("steroid-overuse"))
    assert client.post(RESULT, data={"text": whole}).status_code == 413
    assert client.post(RESULT, data={"text": json.dumps({"x": "y" * 1001})}).status_code == 413


def test_the_date_that_was_chosen_is_in_the_rationale(console: FlaskClient) -> None:
    page = post(console, patient="week-6", today=date(2026, 6, 16).isoformat()).text
    assert "&#34;today&#34;: &#34;2026-06-16&#34;" in page
    assert "&#34;todayIsFixed&#34;: true" in page


def test_a_worker_without_the_console_does_not_load_its_libraries() -> None:
    code = (
        "import sys; from cds_service.settings import Settings; from cds_service.web import *;"
        "create_app(Settings(auth='open')); print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "cds_service.web" in loaded
    assert not [name for name in loaded if name.startswith(("drawsvg", "cds_service.web.console"))]
