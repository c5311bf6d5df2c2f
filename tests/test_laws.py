"""Laws that hold for every patient, whatever is on record."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.errors import DataUnavailable
from cds_service.fhir import codes, sound
from hooks.patient_view import SERVICE
from tests.strategies import (
    RULES,
    TODAY,
    UNRELATED,
    Resource,
    chart,
    coarser,
    entries,
    fired,
    judge,
    levels,
    moved,
    patients,
    without,
)

LAW = settings(
    max_examples=120,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def told(prefetch: dict[str, Any], **other: Any) -> list[tuple[str, str, str]]:
    """What is shown: rule, indicator, summary."""
    return [
        (card["source"]["topic"]["code"], card["indicator"], card["summary"])
        for card in judge(prefetch, **other).cards
    ]


@LAW
@given(patients(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(made: list[Resource], chance: Any) -> None:
    prefetch = chart(*made)
    shuffled = dict(chance.sample(list(prefetch.items()), len(prefetch)))
    for _, listed in entries(shuffled):
        chance.shuffle(listed)
    first = judge(chart(*made)).response(explain=True)
    assert judge(shuffled).response(explain=True) == first


@LAW
@given(patients())
def test_what_is_read_quickly_is_read_the_same_as_slowly(made: list[Resource]) -> None:
    quick = judge(chart(*made, *UNRELATED)).response(explain=True)
    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(codes.Codes, "_says_something", lambda *_: True)
        slow.setattr(codes, "_spelt", _never)  # nothing is remembered
        slow.setattr(sound, "are_plain", lambda _model, _elements: False)
        assert judge(chart(*made, *UNRELATED)).response(explain=True) == quick


def _never(_concept: Any) -> Any:
    raise TypeError


@LAW
@given(patients())
def test_a_record_sent_twice_changes_nothing(made: list[Resource]) -> None:
    twice = chart(*made, *copy.deepcopy(made))
    assert judge(twice).response(explain=True) == judge(chart(*made)).response(explain=True)


@LAW
@given(patients(), st.integers(-4000, 4000))
def test_moving_all_dates_with_today_changes_nothing(made: list[Resource], days: int) -> None:
    later = chart(*[moved(one, days) for one in made])
    assert fired(judge(later, today=TODAY + timedelta(days=days))) == fired(judge(chart(*made)))


@LAW
@given(patients(), st.sets(st.sampled_from(range(len(UNRELATED))), min_size=1))
def test_unrelated_records_change_nothing(made: list[Resource], which: set[int]) -> None:
    more = chart(*made, *[UNRELATED[n] for n in sorted(which)])
    assert told(more) == told(chart(*made))


@LAW
@given(patients(), st.sampled_from([7, 4]), st.data())
def test_less_precise_dates_never_raise_a_level(
    made: list[Resource], length: int, data: st.DataObject
) -> None:
    which = data.draw(st.sets(st.sampled_from(range(len(made))), min_size=1))
    vague = [coarser(one, length) if n in which else one for n, one in enumerate(made)]
    precise, imprecise = judge(chart(*made)), judge(chart(*vague))
    assert not _raised(levels(precise), levels(imprecise, uncertain=False))


@LAW
@given(patients(), st.sampled_from([7, 4]))
def test_less_precise_dates_never_turn_silence_into_a_warning(
    made: list[Resource], length: int
) -> None:
    # Scores keep their dates: without a pair to compare, improvement is not known, and the
    # source's time limit alone decides (G14).
    if not judge(chart(*made)).cards:
        less = [one if "valueQuantity" in one else coarser(one, length) for one in made]
        vague = judge(chart(*less))
        assert {card["indicator"] for card in vague.cards} <= {"info"}


@LAW
@given(patients(), st.sampled_from(sorted(SERVICE.prefetch)))
def test_what_could_not_be_obtained_never_raises_a_level(made: list[Resource], key: str) -> None:
    prefetch = chart(*made)
    try:
        lacking = levels(judge(without(prefetch, key)))
    except DataUnavailable:
        return
    assert not _raised(levels(judge(prefetch)), lacking)


@LAW
@given(patients(), st.data())
def test_the_same_injection_told_by_a_linked_record_changes_nothing(
    made: list[Resource], data: st.DataObject
) -> None:
    procedures = [one for one in made if one["resourceType"] == "Procedure" and one["id"][0] == "i"]
    if not procedures:
        return
    again = copy.deepcopy(data.draw(st.sampled_from(procedures)))
    again["partOf"] = [{"reference": f"Procedure/{again['id']}"}]
    again["id"] = "again"
    assert told(chart(*made, again)) == told(chart(*made))


@LAW
@given(patients())
def test_every_answer_says_which_rules_it_could_not_judge(made: list[Resource]) -> None:
    decision = judge(chart(*made))
    unknown = {o.rule for o in decision.outcomes if o.state.value in ("unknown", "not judged")}
    extension = decision.response().get("extension", {}).get("org.pht-cds.unjudged", {})
    assert {one["rule"] for one in extension.get("rules", [])} == unknown


@LAW
@given(patients())
def test_there_is_at_most_one_pathway_card_and_three_in_all(made: list[Resource]) -> None:
    decision = judge(chart(*made))
    pathway = set(RULES) - {"steroid-overuse"}
    assert len(decision.cards) <= 3
    assert sum(outcome.rule in pathway for outcome in decision.shown) <= 1


def _raised(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int, int]]:
    return {
        rule: (before.get(rule, 0), level)
        for rule, level in after.items()
        if level > before.get(rule, 0)
    }


def test_the_laws_are_tried_on_patients_that_do_get_cards() -> None:
    """A law over silent charts would prove nothing."""
    seen: set[str] = set()

    @LAW
    @given(patients())
    def look(made: list[Resource]) -> None:
        seen.update(fired(judge(chart(*made))))

    look()
    rules = {one.split()[0] for one in seen}
    assert rules == set(RULES)
    assert any("warning" in one for one in seen)


@pytest.mark.parametrize("number", [40, 2000])
def test_a_large_chart_is_answered_rightly_and_only_relevant_records_are_validated(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cds_service.fhir import sound
    from tests.strategies import injection, loading, pht

    validated: list[str] = []
    whole = sound._faults

    def counting(kind: str, elements: Any) -> Any:
        validated.append(kind)
        return whole(kind, elements)

    monkeypatch.setattr(sound, "_faults", counting)
    filler = [
        {**copy.deepcopy(UNRELATED[n % len(UNRELATED)]), "id": f"f{n}"} for n in range(number)
    ]
    relevant = [
        pht(),
        loading(since=200),
        *[injection(f"i{n}", f"2026-0{n}-10") for n in range(1, 5)],
    ]
    decision = judge(chart(*filler, *relevant))
    assert fired(decision) == [
        "steroid-overuse over-limit warning",
        "surgical-referral-overdue warning",
    ]
    assert len(validated) <= 2 * (len(relevant) + 1)


def test_the_work_grows_with_the_number_of_injections_not_with_its_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cds_service.patient import injections as module
    from tests.strategies import injection, pht

    calls: list[int] = []
    whole = module.same_side

    def counting(one: Any, other: Any) -> Any:
        calls.append(1)
        return whole(one, other)

    monkeypatch.setattr(module, "same_side", counting)

    def work(number: int) -> int:
        calls.clear()
        given = [
            injection(f"i{n}", (TODAY - timedelta(days=n)).isoformat(), ("left", "right")[n % 2])
            for n in range(number)
        ]
        judge(chart(pht("l", "left"), pht("r", "right"), *given))
        return len(calls)

    small, large = work(100), work(400)
    assert 0 < large <= 6 * small
