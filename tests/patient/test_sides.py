"""Unknown laterality stays unknown: never a match (guideline G1a, G3)."""

from __future__ import annotations

import pytest

from cds_service.patient.sides import BOTH, LEFT, NOT_STATED, RIGHT, Laterality
from cds_service.patient.when import NO, UNKNOWN, YES
from tests.strategies import CPT, concept, facts, injection, local, origin, pht, procedure, shown


def test_left_never_concerns_right() -> None:
    assert LEFT.covers(RIGHT) is NO
    assert BOTH.covers(RIGHT) is YES
    assert NOT_STATED.covers(LEFT) is UNKNOWN


def test_sources_that_conflict_leave_the_side_unknown() -> None:
    assert Laterality.agreed((LEFT, RIGHT, NOT_STATED)) is NOT_STATED
    assert Laterality.agreed((LEFT, NOT_STATED)) is LEFT


@pytest.mark.parametrize(
    ("site", "code", "text", "side"),
    [
        (origin("left"), "M76.899", "", LEFT),
        (None, "M76.891", "proximal hamstring tendinopathy", RIGHT),
        (None, "M76.892", "Left proximal hamstring tendinopathy", LEFT),
        (None, "M76.899", "Proximal hamstring tendinopathy, right", RIGHT),
        (None, "M76.899", "Bilateral proximal hamstring tendinopathy", BOTH),
        (None, "M76.899", "proximal hamstring tendinopathy, left and right", BOTH),
        (None, "M76.899", "proximal hamstring tendinopathy", NOT_STATED),
        (None, "M76.891", "Left proximal hamstring tendinopathy", NOT_STATED),
        (origin("left"), "M76.891", "", NOT_STATED),
    ],
)
def test_the_side_of_a_diagnosis_comes_from_site_digit_and_words_that_agree(
    site: dict[str, object] | None, code: str, text: str, side: Laterality
) -> None:
    condition = pht(
        code=concept(("http://hl7.org/fhir/sid/icd-10-cm", code), text=text),
        bodySite=[site] if site else None,
    )
    assert [d.side for d in facts(condition).diagnoses] == [side]


def test_two_body_sites_are_both_sides() -> None:
    condition = pht(bodySite=[origin("left"), origin("right")])
    assert [d.side for d in facts(condition).diagnoses] == [BOTH]


def test_a_side_beside_a_site_counts() -> None:
    site = concept(("http://snomed.info/sct", "7771000"), text="hamstring origin")
    assert [d.side for d in facts(pht(bodySite=[site])).diagnoses] == [LEFT]


def test_a_modifier_gives_the_side_that_no_body_site_states() -> None:
    code = concept(
        (CPT, "20551"), ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "RT")
    )
    made = procedure("p", code, "2026-01-05", reasonCode=[local("pht")])
    assert [i.side for i in facts(pht(), made).injections] == [RIGHT]


def test_a_site_whose_code_says_left_and_whose_text_says_right_has_no_side() -> None:
    site = {**origin("left"), "text": "Right hamstring origin"}
    made = injection("i", "2026-01-05", bodySite=[site])
    assert [i.side for i in facts(pht(), made).injections] == [NOT_STATED]


def test_the_side_of_another_joint_is_not_the_side_of_the_hamstring() -> None:
    knee = concept(("http://snomed.info/sct", "72696002"), text="Right knee")
    given = [
        injection(f"i{n}", f"2026-0{n}-01", bodySite=[origin("left"), knee]) for n in range(1, 5)
    ]
    assert not [one for one in shown(pht(side="right"), *given) if one.startswith("steroid")]


def test_a_modifier_that_contradicts_the_body_site_leaves_the_side_unknown() -> None:
    code = concept(
        ("https://pht-cds.example.org/fhir/CodeSystem/pht", "steroid-injection"),
        ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "RT"),
    )
    made = injection("i", "2026-01-05", code=code)
    assert [i.side for i in facts(pht(), made).injections] == [NOT_STATED]
