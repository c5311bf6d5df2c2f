"""Logging in, staying logged in, logging out.

The browser holds a secret, the database a keyed hash of it beside the operator's name and a keyed
hash of the line that proved them. A session ends when it is idle, too old or logged out, and when
the line is changed or removed. Every machine of the deployment sees that at its next request.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cds_service.store import sessions
from cds_service.store.engine import Store
from cds_service.store.sessions import Session
from cds_service.trust.operators import Operators


@dataclass(frozen=True, slots=True)
class Sessions:
    """`idle` and `life`: longest time without a request, and in all."""

    store: Store
    operators: Operators
    idle: timedelta
    life: timedelta

    def begin(self, name: str, line: str, now: datetime) -> str:
        """The secret of a new session of this operator, whom `line` proved. Raises Unavailable."""
        secret = secrets.token_urlsafe(32)
        session = Session(
            id=self.store.keys.digest("session", secret),
            operator=name,
            proof=self.store.keys.digest("session-proof", line),
            seen=now,
            expires=now + self.life,
        )
        sessions.begin(self.store, session)
        return secret

    def operator(self, secret: str, now: datetime) -> str | None:
        """Whose session it is, or None. Raises Unavailable, and SettingsError for the file."""
        session = sessions.find(self.store, self._ids(secret))
        if session is None or not self._holds(session, now):
            return None
        sessions.touch(self.store, session, now)
        return session.operator

    def end(self, secret: str) -> None:
        """Logs out. Raises Unavailable."""
        sessions.end(self.store, self._ids(secret))

    def _holds(self, session: Session, now: datetime) -> bool:
        line = self.operators.line_of(session.operator)
        fresh = now < session.expires and now - session.seen < self.idle
        return fresh and line is not None and session.proof in self._proofs(line)

    def _proofs(self, line: str) -> tuple[str, ...]:
        return self.store.keys.digests("session-proof", line)

    def _ids(self, secret: str) -> tuple[str, ...]:
        return self.store.keys.digests("session", secret)
