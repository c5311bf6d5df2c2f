"""What is measured in one run: the floor, and the service with more and more of it switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.bench.measure import Subject
from tools.bench.servers import running
from tools.bench.targets import FLOOR

PLAIN = "service"
#: of the targets: with all of it, without authentication, without authentication and ledger
ROLES = (PLAIN, PLAIN, PLAIN)
#: the demo patients' day: the bodies are made from them
TODAY = "2026-06-15"


PEER = "peer"


@contextmanager
def subjects(folder: Path, peer: str = "") -> Iterator[list[Subject]]:
    """Starts them all, their logs in `folder`; `peer`: the endpoint of another service."""
    serve = ["cds_service", "serve", "--allow-fixed-today"]
    plan = (
        (FLOOR, ["tools.bench.floor", "PORT"], {}),
        (PLAIN, serve, _environment()),
    )
    with ExitStack() as stack:
        started = [
            Subject.of(stack.enter_context(running(name, command, given, folder / f"{name}.log")))
            for name, command, given in plan
        ]
        yield [*started, *([Subject(name=PEER, url=peer, server=None)] if peer else [])]


def _environment() -> dict[str, str]:
    return {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_PORT": "PORT",
        "CDS_SERVICE_TODAY": TODAY,
    }
