"""The metadata all tables share, their column types, and the tables of this package."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A point in time, aware and in UTC in Python; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a point in time needs a zone")
        moved = value.astimezone(UTC)
        return moved.replace(tzinfo=None) if dialect.name == "sqlite" else moved

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


DIGEST = String(64)  # a hash in hex

nonces = Table(
    "nonces",
    metadata,
    Column("client", String(255), primary_key=True),
    Column("jti", DIGEST, primary_key=True),
    Column("expires", Moment, nullable=False),
    Index(None, "expires"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("rule", String(100), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("paused_by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("resumed", Moment),
    Column("resumed_by", String(255)),
    Index(None, "resumed"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", DIGEST, primary_key=True),
    Column("operator", String(64), nullable=False),
    Column("proof", DIGEST, nullable=False),
    Column("seen", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Index(None, "expires"),
)

launches = Table(
    "launches",
    metadata,
    Column("id", DIGEST, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires", Moment, nullable=False),
    Index(None, "expires"),
)
