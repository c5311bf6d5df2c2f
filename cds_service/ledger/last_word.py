"""The last word on a card: which of its feedback counts, for reports, exports and repeats alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, select, tuple_

from cds_service.ledger.tables import feedback

Word = FromClause  # the table of feedback, or an alias of it


def last_word() -> Word:
    """The table of feedback, as the last word on a card."""
    return feedback.alias("word")


def is_last(word: Word) -> ColumnElement[bool]:
    """Nothing later was told of its card."""
    later = feedback.alias("later")
    newer = select(later.c.id).where(
        later.c.card == word.c.card, tuple_(*place(later)) > tuple_(*place(word))
    )
    return ~newer.exists()


def place(of: Word) -> tuple[ColumnElement[Any], ...]:
    """What feedback is ordered by: when the user acted, as the client says, then when it came.

    No act is later than its telling, whatever the client's clock says.
    """
    acted = case((of.c.outcome_at < of.c.received, of.c.outcome_at), else_=of.c.received)
    return acted, of.c.received, of.c.id
