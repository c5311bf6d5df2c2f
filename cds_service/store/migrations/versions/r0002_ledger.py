"""What was advised, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cds_service.store.tables import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("fhir_base", sa.Text(), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("hook", sa.String(255), nullable=False),
        sa.Column("hook_instance", sa.String(64), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("encounter", sa.String(64)),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("edition", sa.String(32), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("config", sa.String(64), nullable=False),
        sa.Column("silence", sa.Text(), nullable=False),
        sa.Column("unjudged", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_at", "calls", ["at"])
    op.create_index("ix_calls_patient", "calls", ["patient"])
    op.create_table(
        "cards",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column(
            "call",
            sa.String(36),
            sa.ForeignKey("calls.id", name="fk_cards_call", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("hook", sa.String(255), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("encounter", sa.String(64)),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("indicator", sa.String(16), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cards"),
        sa.UniqueConstraint(
            "client",
            "tenant",
            "service",
            "uuid",
            "fingerprint",
            "user",
            name="uq_cards_client_tenant_service_uuid_fingerprint_user",
        ),
    )
    op.create_index("ix_cards_at", "cards", ["at"])
    op.create_index("ix_cards_call", "cards", ["call"])
    op.create_index("ix_cards_patient_user", "cards", ["patient", "user"])
    op.create_index("ix_cards_uuid", "cards", ["uuid"])
    op.create_table(
        "suggestions",
        sa.Column(
            "card",
            sa.String(36),
            sa.ForeignKey("cards.id", name="fk_suggestions_card", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("recommended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("card", "uuid", name="pk_suggestions"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column(
            "card",
            sa.String(36),
            sa.ForeignKey("cards.id", name="fk_feedback_card", ondelete="CASCADE"),
        ),
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("card_uuid", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason_system", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("outcome_at", Moment(), nullable=False),
        sa.Column("received", Moment(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint(
            "client",
            "tenant",
            "service",
            "card_uuid",
            "digest",
            name="uq_feedback_client_tenant_service_card_uuid_digest",
        ),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_card_uuid", "feedback", ["card_uuid"])
    op.create_index("ix_feedback_received", "feedback", ["received"])


def downgrade() -> None:
    """Drops them."""
    for table in ("feedback", "suggestions", "cards", "calls"):
        op.drop_table(table)
