"""The tables of the ledger. No column holds an id of a patient or a user: keyed hashes only.

One row of `cards` is one finding about given facts, shown to one user, or withheld. The same
call sent again makes no further row: `issued` counts.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cds_service.store.tables import DIGEST, Moment, metadata

UUID = String(36)
NAME = String(255)  # of clients, tenants, services, card ids as the client repeats them

calls = Table(
    "calls",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("day", Date, nullable=False),  # the clinical date it was judged at
    Column("client", NAME, nullable=False),
    Column("tenant", NAME, nullable=False),
    Column("fhir_base", Text, nullable=False),
    Column("service", NAME, nullable=False),
    Column("hook", NAME, nullable=False),
    Column("hook_instance", DIGEST, nullable=False),
    Column("patient", DIGEST, nullable=False),
    Column("user", DIGEST, nullable=False),
    Column("encounter", DIGEST),
    Column("key", String(32), nullable=False),  # the id of the key of these hashes
    Column("edition", String(32), nullable=False),
    Column("version", String(32), nullable=False),
    Column("config", DIGEST, nullable=False),
    Column("silence", Text, nullable=False),
    Column("unjudged", Integer, nullable=False),
    Column("mode", String(16), nullable=False, server_default="live"),  # of the client, or shadow
    Column("ms", Integer),  # until the answer was ready; empty in calls of older versions
    Column("shown", Integer),  # cards of this answer, repeats of earlier calls included
    Index(None, "at"),
    Index(None, "patient"),
)

cards = Table(
    "cards",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("call", UUID, ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("uuid", UUID, nullable=False),
    Column("client", NAME, nullable=False),
    Column("tenant", NAME, nullable=False),
    Column("service", NAME, nullable=False),
    Column("hook", NAME, nullable=False),
    Column("patient", DIGEST, nullable=False),
    Column("user", DIGEST, nullable=False),
    Column("encounter", DIGEST),
    Column("rule", String(100), nullable=False),
    Column("variant", String(100), nullable=False),
    Column("side", String(16), nullable=False),
    Column("indicator", String(16), nullable=False),
    Column("fingerprint", DIGEST, nullable=False),
    Column("state", String(16), nullable=False),  # shown, or why not: shadow, repeat, ...
    Column("why", Text, nullable=False),
    Column("issued", Integer, nullable=False),
    Column("day", Date),  # as of the call; empty when the version before has written it
    UniqueConstraint("client", "tenant", "service", "uuid", "fingerprint", "user"),
    Index(None, "call"),
    Index(None, "at"),
    Index(None, "uuid"),
    Index(None, "patient", "user"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("card", UUID, ForeignKey("cards.id", ondelete="CASCADE"), primary_key=True),
    Column("uuid", UUID, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("recommended", Boolean, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", UUID, primary_key=True),
    # empty while the card is not known here: it may still be in another machine's spool
    Column("card", UUID, ForeignKey("cards.id", ondelete="CASCADE")),
    Column("client", NAME, nullable=False),
    Column("tenant", NAME, nullable=False),
    Column("service", NAME, nullable=False),
    Column("card_uuid", NAME, nullable=False),
    Column("digest", DIGEST, nullable=False),  # the same entry delivered again has the same
    Column("outcome", String(16), nullable=False),
    Column("reason_system", Text, nullable=False),
    Column("reason", NAME, nullable=False),
    Column("accepted", Text, nullable=False),  # ids of suggestions, a JSON list
    Column("comment", Text),
    Column("outcome_at", Moment, nullable=False),
    Column("received", Moment, nullable=False),
    Column("day", Date, nullable=False),
    UniqueConstraint("client", "tenant", "service", "card_uuid", "digest"),
    Index(None, "card"),
    Index(None, "card", "outcome_at", "received", "id", "outcome", "reason"),  # the last word
    Index(None, "card_uuid"),
    Index(None, "received"),
)
