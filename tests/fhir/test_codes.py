"""A concept is looked up the same whether it is seen for the first time or again."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir import codes as module
from cds_service.fhir.codes import Codes
from cds_service.terminology import default_terminology
from cds_service.terminology.valuesets import site_terminology
from tests.strategies import CPT, ICD, SCT

CONCEPTS: list[Any] = [
    {"text": "Proximal hamstring tendinopathy"},
    {"text": "Hypertension"},
    {"text": "Apixaban 5 mg"},
    {"coding": [{"system": ICD, "code": "M76.899"}], "text": "Enthesopathy"},
    {"coding": [{"system": ICD, "code": "I10", "display": "Essential hypertension"}]},
    {"coding": [{"system": SCT, "code": "38341003", "display": "Hamstring strain"}]},
    {"coding": [{"system": CPT, "code": "20551"}]},
    {"coding": []},
    {},
]
ODD: list[Any] = [
    None,
    "Hypertension",
    ["Hypertension"],
    {"text": 5},
    {"text": True, "coding": None},
    {"text": ["Hypertension"]},
    {"coding": {"system": SCT, "code": "1"}},
    {"coding": ["1"]},
    {"coding": ""},
    {"coding": [{"system": [], "code": "1"}]},
    {"coding": [{"system": SCT, "code": 1}]},
    {"text": "x", "coding": [None]},
]


def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_concept: Any) -> Any:
        raise TypeError

    monkeypatch.setattr(module, "_spelt", never)


@pytest.mark.parametrize("concept", [*CONCEPTS, *ODD], ids=str)
def test_what_is_remembered_is_what_was_looked_up(
    concept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = Codes(default_terminology())
    seen = [(codes.known(concept), codes.site([concept])) for _ in range(2)]
    fresh(monkeypatch)
    known = codes.known(concept)
    for again, site in seen:
        assert (again.concepts, again.complete) == (known.concepts, known.complete)
        assert site == codes.site([concept])


@pytest.mark.parametrize("concept", ODD, ids=str)
def test_of_an_odd_shape_it_is_never_said_that_it_says_nothing(concept: Any) -> None:
    codes = Codes(default_terminology())
    assert not codes.says_nothing(concept)
    assert not codes.says_nothing(concept)


def test_true_and_one_are_odd_after_each_other() -> None:
    """They are the same key."""
    codes = Codes(default_terminology())
    assert not any(codes.says_nothing({"text": odd}) for odd in (1, True, 1.0, False, 0))


def test_each_site_remembers_for_itself() -> None:
    concept = {"coding": [{"system": "https://ehr.example/codes", "code": "HAM"}]}
    own = site_terminology({"pht": {"https://ehr.example/codes": ["HAM"]}})
    for _ in range(2):
        assert Codes(default_terminology()).says_nothing(concept)
        assert not Codes(own).says_nothing(concept)


def test_several_body_sites_are_not_mistaken_for_one() -> None:
    """Two sites with a text each, and one with two codings, are spelt differently."""
    codes = Codes(default_terminology())
    two = [{"text": "left"}, {"text": "right"}]
    one = [{"text": "left", "coding": [{"display": "right"}]}]
    assert codes.site(two).side is not codes.site([two[0]]).side
    assert codes.site(one) == codes.site(one)
