"""What words say of a site, reason or route where no code does (guideline G5)."""

from __future__ import annotations

import pytest

from cds_service.terminology.tables import concepts
from cds_service.terminology.words import (
    Route,
    names_other_region,
    route_named,
    targets_other_region,
)


@pytest.mark.parametrize(
    "words",
    [
        "Structure of left shoulder region",
        "Left shoulder",
        "KNEE",
        "L4-L5 facet joint",
        "Lumbar epidural space",
        "Back",
        "Low back",
        "Left hand",
        "Greater trochanteric bursa, left hip",
        "Structure of left hip joint",
        "Steroid injection, left elbow",
        "Osteoarthritis of knee",
        "Shoulder lesion, not elsewhere classified",
    ],
)
def test_another_part_of_the_body_is_named(words: str) -> None:
    assert names_other_region([words])


@pytest.mark.parametrize(
    "words",
    [
        "Back of left thigh",
        "left-hand side, ischium",
        "left-hand side",
        "Right buttock, not the lower back",
        "Gluteal fold",
        "Biceps femoris, long head, at the knee",
        "Hamstring, distal, knee",
        "Hip and low back",
        "Low back pain with sciatica",
        "Left leg",
        "where it hurts",
        "wants to get back to running",
        "pain at foot strike",
        "pain on knee flexion",
        "leg pain radiating to the knee",
        "above the knee",
        "deep external rotators",
        "multi-faceted rehabilitation",
        "finger-to-floor distance",
        "hand-held dynamometer",
        "not the knee",
        "lower limb, excluding foot",
        "single tendon sheath, or ligament, aponeurosis (eg, plantar fascia)",
        "major joint or bursa (e.g. shoulder, knee)",
        "Back pain when sitting",
        "knee pain, sitting pain",
        "PHT tendinopathy at sitz bone, knee stable",
        "Long head biceps tendon",
        "",
    ],
)
def test_what_may_be_the_hamstring_or_names_no_region_is_not_elsewhere(words: str) -> None:
    assert not names_other_region([words])


@pytest.mark.parametrize(
    "words",
    [
        "Steroid injection, left elbow",
        "Injection of steroid into the left knee joint",
        "Left shoulder injection",
        "Lumbar epidural steroid injection L4-L5",
        "Therapeutic exercise, left shoulder",
        "Left shoulder",
    ],
)
def test_a_code_names_its_target_when_it_says_nothing_else(words: str) -> None:
    assert targets_other_region(words)


@pytest.mark.parametrize(
    "words",
    [
        "HSR: leg curl with ankle strap",
        "Single-leg deadlift, kettlebell in opposite hand",
        "Slider curls, heel on towel",
        "Nordic curl, feet fixed",
        "Back extension and lower back bridge",
        "US guided tendon inj w/ 22G spinal needle",
        "Steroid injection, pt prone arms up",
        "Inj tendon sheath, ligament or plantar fascia",
        "Orthopaedics and Spine Centre",
        "Steroid injection, left buttock and knee",
        "Steroid injection",
        "",
    ],
)
def test_of_a_code_that_says_more_the_target_cannot_be_told(words: str) -> None:
    assert not targets_other_region(words)


def test_of_text_and_display_the_one_that_may_be_the_hamstring_wins() -> None:
    assert names_other_region(["Left knee", "Body part"])
    assert names_other_region(["Left elbow", "tendon sheath (eg, plantar fascia)"])
    assert not names_other_region(["Left knee", "Structure of left thigh"])
    assert not names_other_region(["Hip", "Lumbar region"])
    assert not names_other_region([])


def test_the_words_agree_with_every_site_whose_code_is_known() -> None:
    for one in concepts():
        if one.value_set in ("body-site", "hamstring-origin", "confirming-site"):
            assert names_other_region([one.display]) is (one.role == "exclude"), one.display


def test_no_treatment_the_rules_count_names_another_region() -> None:
    counted = {
        *("steroid-injection", "tendon-injection", "other-injection", "prp", "whole-blood"),
        *("loading-programme", "load-management", "rehab-active", "rehab-passive"),
        *("surgical-opinion", "physio-referral", "generic-referral", "hamstring-surgery"),
    }
    for one in concepts():
        if one.value_set in counted or (one.value_set, one.role) == ("surgery", "include"):
            assert not names_other_region([one.display]), one.display


def test_the_words_agree_with_every_route_whose_code_is_known() -> None:
    for one in concepts():
        found = route_named([one.display])
        if one.value_set == "route-local":
            assert found is Route.LOCAL, one.display
        elif one.value_set == "route-topical":
            assert found is Route.TOPICAL, one.display
        elif one.value_set == "route-other":
            assert found not in (Route.LOCAL, Route.UNRECOGNISED), one.display


@pytest.mark.parametrize(
    ("words", "route"),
    [
        ("Epidural route", Route.OTHER),
        ("IM", Route.OTHER),
        ("i.m.", Route.OTHER),
        ("Intra-articular", Route.JOINT),
        ("Oral inhalation", Route.OTHER),
        ("Nasal", Route.OTHER),
        ("PO", Route.ORAL),
        ("by mouth", Route.ORAL),
        ("apply to the skin", Route.TOPICAL),
        ("Ophthalmic", Route.DROPS),
        ("Peri-tendinous", Route.LOCAL),
        ("Infiltration or IM", Route.UNRECOGNISED),
        ("not oral", Route.UNRECOGNISED),
        ("Subcutaneous", Route.UNRECOGNISED),
        ("Parenteral", Route.UNRECOGNISED),
        ("Route of administration", Route.UNRECOGNISED),
    ],
)
def test_a_route_is_known_by_its_words(words: str, route: Route) -> None:
    assert route_named([words]) is route
