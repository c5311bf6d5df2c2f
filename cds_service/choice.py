"""Which findings become cards: modes, precedence, one pathway card, order, budget (G8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from cds_service.guideline import CARD_ORDER, PATHWAY_ORDER, RECOMMENDATIONS
from cds_service.guideline.finding import Outcome, Recommendation, State
from cds_service.patient.sides import Laterality

LEVELS = ("critical", "warning", "info")
SAID_BETTER = "a card that says more of the same comes first"
PATHWAY_TAKEN = "another pathway card comes first"
#: silent only beside another pathway card that is shown: it becomes a line in it
LOAD_MANAGEMENT = "load-management-missing"
_ORDER = (*CARD_ORDER, *(r.id for r in RECOMMENDATIONS if r.id not in CARD_ORDER))


class Kind(Enum):
    """Why a finding is not shown, as the ledger counts it."""

    SHADOW = "shadow"  # the rule, the client or all is judged and not shown
    PRECEDENCE = "precedence"
    REPEAT = "repeat"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Withheld:
    """A finding that is not shown, and why."""

    outcome: Outcome
    reason: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """`shown` in the order of the cards; `withheld` with the reason each is not."""

    shown: tuple[Outcome, ...]
    withheld: tuple[Withheld, ...]

    def all_silent(self, reason: str) -> Choice:
        """The same, with nothing shown: what would have been is withheld for `reason`."""
        silent = (Withheld(outcome, reason, Kind.SHADOW) for outcome in self.shown)
        return Choice((), (*silent, *self.withheld))

    def beside(self, outcome: Outcome) -> tuple[str, ...]:
        """What else the pathway would say, as lines: of the other side, of load management."""
        lines: list[str] = []
        for held in self.withheld:
            advice, side = held.outcome.advice, held.outcome.side
            if advice is None or held.reason != PATHWAY_TAKEN:
                continue
            if held.outcome.rule == LOAD_MANAGEMENT:
                lines.append(advice.summary)
            elif side is not outcome.side and not any("Other side" in line for line in lines):
                lines.append(f"Other side ({side.words}): {advice.summary}")
        return tuple(lines)


def choose(
    outcomes: Sequence[Outcome],
    rules: Mapping[str, Recommendation],
    silenced: Callable[[str], str | None],
    budget: int,
    repeats: Callable[[Outcome], str | None] = lambda _: None,
) -> Choice:
    """`silenced`: rule -> why it is not to be shown, or None; such a rule silences no other.

    `repeats`: why a finding is a needless repeat, or None. It keeps its precedence over what says
    less of the same, and over nothing else.
    """
    withheld: list[Withheld] = []
    live: list[Outcome] = []
    for outcome in outcomes:
        if outcome.state is not State.FIRED:
            continue
        if reason := silenced(outcome.rule):
            withheld.append(Withheld(outcome, reason, Kind.SHADOW))
        else:
            live.append(outcome)
    yielding = [o for o in live if _yields(rules[o.rule], o, live)]
    withheld += [Withheld(o, SAID_BETTER, Kind.PRECEDENCE) for o in yielding]
    standing = [o for o in live if o not in yielding]
    pathway = _pathway([o for o in standing if rules[o.rule].pathway], repeats)
    withheld += pathway.withheld
    wanted = list(pathway.shown)
    for outcome in (o for o in standing if not rules[o.rule].pathway):
        if reason := repeats(outcome):
            withheld.append(Withheld(outcome, reason, Kind.REPEAT))
        else:
            wanted.append(outcome)
    ranked = sorted(wanted, key=_card_rank)
    withheld += [Withheld(o, f"more than {budget} cards", Kind.BUDGET) for o in ranked[budget:]]
    return Choice(tuple(ranked[:budget]), tuple(withheld))


def _yields(rule: Recommendation, outcome: Outcome, live: Sequence[Outcome]) -> bool:
    """A rule that it yields to speaks of the same order."""
    return any(
        other.rule in rule.yields_to
        and (set(other.about) & set(outcome.about) or not outcome.about)
        for other in live
    )


def _pathway(found: Sequence[Outcome], repeats: Callable[[Outcome], str | None]) -> Choice:
    """The one pathway card (G8): the first that is no repeat, nor says less of a repeat's side."""
    shown: list[Outcome] = []
    withheld: list[Withheld] = []
    answered: set[Laterality] = set()
    for outcome in sorted(found, key=_pathway_rank):
        if outcome.side in answered and outcome.rule != LOAD_MANAGEMENT:
            withheld.append(Withheld(outcome, SAID_BETTER, Kind.PRECEDENCE))
        elif shown:
            withheld.append(Withheld(outcome, PATHWAY_TAKEN, Kind.PRECEDENCE))
        elif reason := repeats(outcome):
            withheld.append(Withheld(outcome, reason, Kind.REPEAT))
            answered.add(outcome.side)
        else:
            shown.append(outcome)
    return Choice(tuple(shown), tuple(withheld))


def _pathway_rank(outcome: Outcome) -> tuple[int, float, str]:
    for rank, (rule, variants) in enumerate(PATHWAY_ORDER):
        if rule == outcome.rule and (variants is None or outcome.variant in variants):
            return rank, -outcome.weight, outcome.side.value
    return len(PATHWAY_ORDER), -outcome.weight, outcome.side.value


def _card_rank(outcome: Outcome) -> tuple[int, int, str]:
    return LEVELS.index(outcome.indicator), _ORDER.index(outcome.rule), outcome.side.value
