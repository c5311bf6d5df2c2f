"""A report on the findings of a period: counts as they may be told, in all or split by one thing.

What every front end shows comes from here: the command, the console's JSON and its pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cds_service.guideline import RECOMMENDATIONS
from cds_service.ledger import analytics
from cds_service.ledger.analytics import KEYS, By, Key, Period, Speed
from cds_service.ledger.measures import MEASURES, PARENTS, REASON, summed
from cds_service.ledger.small_numbers import Hidden, Told, protect

ANSWERS = ("accepted", "overridden", "ignored")  # what becomes of a shown card
_ORDER = {rule.id: place for place, rule in enumerate(RECOMMENDATIONS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row. A measure that is missing in `counts`, or None, is not told.

    `median`: seconds from card to first answer; None where fewer than `least` were answered.
    """

    key: Key
    counts: Mapping[str, Told]
    median: float | None

    def share(self, measure: str) -> float | None:
        """This measure in the cards shown, 0 to 1; None unless both are told and some were."""
        part, whole = self.counts.get(measure), self.counts.get("shown")
        if isinstance(part, Hidden) or isinstance(whole, Hidden) or part is None or not whole:
            return None
        return part / whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`lines` is empty also where a breakdown would give small numbers away: `withheld`."""

    period: Period
    by: By | None
    least: int
    total: Line
    lines: tuple[Line, ...]
    withheld: bool
    calls: Told
    unmatched: Told

    @property
    def keys(self) -> tuple[str, ...]:
        return KEYS[self.by] if self.by else ()

    def words(self, told: Told) -> str:
        """'12', '<5', '>=5', or '' for what is not told."""
        if isinstance(told, Hidden):
            return f"<{self.least}" if told is Hidden.BELOW else f">={self.least}"
        return "" if told is None else str(told)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: numbers, or '<5' and '>=5' for those that are hidden."""
        since, until = self.period.since, self.period.until
        return {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "by": self.by.value if self.by else None,
            "hiddenBelow": self.least or None,
            "calls": self._plain(self.calls),
            "feedbackWithoutCard": self._plain(self.unmatched),
            "total": self.flat(self.total),
            "rows": [self.flat(line) for line in self.lines],
            "withheld": self.withheld,
            "measures": [
                {"name": m.name, "partOf": m.parent or None, "title": m.title, "means": m.meaning}
                for m in MEASURES.values()
            ],
        }

    def flat(self, line: Line) -> dict[str, Any]:
        """One row by name: its key, every measure, shares of the cards shown, the median."""
        of_reason = self.by is By.REASON and line is not self.total
        names = ("overridden",) if of_reason else PARENTS
        shares = {f"{name}Share": _rounded(line.share(name), 4) for name in ANSWERS}
        return {
            **dict(zip(self.keys, line.key, strict=False)),
            **{name: self._plain(line.counts.get(name)) for name in names},
            **(shares if names is PARENTS else {}),
            "medianSecondsToAnswer": _rounded(line.median, 1),
        }

    def _plain(self, told: Told) -> int | str | None:
        return self.words(told) if isinstance(told, Hidden) else told


def report(connection: Connection, period: Period, by: By | None, least: int) -> Report:
    """The report; counts from 1 to `least - 1` are hidden (0: none are)."""
    return next(breakdowns(connection, period, [by], least))


def breakdowns(
    connection: Connection, period: Period, bys: Sequence[By | None], least: int
) -> Iterator[Report]:
    """Several reports of one period; what they share is read once."""
    rows = {by: _rows(connection, period, by) for by in dict.fromkeys(map(_asked, bys))}
    every: Counter[str] = Counter()
    for leaves in next(iter(rows.values())).values():
        every.update(leaves)
    overall = next(iter(analytics.speeds(connection, period)), None)
    calls = _alone(analytics.calls_made(connection, period), least)
    unmatched = _alone(analytics.unmatched(connection, period), least)
    for by in bys:
        split = {key: summed(one) for key, one in rows[_asked(by)].items()} if _asked(by) else {}
        told = protect(summed(every), split, PARENTS, least)
        counts = dict(_reasons(told.total)) if by is By.REASON else told.rows
        quick = {one.key: one for one in analytics.speeds(connection, period, by)} if by else {}
        yield Report(
            period=period,
            by=by,
            least=least,
            total=_line((), told.total, overall, least),
            lines=tuple(
                _line(key, counts[key], quick.get(key), least) for key in sorted(counts, key=_rank)
            ),
            withheld=bool(split and not counts),
            calls=calls,
            unmatched=unmatched,
        )


def _line(key: Key, counts: Mapping[str, Told], speed: Speed | None, least: int) -> Line:
    return Line(key=key, counts=counts, median=_median(speed, counts, least))


def _asked(by: By | None) -> By | None:
    """What is counted by: reasons are parts of the whole."""
    return None if by is By.REASON else by


def duration(seconds: float | None) -> str:
    """'45 s', '12 min', '3.5 h', '2.0 d'; '' for none."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _rows(connection: Connection, period: Period, by: By | None) -> dict[Key, Counter[str]]:
    rows: dict[Key, Counter[str]] = {}
    for one in analytics.counted(connection, period, by):
        rows.setdefault(one.key, Counter()).update({one.leaf: one.number, "again": one.again})
    return rows


def _reasons(total: Mapping[str, Told]) -> Iterator[tuple[Key, Mapping[str, Told]]]:
    """The parts of what was overridden, as rows."""
    for name, told in total.items():
        if name.startswith(REASON) and told != 0:
            yield (name.removeprefix(REASON),), {"overridden": told}


def _median(speed: Speed | None, counts: Mapping[str, Told], least: int) -> float | None:
    """Told where the cards it is taken from are: none of these counts is hidden."""
    answered = [counts[name] for name in ("accepted", "overridden") if name in counts]
    if speed is None or speed.answered < least or any(isinstance(c, Hidden) for c in answered):
        return None
    return speed.seconds


def _alone(number: int, least: int) -> Told:
    return Hidden.BELOW if 0 < number < least else number


def _rank(key: Key) -> tuple[int, Key]:
    return (_ORDER.get(key[0], len(_ORDER)), key)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
