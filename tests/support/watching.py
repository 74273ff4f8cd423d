"""A watcher under test: what it told, and a mirror that reads only what it was told to read."""

import itertools
import os
import threading
import time
from pathlib import Path
from typing import Self

from cachesync.watch.debounce import covers
from cachesync.watch.events import Dirty, Watching
from cachesync.watch.timing import Timing
from cachesync.watch.watcher import Watcher

QUICK = Timing(check_seconds=0.1, poll_seconds=0.1, retry_seconds=0.5, settle_seconds=0.1)
PATIENCE_SECONDS = 20.0
FENCE = "zzz/"


class Watched:
    """A watcher of `root` whose every event is kept.

    With `mirroring`, each dirty prefix is read at once, in the watcher's own thread: the hardest
    consumer there is, as it reads before anything has come to rest.
    """

    def __init__(self, root: Path, *, mirroring: bool = True, timing: Timing = QUICK, **options):
        self.root = root
        self.events: list = []
        self.mirror: dict[str, str] = {}
        self.hold = threading.Event()
        self.hold.set()
        self._mirroring = mirroring
        self._told = threading.Condition()
        self._fences = itertools.count()
        self.watcher = Watcher(os.fspath(root), self._tell, timing=timing, **options)

    def __enter__(self) -> Self:
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        assert self.watcher.stop(5.0)
        assert self.watcher.failure is None

    def _tell(self, event) -> None:
        self.hold.wait(3 * PATIENCE_SECONDS)
        if self._mirroring and isinstance(event, Dirty):
            self._read(event.prefix)
        with self._told:
            self.events.append(event)
            self._told.notify_all()

    def _read(self, prefix: str) -> None:
        for path in [path for path in self.mirror if covers(prefix, path)]:
            del self.mirror[path]
        self.mirror.update(pages(self.root, prefix))

    def wait_for(self, found, since: int = 0):
        """The first event from `since` on that `found` accepts; fails if none comes."""
        with self._told:
            assert self._told.wait_for(
                lambda: any(found(event) for event in self.events[since:]), PATIENCE_SECONDS
            ), f"not told; {self.watcher.mode}: {self.events[since:][:50]}"
            return next(event for event in self.events[since:] if found(event))

    def begun(self) -> Self:
        """Once everything is watched, and was reported dirty."""
        self.wait_for(lambda event: isinstance(event, Watching))
        self.wait_for(lambda event: event == Dirty(""))
        return self

    def fence(self) -> None:
        """Return when all that happened before has been told: events come in their order."""
        if not (self.root / FENCE).exists():
            self._is_told(FENCE)
        while not self._is_told(f"{FENCE}{next(self._fences)}/"):
            continue

    def _is_told(self, path: str) -> bool:
        """Make a directory; False if what holds it became dirty instead, being watched anew."""
        since = len(self.events)
        (self.root / path).mkdir()
        return self.wait_for(lambda e: e in {Dirty(path), Dirty(FENCE), Dirty("")}, since) == Dirty(
            path
        )

    def dirty(self, action) -> set[str]:
        """What `action` makes dirty."""
        self.fence()
        since = len(self.events)
        action()
        self.fence()
        return {
            event.prefix
            for event in self.events[since:]
            if isinstance(event, Dirty) and not event.prefix.startswith(FENCE)
        }

    def kinds(self, since: int = 0) -> list[str]:
        """What was told apart from what is dirty, by name."""
        return [type(e).__name__ for e in self.events[since:] if not isinstance(e, Dirty)]


def pages(root: Path, prefix: str = "") -> dict[str, str]:
    """Every page below a prefix with its content; what a scan would find."""
    found = {}
    pending = [prefix]
    while pending:
        path = pending.pop()
        try:
            with os.scandir(root / path) as scanned:
                for child in scanned:
                    if child.name == "specs.md" and child.is_file(follow_symlinks=False):
                        found[path + "specs.md"] = Path(child.path).read_text()
                    elif not child.name.startswith(".") and child.is_dir(follow_symlinks=False):
                        pending.append(f"{path}{child.name}/")
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def write(root: Path, path: str, text: str = "page") -> Path:
    """A page at `path` (`tag/package`), written in place."""
    page = root / path / "specs.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text)
    return page


def wait_until(true, seconds: float = PATIENCE_SECONDS) -> None:
    """Fail unless `true` becomes so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "did not come true"
        threading.Event().wait(0.01)
