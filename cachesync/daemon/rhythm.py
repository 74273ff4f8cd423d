"""Which passes count for what leaves a cache index (`settle`): those of the source's own rhythm. Pure."""

from __future__ import annotations

__all__ = ["Rhythm"]


class Rhythm:
    """The rhythm of one source: its schedule, and what a command asks for.

    A file that is touched, a daemon that starts and a config that is read anew keep no rhythm: a pass for
    them that finds an index as it was counts for nothing, nor does the one by the schedule that happens to
    come behind such a pass. So what an event showed to have left has a whole interval to come back.
    """

    def __init__(self, *, is_watched: bool) -> None:
        """One that `is_watched` has passes at any time, the first when the daemon starts."""
        self._is_out_of_step = is_watched
        self._is_by_event = False

    def begin(self, *, is_asked: bool, is_scheduled: bool) -> bool:
        """Whether the pass that begins counts where it finds an index as it was."""
        self._is_by_event = not is_asked and not is_scheduled
        if is_asked or self._is_by_event:
            return is_asked
        counts, self._is_out_of_step = not self._is_out_of_step, False
        return counts

    def end(self, *, is_news: bool) -> None:
        """The pass has ended; `is_news`: it found another index, which counts whatever brought it."""
        self._is_out_of_step |= self._is_by_event and is_news
