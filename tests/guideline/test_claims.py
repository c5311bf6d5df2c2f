"""Every claim of the source article is somewhere, and every mark a rule carries is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.claims import CLAIMS, NOT_IN_THE_ARTICLE
from cds_service.guideline.legend import AMBIGUITIES, CONVENTIONS
from cds_service.guideline.registry import SERVICE_WIDE, parameters, rules_using
from cds_service.guideline.sources import READING

RULES = {rule.id: rule for rule in RECOMMENDATIONS}
KNOWN = {*(claim.id for claim in CLAIMS), *AMBIGUITIES, *CONVENTIONS}


def test_the_claims_are_c01_to_c47() -> None:
    assert [claim.id for claim in CLAIMS] == [f"C{number:02}" for number in range(1, 48)]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_has_rules_or_the_reason_why_not(claim: object) -> None:
    assert set(claim.rules) <= set(RULES)
    assert claim.rules or claim.why_no_rule


def cited(origin: str) -> Iterator[str]:
    """'article C01-C03, C43' -> C01, C02, C03, C43."""
    for first, last in re.findall(r"C(\d\d)(?:-C(\d\d))?", origin):
        yield from (f"C{number:02}" for number in range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_a_rule_is_named_by_every_claim_it_says_it_comes_from(rule: object) -> None:
    traced = {claim.id for claim in CLAIMS if rule.id in claim.rules}
    assert set(cited(rule.header.origin)) <= traced


def test_the_external_rules_are_those_that_say_so() -> None:
    assert set(NOT_IN_THE_ARTICLE) == {rule.id for rule in RECOMMENDATIONS if rule.external}
    for rule in RECOMMENDATIONS:
        assert rule.external == rule.header.origin.startswith("EXTERNAL")


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_every_mark_a_rule_carries_is_explained(rule: object) -> None:
    head = rule.header
    words = [head.source_says, head.evidence, head.origin, head.when, head.unless, head.unsure]
    words += [f"{one.place} {one.reading}" for one in rule.parameters]
    assert set(re.findall(r"\b[ACG]\d{1,2}\b", " ".join(words))) <= KNOWN


def test_every_parameter_is_used_by_a_rule_or_by_the_whole_service() -> None:
    unused = {name for name, one in parameters().items() if not rules_using(one)}
    assert unused == set(SERVICE_WIDE)


def test_no_two_parameters_share_a_name() -> None:
    declared = [one for rule in RECOMMENDATIONS for one in rule.parameters]
    assert len(set(declared)) == len({one.name for one in declared})


@pytest.mark.parametrize("parameter", parameters().values(), ids=lambda one: one.name)
def test_a_parameter_has_its_evidence(parameter: object) -> None:
    low, high = parameter.safe
    assert low <= parameter.value <= high
    assert parameter.unit
    assert parameter.place
    assert parameter.quote or parameter.reading or parameter.source is not READING
