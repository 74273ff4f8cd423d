"""How other threads wake the main one, which waits for signals: by one."""

from __future__ import annotations

import signal
import threading

__all__ = ["SIGNAL", "Bell"]

SIGNAL = signal.SIGURG
"""Whoever has it neither blocked nor handled ignores it, so that it is never in the way."""


class Bell:
    """Says that something is another one than before. Any thread rings; only one listens."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._listener: int | None = None

    def listen(self) -> None:
        """From now on rings reach this thread, which has `SIGNAL` blocked and waits for it."""
        self._listener = threading.get_ident()

    def ring(self) -> None:
        """Wake the listener, unless it was rung for already."""
        if self._rung.is_set():
            return
        self._rung.set()
        if self._listener is not None:
            signal.pthread_kill(self._listener, SIGNAL)

    @property
    def has_rung(self) -> bool:
        """Whether anybody rang since `clear`."""
        return self._rung.is_set()

    def clear(self) -> None:
        """Take note of it, before looking at what it was for."""
        self._rung.clear()
