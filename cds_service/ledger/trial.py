"""A roll-out on trial: what clients and rules in shadow would have shown, beside what was shown.

Taken from two reports, of the trial's period and of the one it is compared with, so that it tells
no number that they hide. Rates are per 100 calls of all hooks: compare clients with a like mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cds_service.ledger import analytics, reports
from cds_service.ledger.analytics import By, Period
from cds_service.ledger.reports import Line, Report
from cds_service.ledger.small_numbers import Told, protect

LIVE, SHADOW = "live", "shadow"
#: column -> what it means
MEANINGS = {
    "shown": "Cards shown to live clients, in the period compared with.",
    "shownPer100Calls": "The same, for 100 calls of live clients.",
    "wouldShow": "Cards that clients in shadow mode would have been shown, in the period of the"
    " trial: after precedence and budget. No user could dismiss them, so repeats are among them.",
    "wouldShowPer100Calls": "The same, for 100 calls of clients in shadow mode.",
    "ruleInShadow": "Findings of rules in shadow mode, before precedence and budget: fewer would"
    " have been shown.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`calls`: of live clients (period compared with) and of those in shadow (the trial's)."""

    trial: Report
    live: Report
    calls: Mapping[str, Told]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each rule that fired in either period, the total last."""
        live = {line.key: line for line in self.live.lines}
        trial = {line.key: line for line in self.trial.lines}
        keys = dict.fromkeys((*live, *trial))
        rows = [{"rule": key[0], **self._row(live.get(key), trial.get(key))} for key in keys]
        return [*rows, {"rule": "all", **self._row(self.live.total, self.trial.total)}]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; what is hidden is told as in a report."""
        return {
            "trial": _days(self.trial.period),
            "comparedWith": _days(self.live.period),
            "hiddenBelow": self.trial.least or None,
            "callsLive": self.words(self.calls.get(LIVE)),
            "callsInShadow": self.words(self.calls.get(SHADOW)),
            "withheld": self.withheld,
            "rows": self.rows(),
            "columns": MEANINGS,
        }

    @property
    def withheld(self) -> bool:
        """Whether rows are missing because they would give small numbers away."""
        return self.trial.withheld or self.live.withheld

    def words(self, told: Told) -> int | str | None:
        return told if told is None or isinstance(told, int) else self.trial.words(told)

    def _row(self, live: Line | None, trial: Line | None) -> dict[str, Any]:
        shown = _count(self.live, live, "shown")
        would = _count(self.trial, trial, "shadow-client")
        return {
            "shown": self.words(shown),
            "shownPer100Calls": _rate(shown, self.calls.get(LIVE)),
            "wouldShow": self.words(would),
            "wouldShowPer100Calls": _rate(would, self.calls.get(SHADOW)),
            "ruleInShadow": self.words(_count(self.trial, trial, "shadow-rule")),
        }


def compare(connection: Connection, period: Period, against: Period, least: int) -> Comparison:
    """The trial of `period` beside what was shown in `against`, which may be the same."""
    trial = reports.report(connection, period, By.RULE, least)
    live = trial if against == period else reports.report(connection, against, By.RULE, least)
    calls = {
        LIVE: _calls(connection, against, least).get(LIVE),
        SHADOW: _calls(connection, period, least).get(SHADOW),
    }
    return Comparison(trial=trial, live=live, calls=calls)


def _calls(connection: Connection, period: Period, least: int) -> dict[str, Told]:
    """Calls by mode; small ones are hidden so that the sum of both does not tell them."""
    modes = {LIVE: 0, SHADOW: 0, **analytics.calls_by_mode(connection, period)}
    rows = {mode: {"calls": number} for mode, number in modes.items()}
    told = protect({"calls": sum(modes.values())}, rows, {"calls": ""}, least)
    return {mode: counts.get("calls") for mode, counts in told.rows.items()}


def _count(report: Report, line: Line | None, measure: str) -> Told:
    """A rule without a row has no findings; where rows are withheld, nobody knows."""
    if line is None:
        return None if report.withheld else 0
    return line.counts.get(measure)


def _rate(told: Told, calls: Told) -> float | None:
    if not isinstance(told, int) or not isinstance(calls, int) or not calls:
        return None
    return round(100 * told / calls, 2)


def _days(period: Period) -> dict[str, str | None]:
    since, until = period.since, period.until
    return {
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }
