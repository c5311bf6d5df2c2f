"""A disk that is full, or can no longer be written to, under a server with SQLite."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from cds_service.ledger.tables import cards, feedback
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Running
from tests.ledger.conftest import Bases
from tests.ledger.load import (
    Load,
    advised,
    eventually,
    parts,
    refused,
    without_workers,
    workers,
)

pytestmark = pytest.mark.slow
Serve = Callable[..., Running]
UNLIMITED = resource.RLIM_INFINITY


@dataclass
class Disk:
    """The state folder on a small disk of its own.

    Where that cannot be mounted, the size of the server's files is limited instead, that of its
    log too.
    """

    folder: Path
    mounted: bool
    limited: list[int] = field(default_factory=list)

    def fill(self, *servers: Running) -> None:
        if not self.mounted:
            self.limited = [pid for one in servers for pid in (one.process.pid, *workers(one))]
            return self._limit(0)
        with (self.folder / "other").open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 9):
                with suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass
        return None

    def free(self) -> None:
        if not self.mounted:
            return self._limit(UNLIMITED)
        return (self.folder / "other").unlink()

    def _limit(self, size: int) -> None:
        for pid in self.limited:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def mount(*words: str | Path) -> bool:
    """Whether the disk could be mounted: that needs root, and not every container lets it."""
    done = subprocess.run(["mount", *words], capture_output=True, timeout=30, check=False)
    return done.returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "state"
    folder.mkdir()
    mounted = os.geteuid() == 0 and mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", folder)
    yield Disk(folder, mounted)
    if mounted:
        subprocess.run(["umount", "--lazy", folder], timeout=30, check=True)


def unrecorded(running: Running) -> int:
    """Calls that the log names as not recorded."""
    lines = [json.loads(line) for line in running.log.read_text().splitlines() if line[0] == "{"]
    return sum(line["event"].startswith("call not recorded") for line in lines)


def test_a_full_disk_holds_up_no_advice_and_costs_nothing_acknowledged(
    disk: Disk, new_base: Bases, serve: Serve
) -> None:
    base = new_base("sqlite")
    running = serve(base)
    demanding = serve(base, workers=1, CDS_SERVICE_LEDGER_REQUIRED="true")
    load = Load([running], clients=3, each=8)
    with load.under_way():
        load.reached(6)
        disk.fill(running, demanding)
        assert eventually(lambda: len(load.told.refused) >= 6)
        assert advised(running)
        assert refused(running)
        answer = requests.post(demanding.url + VIEW, json=overdue(), timeout=60)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        disk.free()
    assert set(load.told.calls) == {200}
    assert eventually(lambda: base.waiting() == 0)
    assert eventually(lambda: parts(running)["database"] == "up")
    with base.opened() as store, store.read() as connection:
        shown = Counter(connection.scalars(select(cards.c.uuid)))
        kept = Counter(connection.scalars(select(feedback.c.card_uuid)))
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert kept == Counter(load.told.feedback)
    assert set(shown.values()) == {1}
    lost = set(load.told.cards) - set(shown)
    assert len(lost) <= unrecorded(running) or not disk.mounted


def test_a_folder_that_can_only_be_read_holds_up_no_advice(
    disk: Disk, new_base: Bases, serve: Serve
) -> None:
    base = new_base("sqlite")
    running = serve(base)
    if disk.mounted:
        with without_workers(running):  # Linux refuses it while a file is open for writing
            assert eventually(lambda: mount("-o", "remount,ro", disk.folder))
    elif os.geteuid() == 0:
        disk.fill(running)  # root may write wherever the disk lets it
    else:
        disk.folder.chmod(0o500)
        for file in disk.folder.glob("ledger*"):
            file.chmod(0o400)
    assert advised(running)
    assert refused(running)
    assert unrecorded(running) > 0 or not disk.mounted
    if disk.mounted:
        assert mount("-o", "remount,rw", disk.folder)
    elif os.geteuid() == 0:
        disk.free()
    else:
        disk.folder.chmod(0o700)
        for file in disk.folder.glob("ledger*"):
            file.chmod(0o600)
    assert eventually(lambda: not refused(running, advised(running)["uuid"]))
