"""The reasons to override a card, as the FHIR CodeSystem that clients can look up."""

from __future__ import annotations

from fhir.resources.R4B.codesystem import CodeSystem

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.overrides import REASONS, SYSTEM, code_system


def test_every_reason_a_rule_offers_is_published() -> None:
    published = code_system()
    CodeSystem.model_validate(published)
    assert published["url"] == SYSTEM
    offered = {code for rule in RECOMMENDATIONS for code in rule.override_reasons}
    assert offered <= {concept["code"] for concept in published["concept"]}
    assert published["count"] == len(published["concept"]) == len(REASONS)


def test_only_a_wrong_record_has_no_hl7_code() -> None:
    without = [one["code"] for one in code_system()["concept"] if "property" not in one]
    assert without == ["record-wrong"]
