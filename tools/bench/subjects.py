"""What is measured in one run: the floor, and the service with more and more of it switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.bench.ehr import Ehr
from tools.bench.measure import Subject
from tools.bench.servers import running
from tools.bench.targets import FLOOR

BARE = "rules alone"
LEDGER = "with ledger"
WHOLE = "with ledger and tokens"
#: of the targets: with all of it, without authentication, without authentication and ledger
ROLES = (WHOLE, LEDGER, BARE)
PEER = "peer"
#: the demo patients' day: the bodies are made from them
TODAY = "2026-06-15"


@contextmanager
def subjects(folder: Path, peer: str = "") -> Iterator[list[Subject]]:
    """Starts them all, their logs and databases in `folder`; `peer`: another service's endpoint."""
    ehr = Ehr()
    site = ehr.register(folder)
    serve = ["cds_service", "serve", "--allow-fixed-today"]
    plan = (
        (FLOOR, ["tools.bench.floor", "PORT"], {}, None),
        (BARE, ["tools.bench.bare", "PORT"], {}, None),
        (LEDGER, serve, {"AUTH": "open", "STATE": str(folder / "ledger")}, None),
        (WHOLE, serve, {"CONFIG": str(site), "STATE": str(folder / "whole")}, ehr.sign),
    )
    with ExitStack() as stack:
        started = []
        for number, (name, command, own, sign) in enumerate(plan):
            log = folder / f"{number}.log"
            server = stack.enter_context(running(name, command, _environment(own), log))
            started.append(Subject.of(server, sign) if sign else Subject.of(server))
        yield [*started, *([Subject(name=PEER, url=peer, server=None)] if peer else [])]


def database(folder: Path) -> Path:
    """Where the subject with all of it keeps its ledger."""
    return folder / "whole" / "ledger.sqlite3"


def _environment(own: dict[str, str]) -> dict[str, str]:
    given = {
        "PORT": "PORT",
        "PUBLIC_URL": "http://127.0.0.1:PORT",
        "TODAY": TODAY,
        # 32 connections must not be refused: a refusal is quick, and would look like speed.
        "IN_FLIGHT": "31",
        # A call that waits for the disk longer than this would go on without its ledger.
        "DATABASE_TIMEOUT": "5000",
    }
    return {f"CDS_SERVICE_{name}": value for name, value in (given | own).items()}
