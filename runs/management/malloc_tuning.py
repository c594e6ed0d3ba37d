"""Tuning of the C library's memory allocator."""

import ctypes
import gc
from typing import Any, Final

ARENA_MAX: Final = -8
MMAP_THRESHOLD: Final = -3
"""Parameters of `mallopt` (glibc's malloc.h)."""

_library: Any = ctypes.CDLL(None)


def keep_memory_compact() -> None:
    """Make large blocks return to the system as soon as they are free. Does nothing without glibc.

    glibc gives every thread an arena of its own and, once large blocks were freed, no longer maps them one by one:
    after a hundred pages of a megabyte, 50 MiB of free memory stayed with the process.
    """
    if hasattr(_library, "mallopt"):
        _library.mallopt(ARENA_MAX, 2)
        _library.mallopt(MMAP_THRESHOLD, 64 * 1024)


def give_memory_back() -> None:
    """Collect reference cycles, and let the C library return its free pages to the system."""
    gc.collect()
    if hasattr(_library, "malloc_trim"):
        _library.malloc_trim(0)
