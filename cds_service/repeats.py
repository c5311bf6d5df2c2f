"""Cards a user has answered are not shown again while their facts are the same (G8).

What was overridden comes in as data (`History`), read by the ledger; nothing here knows a
database. A finding is recognised by its fingerprint: rule, side, variant and facts, but not
the days that pass. A new injection, or day 181, makes another fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from cds_service.guideline.finding import Outcome
from cds_service.site import NO_REASON, Repeats

Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The user's last word on one finding about this patient: dismissed, on `day`.

    `digest` is the finding's fingerprint as the ledger keeps it.
    """

    rule: str
    digest: str
    reason: str = NO_REASON
    day: date


@dataclass(frozen=True, slots=True)
class History:
    """What this user did with earlier cards about this patient.

    `elsewhere`: digests of findings that another hook has shown them in this encounter, for
    clients that want each card once. `same` tells whether a fingerprint has a digest.
    """

    overrides: tuple[Override, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    same: Same = lambda fingerprint, digest: fingerprint == digest

    def repeats(self, outcome: Outcome, table: Repeats, today: date) -> str | None:
        """Why `outcome` is a needless repeat, or None. A critical finding never is."""
        if outcome.indicator == "critical" or not (self.overrides or self.elsewhere):
            return None
        mark = fingerprint(outcome)
        for one in self.overrides:
            days = table.days(outcome.indicator, one.reason)
            since = (today - one.day).days
            if one.rule == outcome.rule and since < days and self.same(mark, one.digest):
                return f"overridden by this user on {one.day} ({one.reason}); again after {days} d"
        if any(self.same(mark, digest) for digest in self.elsewhere):
            return "shown to this user in this encounter by another hook"
        return None


NOTHING = History()


def fingerprint(outcome: Outcome) -> str:
    """64 hex digits: the same as long as what the finding stands on is the same."""
    facts = {
        (
            fact.reference,
            fact.words,
            fact.when if fact.stated is None else fact.stated,
            fact.certain,
        )
        for criterion in outcome.criteria
        for fact in criterion.facts
    }
    stands_on = [
        outcome.rule,
        outcome.side.value,
        outcome.variant,
        outcome.indicator,
        sorted(outcome.about),
        sorted(facts),
    ]
    return hashlib.sha256(json.dumps(stands_on).encode("ascii")).hexdigest()
