"""What was decided for one call: the cards, and the reasons for and against every rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cds_service.cards import (
    RATIONALE,
    Occasion,
    criterion,
    left_out,
    threshold,
    unreadable,
    without_empties,
)
from cds_service.choice import Choice, Withheld
from cds_service.guideline import EDITION
from cds_service.guideline.case import Case
from cds_service.guideline.finding import Outcome, Recommendation, State

UNJUDGED = "org.pht-cds.unjudged"


@dataclass(slots=True, kw_only=True)
class Decision:
    """The cards, and everything that explains them and the ones not shown."""

    cards: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    choice: Choice = field(default_factory=lambda: Choice((), ()))
    #: why no rule was asked at all
    silence: str = ""
    #: the rules asked, and the ids of those the site has switched off
    asked: tuple[Recommendation, ...] = ()
    off: tuple[str, ...] = ()
    case: Case | None = None
    #: the call, as the cards' uuids are made from it; None when no rule was asked
    occasion: Occasion | None = None
    today: date
    fixed_today: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules shown, for the log."""
        return tuple(outcome.rule for outcome in self.choice.shown)

    @property
    def shown(self) -> tuple[Outcome, ...]:
        return self.choice.shown

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        return self.choice.withheld

    def unjudged(self) -> list[dict[str, str]]:
        """Rules that could not be judged, by rule and side, with what was lacking."""
        lacking = [o for o in self.outcomes if o.state in (State.NOT_JUDGED, State.UNKNOWN)]
        return [
            without_empties(
                {
                    "rule": outcome.rule,
                    "side": outcome.side.value if outcome.side.value != "unknown" else "",
                    "reason": "; ".join(dict.fromkeys(unknowns(outcome))),
                }
            )
            for outcome in lacking
        ]

    def response(self, *, explain: bool = False) -> dict[str, Any]:
        """The CDS Hooks response body."""
        extension: dict[str, Any] = {}
        if unjudged := self.unjudged():
            extension[UNJUDGED] = {"rules": unjudged}
        if explain:
            extension[RATIONALE] = self.explanation()
        return {"cards": self.cards, **({"extension": extension} if extension else {})}

    def explanation(self) -> dict[str, Any]:
        """Why each rule asked did or did not fire, for the whole answer."""
        return without_empties(
            {
                "edition": EDITION,
                "today": self.today.isoformat(),
                "todayIsFixed": self.fixed_today or None,
                "silence": self.silence,
                "rules": [self._explained(outcome) for outcome in self.outcomes],
                "withheld": [
                    {**self._explained(held.outcome), "reason": held.reason}
                    for held in self.withheld
                ],
                "switchedOff": list(self.off),
                **(self._record(self.case) if self.case else {}),
            }
        )

    def _record(self, case: Case) -> dict[str, Any]:
        """What the rules stood on, told once: numbers in force, gaps, records not used."""
        used = dict.fromkeys(one for rule in self.asked for one in rule.parameters)
        return {
            "thresholds": [threshold(case, parameter) for parameter in used],
            "missing": [f"{kind}: {why}" for kind, why in sorted(case.facts.missing.items())],
            "unreadable": unreadable(case),
            "leftOut": left_out(case),
        }

    def _explained(self, outcome: Outcome) -> dict[str, Any]:
        """`thresholds` are names; their values stand once for the whole answer."""
        names = {rule.id: [one.name for one in rule.parameters] for rule in self.asked}
        return without_empties(
            {
                "rule": outcome.rule,
                "side": outcome.side.value,
                "state": outcome.state.value,
                "variant": outcome.variant,
                "criteria": [criterion(one) for one in outcome.criteria],
                "thresholds": names.get(outcome.rule, []),
            }
        )


def unknowns(outcome: Outcome) -> list[str]:
    return [
        f"{one.question}: {one.because}" for one in outcome.criteria if one.answer.name == "UNKNOWN"
    ]
