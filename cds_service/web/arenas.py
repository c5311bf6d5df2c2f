"""How much memory glibc's allocator keeps for the threads of a process.

Left to itself it makes up to eight arenas for each core, and each keeps what bodies once took of
it: after bodies of 1 MB a process holds a quarter less with two, and none is slower. Of those two
it would give each body's memory back to the kernel and ask for it again, page by page: a thousand
pages for a body of 1 MB.
"""

from __future__ import annotations

import ctypes

MOST = 2  # threads rarely allocate at the same moment: they take turns at the interpreter
KEPT = 8_000_000  # bytes at the end of an arena that are free and stay
OWN = 4_000_000  # bytes from which a piece of memory is no part of an arena, and goes back at once
_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD = -8, -1, -3  # M_... in glibc's malloc.h


def limit() -> bool:
    """For this process and those it forks; False where the C library knows no such limit.

    To be called before threads are started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    chosen = ((_ARENA_MAX, MOST), (_TRIM_THRESHOLD, KEPT), (_MMAP_THRESHOLD, OWN))
    return mallopt is not None and all(mallopt(name, value) for name, value in chosen)
