"""Threads share the arenas of the C library's allocator."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from cds_service.web import arenas

#: starts threads that allocate, and prints how many arenas there are while all of them live
THREADS = """
import ctypes, sys, threading
if sys.argv[1] == "limited":
    from cds_service.web import arenas
    assert arenas.limit()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fdopen.restype = ctypes.c_void_p
here = threading.Barrier(9)
def allocate():
    libc.malloc(5_000)
    here.wait()
    here.wait()
made = [threading.Thread(target=allocate) for _ in range(8)]
for one in made:
    one.start()
here.wait()
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
here.wait()
"""


def number(how: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True
    )
    return told.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_few_arenas() -> None:
    assert number("limited") <= arenas.MOST < number("left to itself")


#: takes and frees what a body of 1 MB takes, again and again; prints how many pages it asked for
BODIES = """
import resource, sys
from cds_service.web import arenas
if sys.argv[1] == "limited":
    assert arenas.limit()
def call():
    parts = [b"x" * 1_000_000]
    parts += [b"x" * 1_000 for _ in range(1_000)]
    parts.append(b"".join(parts))
    parts.append(bytes(bytearray(parts[0])))
for _ in range(10):
    call()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    call()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_of_one_large_body_is_kept_for_the_next() -> None:
    def asked(how: str) -> int:
        told = subprocess.run(
            [sys.executable, "-c", BODIES, how], capture_output=True, text=True, check=True
        )
        return int(told.stdout)

    assert asked("limited") < 1_000 < asked("left to itself")
