"""The import rules: what each module may know of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cachesync"

PURE = (
    "model",
    "errors",
    "versions",
    "ranges",
    "targets",
    "yamlguard",
    "frontmatter",
    "pages",
    "summary",
    "diff",
    "tagdiff",
    "tags",
    "history",
    "nearest",
    "lockfile",
    "coverage",
    "wanted",
    "subscribing",
    "query",
    "query.tree",
    "query.meaning",
    "query.grammar",
    "query.naming",
    "query.specsyntax",
    "query.spack",
    "query.fuzzy",
    "query.printing",
    "query.machine",
    "query.prepared",
    "index.documents",
    "watch.debounce",
    "watch.events",
    "documents",
    "notify.address",
    "notify.message",
    "notify.subscription",
    "notify.delivery",
    "notify.retry",
    "notify.text",
    "notify.webhook",
)
WITHOUT_IO = {
    "__future__", "re", "difflib", "fnmatch", "functools", "heapq", "itertools", "typing", "enum",
    "collections", "collections.abc",
}  # fmt: skip
PARSERS = {
    "pages": {"msgspec", "sys"},
    "summary": {"msgspec"},
    "frontmatter": {"yaml"},
    "yamlguard": {"yaml"},
    "targets": {"archspec.cpu"},
    "lockfile": {"msgspec"},
    "subscribing": {"json"},
    "index.documents": {"cachesync.ledger.documents"},
    "notify.address": {"hashlib", "idna", "ipaddress"},
    "documents": {"datetime"},
    "notify.message": {"json", "shlex"},
    "notify.webhook": {"base64", "binascii", "hashlib", "hmac", "json", "urllib.parse"},
}
DATABASES = ("cachesync.ledger", "cachesync.notify.outbox")
_SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|CREATE\s+(TABLE|INDEX|TRIGGER|VIEW)|ALTER\s+TABLE|DROP\s+TABLE|PRAGMA\s+\w)",
    re.DOTALL,
)


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _imports(name: str) -> Iterator[str]:
    """The absolute names a module imports, those inside functions and TYPE_CHECKING too."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def _importing(wanted: str) -> set[str]:
    return {
        name
        for name in MODULES
        if any(i == wanted or i.startswith(f"{wanted}.") for i in _imports(name))
    }


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_import_nothing_that_does_io(module):
    """A pure module imports pure modules, a parser where it parses, and nothing with a clock or a file."""
    allowed = {f"cachesync.{name}" for name in PURE} | WITHOUT_IO | PARSERS.get(module, set())
    assert set(_imports(f"cachesync.{module}")) <= allowed


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_open_and_print_nothing(module):
    """Neither `open`, `print`, `input`, `exec`, `eval` nor `__import__` is called there."""
    tree = ast.parse(MODULES[f"cachesync.{module}"].read_text(encoding="utf-8"))
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", ["model", "errors"])
def test_the_foundation_imports_nothing_of_the_package(module):
    """`model` and `errors` stand below everything."""
    assert not [i for i in _imports(f"cachesync.{module}") if i.startswith("cachesync")]


def test_only_the_index_knows_whoosh():
    """Of the index package, what reads, writes and lies on disk is the only Whoosh."""
    assert _importing("whoosh") == {f"cachesync.index.{n}" for n in ("codec", "reader", "writer")}


def test_only_the_ledger_knows_sqlite():
    """Nothing outside `cachesync/ledger` and `cachesync/notify/outbox` imports sqlite3."""
    assert {name for name in _importing("sqlite3") if not name.startswith(DATABASES)} == set()


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(DATABASES)])
def test_only_the_ledger_contains_sql(module):
    """No text outside the ledger and the outbox is a statement."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    assert not [text for text in texts if isinstance(text, str) and _SQL.search(text)]


def test_only_the_watcher_knows_watchdog():
    """`watch/inotify.py` is the only importer of watchdog, and is itself imported when needed."""
    assert _importing("watchdog") == {"cachesync.watch.inotify"}
    tree = ast.parse(MODULES["cachesync.watch.watcher"].read_text(encoding="utf-8"))
    eager = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert "inotify" not in {node.module for node in eager}


def test_only_the_transport_knows_httpx():
    """`net/transport.py` is the only httpx, imported when a fetcher is opened; two modules are its sockets."""
    assert _importing("httpx") == {"cachesync.net.transport"}
    sockets = {"cachesync.net.tunnel", "cachesync.net.wire"}
    assert _importing("httpcore") == {"cachesync.net.transport", *sockets}
    for module in (
        "cachesync.net",
        "cachesync.net.access",
        "cachesync.net.policy",
        "cachesync.net.fake",
    ):
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        eager = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert not {"client", "transport", "tunnel", "trust", "wire"} & eager


def test_sources_know_the_network_by_its_seam_only():
    """What a source fetches comes through `net`, which knows no source."""
    of_sources = {
        i for name in MODULES if name.startswith("cachesync.sources.") for i in _imports(name)
    }
    assert not {"cachesync.net.client", "cachesync.net.wire", "cachesync.net.policy"} & of_sources
    of_net = {i for name in MODULES if name.startswith("cachesync.net") for i in _imports(name)}
    inside = {i for i in of_net if i.startswith("cachesync") and not i.startswith("cachesync.net")}
    assert inside <= {"cachesync", "cachesync.errors"}


def test_targets_know_the_network_by_its_seam_only():
    """What is posted goes through `net`; of its policies only the pure ones are known."""
    of_targets = {
        i for name in MODULES if name.startswith("cachesync.notify.") for i in _imports(name)
    }
    inside = {"client", "transport", "tunnel", "wire", "poster", "answer", "inflate"}
    assert not {f"cachesync.net.{name}" for name in inside} & of_targets


def test_only_its_child_knows_apprise():
    """It is imported in a process of its own."""
    assert _importing("apprise") == {"cachesync.notify.apprise_child"}
    assert not _importing("cachesync.notify.apprise_child")


def test_only_main_imports_the_command_line():
    """Nothing but `__main__` imports `cachesync.cli`, apart from itself."""
    outside = {name for name in _importing("cachesync.cli") if not name.startswith("cachesync.cli")}
    assert outside <= {"cachesync.__main__"}


def test_the_rules_see_what_they_should():
    """The reader of imports resolves relative ones, so that the rules above are not empty."""
    assert "cachesync.model" in set(_imports("cachesync.pages"))
    assert "cachesync.frontmatter" in set(_imports("cachesync.pages"))
    assert "cachesync.versions" in set(_imports("cachesync.ledger.ids"))
    assert _SQL.search("SELECT hash\n FROM spec")
