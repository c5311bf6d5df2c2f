"""Views of the SMART app."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cds_service.store.tables import Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "launches",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_launches"),
    )
    op.create_index("ix_launches_expires", "launches", ["expires"])


def downgrade() -> None:
    """Drops it."""
    op.drop_table("launches")
