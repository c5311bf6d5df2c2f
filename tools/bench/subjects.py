"""What is measured in one run: the floor, and the service with more and more of it switched on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tools.bench.ehr import Ehr
from tools.bench.measure import Sign, Subject, unsigned
from tools.bench.servers import running
from tools.bench.targets import FLOOR

BARE = "rules alone"
LEDGER = "with ledger"
WHOLE = "with ledger and tokens"
#: of the targets: with all of it, without authentication, without authentication and ledger
ROLES = (WHOLE, LEDGER, BARE)
ALL = (FLOOR, BARE, LEDGER, WHOLE)
PEER = "peer"
DEFAULTS = "with ledger and tokens, default limits"
SERVE = ["cds_service", "serve", "--allow-fixed-today"]
#: of a module that is run as a command: where its `main` is
MAIN = {"cds_service": "cds_service.cli"}
#: the demo patients' day: the bodies are made from them
TODAY = "2026-06-15"
#: what differs from the service's defaults
LIMITS = {
    # 32 connections must not be refused: a refusal is quick, and would look like speed.
    "IN_FLIGHT": "31",
    # A call that waits for the disk longer than this would go on without its ledger.
    "DATABASE_TIMEOUT": "5000",
}


@contextmanager
def subjects(folder: Path, peer: str = "", only: Collection[str] = ALL) -> Iterator[list[Subject]]:
    """Starts them, their logs and databases in `folder`; `peer`: another service's endpoint."""
    with ExitStack() as stack:
        started = [stack.enter_context(one) for one in _each(folder, only)]
        yield [*started, *([Subject(name=PEER, url=peer, server=None)] if peer else [])]


@contextmanager
def timed(folder: Path, only: Collection[str] = ALL) -> Iterator[list[Subject]]:
    """The same, each with its steps timed into a folder of its name in `folder`."""
    folder.mkdir()
    with ExitStack() as stack:
        yield [stack.enter_context(one) for one in _each(folder, only, timed=True)]


def whole(
    folder: Path, name: str = WHOLE, *, limited: bool = False
) -> AbstractContextManager[Subject]:
    """One with all of it, not used before. `limited`: with the limits that are its defaults."""
    folder.mkdir()
    ehr = Ehr()
    own = {"CONFIG": str(ehr.register(folder)), "STATE": str(folder / "whole")}
    return _started(name, SERVE, own | ({} if limited else LIMITS), folder / "log", ehr.sign)


def start_ups(folder: Path, times: int) -> dict[str, list[float]]:
    """Server -> seconds from its start to its first answer, each started alone, in turns."""
    found: dict[str, list[float]] = {}
    for number in range(times):
        own = folder / str(number)
        own.mkdir(parents=True)
        for one in _each(own):
            with one as subject:
                if subject.server:
                    found.setdefault(subject.name, []).append(subject.server.started_in)
    return found


def _each(
    folder: Path, only: Collection[str] = ALL, *, timed: bool = False
) -> Iterator[AbstractContextManager[Subject]]:
    ehr = Ehr()
    site = ehr.register(folder)
    plan: tuple[tuple[str, list[str], dict[str, str], Sign], ...] = (
        (FLOOR, ["tools.bench.floor", "PORT"], {}, unsigned),
        (BARE, ["tools.bench.bare", "PORT"], {}, unsigned),
        (LEDGER, SERVE, {"AUTH": "open", "STATE": str(folder / "ledger")}, unsigned),
        (WHOLE, SERVE, {"CONFIG": str(site), "STATE": str(folder / "whole")}, ehr.sign),
    )
    for name, command, own, sign in plan:
        if name in only:
            started = _timed(folder / name, command) if timed else command
            yield _started(name, started, LIMITS | own, folder / f"{name}.log", sign)


def _timed(folder: Path, command: list[str]) -> list[str]:
    folder.mkdir()
    module, *arguments = command
    return ["tools.bench.timed", str(folder), MAIN.get(module, module), *arguments]


@contextmanager
def _started(
    name: str, command: list[str], own: dict[str, str], log: Path, sign: Sign
) -> Iterator[Subject]:
    with running(name, command, _environment(own), log) as server:
        yield Subject.of(server, sign)


def database(folder: Path) -> Path:
    """Where the subject with all of it keeps its ledger."""
    return folder / "whole" / "ledger.sqlite3"


def _environment(own: dict[str, str]) -> dict[str, str]:
    given = {"PORT": "PORT", "PUBLIC_URL": "http://127.0.0.1:PORT", "TODAY": TODAY}
    return {f"CDS_SERVICE_{name}": value for name, value in (given | own).items()}
