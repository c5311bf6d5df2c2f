"""A rule declares every number it reads, so that a card's rationale can show all of them."""

from __future__ import annotations

from collections import defaultdict

import pytest

from cds_service import service
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline import conventions as c
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import Outcome, Recommendation
from cds_service.guideline.registry import SERVICE_WIDE
from tests.guideline.test_thresholds import CASES, cards, decide, diagnosed, given, observed
from tests.strategies import loading, pht, referral

#: read with the gate as a whole; only what offers an oral NSAID stands on them
OF_ORAL_NSAIDS = {c.EGFR_CAUTION.name, c.EGFR_AGE.name, c.CAUTIOUS_AGE.name}
#: numbers that reach a rule through a gate or a suggestion and are not declared yet


@pytest.fixture(scope="module")
def read() -> dict[str, set[str]]:
    """Rule -> the names of the numbers it read over all boundary cases."""
    names: dict[str, set[str]] = defaultdict(set)
    with pytest.MonkeyPatch.context() as patch:
        _record(patch, names)
        for cases in CASES.values():
            for _, record, order, person, _ in cases:
                cards(*record, order=order, person=person)
        decide(pht(), loading(since=200), *given(350, 300, 200, 100), referral(status="completed"))
        decide(diagnosed(10), observed("neuro-deficit", 10, True))
    return names


def _record(patch: pytest.MonkeyPatch, names: dict[str, set[str]]) -> None:
    """Every rule is asked on a case of its own, which notes what is read."""
    ask, look = service._assess, Case.__getitem__
    asking: list[str] = []

    def noted(self: Case, parameter: Parameter) -> float:
        if asking:
            names[asking[-1]].add(parameter.name)
        return look(self, parameter)

    def assess(rule: Recommendation, case: Case) -> list[Outcome]:
        own = Case(case.facts, case.today, case._overrides)
        asking.append(rule.id)
        try:
            return ask(rule, own)
        finally:
            asking.pop()

    patch.setattr(Case, "__getitem__", noted)
    patch.setattr(service, "_assess", assess)


@pytest.mark.parametrize(
    "rule",
    [pytest.param(one, id=one.id) for one in RECOMMENDATIONS],
)
def test_a_rule_declares_every_number_it_reads(
    rule: Recommendation, read: dict[str, set[str]]
) -> None:
    declared = {one.name for one in rule.parameters}
    assert read[rule.id] - OF_ORAL_NSAIDS - set(SERVICE_WIDE) <= declared
