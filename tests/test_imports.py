"""The import rules: what each module may know of, and that there is no circle anywhere."""

import ast
import re
from functools import cache

import pytest

from tests.support import modules
from tests.support.modules import Module, importing, is_in
from tests.support.world import ROOT

PATHS = modules.names_in(ROOT, "cachesync")


@cache
def graph() -> dict[str, Module]:
    """The modules of the package, read with the first test that asks."""
    return modules.read(ROOT, "cachesync")


ROOMS = {
    "buildcache", "cli", "config", "daemon", "graph", "index", "ledger", "net", "notify", "pages", "query", "reports",
    "search", "sources", "spack", "sync", "system", "watch",
}  # fmt: skip
LOOSE = {"__main__", "diff", "documents", "errors", "model", "selection", "yamlguard"}
MOST_LINES = 350

PURE = [
    f"cachesync.{name}"
    for name in (
        "model", "errors", "selection", "diff", "documents", "yamlguard", "spack", "pages", "buildcache",
        "query",
        "graph.arrays", "graph.evaluating", "graph.few", "graph.hashed", "graph.labelled", "graph.labels", "graph.lanes",
        "graph.making", "graph.masks", "graph.nodes", "graph.owners", "graph.preparing",
        "graph.reaching", "graph.shaping", "graph.telling", "graph.ways",
        "index.documents", "index.planes", "net.access", "net.address", "net.challenges", "net.inflate", "notify.chunked", "notify.delivery",
        "notify.matching", "notify.message", "notify.retry", "notify.subscription", "notify.text", "notify.webhook",
        "reports.coverage", "reports.facts", "reports.health", "reports.history", "reports.subscribing", "reports.tagdiff",
        "reports.wanted", "search.nearest", "sources.mirror.bucketxml", "sources.tarstream", "watch.debounce", "watch.events",
    )
]  # fmt: skip
WITHOUT_IO = {
    "__future__", "re", "difflib", "fnmatch", "functools", "heapq", "itertools", "typing", "enum",
    "collections", "collections.abc",
}  # fmt: skip
PARSERS = {
    f"cachesync.{name}": found
    for name, found in {
        "buildcache.edges": {"msgspec", "sys"},
        "buildcache.frame": {"msgspec"},
        "buildcache.hashes": {"base64", "hashlib", "json"},
        "buildcache.image": {"hashlib", "msgspec"},
        "buildcache.index": {"hashlib", "msgspec"},
        "buildcache.manifest": {"msgspec"},
        "buildcache.nodes": {"msgspec", "sys"},
        "buildcache.specfile": {"msgspec"},
        "buildcache.values": {"msgspec", "sys"},
        "documents": {"datetime", "json"},
        "graph.arrays": {"array"},
        "graph.labels": {"array", "operator"},
        "graph.lanes": {"array", "sys"},
        "graph.making": {"array", "operator", "cachesync.ledger.edges"},
        "graph.masks": {"sys", "operator"},
        "graph.hashed": {"bisect"},
        "graph.reaching": {"array"},
        "index.documents": {"cachesync.ledger.documents"},
        "net.access": {"ipaddress", "urllib.parse"},
        "net.address": {"hashlib", "idna", "ipaddress"},
        "net.challenges": {"base64"},
        "net.inflate": {"zlib"},
        "notify.message": {"json", "shlex"},
        "notify.webhook": {"base64", "binascii", "hashlib", "hmac", "json", "urllib.parse"},
        "pages.frontmatter": {"yaml", "yaml.cyaml"},
        "pages.parse": {"msgspec", "sys"},
        "pages.summary": {"msgspec"},
        "pages.tarballs": {"msgspec"},
        "sources.mirror.bucketxml": {"urllib.parse", "xml.parsers"},
        "sources.tarstream": {"tarfile"},
        "spack.lockfile": {"msgspec"},
        "spack.targets": {"archspec.cpu"},
        "yamlguard": {"yaml", "yaml.cyaml"},
    }.items()
}
DATABASES = ("cachesync.ledger", "cachesync.notify.outbox")
OWNERS = {
    "whoosh": [f"cachesync.index.{name}" for name in ("codec", "reader", "writer")],
    "httpx": ["cachesync.net.transport"],
    "botocore": ["cachesync.net.signing"],
    "httpcore": [f"cachesync.net.{name}" for name in ("transport", "tunnel", "wire")],
    "certifi": ["cachesync.net.trust"],
    "sqlite3": DATABASES,
    "apscheduler": ["cachesync.daemon.schedule"],
    "watchdog": ["cachesync.watch.inotify"],
    "archspec": ["cachesync.spack.targets"],
    "apprise": ["cachesync.notify.apprise_child"],
    "prometheus_client": ["cachesync.daemon.families", "cachesync.daemon.metrics"],
    "idna": ["cachesync.net.address"],
    "click": ["cachesync.cli"],
    "rich": ["cachesync.cli.display", "cachesync.cli.commands.sync"],
    "cachesync.cli": ["cachesync.__main__"],
    "cachesync.daemon": ["cachesync.cli"],
    "cachesync.notify.apprise_child": [],
    "importlib": [
        "cachesync.cli.app",
        "cachesync.cli.commands.doctor",
        "cachesync.cli.metrics_port",
        "cachesync.net.signing",
        "cachesync.notify.apprise_target",
    ],
}
"""Library or part of the package -> the only modules that may import it."""
_SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|CREATE\s+(TABLE|INDEX|TRIGGER|VIEW)|ALTER\s+TABLE|DROP\s+TABLE|PRAGMA\s+\w)",
    re.DOTALL,
)


def _tree(module: str) -> ast.Module:
    return ast.parse(PATHS[module].read_text("utf-8"))


def _commands() -> set[str]:
    """The modules of commands, which `cli.app` imports by name when they are run."""
    for node in _tree("cachesync.cli.app").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMMANDS":
            table = ast.literal_eval(node.value)
            return {f"cachesync.cli.commands.{module}" for module, _ in table.values()}
    raise AssertionError("cli.app has no COMMANDS")


def whole() -> dict[str, Module]:
    """With the commands, which the application finds by their names."""
    app = graph()["cachesync.cli.app"]
    return {**graph(), "cachesync.cli.app": app._replace(imports=app.imports | _commands())}


def test_there_is_no_circle_of_modules():
    """No module imports itself by way of others: at the top, inside a function, or for a type."""
    assert modules.circles_of_modules(whole()) == []


def test_there_is_no_circle_of_rooms():
    """Wings, and in each wing its rooms and modules, stand on floors: nobody climbs back up."""
    assert modules.circles_of_rooms(whole()) == []


def test_no_module_imports_the_init_of_its_own_wing():
    """An `__init__` may gather what its modules have; they have it from each other."""
    assert modules.own_packages(graph()) == []


def test_an_init_defines_nothing():
    """It says what the wing is for, and at most imports what others take from it."""
    allowed = (ast.Expr, ast.ImportFrom, ast.Assign)
    for name, module in graph().items():
        if module.is_package:
            body = _tree(name).body
            assert ast.get_docstring(_tree(name)), name
            assert all(isinstance(node, allowed) for node in body), name


def test_every_wing_says_what_it_never_knows():
    """The docstring of each wing and room says what comes in, what goes out, what is never known."""
    for name, module in graph().items():
        if module.is_package and name != "cachesync":
            text = " ".join((ast.get_docstring(_tree(name)) or "").split())
            said = re.search(r"\bIn comes? .+\bout (go|goes|come|comes)\b", text, re.IGNORECASE)
            assert said, name
            assert re.search("never known here|do not import each other", text, re.IGNORECASE), name


def test_nothing_loose_lies_in_the_root():
    """What is not one of the few modules that everything speaks of has a wing."""
    there = {name.split(".")[1] for name in graph() if "." in name}
    assert there == ROOMS | LOOSE
    assert {name for name in ROOMS if not graph()[f"cachesync.{name}"].is_package} == set()


def test_no_module_is_long():
    """One that grows over some 350 lines holds two ideas."""
    assert modules.too_long(graph(), MOST_LINES) == []


def test_pure_modules_import_nothing_that_does_io():
    """A pure module imports pure modules, a parser where it parses, and nothing with a clock or a file."""
    assert modules.impure(graph(), PURE, WITHOUT_IO, PARSERS) == []


def test_what_is_said_of_pure_modules_is_of_modules_there_are():
    """No rule is about a module that went away."""
    assert {name for name in (*PURE, *PARSERS, *DATABASES) if name not in graph()} == set()
    owners = {name for names in OWNERS.values() for name in names}
    assert {name for name in owners if name not in graph()} == set()
    for name, found in PARSERS.items():
        assert found <= graph()[name].imports, name


@pytest.mark.parametrize("module", [name for name in PATHS if is_in(name, PURE)])
def test_pure_modules_open_and_print_nothing(module):
    """Neither `open`, `print`, `input`, `exec`, `eval` nor `__import__` is called there."""
    called = {
        node.func.id
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", ["model", "errors", "selection", "yamlguard"])
def test_the_foundation_imports_nothing_of_the_package(module):
    """These stand below everything."""
    assert not [i for i in graph()[f"cachesync.{module}"].imports if i.startswith("cachesync")]


@pytest.mark.parametrize("wanted", OWNERS)
def test_only_its_owner_imports_it(wanted):
    """Each library is known in one place, and the roots of composition by who starts them."""
    assert modules.strangers(graph(), wanted, OWNERS[wanted]) == set()


@pytest.mark.parametrize("wanted", OWNERS)
def test_its_owner_imports_it(wanted):
    """Otherwise the rule above says nothing."""
    if wanted != "cachesync.notify.apprise_child":
        assert importing(graph(), wanted)


def test_commands_do_not_import_each_other():
    """Nor does what stands beside one of them serve another: that is the frame's, or `display`'s."""
    room = "cachesync.cli.commands"
    assert modules.commands_that_meet(graph(), room, _commands()) == []
    for name, module in graph().items():
        if name.startswith(f"{room}."):
            assert not module.imports & {"cachesync.cli.app", "cachesync.cli.entry"}, name


@pytest.mark.parametrize("module", [m for m in PATHS if not is_in(m, DATABASES)])
def test_only_the_ledger_contains_sql(module):
    """No text outside the ledger and the outbox is a statement."""
    texts = [n.value for n in ast.walk(_tree(module)) if isinstance(n, ast.Constant)]
    assert not [text for text in texts if isinstance(text, str) and _SQL.search(text)]


def _eager(module: str) -> set[str | None]:
    return {node.module for node in _tree(module).body if isinstance(node, ast.ImportFrom)}


def test_watchdog_is_imported_when_needed():
    """`watch/inotify.py`, the only importer of watchdog, is itself imported when needed."""
    assert "inotify" not in _eager("cachesync.watch.watcher")


@pytest.mark.parametrize(
    "module", ["net", "net.access", "net.opening", "net.request", "net.policy", "net.fake"]
)
def test_the_transport_is_imported_when_a_fetcher_is_opened(module):
    """`net/transport.py` is the only httpx; `wire` and `tunnel` are its sockets."""
    inside = {"client", "transport", "tunnel", "trust", "wire", "poster"}
    assert not inside & _eager(f"cachesync.{module}")


def test_sources_know_the_network_by_its_seam_only():
    """What a source fetches comes through `net`, which knows no source."""
    seam = {"cachesync.net", "cachesync.net.inflate", "cachesync.net.signing"}
    for name, module in graph().items():
        if name.startswith("cachesync.sources."):
            assert {i for i in module.imports if is_in(i, ["cachesync.net"])} <= seam, name
        if is_in(name, ["cachesync.net"]):
            inside = {i for i in module.imports if i.startswith("cachesync")}
            outside = {i for i in inside if not is_in(i, ["cachesync.net"])}
            assert outside <= {"cachesync", "cachesync.errors"}, name


def test_targets_know_the_network_by_its_seam_only():
    """What is posted goes through `net`; of its policies only the pure ones are known."""
    names = ("client", "transport", "tunnel", "wire", "poster", "answer", "inflate")
    inside = {f"cachesync.net.{name}" for name in names}
    for name, module in graph().items():
        if name.startswith("cachesync.notify."):
            assert not inside & module.imports, name


# -- each rule can fail


def _made_up(**imports: tuple[str, ...]) -> dict[str, Module]:
    """A package `p` with a wing `a` (modules `x`, `y`), a wing `b` (module `z`), and `m`."""
    names = ("p", "p.a", "p.a.x", "p.a.y", "p.b", "p.b.z", "p.m")
    graph = {n: Module(is_package=n in {"p", "p.a", "p.b"}) for n in names}
    for name, wanted in imports.items():
        graph[name.replace("_", ".")] = graph[name.replace("_", ".")]._replace(
            imports=frozenset(wanted)
        )
    return graph


def test_a_package_without_circles_has_none():
    """Arrows that only go down are no circle, and an `__init__` may gather its modules."""
    graph = _made_up(p_a=("p.a.x", "p.a.y"), p_a_x=("p.a.y", "p.b", "p.m"), p_b=("p.b.z",))
    assert modules.circles_of_modules(graph) == modules.circles_of_rooms(graph) == []
    assert modules.own_packages(graph) == []


def test_a_circle_of_modules_is_found():
    """Two that import each other, three in a ring, and one that imports itself."""
    assert modules.circles_of_modules(_made_up(p_a_x=("p.a.y",), p_a_y=("p.a.x",))) == [
        ["p.a.x", "p.a.y"]
    ]
    ring = _made_up(p_a_x=("p.b.z",), p_b_z=("p.m",), p_m=("p.a.x",))
    assert modules.circles_of_modules(ring) == [["p.a.x", "p.b.z", "p.m"]]
    assert modules.circles_of_modules(_made_up(p_m=("p.m",))) == [["p.m"]]


def test_a_circle_of_rooms_is_found_where_modules_have_none():
    """`a.x` needs `b`, and `b` needs `a.y`."""
    graph = _made_up(p_a_x=("p.b.z",), p_b_z=("p.a.y",))
    assert modules.circles_of_modules(graph) == []
    assert modules.circles_of_rooms(graph) == [["p.a", "p.b"]]


@pytest.mark.parametrize(
    "text",
    [
        "from .y import thing",
        "def f():\n    from . import y",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..a.y import Thing",
        "import p.a.y",
        "from p.a import y as other",
    ],
)
def test_every_form_of_an_import_is_seen(text):
    """At the top, inside a function, for types alike; relative and absolute."""
    assert "p.a.y" in modules.parsed("p.a.x", text, _made_up(), is_package=False).imports


def test_a_module_that_imports_its_own_init_is_found():
    """Its own wing's; the outermost `__init__` has the version, and is nobody's wing."""
    graph = _made_up(p_a_x=("p.a",), p_b_z=("p.a", "p"))
    assert modules.own_packages(graph) == [("p.a.x", "p.a")]


def test_a_second_importer_is_found():
    """Also of a part of a library, and not the owner itself."""
    graph = _made_up(p_a_x=("sqlite3",), p_b_z=("sqlite3.dbapi2",), p_m=("sqlite3x",))
    assert modules.strangers(graph, "sqlite3", ["p.a"]) == {"p.b.z"}
    assert modules.strangers(graph, "sqlite3", ["p.a", "p.b.z"]) == set()


def test_io_in_a_pure_module_is_found():
    """A library that is not allowed, and a module of the package that is not pure."""
    graph = _made_up(p_a_x=("re", "os", "p.b.z"), p_a_y=("p.a.x", "json"), p_b_z=("os",))
    assert modules.impure(graph, ["p.a"], {"re"}, {"p.a.y": {"json"}}) == [
        ("p.a.x", "os"),
        ("p.a.x", "p.b.z"),
    ]


def test_commands_that_import_each_other_are_found():
    """Also by way of what stands beside one of them."""
    graph = _made_up(p_a_x=("p.a.y",))
    assert modules.commands_that_meet(graph, "p.a", {"p.a.x"}) == []
    assert modules.commands_that_meet(graph, "p.a", {"p.a.x", "p.a.y"}) == [("p.a.x", "p.a.y")]
    graph["p.a.w"] = Module(frozenset({"p.a.y"}))
    assert modules.commands_that_meet(graph, "p.a", {"p.a.x", "p.a.w"}) == [
        ("p.a.w", "p.a.y"),
        ("p.a.x", "p.a.y"),
    ]


def test_a_long_module_is_found():
    """Of 351 lines, not of 350."""
    graph = {"p.m": Module(lines=351), "p.n": Module(lines=350)}
    assert modules.too_long(graph, 350) == ["p.m"]


def test_the_rules_see_what_they_should():
    """The reader of imports resolves relative ones, so that the rules above are not empty."""
    assert {"cachesync.model", "cachesync.pages.frontmatter"} <= graph()[
        "cachesync.pages.parse"
    ].imports
    assert "cachesync.spack.versions" in graph()["cachesync.ledger.ids"].imports
    assert len(_commands()) > 20
    assert _SQL.search("SELECT hash\n FROM spec")
