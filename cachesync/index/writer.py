"""Writing the search index. The caller holds the writer's lock.

Traps met in whoosh3 3.54: a killed commit leaves `*.toc.<time>` files that `clean_files` misses;
`delete_by_term` runs a search (documents are deleted by number).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import IndexUnusableError
from .codec import NUMBER, BlockCodec, Pool, Storage, new_schema
from .documents import postings
from .layout import CURRENT, NAME, SCHEMA, latest_generation, manifest_name, toc_name
from .reader import Mark, SearchIndex

if TYPE_CHECKING:
    from ..ledger.documents import Document

__all__ = ["discard", "rebuild", "update", "write_segment"]

REBUILD_FRACTION = 0.5
"""From this part of the documents on, building anew is cheaper than replacing them."""


def update(
    root: Path,
    *,
    ledger: str,
    mark: Mark,
    seq: int,
    touched: set[int],
    documents: Iterable[Document],
) -> bool:
    """Replace the documents of the `touched` builds by `documents` and move the cursor to `seq`.

    Returns false, having changed nothing, when the index has to be rebuilt instead.
    """
    try:
        opened = SearchIndex(root, ledger=ledger, mark=mark)
    except IndexUnusableError:
        return False
    try:
        numbers = opened.builds()
        if len(touched) > REBUILD_FRACTION * max(1, len(numbers)):
            return False
        stale = [numbers[build] for build in touched if build in numbers]
        stale.extend(opened.documents("cursor", opened.cursor))
        folder = opened.folder
    finally:
        opened.close()
    writer = _writer(folder)
    try:
        for document in stale:
            writer.delete_document(document)
        _add(writer, documents)
        _put(writer, 0, 0, {"cursor": {_cursor(ledger, seq, mark): 1}})
        writer.commit()
    except BaseException:
        _cancel(writer)
        raise
    _sweep(folder)
    return True


def rebuild(
    root: Path,
    *,
    ledger: str,
    mark: Mark,
    seq: int,
    documents: Iterable[Document],
    more: Callable[[Path], Callable[[], Any]] | None = None,
) -> None:
    """Build an index beside the current one and swap it in; the old one answers until then.

    `more` is called with the new index's folder before the documents are taken, and what it
    returns is called afterwards: for another segment, which `write_segment` wrote there meanwhile.
    """
    from whoosh.index import FileIndex

    if root.is_symlink() or root.is_file():
        root.unlink()
    root.mkdir(parents=True, exist_ok=True)
    serial = 1 + max((int(p.name) for p in root.iterdir() if p.name.isdecimal()), default=0)
    folder = root / str(serial)
    folder.mkdir()
    FileIndex.create(Storage(os.fspath(folder)), new_schema(), indexname=NAME)
    writer = _writer(folder)
    try:
        other = more(folder) if more is not None else None
        _add(writer, documents)
        _put(writer, 0, 0, {"cursor": {_cursor(ledger, seq, mark): 1}})
        if other is not None:
            writer.segments.append(other())
        writer.commit(merge=False)
    except BaseException:
        _cancel(writer)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _swap(root, folder)


def write_segment(folder: Path, documents: Iterable[Document]) -> Any:
    """Write documents as a segment of their own, for a `rebuild` in another process to include."""
    from whoosh.index import FileIndex
    from whoosh.writing import SegmentWriter

    index = FileIndex(Storage(os.fspath(folder)), schema=new_schema(), indexname=NAME)
    writer = SegmentWriter(index, codec=BlockCodec(), _lk=False)  # the other process has the lock
    writer.pool = Pool()
    _add(writer, documents)
    return writer._finalize_segment()


def _swap(root: Path, folder: Path) -> None:
    link = root / f"{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    target = root / CURRENT
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    link.replace(target)
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != folder.name:
            shutil.rmtree(path, ignore_errors=True)


def discard(root: Path) -> None:
    """Remove the index altogether."""
    shutil.rmtree(root, ignore_errors=True)


def _writer(folder: Path) -> Any:
    from whoosh.index import FileIndex

    index = FileIndex(Storage(os.fspath(folder)), schema=new_schema(), indexname=NAME)
    writer = index.writer(codec=BlockCodec())
    writer.pool = Pool()
    return writer


def _put(writer: Any, build_id: int, specs: int, postings: Mapping[str, Mapping[str, int]]) -> None:
    """Add a document as it is. Whoosh's own `add_document` takes twice the time to analyse nothing."""
    number, columns = writer.docnum, writer.perdocwriter
    columns.start_doc(number)
    columns.add_column_value("id", NUMBER, build_id)
    columns.add_column_value("specs", NUMBER, specs)
    columns.finish_doc()
    for field, weights in postings.items():
        writer.pool.put(field, number, weights)
    writer.docnum = number + 1
    writer._added = True


def _cancel(writer: Any) -> None:
    try:
        writer.cancel()
    except Exception:  # noqa: S110 - the error that led here is the one to report
        pass


def _sweep(folder: Path) -> None:
    """Remove what killed commits left behind and what only older generations needed."""
    newest = toc_name(latest_generation(folder))
    for path in folder.iterdir():
        if ".toc" in path.name and path.name not in (newest, manifest_name(newest)):
            path.unlink(missing_ok=True)


def _cursor(ledger: str, seq: int, mark: Mark) -> str:
    return f"{ledger} {SCHEMA} {seq} {mark(seq)}"


def _add(writer: Any, documents: Iterable[Document]) -> None:
    for document in documents:
        _put(writer, document.build_id, document.specs, postings(document))
