"""Memory in long-lived processes: when the collector runs, and what goes back to the system."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["garbage_collection", "give_back"]


@contextmanager
def garbage_collection(*, wanted: bool) -> Iterator[None]:
    """Whether the collector runs meanwhile, whatever it did before.

    Not for what makes millions of objects and no cycles: looking for them would double its time. What
    speaks to the network makes cycles.
    """
    enabled = gc.isenabled()
    (gc.enable if wanted else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if enabled else gc.disable)()


def give_back() -> None:
    """Return free memory to the system, as far as the C library knows how (glibc's malloc_trim)."""
    import ctypes

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
