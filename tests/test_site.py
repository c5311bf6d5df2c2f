"""What a site may decide: numbers, rule modes and codes, from the file to the card."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main
from cds_service.errors import SettingsError
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.registry import ORDERED, faults, parameters, rows
from cds_service.service import answer, check_site
from cds_service.settings import Settings
from cds_service.site import Site
from cds_service.web import create_app
from hooks import order_sign, patient_view
from tests.strategies import (
    IBUPROFEN,
    TODAY,
    ago,
    chart,
    concept,
    injection,
    judged,
    loading,
    local,
    origin,
    patient,
    pht,
    prescription,
    request,
    resource,
    score,
)

Write = Callable[[str], Path]
RECORD = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": patient()},
        {"resource": pht(onsetDateTime=ago(27), recordedDate=ago(27))},
    ],
}


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the site's file and names it in CDS_SERVICE_CONFIG."""

    def write(text: str) -> Path:
        file = tmp_path / "site.toml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("CDS_SERVICE_CONFIG", str(file))
        return file

    return write


def site() -> Site:
    return Settings.load(timezone="UTC").site()


def run(*arguments: str, sent: object = None) -> Result:
    return CliRunner().invoke(main, arguments, input=json.dumps(sent))


def checked() -> dict[str, Any]:
    """The answer of `cds-service check` for a diagnosis of 27 days ago."""
    options = ("--today", TODAY.isoformat(), "--json", "--explain")
    result = run("check", "-", *options, sent=RECORD)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def signed(*drafts: dict[str, Any], prefetch: dict[str, Any]) -> Any:
    """The decision at order-sign."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in drafts]}
    service = order_sign.SERVICE
    call = request(prefetch, draftOrders=bundle)
    return answer(service, call, today=TODAY, site=site())


def steroid_order(**elements: Any) -> dict[str, Any]:
    made = {
        "status": "draft",
        "intent": "order",
        "code": local("steroid-injection"),
        "bodySite": [origin("left")],
    }
    return resource("ServiceRequest", "draft", **{**made, **elements})


# --- numbers ---


def test_a_number_of_the_file_reaches_the_rule_and_is_marked_on_the_card(site_file: Write) -> None:
    assert checked()["cards"][0]["source"]["topic"]["code"] == "initial-plan"
    site_file("[parameters]\nphase-initial-days = 20\n")
    (card,) = checked()["cards"]
    assert card["source"]["topic"]["code"] == "loading-programme-missing"
    thresholds = card["extension"]["org.pht-cds.rationale"]["thresholds"]
    (changed,) = [one for one in thresholds if one["name"] == "phase-initial-days"]
    assert changed["value"] == 20
    assert changed["setBySite"] is True
    assert changed["guidelineValue"] == 28
    assert sum("setBySite" in one for one in thresholds) == 1


def test_a_number_of_the_file_is_marked_in_the_explanation(site_file: Write) -> None:
    site_file("[parameters]\nphase-initial-days = 20\n")
    why = checked()["extension"]["org.pht-cds.rationale"]
    changed = [one["name"] for one in why["thresholds"] if one.get("setBySite")]
    assert changed == ["phase-initial-days"]
    text = run("check", "-", "--today", TODAY.isoformat(), "--explain", sent=RECORD).stdout
    assert "Set by this site: phase-initial-days = 20 (the guideline says 28)" in text


def test_a_number_of_the_whole_service_is_marked_on_every_card(site_file: Write) -> None:
    site_file("[parameters]\nepisode-encounter-diagnosis-days = 400\n")
    (card,) = checked()["cards"]
    thresholds = card["extension"]["org.pht-cds.rationale"]["thresholds"]
    changed = [one["name"] for one in thresholds if one.get("setBySite")]
    assert changed == ["episode-encounter-diagnosis-days"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[parameters]\nsteroid-max = 4", "parameters.steroid-max = 4 lies outside 2 to 3"),
        ("[parameters]\nsteroid-max = nan", "lies outside"),
        ("[parameters]\nsteroid-max = inf", "lies outside"),
        ("[parameters]\nsteroid-max = 2.5", "must be a whole number"),
        ("[parameters]\nsteroid-maximum = 3", "did you mean steroid-max?"),
        ("[parameters]\nanything = 3", "parameters.anything is not a parameter"),
        ("[parameters]\nsurgery-consider-days = 170\nsurgery-overdue-after-days = 168",
         "surgery-consider-days = 170 must not be more than surgery-overdue-after-days = 168"),
        ("[rules.steroid-overus]\nmode = 'off'", "did you mean steroid-overuse?"),
        ("[codes.rehab-pasive]\nx = ['1']", "did you mean rehab-passive?"),
        ("[thresholds]\nx = 1", "[thresholds] is unknown"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["serve", "demo", "check", "parameters"])
def test_what_is_unknown_or_unsafe_stops_the_start(
    text: str, complaint: str, command: str, site_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_file(text)
    monkeypatch.setenv("CDS_SERVICE_AUTH", "open")
    result = run(command, *(["-"] if command == "check" else []), sent=RECORD)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


def test_what_is_unsafe_stops_the_application(site_file: Write) -> None:
    file = site_file("[parameters]\nsteroid-max = 9")
    with pytest.raises(SettingsError, match="steroid-max = 9 lies outside"):
        create_app(Settings.load(config=file, auth="open"))


@pytest.mark.parametrize("parameter", parameters().values(), ids=lambda one: one.name)
def test_both_ends_of_a_safe_range_are_safe_and_what_lies_beyond_is_not(parameter: Any) -> None:
    low, high = parameter.safe
    for value, safe in ((low, True), (high, True), (low - 0.01, False), (high + 0.01, False)):
        complaints = [one for one in faults({parameter.name: value}) if "outside" in one]
        assert bool(complaints) != safe


def test_the_guideline_itself_is_free_of_faults() -> None:
    assert list(faults({})) == []
    assert {name for pair in ORDERED for name in pair} <= set(parameters())


# --- modes ---


def test_a_rule_in_shadow_is_judged_and_told_but_not_shown(site_file: Write) -> None:
    site_file('[rules.initial-plan]\nmode = "shadow"\n')
    answered = checked()
    assert answered["cards"] == []
    why = answered["extension"]["org.pht-cds.rationale"]
    (held,) = why["withheld"]
    assert held["rule"] == "initial-plan"
    assert held["state"] == "fired"
    assert "shadow" in held["reason"]


def test_a_rule_that_is_off_is_not_asked_and_the_explanation_says_so(site_file: Write) -> None:
    site_file('[rules.initial-plan]\nmode = "off"\n')
    answered = checked()
    assert answered["cards"] == []
    why = answered["extension"]["org.pht-cds.rationale"]
    assert why["switchedOff"] == ["initial-plan"]
    assert "initial-plan" not in {one["rule"] for one in why["rules"]}


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_pathway_rule_that_is_not_shown_leaves_the_place_to_the_next(
    mode: str, site_file: Write
) -> None:
    record = (pht(), loading(since=200))
    assert judged(*record, site=site()).rules == ("surgical-referral-overdue",)
    care = resource(
        "Observation",
        "goes-on",
        status="final",
        code=local("continues-aggravating-activity"),
        effectiveDateTime=ago(3),
        valueBoolean=True,
    )
    site_file(f'[rules.surgical-referral-overdue]\nmode = "{mode}"\n')
    assert judged(*record, care, site=site()).rules == ("load-management-missing",)


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_steroid_rule_that_is_not_shown_silences_no_other(mode: str, site_file: Write) -> None:
    record = chart(
        pht(), loading(since=100), *(injection(f"i{n}", ago(20 + n * 60)) for n in range(3))
    )
    assert signed(steroid_order(), prefetch=record).rules == ("steroid-count-limit",)
    site_file(f'[rules.steroid-count-limit]\nmode = "{mode}"\n')
    assert "steroid-interval" in signed(steroid_order(), prefetch=record).rules


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_red_flags_gate_the_pathway_when_their_card_is_not_shown(
    mode: str, site_file: Write
) -> None:
    flagged = (pht(), loading(since=200), resource("Condition", "f", code=local("cauda-equina")))
    assert judged(*flagged, site=site()).rules == ("red-flag-differential",)
    site_file(f'[rules.red-flag-differential]\nmode = "{mode}"\n')
    assert judged(*flagged, site=site()).rules == ()


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_the_nsaid_gate_stands_when_its_card_is_not_shown(mode: str, site_file: Write) -> None:
    ulcer = resource("Condition", "u", code=concept(("http://snomed.info/sct", "13200003")))
    new = pht(onsetDateTime=ago(10), recordedDate=ago(10))
    site_file(f'[rules.nsaid-caution]\nmode = "{mode}"\n')
    free = offered(judged(new, site=site()))
    gated = offered(judged(new, ulcer, site=site()))
    assert any("ibuprofen" in label.lower() for label in free)
    assert not any("ibuprofen" in label.lower() for label in gated)
    draft = prescription("draft", None, IBUPROFEN, status="draft")
    assert signed(draft, prefetch=chart(pht(), ulcer)).rules == ()


def offered(decision: Any) -> list[str]:
    return [one["label"] for card in decision.cards for one in card.get("suggestions", ())]


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_every_rule_can_be_switched_off(rule: Any, site_file: Write) -> None:
    site_file(f'[rules.{rule.id}]\nmode = "off"\n')
    check_site(site())
    for service in (patient_view.SERVICE, order_sign.SERVICE):
        call = request(chart(pht(), loading(since=200)), draftOrders={"resourceType": "Bundle"})
        decision = answer(service, call, today=TODAY, site=site())
        assert rule.id not in {one.rule for one in decision.outcomes}


# --- codes ---


def test_a_code_of_the_site_names_the_disease(site_file: Write) -> None:
    own = pht(code=concept(("urn:site", "HAM")), bodySite=[origin("left")])
    assert judged(own, loading(since=200), site=site()).rules == ()
    site_file('[codes.pht]\n"urn:site" = ["HAM"]\n')
    assert judged(own, loading(since=200), site=site()).rules == ("surgical-referral-overdue",)


# --- cds-service parameters ---


def test_every_number_is_listed_with_its_evidence_and_its_rules(site_file: Write) -> None:
    text = run("parameters").stdout
    listed = json.loads(run("parameters", "--format", "json").stdout)
    assert [one["name"] for one in listed] == list(parameters())
    for one in listed:
        assert one["name"] in text
        assert one["usedBy"]
        assert one["rules"] or one["name"] in ("episode-encounter-diagnosis-days", "budget-cards")
        assert not one["setBySite"]


def test_a_number_that_the_site_changed_is_marked(site_file: Write) -> None:
    site_file("[parameters]\nsteroid-max = 2\n")
    marked = [one for one in json.loads(run("parameters", "--format", "json").stdout)
              if one["setBySite"]]  # fmt: skip
    assert [(one["name"], one["value"], one["guidelineValue"]) for one in marked] == [
        ("steroid-max", 2, 3)
    ]
    assert "set by this site" in run("parameters").stdout


def test_a_spreadsheet_reads_the_numbers() -> None:
    table = list(csv.DictReader(io.StringIO(run("parameters", "--format", "csv").stdout)))
    assert len(table) == len(list(rows({})))
    assert table[0].keys() >= {"name", "value", "unit", "safeFrom", "safeTo", "quote", "usedBy"}


def test_one_of_a_unit_is_not_plural() -> None:
    text = run("parameters").stdout
    assert "1 day " in text
    assert "1 days" not in text


def test_a_score_still_matters_with_another_gain(site_file: Write) -> None:
    better = (pht(), loading(since=200), score("a", 200, 40), score("b", 3, 53))
    assert judged(*better, site=site()).rules == ()
    site_file("[parameters]\nimprovement-visa-h = 14\n")
    assert judged(*better, site=site()).rules == ("surgical-referral-overdue",)
