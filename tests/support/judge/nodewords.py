"""The words of an index, and random conditions on one node, right and wrong ones."""

from __future__ import annotations

import re
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from .structure import FLAGS

__all__ = ["Vocabulary", "compiler", "conditions", "old_compiler"]

TARGETS = ("x86_64", "x86_64_v2", "x86_64_v3", "icelake", "zen4", "aarch64", "neoverse_v1", "m1")
OSES = ("ubuntu22.04", "ubuntu24.04", "almalinux8", "nosuch")
VERSIONS = ("1", "1.2", "2.0", "12", "13.2.0", "99", "develop", "0.1", "1.14rc1", "main")


class Below(NamedTuple):
    """An edge as a document tells it."""

    child: dict[str, Any]
    types: frozenset[str]
    virtuals: tuple[str, ...]


class Vocabulary:
    """The specs of an index document, with what they are called."""

    def __init__(self, document: dict[str, Any]) -> None:
        installs = document["database"]["installs"]
        self.by_hash: dict[str, dict[str, Any]] = {
            key: entry["spec"] for key, entry in installs.items()
        }
        self.records = list(self.by_hash.values())
        self.names = sorted({record["name"] for record in self.records})

    def direct(self, record: dict[str, Any]) -> list[Below]:
        """The edges of a record."""
        return [
            Below(
                self.by_hash[edge["hash"]],
                frozenset(edge["parameters"]["deptypes"]),
                tuple(edge["parameters"]["virtuals"]),
            )
            for edge in record.get("dependencies", ())
        ]

    def reached(self, record: dict[str, Any]) -> list[Below]:
        """The edges of a record and those of its children."""
        direct = self.direct(record)
        return direct + [edge for below in direct for edge in self.direct(below.child)]

    @cached_property
    def virtuals(self) -> list[str]:
        """Every virtual package that an edge names."""
        edges = (edge for record in self.records for edge in self.direct(record))
        return sorted({virtual for edge in edges for virtual in edge.virtuals})

    @cached_property
    def versions(self) -> list[str]:
        """Every version that is no git version, and a few that may be none's."""
        found = {record["version"] for record in self.records}
        return [*sorted(version for version in found if "=" not in version), *VERSIONS]


def conditions(
    random: Random, words: Vocabulary, record: dict[str, Any], dialect: str, count: int
) -> list[str]:
    """Conditions, more often true of the record than not; seldom two of one thing."""
    kinds = {_version: 30, _variant: 40, _architecture: 20, _flags: 5, _hash: 5}
    found: dict[tuple[object, ...], str] = {}
    for _ in range(count):
        kind = random.choices(list(kinds), list(kinds.values()))[0]
        text = kind(random, words, record, dialect)
        subject = (kind, *(re.findall(r"[\w.-]+", text)[:1] if kind is _variant else ()))
        if subject in found and random.random() < 0.1:
            subject = (*subject, len(found))
        found.setdefault(subject, text)
    return list(found.values())


def old_compiler(record: dict[str, Any]) -> dict[str, Any] | None:
    """The compiler of a record of format 4, as if it were a record."""
    its = record.get("compiler")
    if its is None:
        note = record.get("annotations", {}).get("compiler")
        if note is None:
            return None
        its = dict(zip(("name", "version"), note.split("@="), strict=True))
    return record | its | {"parameters": {}}


def compiler(random: Random, words: Vocabulary, record: dict[str, Any]) -> str:
    """A compiler as 0.23 has it."""
    its = record.get("compiler") or {"name": "gcc", "version": "12.3.0"}
    name = (
        its["name"] if random.random() < 0.85 else random.choice(("gcc", "clang", "llvm", "x.gcc"))
    )
    versions = _list(random, words, its["version"])
    return f"%{name}" + random.choice(("", f"@{versions}", f"@{its['version']}", f" @ {versions}"))


def _range(random: Random, words: Vocabulary, version: str) -> str:
    mine = version
    if random.random() < 0.3:
        mine = random.choice(words.versions)
    parts = re.split(r"[.-]", mine)
    mine = ".".join(parts[: random.randint(1, len(parts))])
    crossed = [mine, random.choice(words.versions)]
    if crossed[0][:1].isdigit() and random.random() < 0.8:
        crossed.sort(key=lambda one: [int(part) for part in re.findall(r"\d+", one)])
    return random.choice(
        (mine, mine, mine, f"={version}", f"={version}", f"{mine}:", f"{mine}:", f":{mine}",
         f":{version}", ":".join(crossed), f"{version}:{version}", version, ":")
    )  # fmt: skip


def _list(random: Random, words: Vocabulary, version: str) -> str:
    count = random.choice((1, 1, 1, 1, 2, 3))
    ranges = [_range(random, words, version) for _ in range(count)]
    return random.choice((",", ",", ",", " , ")).join(ranges)


def _version(random: Random, words: Vocabulary, record: dict[str, Any], dialect: str) -> str:
    version = record["version"]
    ref, equals, plain = version.partition("=")
    if equals and random.random() < 0.5:
        ref = ref if random.random() < 0.7 else f"git.{ref.removeprefix('git.')}"
        return f"@{ref}" if random.random() < 0.1 else f"@{ref}={plain}"
    if random.random() < 0.01:
        return "@git.main"
    blank = " " if random.random() < 0.05 else ""
    return f"@{blank}{_list(random, words, plain or version)}"


def _variant(random: Random, words: Vocabulary, record: dict[str, Any], dialect: str) -> str:
    parameters = {k: v for k, v in record["parameters"].items() if k not in FLAGS}
    others = random.choice(words.records)["parameters"]
    if random.random() < 0.15:
        parameters |= {k: v for k, v in others.items() if k not in FLAGS}
    if not parameters or random.random() < 0.02:
        return random.choice(("+nosuch", "~~nosuch", "nosuch=1", "++nosuch", "nosuch=*"))
    name = random.choice(sorted(parameters))
    value = parameters[name]
    if random.random() < 0.05:
        value = random.choice((True, False, "x", ["x", "none"]))
    if isinstance(value, bool):
        return _boolean(random, name, value=value if random.random() < 0.7 else not value)
    values = (
        [value] if isinstance(value, str) else random.sample(value, random.randint(0, len(value)))
    )
    if name == "patches":
        values = [one[: random.choice((3, 7, 64))] for one in values]
    if random.random() < 0.15:
        values.append(random.choice(("zzz", "none", "static", "*", "true", "")))
    if random.random() < 0.05:
        values = ["*"]
    text = ",".join(values)
    if not text or random.random() < 0.15:
        quote = random.choice("\"'")
        text = quote + random.choice((text, text, text.replace(",", ", "))) + quote
    signs = ("=", "=", "=", ":=", "==", ":==") if dialect == "1.x" else ("=", "=", "=", "==")
    return f"{name}{random.choice(signs)}{text}"


def _boolean(random: Random, name: str, *, value: bool) -> str:
    sign = "+" if value else random.choice("~-")
    forms = (sign, sign, sign, 2 * sign, f"{sign} ")
    if random.random() < 0.75:
        return random.choice(forms) + name
    word = random.choice((str(value), str(value).lower(), str(value).upper(), "on", "*"))
    return f"{name}{random.choice(('=', '=', '=='))}{word}"


def _architecture(random: Random, words: Vocabulary, record: dict[str, Any], dialect: str) -> str:
    arch = record["arch"]
    target = arch["target"]
    target = target if isinstance(target, str) else target["name"]
    platform, os = arch["platform"], arch["platform_os"]
    if random.random() < 0.2:
        os = random.choice((*OSES, "*", "None"))
    if random.random() < 0.2:
        platform = random.choice(("linux", "darwin", "*"))
    asked = _targets(random, target)
    whole = "-".join(
        part if random.random() < 0.85 else random.choice(("", "None"))
        for part in (platform, os, asked)
    )
    return random.choice(
        (f"target={asked}", f"target={asked}", f"target={asked}", f"os={os}", f"platform={platform}",
         f"arch={whole}", f"architecture={whole}", f"operating_system={os}")
    )  # fmt: skip


def _targets(random: Random, target: str) -> str:
    other = random.choice(TARGETS)
    unknown = "nosuch" if random.random() < 0.02 else other
    forms = (
        target, target, f"{target}:", f":{target}", f"{other}:", f":{other}", f"{other}:{target}",
        f"{other}:{unknown}", other, f"{other},{target}", f"{other}:,{target}", "*", ":", "nosuch",
    )  # fmt: skip
    return random.choice(forms)


def _flags(random: Random, words: Vocabulary, record: dict[str, Any], dialect: str) -> str:
    key = random.choice(FLAGS)
    having = [key for key in FLAGS if record["parameters"].get(key)]
    if having and random.random() < 0.8:
        key = random.choice(having)
    flags = list(record["parameters"].get(key) or ())
    random.shuffle(flags)
    if random.random() < 0.3 or not flags:
        flags.append(random.choice(("-g", "-O3", "x", "*")))
    text = " ".join(flags[: random.randint(1, len(flags))])
    if " " in text or random.random() < 0.3:
        text = f'"{text}"'
    return f"{key}{random.choice(('=', '=', '=='))}{text}"


def _hash(random: Random, words: Vocabulary, record: dict[str, Any], dialect: str) -> str:
    text = record["hash"]
    if random.random() < 0.2:
        text = random.choice(words.records)["hash"]
    return "/" + text[: random.choice((1, 2, 4, 7, 32))]
