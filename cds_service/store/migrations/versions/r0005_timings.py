"""Of each call, how long it took and how many cards it showed; empty for those of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the columns."""
    op.add_column("calls", sa.Column("ms", sa.Integer()))
    op.add_column("calls", sa.Column("shown", sa.Integer()))


def downgrade() -> None:
    """Removes them."""
    with op.batch_alter_table("calls") as table:
        table.drop_column("shown")
        table.drop_column("ms")
