"""How many arenas glibc's allocator keeps for the threads of a process.

Left to itself it makes up to eight for each core, and each keeps what bodies once took of it: after
bodies of 1 MB a process holds a quarter less with two, and none is slower.
"""

from __future__ import annotations

import ctypes

MOST = 2  # threads rarely allocate at the same moment: they take turns at the interpreter
_ARENA_MAX = -8  # M_ARENA_MAX in glibc's malloc.h


def limit() -> bool:
    """For this process and those it forks; False where the C library knows no such limit.

    To be called before threads are started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_ARENA_MAX, MOST))
