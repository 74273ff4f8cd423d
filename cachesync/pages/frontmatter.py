"""YAML front matter to plain values, safely, and back from a value to its line and column.

For pages that are not in the two-JSON-lines form. What `yamlguard` finds too deep or too large is
never composed. Scalars stay text: `1.10` is a version, not a number. This module knows YAML; it
does not know what a page means.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CSafeLoader

from ..errors import PageError
from ..yamlguard import find_excess, reader_offset

__all__ = ["FrontMatter", "load", "locate", "split"]

MAX_EXPANDED = 400_000
"""Values once aliases are followed: some 250 MiB composed. The largest real page has 90,000."""

_END = re.compile(r"^(?:---|\.\.\.)[^\S\n]*$", re.MULTILINE)
_DIRECTIVE = re.compile(r"(?:[\s\ufeff]|#[^\n\r\x85\u2028\u2029]*+)*+%")
"""libyaml would take these from where they must not stand, in time that grows with their square."""

Path = tuple[str | int, ...]
"""Where a value is: keys and list positions from the top of the front matter."""


class FrontMatter(NamedTuple):
    """The text between the two `---` lines, and the number of lines above it."""

    text: str
    first_line: int


class _Loader(CSafeLoader):
    """Safe C loader that resolves nothing but null and merge keys: other scalars are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag.endswith((":null", ":merge"))]
    for first, rules in CSafeLoader.yaml_implicit_resolvers.items()
}
# An explicit `!!int` would choose a constructor whose time grows with the square of the length.
_CONSTRUCTORS = CSafeLoader.yaml_constructors
_Loader.yaml_constructors = {
    tag: make
    for tag, make in _CONSTRUCTORS.items()
    if tag is None or tag.endswith((":null", ":str", ":seq", ":map"))
} | {
    f"tag:yaml.org,2002:{name}": _CONSTRUCTORS["tag:yaml.org,2002:str"]
    for name in ("int", "float", "bool", "timestamp")
}


def split(text: str) -> FrontMatter:
    r"""The front matter of a page, with `\n` line ends.

    Raises PageError when the page does not begin with `---` or the closing `---` is missing, as
    in a page that is still being written.
    """
    text = text.removeprefix("\ufeff")
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    start = text.find("\n") + 1
    if text[: start or None].rstrip() != "---":
        raise PageError("line 1, column 1: the page does not begin with '---' (no front matter)")
    end = _END.search(text, start) if start else None
    if end is None:
        raise PageError(
            f"line {text.count(chr(10)) + 1}, column 1: the closing '---' is missing"
            " (the page is incomplete)"
        )
    return FrontMatter(text[start : max(start, end.start() - 1)], 1)


def _refuse_excess(front: FrontMatter) -> None:
    excess = find_excess(front.text, values=MAX_EXPANDED)
    if excess is not None:
        raise PageError(_at(excess.mark, front, excess.problem))


def load(front: FrontMatter) -> dict[str, Any]:
    """The front matter as a mapping of text, lists, mappings and None.

    Raises PageError with line and column for what is not YAML, not a mapping, nested too deep,
    or larger than `MAX_EXPANDED` nodes once aliases are followed.
    """
    try:
        _refuse_directives(front)
        _refuse_excess(front)
        value = yaml.load(front.text, Loader=_Loader)  # noqa: S506 - a SafeLoader, see above
    except yaml.MarkedYAMLError as error:
        raise PageError(_explain(error, front)) from error
    except yaml.YAMLError as error:
        raise PageError(_explain_reader(error, front)) from error
    except PageError:
        raise
    except Exception as error:  # explicit tags let a page choose constructors, each with its own
        raise PageError(f"line {front.first_line + 1}, column 1: not readable: {error}") from error
    if not isinstance(value, dict):
        raise PageError(f"line {front.first_line + 1}, column 1: the front matter is no mapping")
    return value


def _refuse_directives(front: FrontMatter) -> None:
    directive = _DIRECTIVE.match(front.text)
    if directive is not None:
        line = directive[0].count("\n") + 1 + front.first_line
        raise PageError(f"line {line}, column 1: a directive does not belong after '---'")


def locate(front: FrontMatter, path: Path) -> str:
    """`line L, column C` of the value at `path`, or of the nearest value above it that exists."""
    node = yaml.compose(front.text, Loader=_Loader)
    mark = node.start_mark if node is not None else None
    for step in path:
        node = _child(node, step)
        if node is None:
            break
        mark = node.start_mark
    if mark is None:
        return f"line {front.first_line + 1}, column 1"
    return _at(mark, front, "").removesuffix(": ")


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # of equal keys the last one counts
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                return value  # type: ignore[no-any-return]
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]  # type: ignore[no-any-return]
    return None


def _at(mark: Any, front: FrontMatter, message: str) -> str:
    return f"line {mark.line + 1 + front.first_line}, column {mark.column + 1}: {message}"


def _explain(error: yaml.MarkedYAMLError, front: FrontMatter) -> str:
    problem = " ".join(filter(None, (error.context, error.problem)))
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"line {front.first_line + 1}, column 1: {problem}"
    return _at(mark, front, problem)


def _explain_reader(error: yaml.YAMLError, front: FrontMatter) -> str:
    if not isinstance(error, yaml.reader.ReaderError):
        return f"line {front.first_line + 1}, column 1: not readable as YAML"
    before = front.text[: reader_offset(error, front.text)]
    line = before.count("\n") + 1 + front.first_line
    return f"line {line}, column {len(before) - before.rfind(chr(10))}: {error.reason}"
