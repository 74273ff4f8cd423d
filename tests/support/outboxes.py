"""An outbox beside a real ledger, with receivers and a clock that are told."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cachesync.config.file import parse
from cachesync.config.settings import Config
from cachesync.diff import Guard
from cachesync.ledger import connect as ledger
from cachesync.ledger.write import Writer
from cachesync.notify.follower import Follower
from cachesync.notify.outbox import queue, report
from cachesync.notify.outbox.connect import open_outbox, transaction
from cachesync.notify.target import Outcome, Result
from cachesync.selection import Selection
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_pass
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import hash_of

SECOND = 1_000_000

START = 1_750_000_000 * SECOND

OK = Result(Outcome.DELIVERED, 204, "204", None, 0.1)

BAD = Result(Outcome.FAILED, 500, "answered 500", None, 0.1)

GONE = Result(Outcome.GONE, 410, "answered 410", None, 0.1)


class Site:
    """A ledger with a directory as its source, and an outbox; time is what `now` says."""

    def __init__(self, root: Path, config: str) -> None:
        self.root = root
        self.state = root / "state"
        self.state.mkdir(parents=True)
        self.pages = root / "pages"
        self.pages.mkdir()
        self.now = START
        self.config = self.parsed(config)
        self.count = 0
        self.ledger = ledger.open_writer(self.state, now=self.now)
        self.writer = Writer(self.ledger, clock=lambda: self.now)
        self.sync()
        self.open()

    def parsed(self, text: str) -> Config:
        return parse(
            f"sources: [{{name: site, type: directory, path: {self.pages}}}]\n{text}", name="x"
        )

    def open(self) -> None:
        """What a process does that starts."""
        self.outbox = open_outbox(self.state)
        self.follower = Follower(self.ledger, self.run, self.state)
        self.follower.begin(self.config, now=self.now)

    def crash(self) -> None:
        """Nothing that is only in memory is left."""
        self.outbox.close()
        self.open()

    def close(self) -> None:
        self.outbox.close()
        self.ledger.close()

    def restore(self, copy: Path | None) -> None:
        """Put a copy of the ledger in its place, or with None begin a new one with one import."""
        self.ledger.close()
        for file in self.state.glob("ledger*"):
            file.unlink()
        if copy is not None:
            copy.rename(self.state / ledger.LEDGER_FILE)
        self.ledger = ledger.open_writer(self.state, now=self.now)
        self.writer = Writer(self.ledger, clock=lambda: self.now)
        if copy is None:
            self.sync()

    def run(self, work):
        with transaction(self.outbox) as db:
            return work(db)

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.count += 1
            folder = self.pages / "develop" / f"p{self.count}"
            folder.mkdir(parents=True)
            rows = [spec(hash_of(self.count))]
            (folder / "specs.md").write_bytes(as_generated(Facts(folder.name, "develop", rows)))

    def sync(self, name: str = "site") -> None:
        row = self.writer.source(name, "directory", str(self.pages), configured=True, interval=1)
        source = DirectorySource(name, self.pages, page_limit=1 << 20)
        run_pass(self.writer, source, row, selection=Selection(), guard=Guard())

    def news(self, count: int = 1) -> None:
        """So many specs are newly cached, and every window is closed."""
        self.write(count)
        self.sync()
        self.follower.catch_up(now=self.now)
        self.follower.close_windows(now=self.now, all_=True)

    def due(self) -> list[int]:
        """The targets to which something can be sent now."""
        ready, _ = self.run(lambda db: queue.due_targets(db, now=self.now))
        return [target for target, _ in ready]

    def next(self, target: int = 1) -> queue.Due | None:
        return self.run(lambda db: queue.next_due(db, target, now=self.now))

    def attempt(self, result: Result, target: int = 1, chance: float = 0.0) -> queue.Recorded:
        """One attempt that ends so."""
        due = self.next(target)
        assert due is not None
        return self.run(lambda db: queue.record(db, due, result, now=self.now, chance=chance))

    def wait(self) -> float:
        """Go on to when something is due; the seconds that takes."""
        ready, later = self.run(lambda db: queue.due_targets(db, now=self.now))
        if ready or later is None:
            return 0.0
        waited, self.now = later - self.now, later
        return waited / SECOND

    def summary(self):
        return self.run(report.summary)

    def target(self, number: int = 0):
        return self.summary()["subscriptions"][0]["targets"][number]


def subscribed(*urls: str, name: str = "all", extra: str = "") -> str:
    targets = "".join(
        f"      - {{type: webhook, url: '{url}', allow_private: true}}\n" for url in urls
    )
    return f"subscriptions:\n  - name: {name}\n    query: ''\n{extra}    targets:\n{targets}"


@contextmanager
def site_of(*urls: str, extra: str = "") -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as directory:
        site = Site(Path(directory), subscribed(*urls, extra=extra))
        try:
            yield site
        finally:
            site.close()


ONE, TWO = "https://one.example.org/", "https://two.example.org/"
