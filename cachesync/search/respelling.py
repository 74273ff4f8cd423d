"""Reading a query anew that found nothing: first what is spelled as elsewhere, then its words (`understanding`)."""

from __future__ import annotations

from .. import query
from ..query.machine import runnable
from ..query.respelling import Known, Respelled, respelled
from ..spack import targets
from .choices import parsed
from .searcher import Searcher
from .understanding import MOST_CHARACTERS, Understood, Way
from .understanding import understand as understand_words

__all__ = ["hints", "respelling", "understand"]


def understand(searcher: Searcher, text: str, runs_on: str | None = None) -> Understood:
    """Read a query anew that finds nothing, and was restricted to what a machine runs where one is named."""
    with searcher.moment():
        anew = respelling(searcher, text)
    node = None if anew is None else parsed(anew.text)
    if anew is None or node is None:
        return understand_words(searcher, text, runs_on)
    node = node if runs_on is None else runnable(node, runs_on)
    way = Way(anew.text, None, node, anew.words, ())
    with searcher.moment():
        if searcher.matching(node):
            return Understood(way)
    as_typed = understand_words(searcher, text, runs_on)
    if as_typed.way is not None:
        return as_typed
    found = understand_words(searcher, anew.text, runs_on)
    if found.way is not None:
        return found._replace(way=found.way._replace(words=(*anew.words, *found.way.words)))
    return found._replace(plain=found.plain or way, respelled=anew.words)


def respelling(searcher: Searcher, text: str) -> Respelled | None:
    """The text with what is spelled as elsewhere in the spelling of here; None where nothing is. Inside of `moment`."""
    if not searcher.is_indexed or len(text) > MOST_CHARACTERS:
        return None

    def is_package(name: str) -> bool:
        compilers = searcher.spellings("compiler", f"{name}@")
        return bool(compilers) or name in searcher.spellings("package", name)

    def is_value(word: str) -> bool:
        return bool(searcher.matching(query.Term(None, word.lower())))

    def is_key(name: str) -> bool:
        return any(one.startswith(f"{name}=") for one in searcher.spellings("variant", name))

    def is_beginning(field: str, value: str) -> bool:
        if field == "target" and targets.is_known(value):
            return False  # what runs on it is another question
        found = searcher.spellings(field, value)
        return bool(found) and value not in found

    return respelled(text, Known(is_package, is_value, is_key, is_beginning))


def hints(searcher: Searcher, text: str) -> list[str]:
    """What to say of such words where they are not read anew; inside of `moment`."""
    found = respelling(searcher, text)
    words = () if found is None else found.words
    return [f"`{word}` would be `{meant}` here" for word, meant in words]
