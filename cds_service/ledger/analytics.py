"""What became of the findings, counted in the database: the one source of every report.

A day is the clinical day a call was judged at. A card counts once, however often
the same hook instance was answered with it, under the last word of its feedback. Earlier
entries stay in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Float,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from cds_service.choice import Kind
from cds_service.guideline.overrides import OURS, REASONS
from cds_service.ledger.entry import SHOWN
from cds_service.ledger.last_word import Word, is_last, last_word
from cds_service.ledger.measures import NONE, OTHER, REASON
from cds_service.ledger.past import OVERRIDDEN
from cds_service.ledger.tables import calls, cards, feedback
from cds_service.site import CLIENT_IN_SHADOW, PAUSED

Key = tuple[str, ...]


class By(StrEnum):
    """What a breakdown splits by."""

    RULE = "rule"
    VERSION = "version"
    HOOK = "hook"
    CLIENT = "client"
    REASON = "reason"
    DAY = "day"
    WEEK = "week"


#: what the parts of a key are
KEYS: dict[By, tuple[str, ...]] = {
    By.RULE: ("rule",),
    By.VERSION: ("rule", "edition", "version"),
    By.HOOK: ("hook",),
    By.CLIENT: ("client", "tenant"),
    By.REASON: ("reason",),
    By.DAY: ("day",),
    By.WEEK: ("week",),
}
#: what the version before has written during a roll-out has no day of its own
_DAY = func.coalesce(cards.c.day, func.date(cards.c.at))
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "rule": cards.c.rule,
    "edition": calls.c.edition,
    "version": calls.c.version,
    "hook": cards.c.hook,
    "client": cards.c.client,
    "tenant": cards.c.tenant,
    "day": _DAY,
}


@dataclass(frozen=True, slots=True)
class Period:
    """Clinical days, both included; None: open."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: Any) -> ColumnElement[bool]:
        """The condition on a column of days."""
        bounds = [day >= self.since] if self.since else []
        bounds += [day <= self.until] if self.until else []
        return and_(True, *bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Findings of one kind in one row; `again`: deliveries beyond the first."""

    key: Key
    leaf: str
    number: int
    again: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Median seconds from a card to its first answer, over `answered` cards."""

    key: Key
    seconds: float
    answered: int


def counted(connection: Connection, period: Period, by: By | None = None) -> Iterator[Count]:
    """The findings by kind, in each row of the breakdown; without one, in all."""
    last = last_word()
    keys = _keys(connection, by, last)
    leaf = _leaf(last)
    question = (
        _joined(last, period, by)
        .with_only_columns(*keys, leaf, func.count(), func.sum(cards.c.issued - 1))
        .group_by(*keys, leaf)
    )
    rows = connection.execute(question)
    for *key, name, number, again in rows:
        yield Count(key=_key(key), leaf=name, number=number, again=int(again))


def speeds(connection: Connection, period: Period, by: By | None = None) -> Iterator[Speed]:
    """How soon shown cards were answered. An answer dated before its card counts as 0 seconds."""
    last = last_word()
    keys = [one.label(f"key_{n}") for n, one in enumerate(_keys(connection, by, last))]
    first = select(func.min(feedback.c.outcome_at)).where(feedback.c.card == cards.c.id)
    took = _seconds(connection, cards.c.at, first.correlate(cards).scalar_subquery())
    place = func.row_number().over(partition_by=keys or None, order_by=took)
    among = func.count().over(partition_by=keys or None)
    answered = (
        _joined(last, period, by)
        .with_only_columns(*keys, took.label("took"), place.label("place"), among.label("among"))
        .where(cards.c.state == SHOWN, last.c.card.is_not(None))
    )
    if by is By.REASON:
        answered = answered.where(last.c.outcome == OVERRIDDEN)
    among_them = answered.subquery()
    middle = (among_them.c.among + 1) // 2, (among_them.c.among + 2) // 2
    grouped = [among_them.c[one.name] for one in keys]
    rows = connection.execute(
        select(*grouped, func.avg(among_them.c.took), func.max(among_them.c.among))
        .where(among_them.c.place.in_(middle))
        .group_by(*grouped)
        .having(func.count() > 0)
    )
    for *key, seconds, number in rows:
        yield Speed(_key(key), float(seconds), number)


def unmatched(connection: Connection, period: Period) -> int:
    """Feedback about cards that are not known here, by the day it was given."""
    question = select(func.count(feedback.c.id)).where(
        feedback.c.card.is_(None), period.holds(feedback.c.day)
    )
    return connection.scalar(question) or 0


def calls_made(connection: Connection, period: Period) -> int:
    """Calls judged, those without a finding included."""
    return connection.scalar(select(func.count(calls.c.id)).where(period.holds(calls.c.day))) or 0


def calls_by_mode(connection: Connection, period: Period) -> dict[str, int]:
    """Calls judged, of clients that are live and in shadow mode."""
    question = select(calls.c.mode, func.count(calls.c.id)).where(period.holds(calls.c.day))
    rows = connection.execute(question.group_by(calls.c.mode))
    return {mode: number for mode, number in rows}  # noqa: C416  # rows are no pairs to mypy


def _joined(last: Word, period: Period, by: By | None) -> Select[Any]:
    """Findings of the period, each with the last word on it."""
    found = select(cards.c.id).select_from(cards)
    if by is By.VERSION:
        found = found.join(calls, calls.c.id == cards.c.call)
    is_word = and_(last.c.card == cards.c.id, is_last(last))
    return found.outerjoin(last, is_word).where(period.holds(_DAY))


def _leaf(last: Word) -> ColumnElement[str]:
    """The measure a finding counts under: the most particular one."""
    silent = case(
        (cards.c.why.startswith(PAUSED, autoescape=True), "paused"),
        (cards.c.why == CLIENT_IN_SHADOW, "shadow-client"),
        else_="shadow-rule",
    )
    answered = case(
        (last.c.outcome.is_(None), "ignored"),
        (last.c.outcome == OVERRIDDEN, literal(REASON).concat(_reason(last))),
        else_="accepted",
    )
    return case(
        (cards.c.state == SHOWN, answered),
        (cards.c.state == Kind.SHADOW.value, silent),
        else_=cards.c.state,
    )


def _reason(last: Word) -> ColumnElement[str]:
    """Codes of other lists are counted together: what clients may write has no end."""
    return case(
        (and_(last.c.reason_system.in_(OURS), last.c.reason.in_(list(REASONS))), last.c.reason),
        (or_(last.c.reason == "", last.c.reason.is_(None)), NONE),
        else_=OTHER,
    )


def _keys(connection: Connection, by: By | None, last: Word) -> list[ColumnElement[Any]]:
    if by is None:
        return []
    if by is By.REASON:
        return [_reason(last)]
    if by is By.WEEK:
        return [_monday(connection)]
    return [_COLUMNS[name] for name in KEYS[by]]


def _monday(connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "sqlite":
        return func.date(_DAY, "weekday 0", "-6 days")  # the next Sunday, and back
    return cast(func.date_trunc("week", _DAY), Date)


def _seconds(connection: Connection, start: Any, end: Any) -> ColumnElement[float]:
    if connection.dialect.name == "sqlite":
        took = func.round((func.julianday(end) - func.julianday(start)) * 86_400, 3)
        return func.max(took, 0.0)
    return func.greatest(cast(func.extract("epoch", end - start), Float), 0.0)


def _key(values: list[Any]) -> Key:
    return tuple(str(value) for value in values)
