"""A card that is held back hides what says less of the same, and no other finding (G8)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cds_service.choice import LOAD_MANAGEMENT, Choice, Kind, choose
from cds_service.guideline import PATHWAY_ORDER, RECOMMENDATIONS
from cds_service.guideline.finding import Advice, Outcome, State
from cds_service.patient.sides import LEFT, RIGHT, Laterality
from tests.test_laws import LAW

RULES = {rule.id: rule for rule in RECOMMENDATIONS}
#: (rule, variant) -> place: the more pressing first
RANKED = {
    (rule, name): place
    for place, (rule, names) in enumerate(PATHWAY_ORDER)
    for name in (names or ("",))
}
CONSIDER, STEP_UP, OVERDUE = (
    "surgical-referral-consider",
    "step-up-options",
    "surgical-referral-overdue",
)


def finding(rule: str, side: Laterality, variant: str = "") -> Outcome:
    said = Advice(summary=f"{rule} {variant}", ask="")
    return Outcome(rule=rule, side=side, state=State.FIRED, variant=variant, advice=said)


def chosen(found: list[Outcome], dismissed: list[Outcome]) -> Choice:
    def repeats(outcome: Outcome) -> str | None:
        return "dismissed" if outcome in dismissed else None

    return choose(found, RULES, lambda _: None, 3, repeats)


def rank(outcome: Outcome) -> int:
    return RANKED[outcome.rule, outcome.variant]


#: of each side any of the pathway's rules, in one variant
FOUND = st.lists(
    st.tuples(st.sampled_from(list(RANKED)), st.sampled_from([LEFT, RIGHT])),
    unique_by=lambda made: (made[0][0], made[1]),
    max_size=6,
).map(lambda made: [finding(rule, side, variant) for (rule, variant), side in made])


def less_of_the_same(outcome: Outcome, dismissed: list[Outcome]) -> bool:
    """Load management is another matter than the cards before it."""
    return outcome.rule != LOAD_MANAGEMENT and any(
        one.side is outcome.side and rank(one) < rank(outcome) for one in dismissed
    )


@LAW
@given(FOUND, st.data())
def test_the_first_finding_that_a_dismissed_card_does_not_cover_is_shown(
    found: list[Outcome], data: st.DataObject
) -> None:
    dismissed = [one for one in found if data.draw(st.booleans())]
    left = [o for o in found if o not in dismissed and not less_of_the_same(o, dismissed)]
    choice = chosen(found, dismissed)
    assert [rank(o) for o in choice.shown] == sorted(rank(o) for o in left)[:1]
    assert all(o in left for o in choice.shown)
    assert len(choice.shown) + len(choice.withheld) == len(found)


@LAW
@given(FOUND)
def test_who_dismisses_card_after_card_has_seen_every_finding_or_more_of_the_same(
    found: list[Outcome],
) -> None:
    dismissed: list[Outcome] = []
    while shown := chosen(found, dismissed).shown:
        assert len(shown) == 1
        dismissed += shown
    assert all(one in dismissed or less_of_the_same(one, dismissed) for one in found)


def test_the_other_side_is_told_once_the_first_is_dismissed() -> None:
    left, right = finding(CONSIDER, LEFT), finding(STEP_UP, RIGHT)
    first = chosen([left, right], [])
    assert first.shown == (left,)
    assert first.beside(left) == ("Other side (right): step-up-options ",)
    second = chosen([left, right], [left])
    assert second.shown == (right,)
    assert second.beside(right) == ()  # what was dismissed is no line either
    assert [held.kind for held in second.withheld] == [Kind.REPEAT]


def test_load_management_is_told_once_the_card_it_was_a_line_in_is_dismissed() -> None:
    held, load = finding(CONSIDER, LEFT), finding(LOAD_MANAGEMENT, LEFT)
    assert chosen([load, held], []).beside(held) == (f"{LOAD_MANAGEMENT} ",)
    assert chosen([load, held], [held]).shown == (load,)


def test_less_of_the_same_side_is_neither_a_card_nor_a_line_beside_the_other_side() -> None:
    overdue = finding(OVERDUE, LEFT)
    less, other = (
        finding("loading-programme-missing", LEFT, "passive-only"),
        finding(STEP_UP, RIGHT),
    )
    choice = chosen([overdue, less, other], [overdue])
    assert choice.shown == (other,)
    assert choice.beside(other) == ()
