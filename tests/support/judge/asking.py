"""Random queries in Spack's words, most of them about records that are there.

One generator, drawn from a `Random`: a seeded one, or Hypothesis's, which then shrinks what it drew
(`queries`, `documents`). Its texts are not taken from any rule of reading: some are malformed, and
many are near misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from . import inventing, nodewords
from .nodewords import Vocabulary

__all__ = ["Vocabulary", "documents", "queries", "query", "several"]

TYPES = ("build", "link", "run", "test")
HARM = "@+~-=:,.*^%/[]\"' \\ab1_\N{NO-BREAK SPACE}é#"


def queries(vocabulary: Vocabulary, dialect: str) -> st.SearchStrategy[str]:
    """Queries to an index."""
    return st.randoms(use_true_random=False).map(lambda random: query(random, vocabulary, dialect))


def documents(form: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of indices, of a form of `inventing.FORMS` or of any."""
    return st.randoms(use_true_random=False).map(
        lambda random: inventing.document(random, form=form)
    )


def several(seed: int, count: int, vocabulary: Vocabulary, dialect: str) -> list[str]:
    """So many queries, the same for the same seed."""
    random = Random(seed)
    return [query(random, vocabulary, dialect) for _ in range(count)]


def query(random: Random, vocabulary: Vocabulary, dialect: str) -> str:
    """One query to an index whose words are given."""
    asker = _Asker(random, vocabulary, dialect)
    text = asker.spec(depth=0)
    if random.random() < 0.06:
        text = harmed(random, text)
    return text


def harmed(random: Random, text: str) -> str:
    """The text with a letter gone, added or exchanged, or a part of it twice."""
    for _ in range(random.randint(1, 2)):
        place = random.randint(0, len(text))
        end = min(len(text), place + random.randint(0, 2))
        letters = random.choice((random.choice(HARM), "", text[:place][-6:], " "))
        text = text[:place] + letters + text[end:]
    return text


@dataclass
class _Asker:
    random: Random
    vocabulary: Vocabulary
    dialect: str

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def join(self, parts: list[str]) -> str:
        """The parts with a blank between them, or none, or an odd one."""
        text = ""
        for part in parts:
            gap = " "
            if self.chance(0.2):
                gap = self.random.choice(("", "", "", "  ", "\n", "\N{NO-BREAK SPACE}"))
            if not gap and part[0] not in "@+~^%/" and self.chance(0.9):
                gap = " "
            text += (gap if text else "") + part
        return text

    def spec(self, *, depth: int) -> str:
        """A root, about a record more often than not, and what hangs from it."""
        record = self.random.choice(self.vocabulary.records)
        parts = self.node(record, is_root=True)
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 2, 3) if depth == 0 else (0, 0, 1))):
            parts += self.dependency(record, depth)
        if parts and self.chance(0.04):
            parts.append(self.random.choice(parts))
        return self.join(parts)

    def node(self, record: dict[str, Any], *, is_root: bool) -> list[str]:
        """A name, or none, and conditions on the node."""
        random, words = self.random, self.vocabulary
        named = random.random()
        name = record["name"]
        if is_root and named < 0.5:
            name = random.choice(("", "*")) if self.dialect == "1.x" else ""
        elif named < 0.04:
            name = random.choice(words.names)
        elif named < 0.08 and words.virtuals:
            name = random.choice(words.virtuals)
        elif named < 0.14:
            name = f"{random.choice((record['namespace'], record['namespace'], 'nosuch'))}.{name}"
        elif named < 0.15:
            name = random.choice(("nosuch", "clang", "oneapi", "Hdf5"))
        elif named < 0.18 and self.dialect == "1.x":
            name = random.choice(("", "*"))
        count = random.choice((0, 1, 1, 2) if is_root else (0, 0, 0, 1, 1, 2))
        conditions = nodewords.conditions(random, words, record, self.dialect, count)
        if self.dialect == "0.23" and self.chance(0.25):
            conditions.append(nodewords.compiler(random, words, record))
        return [part for part in (name, *conditions) if part]

    def dependency(self, record: dict[str, Any], depth: int) -> list[str]:
        """An edge from a record with its far side, and what hangs there by `%`."""
        is_direct = self.dialect == "1.x" and self.chance(0.45)
        below = self.vocabulary.direct(record) if is_direct else self.vocabulary.reached(record)
        edge = self.random.choice(below) if below and self.chance(0.9) else None
        child = edge.child if edge else self.random.choice(self.vocabulary.records)
        if is_direct and self.chance(0.6):
            child = nodewords.old_compiler(record) or child
        parts = self.edge(child, edge, "%" if is_direct else "^", depth)
        if not is_direct and self.dialect == "1.x" and self.chance(0.25):
            under = self.vocabulary.direct(child)
            if under:
                link = self.random.choice(under)
                parts += self.edge(link.child, link, "%", depth)
        if self.chance(0.08):
            parts += self.edge(child, edge, self.random.choice("^%"), depth)  # one to be merged
        return parts

    def edge(self, child: dict[str, Any], edge, sigil: str, depth: int) -> list[str]:
        random = self.random
        virtuals = list(edge.virtuals) if edge else []
        if self.chance(0.1):
            virtuals = self.vocabulary.virtuals
        if self.dialect == "0.23":
            sigil = "^"
        elif sigil == "%" and self.chance(0.1):
            sigil = "%%"
        name, *conditions = self.node(child, is_root=False) or [""]
        if self.dialect == "1.x" and virtuals and self.chance(0.2):
            chosen = random.sample(virtuals, random.randint(1, len(virtuals[:3])))
            blank = " " if self.chance(0.1) else ""
            name = f"{sigil}{blank}{','.join(chosen)}={child['name']}"
        elif self.chance(0.3):
            name = self.brackets(sigil, edge, virtuals, depth) + random.choice(("", " ")) + name
        elif virtuals and self.chance(0.2):
            name = sigil + random.choice(virtuals)
        else:
            name = sigil + (" " if self.chance(0.1) else "") + name
        return [name, *conditions]

    def brackets(self, sigil: str, edge, virtuals: list[str], depth: int) -> str:
        """`^[...]` with some of the attributes of edges."""
        random = self.random
        inside = []
        if virtuals and self.chance(0.5):
            inside.append(
                f"virtuals={','.join(random.sample(virtuals, 1 if self.chance(0.7) else len(virtuals[:2])))}"
            )
        if self.chance(0.5):
            types = sorted(edge.types) if edge and self.chance(0.6) else list(TYPES)
            inside.append(
                f"deptypes={','.join(random.sample(types, random.randint(1, len(types))))}"
            )
        if self.dialect == "1.x" and depth == 0 and self.chance(0.4):
            when = self.spec(depth=1)
            quote = '"' if "'" in when else "'"
            inside.append(f"when={quote}{when}{quote}")
        if self.chance(0.02):
            inside.append(
                random.choice(("deptypes=all", "nosuch=x", "virtuals=", "+x", "when=@1:"))
            )
        return f"{sigil}[{random.choice((' ', '  ')).join(inside)}]"
