"""Tokens seen before, and rules taken out of service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cds_service.store.tables import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "nonces",
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("jti", sa.String(64), nullable=False),
        sa.Column("expires", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("client", "jti", name="pk_nonces"),
    )
    op.create_index("ix_nonces_expires", "nonces", ["expires"])
    op.create_table(
        "pauses",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment()),
        sa.Column("paused_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resumed", Moment()),
        sa.Column("resumed_by", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
    )
    op.create_index("ix_pauses_resumed", "pauses", ["resumed"])


def downgrade() -> None:
    """Drops them."""
    op.drop_table("pauses")
    op.drop_table("nonces")
