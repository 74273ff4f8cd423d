"""Memory in long-lived processes: when the collector runs, and what goes back to the system."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["give_back", "no_garbage_collection"]


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """For what makes millions of objects and no cycles: looking for them would double its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def give_back() -> None:
    """Return free memory to the system, as far as the C library knows how (glibc's malloc_trim)."""
    import ctypes

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
