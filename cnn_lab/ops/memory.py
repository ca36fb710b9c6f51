"""How the C library of Linux keeps a process's memory; elsewhere nothing is changed.

Constants are those of glibc's `malloc.h`.
"""

import ctypes
import sys
import time
from threading import Thread

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
N_HEAPS = 1  # of a process that serves pages
LARGE_BYTES = 2**18  # of a block that goes back to the system as soon as it is freed
MAX_KEPT_BLOCK_BYTES, MAX_KEPT_BYTES = 32 * 2**20, 2**30  # of a process that trains
RETURN_EVERY_S = 10.0


def keep_little() -> None:
    """Have this process keep little of what it has freed; call it before it has other threads.

    Streamlit runs each script in a new thread, and the C library gives threads up to eight heaps
    for each core, none of which shrinks while anything is left in it. One is enough for scripts
    that take turns anyway. Arrays of more than `LARGE_BYTES` are kept out of it: the C library
    otherwise moves that limit up to the largest array that was freed, and arrays leave gaps
    between what lives longer.
    """
    if (library := _with("mallopt")) is not None:
        library.mallopt(M_ARENA_MAX, N_HEAPS)
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def keep_freed() -> None:
    """Have this process reuse the memory of one batch for the next.

    Every batch of a training needs arrays of the same sizes. If the C library returns them to the
    system each time, an eighth of the time is spent on allocating them again.
    """
    if (library := _with("mallopt")) is not None:
        library.mallopt(M_MMAP_THRESHOLD, MAX_KEPT_BLOCK_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, MAX_KEPT_BYTES)


def return_freed() -> None:
    """Give the system back what this process has freed.

    By itself the C library gives back only the end of a heap. What scripts free lies in between,
    beside what caches keep, and the next script does not fit into every gap. It takes a few
    milliseconds.
    """
    if (library := _with("malloc_trim")) is not None:
        library.malloc_trim(0)


def return_freed_regularly() -> None:
    """Return what was freed every ten seconds from now on."""

    def work() -> None:
        while True:
            time.sleep(RETURN_EVERY_S)
            return_freed()

    Thread(target=work, name="return_freed", daemon=True).start()


def _with(function: str) -> ctypes.CDLL | None:
    """Return the C library if it is one of Linux that has this function, as glibc has."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, function) else None
