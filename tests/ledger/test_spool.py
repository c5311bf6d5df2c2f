"""The spool alone: crashes, several processes, a full disk, entries nobody will ever take."""

from __future__ import annotations

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cds_service.ledger.spool import OPEN, REJECTED, Rejected, Spool, SpoolFull

# From Python 3.12 on a fork of a process with threads warns.
FORK = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", limit=1_000_000)


def drained(spool: Spool) -> list[Any]:
    taken: list[Any] = []
    spool.drain(taken.append)
    return taken


def test_what_was_added_comes_out_once(spool: Spool) -> None:
    for number in range(3):
        spool.add({"n": number})
    assert drained(spool) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert drained(spool) == []
    assert spool.size() == 0


def test_files_moved_aside_are_written_in_their_order(spool: Spool) -> None:
    for number in range(8):
        spool.add({"n": number})
        spool._set_aside()
    assert [one["n"] for one in drained(spool)] == list(range(8))


def test_a_line_cut_short_by_a_crash_costs_nothing_but_itself(spool: Spool, tmp_path: Path) -> None:
    spool.add({"n": 1})
    file = tmp_path / "spool" / OPEN
    file.write_bytes(file.read_bytes() + b'\n{"n": 2, "cut')
    spool.add({"n": 3})
    assert drained(spool) == [{"n": 1}, {"n": 3}]


def test_bytes_that_are_no_text_cost_nothing_but_their_line(spool: Spool, tmp_path: Path) -> None:
    spool.add({"n": 1})
    file = tmp_path / "spool" / OPEN
    file.write_bytes(file.read_bytes() + b"\n\x00\xff\xfe\x00\n")
    assert drained(spool) == [{"n": 1}]


@FORK
def test_processes_that_add_and_drain_at_once_lose_and_mix_nothing(
    spool: Spool, tmp_path: Path
) -> None:
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            out = tmp_path / f"taken-{child}"
            with out.open("ab", buffering=0) as file:
                for number in range(40):
                    spool.add({"n": f"{child}-{number}"})
                    if number % 10 == child:
                        spool.drain(lambda entry, file=file: file.write(f"{entry['n']}\n".encode()))
            os._exit(0)
        children.append(pid)
    assert {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children} == {0}
    taken = [one["n"] for one in drained(spool)]
    for child in range(3):
        taken += (tmp_path / f"taken-{child}").read_text().split()
    assert sorted(taken) == sorted(f"{c}-{n}" for c in range(3) for n in range(40))


def test_who_adds_waits_for_nothing_that_is_being_written(spool: Spool) -> None:
    """Not even those who came while the file was moved aside."""
    spool._limit = 100_000_000
    added, over = Counter[int](), threading.Event()
    written: list[Counter[int]] = []

    def adding(number: int) -> None:
        while not over.is_set():
            spool.add({"n": number})
            added[number] += 1

    def each_added(before: Counter[int]) -> bool:
        return all(added[number] > before[number] + 1 for number in range(6))

    def write(_: dict[str, Any]) -> None:
        if not written:  # the first of each time
            written.append(Counter(added))
            assert any(each_added(written[0]) or over.wait(0.01) for _ in range(3000))

    with ThreadPoolExecutor(6) as pool:
        threads = [pool.submit(adding, number) for number in range(6)]
        try:
            assert any(each_added(Counter()) or over.wait(0.01) for _ in range(3000))
            for _ in range(5):
                written.clear()
                assert spool.drain(write) > 0
        finally:
            over.set()
        for one in threads:
            one.result(timeout=30)


def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", limit=30)
    spool.add({"n": 1})
    with pytest.raises(SpoolFull, match="the spool is full"):
        spool.add({"n": "x" * 30})
    assert drained(spool) == [{"n": 1}]
    spool.add({"n": 2})


def test_a_folder_that_cannot_be_written_to_says_why(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file in the way")
    with pytest.raises(SpoolFull, match="cannot be written to"):
        Spool(tmp_path / "spool", limit=1000).add({"n": 1})


def test_an_entry_that_is_never_taken_does_not_hold_up_the_rest(
    spool: Spool, tmp_path: Path
) -> None:
    for number in range(3):
        spool.add({"n": number})
    taken: list[Any] = []

    def write(entry: dict[str, Any]) -> None:
        if entry["n"] == 1:
            raise Rejected
        taken.append(entry["n"])

    assert spool.drain(write) == 2
    assert taken == [0, 2]
    assert spool.size() == 0
    assert spool.rejected() > 0
    assert (tmp_path / "spool" / REJECTED).read_bytes() == b'{"n":1}\n'
    assert drained(spool) == []


def test_what_was_set_aside_counts_as_room_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", limit=18)

    def write(entry: dict[str, Any]) -> None:
        raise Rejected

    spool.add({"n": 1})
    spool.drain(write)
    spool.add({"n": 2})
    with pytest.raises(SpoolFull):
        spool.add({"n": 3})


def test_a_failure_leaves_all_that_is_left_in_place(spool: Spool) -> None:
    for number in range(3):
        spool.add({"n": number})
    taken: list[Any] = []

    def write(entry: dict[str, Any]) -> None:
        if len(taken) == 1:
            raise ConnectionError
        taken.append(entry["n"])

    with pytest.raises(ConnectionError):
        spool.drain(write)
    assert [one["n"] for one in drained(spool)] == [0, 1, 2]
