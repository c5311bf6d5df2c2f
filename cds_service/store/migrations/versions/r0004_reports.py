"""For reports: the day of a finding, whether a call was on trial, the last word found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

LAST_WORD = ["card", "outcome_at", "received", "id", "outcome", "reason"]
INDEX = "ix_feedback_card_outcome_at_received_id_outcome_reason"


def upgrade() -> None:
    """Adds them. The version before writes neither: then the day is empty and the call live."""
    op.add_column("cards", sa.Column("day", sa.Date()))
    op.execute("UPDATE cards SET day = (SELECT calls.day FROM calls WHERE calls.id = cards.call)")
    op.add_column("calls", sa.Column("mode", sa.String(16), nullable=False, server_default="live"))
    op.create_index(INDEX, "feedback", LAST_WORD)


def downgrade() -> None:
    """Takes them away."""
    op.drop_index(INDEX, "feedback")
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("mode")
    with op.batch_alter_table("cards") as cards:
        cards.drop_column("day")
