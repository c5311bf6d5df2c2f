"""Codes are looked up by (system, code), and a site adds its own."""

from __future__ import annotations

import time

import pytest

from cds_service.terminology import LOCAL, code_system, default_terminology
from cds_service.terminology.tables import SYSTEMS, read
from cds_service.terminology.valuesets import normal, site_terminology

ICD, SCT, CPT, HCPCS = (SYSTEMS[k] for k in ("icd-10-cm", "sct", "cpt", "hcpcs"))
RXNORM, ATC = SYSTEMS["rxnorm"], SYSTEMS["atc"]
FIND = default_terminology().find


def sets(system: str, code: str) -> set[str]:
    return {concept.value_set for concept in FIND(system, code)}


@pytest.mark.parametrize("code", ["M76.891", "M76891", "m76.891", " M76.891 "])
def test_an_icd_code_is_known_with_and_without_its_dot(code: str) -> None:
    assert "pht-condition" in sets(ICD, code)


def test_the_same_code_in_another_system_is_another_code() -> None:
    assert sets("http://hl7.org/fhir/sid/icd-10", "M76.891") == set()
    assert sets(SCT, "20551") == set()
    assert "pht-condition" not in sets("", "M76.891")


@pytest.mark.parametrize(
    "system",
    [
        HCPCS,
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "http://www.nlm.nih.gov/research/umls/hcpcs",
        "urn:oid:2.16.840.1.113883.6.285",
    ],
)
def test_a_code_system_is_known_by_all_its_names(system: str) -> None:
    drug = default_terminology().drug(system, "J3301")
    assert drug is not None
    assert (drug.drug_class, drug.form) == ("corticosteroid", "injectable")


def test_a_comorbidity_holds_for_the_codes_below_its_category() -> None:
    assert "chronic-kidney-disease" in sets(ICD, "N18.32")
    assert "chronic-kidney-disease" not in sets(SCT, "N18.32")
    assert "chronic-kidney-disease" not in sets(ICD, "N17.9")


def test_a_site_adds_codes_and_takes_none_away() -> None:
    own = site_terminology({"pht": {"urn:house": ["H1"]}})
    assert {c.value_set for c in own.find("urn:house", "H1")} == {"pht"}
    assert own.find(ICD, "M76.891") == FIND(ICD, "M76.891")
    assert FIND("urn:house", "H1") == ()


def test_an_eye_product_of_a_steroid_is_not_an_injection_into_a_tendon() -> None:
    triesence = default_terminology().drug(RXNORM, "1086259")
    assert triesence is not None
    assert triesence.form == "ophthalmic"


def test_an_ingredient_alone_says_no_form() -> None:
    triamcinolone = default_terminology().drug(RXNORM, "10759")
    assert triamcinolone is not None
    assert triamcinolone.form is None


def test_prednisone_has_no_injectable_product_prednisolone_is_no_methylprednisolone() -> None:
    drug = default_terminology().drug
    prednisone, methyl = drug(RXNORM, "8640"), drug(RXNORM, "6902")
    assert prednisone is not None
    assert methyl is not None
    assert not prednisone.injectable_exists
    assert methyl.injectable_exists
    assert methyl.ingredient == "methylprednisolone"


def test_a_drug_is_known_by_its_atc_class() -> None:
    drug = default_terminology().drug
    nsaid, anticoagulant = drug(ATC, "M01AE01"), drug(ATC, "B01AF02")
    assert nsaid is not None
    assert nsaid.drug_class == "nsaid"
    assert anticoagulant is not None
    assert anticoagulant.drug_class == "anticoagulant"
    assert drug(ATC, "M01AX05") is None, "glucosamine"


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [("Apixaban 5 mg tablet", "apixaban"), ("WARFARIN 3MG", "warfarin"), ("prowarfarinol", None)],
)
def test_an_anticoagulant_is_known_by_a_whole_word_of_its_name(
    name: str, ingredient: str | None
) -> None:
    found = default_terminology().drug_named(name)
    assert (found.ingredient if found else None) == ingredient


def test_every_local_code_is_published_once() -> None:
    published = [c["code"] for c in code_system()["concept"]]
    assert sorted(published) == sorted({r["code"] for r in read("local-codes.csv")})
    assert code_system()["url"] == LOCAL


def test_no_ama_wording_travels_with_a_cpt_code() -> None:
    plain = {row["code"]: row for row in read("cpt-words.csv")}
    for concepts in default_terminology().value_sets.values():
        for concept in concepts:
            if concept.system == CPT:
                assert concept.code in plain or concept.value_set not in {
                    r["value_set"] for r in read("codes.csv")
                }


def test_codes_that_were_never_verified_are_not_shipped() -> None:
    assert FIND(SCT, "88225001") == ()


def test_spelling_never_changes_a_code_of_another_system() -> None:
    assert normal(SCT, "68367000") == (SCT, "68367000")
    assert normal(CPT, "0232T") == (CPT, "0232T")


def test_a_look_up_does_not_search() -> None:
    started = time.process_time()
    for n in range(20_000):
        FIND(SCT, str(n))
    assert time.process_time() - started < 2
