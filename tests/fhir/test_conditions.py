"""What names proximal hamstring tendinopathy (guideline G1a): every sentence, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.strategies import (
    ICD,
    LOCAL,
    SCT,
    SITE,
    TODAY,
    ago,
    concept,
    facts,
    injection,
    judged,
    loading,
    local,
    origin,
    pht,
    resource,
    shown,
)


def known(code: Any, *sites: Any, **elements: Any) -> str:
    """'PHT', 'possible' or 'no'."""
    made = pht(code=code, bodySite=list(sites) or None, **elements)
    found = facts(made).diagnoses
    return "no" if not found else "PHT" if found[0].certain else "possible"


PHRASES = [
    "proximal hamstring tendinopathy",
    "Proximal Hamstring Tendinitis",
    "proximal hamstring tendonitis",
    "proximal  hamstring\ttendinosis",
    "high hamstring tendinopathy",
    "High-hamstring tendinitis",
    "hamstring origin tendinopathy",
    "proximal hamstring enthesopathy",
    "hamstring insertional tendinopathy",
    "chronic insertional hamstring tendinopathy, left leg",
]
DOUBTS = [
    "distal {}",
    "{} and knee pain",
    "no {}",
    "{}: not confirmed",
    "hip pain without {}",
    "{} ruled out",
    "rule out {}",
    "history of {}",
    "{}?",
    "possible {}",
    "suspected {}",
]


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_curated_phrase_in_text_or_display_names_it(phrase: str) -> None:
    assert known({"text": phrase}) == "PHT"
    assert known(concept(("urn:ehr", "1"), display=phrase)) == "PHT"


@pytest.mark.parametrize("words", DOUBTS)
def test_a_doubted_phrase_names_nothing(words: str) -> None:
    doubted = words.format("proximal hamstring tendinopathy")
    assert known({"text": doubted}) == "no"
    assert known(concept(("urn:ehr", "1"), display=doubted)) == "no"


@pytest.mark.parametrize("words", DOUBTS)
def test_a_doubted_text_confirms_no_code(words: str) -> None:
    doubted = words.format("hamstring tendinopathy")
    assert known(concept((ICD, "M76.892"), text=doubted)) == "possible"
    assert known(concept((ICD, "M77.9"), text=doubted)) == "no"


def test_the_clinicians_doubt_is_not_overruled_by_the_display_of_a_code() -> None:
    code = concept(
        ("urn:ehr", "1"),
        text="Suspected hamstring tendinopathy",
        display="Proximal hamstring tendinopathy",
    )
    assert known(code) == "no"


@pytest.mark.parametrize(
    "words",
    ["hamstring pain", "hamstring tendinopathy", "PHT", "ischial pain", "proximal tendinopathy"],
)
def test_other_words_are_not_guessed_from(words: str) -> None:
    assert known({"text": words}) == "no"


def test_words_inside_other_words_are_no_phrase() -> None:
    assert known({"text": "subproximal hamstring tendinopathy"}) == "no"
    assert known({"text": "knows proximal hamstring tendinopathy notebook"}) == "PHT"


def test_the_local_code_and_a_code_of_the_site_name_it() -> None:
    assert known(local("pht")) == "PHT"
    own = replace(SITE, codes={"pht": {"urn:house": ("H1",)}})
    condition = pht(code=concept(("urn:house", "H1")))
    assert shown(condition, loading(since=200)) == []
    assert shown(condition, loading(since=200), site=own) == ["surgical-referral-overdue warning"]


@pytest.mark.parametrize("code", ["M76.89", "M76.891", "M76.892", "M76.899", "M76899", "m76.892"])
def test_the_residual_icd_code_alone_is_possible_only(code: str) -> None:
    assert known(concept((ICD, code))) == "possible"
    assert shown(pht(code=concept((ICD, code)), bodySite=None), loading(since=200)) == []


def test_a_site_may_let_the_residual_icd_code_count() -> None:
    counts = replace(SITE, accept_nonspecific=True)
    condition = pht(code=concept((ICD, "M76.892")), bodySite=None)
    assert shown(condition, loading(since=200), site=counts) == [
        "surgical-referral-overdue warning"
    ]
    neighbour = pht(code=concept((ICD, "M77.9")), bodySite=None)
    assert shown(neighbour, loading(since=200), site=counts) == []


SITES = [
    origin(),
    concept((SCT, "85710004")),
    {"text": "ischial tuberosity"},
    {"text": "Proximal hamstring, left"},
]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("code", [(ICD, "M76.892"), (ICD, "M77.9"), (SCT, "30936004")])
def test_a_confirming_body_site_makes_the_code_name_it(code: tuple[str, str], site: Any) -> None:
    assert known(concept(code), site) == "PHT"


@pytest.mark.parametrize(
    "words",
    ["hamstring tendinopathy", "hamstring tendon", "Hamstring origin pain", "hamstrings, proximal"],
)
@pytest.mark.parametrize("code", [(ICD, "M76.892"), (ICD, "M77.9"), (SCT, "30936004")])
def test_a_confirming_text_makes_the_code_name_it(code: tuple[str, str], words: str) -> None:
    assert known(concept(code, text=words)) == "PHT"


@pytest.mark.parametrize("site", [concept((SCT, "68367000")), {"text": "distal hamstring origin"}])
def test_a_region_or_a_doubted_site_confirms_nothing(site: Any) -> None:
    assert known(concept((ICD, "M76.892")), site) == "possible"
    assert known(concept((ICD, "M77.9")), site) == "no"


def test_another_pathway_is_never_it_by_itself() -> None:
    strain = concept((ICD, "S76.311A"), text="hamstring strain at the origin")
    assert known(strain, origin("left")) == "no"
    assert known(concept((ICD, "S76.311A"), text="proximal hamstring tendinopathy")) == "PHT"


def test_the_same_characters_in_another_code_system_mean_nothing() -> None:
    assert known(concept(("http://hl7.org/fhir/sid/icd-10", "M76.89"))) == "no"
    assert known(concept((SCT, "pht"))) == "no"


def test_it_is_always_said_by_what_it_was_recognised() -> None:
    found = [
        facts(pht(code=code, bodySite=None)).diagnoses[0].recognised_by
        for code in (
            local("pht"),
            {"text": "proximal hamstring tendinopathy"},
            concept((ICD, "M76.892"), text="hamstring tendinopathy"),
        )
    ]
    assert LOCAL in found[0]
    assert "phrase" in found[1]
    assert "M76.892" in found[2]
    assert "text" in found[2]


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Hamstring tendinopathy, chronic"},
        concept((ICD, "M76.892")),
        concept((ICD, "M77.9"), text="enthesopathy"),
        concept((ICD, "S76.311A")),
    ],
)
def test_what_looks_relevant_and_is_not_counted_is_listed(code: Any) -> None:
    odd = resource("Condition", "odd", code=code)
    explained = judged(odd).explanation()["leftOut"]
    assert "Condition/odd" in [one["reference"] for one in explained]


def test_possible_disease_alone_is_explained_and_makes_no_card() -> None:
    decision = judged(pht(code=concept((ICD, "M76.892")), bodySite=None), injection("i", ago(3)))
    assert decision.cards == []
    assert "may be PHT" in str(decision.explanation())


@pytest.mark.parametrize(
    "elements",
    [
        {"onsetDateTime": None, "onsetPeriod": {"start": "2025-05-11", "end": "2025-06-01"}},
        {"onsetDateTime": "2025-05-11T10:00:00Z"},
        {"onsetDateTime": "2025-05-11T10:00:00"},
    ],
)
def test_onset_is_read_in_every_form_that_names_a_day(elements: dict[str, Any]) -> None:
    assert str(facts(pht(**elements)).diagnoses[0].start) == "2025-05-11"


def test_onset_by_age_is_an_interval_around_the_birthday() -> None:
    age = {"value": 40, "unit": "a", "code": "a", "system": "http://unitsofmeasure.org"}
    found = facts(pht(onsetDateTime=None, recordedDate=None, onsetAge=age)).diagnoses[0].start
    assert str(found) == "2025-03-02 to 2026-03-01"
    span = {"low": age, "high": {**age, "value": 41}}
    found = facts(pht(onsetDateTime=None, recordedDate=None, onsetRange=span)).diagnoses[0].start
    assert found
    assert found.latest == TODAY


def test_onset_in_words_falls_back_on_the_record_date() -> None:
    found = facts(pht(onsetDateTime=None, onsetString="last spring")).diagnoses[0].start
    assert str(found) == ago(390)
