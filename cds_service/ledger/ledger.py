"""`Ledger`: what the edge calls before and after a decision, and for feedback.

The database may be down. Then advice still goes out (unless the site demands the opposite):
nothing is known of earlier cards, so nothing is held back, and what is issued waits in the
spool until the database is back. Feedback is refused, for the client can send it again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from blinker import Namespace
from sqlalchemy.exc import CompileError, SQLAlchemyError, StatementError

from cds_service.decision import Decision
from cds_service.errors import Issue, Unavailable
from cds_service.ledger import feedback, past, recent
from cds_service.ledger.entry import Entry, config_digest, entry, write
from cds_service.ledger.feedback import Told
from cds_service.ledger.recent import OfClient
from cds_service.ledger.scope import Owner, Scope
from cds_service.ledger.spool import Rejected, Spool, SpoolFull
from cds_service.protocol.request import HookRequest
from cds_service.repeats import NOTHING, History
from cds_service.site import Site
from cds_service.store import schema
from cds_service.store.direct import Direct
from cds_service.store.engine import Store

log = logging.getLogger("cds_service.ledger")

#: a call was not put on record at once; sender: `spooled`, or `lost`
unwritten = Namespace().signal("unwritten")

PART = 100  # entries of feedback in one transaction: others wait for it
PATIENCE = 5  # times the usual timeout, for such a part
RETRY = 2.0  # seconds between attempts to write what waits
#: what an entry raises that the database will never take
_MALFORMED = (
    StatementError,
    CompileError,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """For readiness and metrics.

    `waiting` and `rejected` (set aside for good) in bytes, of this machine; the counts are this
    process's own.
    """

    database: bool
    schema: str
    waiting: int
    spooled: int
    lost: int
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a service, and who made it."""

    service: str
    request: HookRequest
    owner: Owner
    once_per_encounter: bool = False
    on_trial: bool = False  # the client is in shadow mode

    @property
    def scope(self) -> Scope:
        return Scope.of(self.owner, self.request)


class Ledger:
    """`required`: no advice that cannot be put on record. Safe between threads."""

    def __init__(
        self,
        store: Store,
        site: Site,
        folder: Path,
        *,
        required: bool,
        spool_limit: int,
        shared_id: str = "",
    ) -> None:
        self._store = store
        self._config = config_digest(site)
        self._spool = Spool(folder, spool_limit)
        self._required = required
        self._shared_id = shared_id
        self._draining = threading.Lock()
        self._spooled = 0
        self._lost = 0

    def history(self, call: Call, today: date) -> History:
        """What this user did with earlier cards; nothing while the database is down."""
        try:
            return self._store.quick(
                lambda direct: past.read(
                    direct,
                    call.request,
                    scope=call.scope,
                    service=call.service,
                    keys=self._store.keys,
                    today=today,
                    once_per_encounter=call.once_per_encounter,
                )
            )
        except Unavailable:
            if self._required:
                raise
            return NOTHING

    def record(
        self, call: Call, decision: Decision, now: datetime, *, ms: int | None = None
    ) -> None:
        """Puts what is issued on record, before it leaves. `ms`: how long it took so far.

        Raises Unavailable where advice must not go out unrecorded.
        """
        made = entry(
            call.request,
            decision,
            scope=call.scope,
            service=call.service,
            config=self._config,
            keys=self._store.keys,
            now=now,
        )
        made["call"]["mode"] = "shadow" if call.on_trial else "live"
        made["call"]["ms"] = ms
        try:
            self._store.quick(lambda direct: self._write(direct, made), write=True)
        except Unavailable:
            if self._required:
                raise
            self._keep(made)
        except SQLAlchemyError as error:  # a fault of ours, which must not cost the advice
            log.exception("call not recorded", exc_info=error)
            if self._required:
                raise Unavailable("The call could not be put on record.") from None
            self._count_lost()

    def feedback(
        self,
        told: Sequence[Told],
        *,
        owner: Owner,
        service: str,
        services: Sequence[str],
        now: datetime,
        day: date,
    ) -> list[Issue]:
        """Puts feedback on record; what could not be matched.

        Raises Unavailable; a part may be on record then, and counts once when all comes again.
        """
        issues: list[Issue] = []
        for start in range(0, len(told), PART):
            work = partial(
                feedback.keep,
                told=told[start : start + PART],
                owner=owner,
                service=service,
                services=services,
                now=now,
                day=day,
            )
            issues += self._store.bounded(work, write=True, patience=PATIENCE)
        return issues

    def recent(self) -> list[OfClient]:
        """The latest calls of each client. Raises Unavailable."""
        return self._store.bounded(recent.read)

    def status(self) -> Status:
        """How database and spool stand; what waits is written if it can be."""
        try:
            found = schema.version(self._store)
        except Unavailable:
            found = None
        waiting = self._spool.size()
        if found is schema.Version.CURRENT:
            self.catch_up()
        return Status(
            database=found is not None,
            schema=found.value if found else "unknown",
            waiting=waiting,
            rejected=self._spool.rejected(),
            spooled=self._spooled,
            lost=self._lost,
        )

    def catch_up(self) -> None:
        """Has what waits in the spool written, by one thread of this process, until all is.

        Called at the start of each process too: another may have been killed.
        """
        if self._spool.size() and self._draining.acquire(blocking=False):
            threading.Thread(target=self._drain_until_done, name="spool", daemon=True).start()

    def drain(self) -> int:
        """Writes what waits in the spool; how many calls. Raises Unavailable, OSError."""
        return self._spool.drain(self._write_waiting)

    def _write_waiting(self, made: Entry) -> None:
        try:
            self._store.direct(lambda direct: self._write(direct, made), write=True)
        except _MALFORMED as error:
            log.exception("call set aside: the database does not take it", exc_info=error)
            raise Rejected from None

    def _write(self, direct: Direct, made: Entry) -> None:
        write(direct, made, shared_id=self._shared_id)

    def _keep(self, made: Entry) -> None:
        try:
            self._spool.add(made)
            self._spooled += 1
            unwritten.send("spooled")
        except SpoolFull as error:
            self._count_lost()
            log.warning("call not recorded: %s", error)
            return
        self.catch_up()

    def _count_lost(self) -> None:
        self._lost += 1
        unwritten.send("lost")

    def _drain_until_done(self) -> None:
        pause = threading.Event()
        try:
            while self._spool.size():
                pause.wait(RETRY)
                try:
                    count = self.drain()
                except (Unavailable, SQLAlchemyError, OSError):
                    continue
                if count:
                    log.info("calls written from the spool: %s", count)
        finally:
            self._draining.release()
        self.catch_up()  # one may have come in after the last look
