"""Who is logged in to the console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cds_service.store.tables import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("seen", Moment(), nullable=False),
        sa.Column("expires", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires", "sessions", ["expires"])


def downgrade() -> None:
    """Drops it."""
    op.drop_table("sessions")
