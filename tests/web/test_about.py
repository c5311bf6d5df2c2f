"""The source attributes (ONC HTI-1): complete, truthful, and readable by people and programs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import cds_service
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline import conventions as c
from cds_service.guideline.activity import PARAMETERS
from cds_service.guideline.attributes import BIRTH, RETURN, SCORES, USES, attributes
from tests.conftest import DATA

TABLE = (DATA / "hti1_source_attributes.csv").read_text(encoding="utf-8").splitlines()
RULE = [row for row in csv.DictReader(TABLE) if row["set"] == "evidence-based"]
IDS = [rule.id for rule in RECOMMENDATIONS]


def test_they_are_the_13_of_the_rule_in_its_words() -> None:
    told = [(str(one.number), one.citation, one.title) for one in attributes()]
    assert told == [(row["no"], row["citation"], row["attribute"]) for row in RULE]
    assert len(told) == 13
    assert all(one.answer for one in attributes())


def test_the_json_has_them_all_and_every_rule(client: FlaskClient) -> None:
    answer = client.get("/about/source-attributes.json")
    assert answer.content_type == "application/json"
    assert [one["number"] for one in answer.json["attributes"]] == list(range(1, 14))
    assert [one["id"] for one in answer.json["rules"]] == IDS
    used = {one["number"] for one in answer.json["attributes"] if one.get("used")}
    assert used == {11, 13}


def test_one_address_serves_people_and_programs(client: FlaskClient) -> None:
    address = "/about/source-attributes"
    assert client.get(address).mimetype == "text/html"
    assert client.get(address, headers={"Accept": "text/html,*/*"}).mimetype == "text/html"
    answer = client.get(address, headers={"Accept": "application/json"})
    assert answer.mimetype == "application/json"
    assert "Accept" in answer.headers["Vary"]


def test_the_page_is_linked_and_obeys_the_strict_policy(client: FlaskClient) -> None:
    assert "/about/source-attributes" in client.get("/").text
    assert "/about/source-attributes" in client.get("/guideline").text
    page = client.get("/about/source-attributes").text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page)
    for number in range(1, 14):
        assert f'id="attribute-{number}"' in page


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_a_rule_that_has_an_age_or_a_score_says_that_it_uses_it(rule: object) -> None:
    uses = USES.get(rule.id, ())
    ages = {c.MINIMUM_AGE, c.CAUTIOUS_AGE}
    assert not ages & set(rule.parameters) or BIRTH in uses
    assert (c.VISA_H_GAIN in rule.parameters) == (SCORES in uses)
    assert (PARAMETERS[0] in rule.parameters) == (RETURN in uses)


def test_only_rules_of_the_guideline_are_told_of() -> None:
    assert set(USES) <= set(IDS)


def test_the_clinical_code_reads_none_of_what_it_says_it_does_not_use() -> None:
    package = Path(cds_service.__file__).parent
    unread = re.compile(
        r"\"(gender|us-core-(race|ethnicity|birthsex|sex|genderIdentity|sexual-orientation).*"
        r"|communication|extension\.race|individual-(genderIdentity|pronouns))\""
    )
    for room in ("fhir", "patient", "guideline"):
        for module in (package / room).rglob("*.py"):
            assert not unread.search(module.read_text(encoding="utf-8")), module
