"""A site of mirrors on a server of our own, and the list that names some of them."""

import json
from pathlib import Path
from urllib.parse import unquote

from tests.support import mirrors
from tests.support.stubserver import StubServer, Talk, cached, slowly, status

__all__ = ["LIST", "Site"]

LIST = "/cache_spack_io_index.json"
SHA = "24744e26f1f418a311c0782c1e255dbf6017a2406c1b083d04941ad014850f19"


class Site:
    """Mirrors below `root`, served as a bucket is, and the list of some of them."""

    def __init__(self, server: StubServer, root: Path, *, delay_seconds: float = 0.0) -> None:
        """Every request waits for `delay_seconds`."""
        self.server = server
        self._delay_seconds = delay_seconds
        self.root = root
        self._lists = 0
        self.absent = 404
        """What is answered of a file that is not there."""
        server.mount("/", self._answer)

    def mirror(self, path: str, *records: mirrors.Record) -> None:
        mirrors.make_mirror(self.root / path, records)

    def names(self, *names: str) -> None:
        """The list names these mirrors from now on: `REF` or `REF/STACK`."""
        said: dict[str, list[dict[str, str]]] = {}
        for name in names:
            ref, _, stack = name.partition("/")
            url = f"s3://spack-binaries/{name}/blobs/sha256/{SHA[:2]}/{SHA}"
            said.setdefault(ref, []).append({"label": stack or "root", "url": url})
        self._lists += 1
        body = json.dumps(said).encode()
        listed = cached(body, f'"list-{self._lists}"')
        self.server.script(LIST, slowly(listed, self._delay_seconds))

    def _answer(self, talk: Talk) -> None:
        talk.pause(self._delay_seconds)
        path = self.root / unquote(talk.seen.path.lstrip("/"))
        if not path.is_file():
            status(self.absent, b"not found")(talk)
            return
        data = path.read_bytes()
        cached(data, f'"{hash(data)}"')(talk)

    def asked(self) -> list[str]:
        """The paths of the requests since this was asked last."""
        paths = self.server.paths()
        self.server.seen.clear()
        return sorted(paths)
