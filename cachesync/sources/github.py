"""A directory of a GitHub repository, as a source: walked by the names git gives to its contents.

A tree whose sha is what it was holds what it held. So a pass without news is one conditional
request for the commit; with news it is one for each directory above the tags and one for each tag
that changed, and then the changed files. What is remembered is true of pages that were delivered.
https://docs.github.com/en/rest/git/trees, https://docs.github.com/en/rest/commits/commits
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..config.settings import Limits
from ..config.sourceconfigs import GithubSourceConfig
from ..errors import SourceError
from ..net import Fetcher, FetchError, FetchStoppedError, Request, Response
from .base import (
    NOTHING,
    Changed,
    Entry,
    Failed,
    Fault,
    Found,
    Listing,
    Note,
    Past,
    ignore,
)
from .directory import PAGE_NAME
from .gittree import LINK, Item, Tree, is_sha, pages_among, parse_tree
from .remote import Contact, blob_sha, fingerprint, garbage, hostile, refused, validators

__all__ = ["GithubSource"]

MOST_TREE_BYTES = 64 * 2**20
"""GitHub truncates at 7 MB."""
MOST_COMMIT_BYTES = 1 << 16

_TREE = "tree:"
_PRIVATE = (401, 403, 404)
"""What an origin answers that does not show everybody everything."""


class _Head(NamedTuple):
    """What the ref points to."""

    commit: str
    etag: str
    is_as_before: bool


class GithubSource:
    """See `base.Source`. The token, if any, goes to the API, and to the raw files where needed."""

    type = "github"
    concurrency = 8

    def __init__(
        self,
        config: GithubSourceConfig,
        limits: Limits,
        fetcher: Fetcher,
        *,
        token: str | None = None,
    ) -> None:
        self.name = config.name
        self._config = config
        self._limits = limits
        self._fetcher = fetcher
        self._authorization = None if token is None else f"Bearer {token}"
        self._raw_is_private = _origin(config.raw_url) == _origin(config.api_url)
        self._settings = fingerprint(
            config.repository,
            config.ref,
            config.path,
            config.selection,
            config.api_url,
            config.raw_url,
        )
        self._begin(NOTHING)

    @property
    def retry_after_seconds(self) -> float | None:
        """The longest wait that a server asked for in this pass."""
        return self._contact.retry_after_seconds

    # -- the listing

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """The pages of every tag that changed; the others are `as_before`.

        A tag whose tree cannot be had, or is truncated, is a fault and `unlisted`. Raises
        SourceError (a FetchError where nothing could be listed) when that is so for all.
        """
        self._begin(past)
        head = self._head()
        self._commit, self._etag = head.commit, head.etag
        if head.is_as_before and not self._again:
            for key, sha in self._before.items():
                if key.startswith(_TREE):
                    self._trees[key.removeprefix(_TREE)] = sha
            self._is_listed = self._is_complete = True
            return Listing((), as_before=("",))
        listing = self._walk(found)
        self._is_listed, self._is_complete = True, not listing.unlisted
        return listing

    def _begin(self, past: Past) -> None:
        self._contact = Contact(self._fetcher)
        remembers = past.memory.get("settings") == self._settings
        self._before: Mapping[str, str] = past.memory if remembers else {}
        self._signatures = past.signatures
        self._again = [path for path, sha in past.signatures.items() if sha is None]
        self._commit = self._etag = ""
        self._trees: dict[str, str] = {}  # the sha of each tag that was listed completely
        # The pages of each tag that are to be delivered before it can be remembered.
        self._awaited: dict[str, set[str]] = {}
        self._missed: list[str] = []  # the prefixes of tags whose tree could not be had
        self._is_listed = self._is_complete = False

    def _head(self) -> _Head:
        """The commit, asked for conditionally. Raises SourceError."""
        config, before = self._config, self._before
        headers = {"Accept": "application/vnd.github.sha"}
        if before.get("etag") and before.get("commit"):
            headers["If-None-Match"] = before["etag"]
        answer = self._ask_api(f"commits/{quote(config.ref)}", headers, MOST_COMMIT_BYTES)
        if answer.status == 304:
            if "If-None-Match" not in headers:
                raise SourceError("answered 304 (not modified) without being asked for that")
            return _Head(before["commit"], before["etag"], is_as_before=True)
        if answer.status in (404, 409, 422):
            raise SourceError(
                f"no repository {config.repository} with a ref {config.ref}"
                f" (answered {answer.status}; a private one needs a `token:` that may read it)"
            )
        self._expect_ok(answer)
        commit = answer.body.decode("ascii", "replace").strip()
        if not is_sha(commit):
            raise SourceError(garbage(answer.headers, expected="the sha of a commit"))
        etag = validators(answer.headers).get("etag", "")
        return _Head(commit, etag, is_as_before=commit == before.get("commit"))

    def _walk(self, found: Found) -> Listing:
        result = _Result()
        failure: SourceError | None = None
        for item in sorted(self._pages_directory(), key=lambda item: item.path):
            if not self._is_tag(item, result, found):
                continue
            prefix = f"{item.path}/"
            if self._is_as_before(item):
                self._trees[item.path] = item.sha
                result.as_before.append(prefix)
            elif failure is not None:
                self._miss(item)
            else:
                failure = self._list_tag(item, result, found)
        if failure is not None:
            if isinstance(failure, FetchStoppedError) or not (result.entries or result.as_before):
                raise failure
            others = len(self._missed) - 1
            more = f"; {others} more tags were not asked for" if others else ""
            reason = f"could not be listed: {failure.message}{more}"
            result.faults.append(Fault(self._missed[0], reason))
        result.unlisted += self._missed
        return result.listing()

    def _pages_directory(self) -> list[Item]:
        """What lies in the configured directory of the commit. Raises SourceError."""
        tree = self._tree(self._commit)
        done = ""
        for name in filter(None, self._config.path.split("/")):
            done = f"{done}/{name}".lstrip("/")
            below = [item for item in tree.items if item.path == name and item.type == "tree"]
            if not below:
                missing = f"holds no directory {done}"
                if tree.is_truncated:
                    missing = f"may hold {done}, but its listing is truncated"
                raise SourceError(f"{self._config.repository} at {self._config.ref} {missing}")
            tree = self._tree(below[0].sha)
        if tree.is_truncated:
            raise SourceError(f"the listing of {done or 'the repository'} is truncated")
        return tree.items

    def _is_tag(self, item: Item, result: _Result, found: Found) -> bool:
        """Whether `item` is a directory to look into; a page or a trouble in its place is kept."""
        selection = self._config.selection
        name = item.path
        if item.type == "blob" and item.mode != LINK:
            if name == PAGE_NAME:
                self._keep([item], "", result, found)
            return False
        if name.startswith(".") or not selection.admits_tag(name):
            return False
        reason = hostile(name) or ("a name with a slash" if "/" in name else None)
        if reason is not None:
            result.faults.append(refused("", name, reason))
            return False
        if item.type != "tree":
            what = "a symbolic link" if item.mode == LINK else "a submodule"
            result.notes.append(Note(f"{name}/", f"{what}; it is not followed"))
            return False
        return True

    def _is_as_before(self, tag: Item) -> bool:
        prefix = f"{tag.path}/"
        is_same = self._before.get(f"{_TREE}{tag.path}") == tag.sha
        return is_same and not any(path.startswith(prefix) for path in self._again)

    def _list_tag(self, tag: Item, result: _Result, found: Found) -> SourceError | None:
        """Put the pages of `tag` into the result; why that cannot be done."""
        prefix = f"{tag.path}/"
        try:
            tree = self._tree(tag.sha, recursive=True)
        except SourceError as error:
            self._contact.failed(error)
            self._miss(tag)
            return error
        if tree.is_truncated:
            reason = "its listing is truncated by the server; nothing below is taken for gone"
            result.faults.append(Fault(prefix, reason))
            result.unlisted.append(prefix)
        else:
            self._trees[tag.path] = tag.sha
        self._keep(tree.items, tag.path, result, found)
        return None

    def _miss(self, tag: Item) -> None:
        """The tree of `tag` could not be had; the one that was delivered before still counts."""
        self._missed.append(f"{tag.path}/")
        if sha := self._before.get(f"{_TREE}{tag.path}"):
            self._trees[tag.path] = sha

    def _keep(self, items: list[Item], tag: str, result: _Result, found: Found) -> None:
        """Put the pages among `items`, whose paths are below `tag`, into the result."""
        pages = pages_among(
            items,
            f"{tag}/" if tag else "",
            self._config.selection,
            page_bytes=self._limits.page_bytes,
        )
        self._awaited[tag] = {
            entry.path
            for entry in pages.entries
            if self._signatures.get(entry.path) != entry.signature
        }
        result.entries += pages.entries
        result.faults += pages.faults
        result.notes += pages.notes
        if pages.entries:
            found(pages.entries)

    # -- the pages

    def read(self, path: str, listed_as: str, before: str | None = None) -> Changed | Failed:
        """The file as it is in the commit that was listed, checked against the sha it has there."""
        awaited = self._awaited.setdefault(path.partition("/")[0] if "/" in path else "", set())
        awaited.add(path)
        answer = self._raw(path)
        if isinstance(answer, Failed):
            return answer
        if answer.status != 200:
            return Failed(f"answered {answer.status} for a file that is listed", is_passing=True)
        if blob_sha(answer.body) != listed_as:
            reason = garbage(answer.headers, expected="what is listed")
            return Failed(f"{reason} (its sha differs)", is_passing=True)
        awaited.discard(path)
        return Changed(answer.body, listed_as)

    def _raw(self, path: str) -> Response | Failed:
        """The file at `path`; with the token only where it is not to be had without."""
        config = self._config
        inside = quote(f"{config.path}/{path}".lstrip("/"))
        request = Request(
            f"{config.raw_url}/{config.repository}/{self._commit}/{inside}", self._limits.page_bytes
        )
        if self._authorization is None:
            return self._contact.ask(request)
        with_token = request._replace(authorization=self._authorization)
        if self._raw_is_private:
            return self._contact.ask(with_token)
        answer = self._contact.ask(request)
        if isinstance(answer, Failed) or answer.status not in _PRIVATE:
            return answer
        answer = self._contact.ask(with_token)
        if isinstance(answer, Response) and answer.status == 200:
            self._raw_is_private = True
        return answer

    def memory(self) -> Mapping[str, str]:
        """The sha of each tag whose pages were all delivered, and the commit when all tags were."""
        if not self._is_listed:
            return self._before
        complete = {tag: sha for tag, sha in self._trees.items() if not self._awaited.get(tag)}
        memory = {
            "settings": self._settings,
            **{f"{_TREE}{tag}": sha for tag, sha in complete.items()},
        }
        if self._is_complete and not any(self._awaited.values()):
            memory |= {"commit": self._commit, "etag": self._etag}
        return memory

    # -- the API

    def _tree(self, sha: str, *, recursive: bool = False) -> Tree:
        """A tree. Raises SourceError."""
        query = "?recursive=1" if recursive else ""
        headers = {"Accept": "application/vnd.github+json"}
        answer = self._ask_api(f"git/trees/{sha}{query}", headers, MOST_TREE_BYTES)
        self._expect_ok(answer)
        return parse_tree(answer.body)

    def _ask_api(self, what: str, headers: dict[str, str], most_bytes: int) -> Response:
        url = f"{self._config.api_url}/repos/{self._config.repository}/{what}"
        headers["X-GitHub-Api-Version"] = "2022-11-28"
        return self._fetcher.fetch(Request(url, most_bytes, headers, self._authorization))

    def _expect_ok(self, answer: Response) -> None:
        if answer.status == 401 and self._authorization is None:
            raise FetchError("answered 401: it asks for a token (set `token:`)")
        if answer.status == 401:
            raise FetchError("answered 401: the token is refused (see `token:`)")
        if answer.status != 200:
            raise FetchError(f"answered {answer.status}")


class _Result:
    """A listing in the making."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self.notes: list[Note] = []
        self.unlisted: list[str] = []
        self.as_before: list[str] = []

    def listing(self) -> Listing:
        return Listing(
            self.entries, self.faults, self.notes, self.unlisted, as_before=self.as_before
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
