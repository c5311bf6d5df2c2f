"""docs/guideline.md and docs/value-sets.md say what the code, fixtures and tests say."""

from __future__ import annotations

import pytest

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.claims import CLAIMS
from cds_service.guideline.registry import parameters
from cds_service.terminology.tables import concepts, read, scopes
from tools.evidence_of_rules import evidence, variants
from tools.trace_guideline import PAGES, ROOT, guideline_page

FOUND = evidence()


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_the_code_makes_of_it(page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8")
    assert written == PAGES[page](), "run: python -m tools.trace_guideline"


def test_every_claim_rule_and_number_is_on_the_page() -> None:
    page = guideline_page()
    assert all(f"| {claim.id} |" in page for claim in CLAIMS)
    assert all(f"### {rule.id}\n" in page for rule in RECOMMENDATIONS)
    assert all(f"| `{name}` |" in page for name in parameters())


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_every_rule_is_named_by_a_test(rule: object) -> None:
    assert FOUND[rule.id].tests


@pytest.mark.parametrize("rule", RECOMMENDATIONS, ids=lambda rule: rule.id)
def test_every_variant_shown_is_declared_in_the_head_of_the_rule(rule: object) -> None:
    assert FOUND[rule.id].variants - {""} <= set(variants(rule))


def test_every_value_set_says_what_it_is_and_what_it_leaves_out() -> None:
    told = scopes()
    assert set(told) == {one.value_set for one in concepts()}
    assert all(scope.what.endswith(".") and scope.leaves_out for scope in told.values())


def test_every_code_is_on_the_page() -> None:
    page = PAGES["docs/value-sets.md"]()
    assert all(f"`{one.code}`" in page for one in concepts())
    assert all(f"`{row['rxcui']}`" in page for row in read("products.csv"))
    assert "unverified" not in page
