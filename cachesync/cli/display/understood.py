"""What `search` says of a query that it read anew: how, or which readings found nothing either."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from ... import query
from ...errors import LedgerMissingError
from ...search.searcher import Searcher
from ...search.understanding import Tried, Understood, Way, understand
from . import answer, output

__all__ = ["document", "lines", "say", "say_of", "told"]


def say(understood: Understood) -> None:
    """Say it on standard error, a line each."""
    for line in lines(understood):
        output.print_line(f"cachesync: {line}", to=sys.stderr)


def say_of(state_dir: Path, text: str) -> None:
    """Say of a query that is never read anew, and matches nothing, what `search` reads it as.

    Nothing is said where nothing was ever synced.
    """
    try:
        with closing(Searcher(state_dir, is_lasting=False)) as searcher:
            with searcher.moment():
                if searcher.matching(query.parse(text)):
                    return
            understood = understand(searcher, text)
    except LedgerMissingError:
        return
    way = understood.way or understood.plain
    if way is not None:
        says = f"nothing matches `{text}`, which is taken as it stands; `search` reads it as"
        only = "" if way.runs_on is None else ", an option of its own"
        answer.note(f"{says} `{_whole(way)}`{only}")


def lines(understood: Understood) -> list[str]:
    """What there is to say."""
    if understood.way is not None:
        return [_read(understood.way)]
    found = [f"`{word}` read as `{read_as}`" for word, read_as in understood.respelled]
    found += [_none(tried) for tried in understood.tried]
    for lacking in understood.lacking:
        near = ", ".join(f"`{name}`" for name in lacking.nearest)
        text = f"{lacking.package} without `{lacking.variant}`: none, as it has no such variant"
        found.append(f"{text}; nearest: {near}" if near else text)
    return found


def document(understood: Understood) -> dict[str, Any]:
    """The key that `search --json` has where a query was read anew; none where there is nothing to say."""
    way = understood.way
    if way is None and not (understood.tried or understood.lacking or understood.respelled):
        return {}
    return {
        "understood": {
            "query": None if way is None else way.text,
            "options": [] if way is None or way.runs_on is None else ["--runs-on", way.runs_on],
            "words": _pairs(understood.respelled if way is None else way.words),
            "left_out": [] if way is None else list(way.left_out),
            "tried": [
                {
                    "rest": tried.rest,
                    "is_whole": tried.is_whole,
                    "words": _pairs(tried.words),
                    "instead": tried.instead,
                    "builds": tried.builds,
                }
                for tried in understood.tried
            ],
            "lacking": [
                {**lacking._asdict(), "nearest": list(lacking.nearest)}
                for lacking in understood.lacking
            ],
        }
    }


def told(understood: Understood) -> set[query.Node]:
    """The conditions of which `lines` say enough: words that were read anew, and what alone they were read as."""
    words = {word.lower() for tried in understood.tried for word, _ in tried.words}
    found: set[query.Node] = {query.Term(None, word) for word in words}
    for tried in understood.tried:
        if len(tried.words) == 1 and tried.words[0][1][:1] == "+":
            text = tried.words[0][1]
            found |= {query.Term("variant", text.lower()), query.Term("variant", text, spack=True)}
    for lacking in understood.lacking:
        found.add(query.Term("variant", f"~{lacking.variant}", spack=True))
    return found


def _pairs(words: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"word": word, "as": read_as} for word, read_as in words]


def _read(way: Way) -> str:
    words = list(dict.fromkeys(way.words))
    said = [f"`{word}` read as `{read_as}`" for word, read_as in words[:1]]
    said += [f"`{word}` as `{read_as}`" for word, read_as in words[1:]]
    parts = [", ".join(said)] if said else []
    if way.left_out:
        parts.append(f"left out: {', '.join(f'`{word}`' for word in way.left_out)}")
    if len(way.words) > 1 or " OR " in way.text:
        parts.append(f"all of it: `{_whole(way)}`")
    return "; ".join(parts)


def _whole(way: Way) -> str:
    machine = "" if way.runs_on is None else f"--runs-on {way.runs_on}"
    return f"{way.text} {machine}".strip()


def _none(tried: Tried) -> str:
    readings = " ".join(f"`{read_as}`" for _, read_as in tried.words)
    if tried.is_whole:
        return f"`{tried.rest}`: none"
    text = f"{tried.rest} with {readings}: none" if tried.rest else f"{readings}: none"
    if tried.instead is None:
        return text
    are = "build is" if tried.builds == 1 else "builds are"
    return f"{text}; {tried.builds:,} {are} `{tried.instead}`"
