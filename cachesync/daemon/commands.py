"""What the control socket is asked for, carried out: passes, the index, sources, deliveries."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..config.secrets import credential_problems
from ..config.settings import Config
from ..errors import UsageError
from ..ledger import connect, log
from ..model import SourceState
from ..sync import catalog, passes
from .delivery import Deliveries
from .requests import Full
from .sources import Sources
from .writer_thread import WriterThread

__all__ = ["Commands"]


class Commands:
    """Carries out requests, each in the thread that asks."""

    def __init__(
        self, state_dir: Path, thread: WriterThread, sources: Sources, deliveries: Deliveries,
        *, config: Callable[[], Config], reload: Callable[[], Mapping[str, Any]],
        on_change: Callable[[], object],
    ) -> None:  # fmt: skip
        """`config` gives the one that is in force, `reload` takes what the files say now."""
        self._state_dir = state_dir
        self._thread = thread
        self._sources = sources
        self._deliveries = deliveries
        self._config = config
        self._reload = reload
        self._on_change = on_change

    def handle(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a request of the control socket (`control`). Raises CachesyncError."""
        commands: dict[object, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "sync": self._sync,
            "rebuild": self._rebuild,
            "forget": self._forget,
            "reload": lambda _asked: self._reload(),
            "credentials": lambda _asked: {"problems": credential_problems(self._config())},
            "retry": self._deliveries.ask,
            "replay": self._deliveries.ask,
            "test": self._deliveries.ask,
        }
        command = commands.get(asked.get("command"))
        if command is None:
            raise UsageError(
                f"the daemon (pid {os.getpid()}) does not know {asked.get('command')!r}",
                hint="restart it: it is of another version than this command",
            )
        with connect.ledger_errors(self._state_dir):
            return command(asked)

    def _sync(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names = [str(name) for name in asked.get("sources", [])]
        for name in names:
            if name not in self._sources:
                raise UsageError(
                    f"the daemon (pid {os.getpid()}) has no source {name}",
                    hint="sources: " + ", ".join(self._sources),
                )
        first = self._thread.call(lambda writer: writer.seq)
        replies: list[Future[passes.PassResult]] = []
        for name in names or self._sources:
            reply: Future[passes.PassResult] = Future()
            replies.append(reply)
            allow = asked.get("allow_mass_removal") is True
            self._sources[name].worker.ask(Full(reply, allow))
        results = [reply.result() for reply in replies]
        return {
            "sources": [passes.document(result) for result in results],
            "changes": self._thread.ask(lambda db: log.counts_since(db, first)),
            "seq": self._thread.call(lambda writer: writer.seq),
            "errors": {one.name: one.error for one in results if one.error is not None},
            "failed": any(result.state is not SourceState.OK for result in results),
        }

    def _rebuild(self, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._thread.rebuild()
        return {}

    def _forget(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        asked_for = str(asked.get("name"))
        name = self._sources.named(asked_for) or asked_for
        if any(source.name == name for source in self._config().sources):
            raise UsageError(f"{name} is in the config of the daemon", hint="remove it there first")
        if name in self._sources:
            self._sources.close(name)
        result = self._thread.call(lambda writer: catalog.forget(writer, name))
        self._thread.catch_up().result()
        self._on_change()
        return result
