"""Why each rule spoke or did not, in the order a reader asks: shown, held back, open, not met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.decision import Decision
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.finding import State

_ORDER = (State.FIRED, State.UNKNOWN, State.NOT_JUDGED, State.NOT_MET)
_DECIDES = {State.NOT_MET.value: "no", State.UNKNOWN.value: "unknown"}
_TITLES = {rule.id: rule.title for rule in RECOMMENDATIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule on one side. `told` is its part of the explanation; `held` why no card shows it."""

    title: str
    told: Mapping[str, Any]
    held: str = ""

    @property
    def turning(self) -> str:
        """For a rule that is not met, or open: the criterion that decided it, in a few words."""
        for asked in self.told.get("criteria", ()):
            if asked["answer"] == _DECIDES.get(self.told["state"]):
                because = asked.get("because", "")
                return f"{asked['question']}: {because}" if because else asked["question"]
        return ""

    @property
    def state(self) -> str:
        """For a reader: a rule that fired is a card, or was held back."""
        if self.told["state"] != State.FIRED.value:
            return str(self.told["state"])
        return "held back" if self.held else "card"


def verdicts(decision: Decision) -> list[Verdict]:
    """One for each outcome; within a state in guideline order."""
    explanation = decision.explanation()
    held = {_key(one): one["reason"] for one in explanation.get("withheld", ())}
    found = [
        Verdict(title=_TITLES.get(one["rule"], one["rule"]), told=one, held=held.get(_key(one), ""))
        for one in explanation.get("rules", ())
    ]
    states = [state.value for state in _ORDER]
    return sorted(found, key=lambda one: (states.index(one.told["state"]), bool(one.held)))


def _key(told: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """A rule may speak of several orders of one side: the reasons tell them apart."""
    return told["rule"], told["side"], told.get("variant", ""), str(told.get("criteria", ""))
