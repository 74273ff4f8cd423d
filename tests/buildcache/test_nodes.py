"""Records become nodes: what each part of a spec says, and how a part that says nothing is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache.edges import MAX_EDGES
from cachesync.buildcache.index import Refused, split
from cachesync.buildcache.nodes import nodes
from cachesync.model import Build, Details, EdgeKind, Node
from cachesync.spack import variants
from tests.support.examples import examples
from tests.support.mirrors import FLAGS, Record, document, edge, record

GCC = record("gcc", "12.3.0", variants={"languages": ["c", "c++"]}, external="/usr")
LLVM = record("llvm", "17.0.6")
ZLIB = record("zlib", "1.3.1", edge(GCC, "build", virtuals=("c", "cxx")), variants={"pic": True})
ZEN4 = {"name": "zen4", "vendor": "AuthenticAMD", "features": ["avx"], "generation": 0}
PATCHES = ["b" * 64, "a" * 64]


def _only(*records: Record, of: Record, **options: Any) -> Node:
    found = {one.hash: one for one in nodes(split(document([*records, of])), **options)}
    node = found[of.hash]
    assert isinstance(node, Node), node
    return node


def test_a_record_becomes_a_node():
    """Its build as a page has it, and everything a page does not say."""
    hdf5 = record(
        "hdf5", "1.14.3", ZLIB, edge(GCC, "build", virtuals=("c",)), edge(LLVM, "run"),
        variants={"mpi": True, "cuda": False, "api": "v18", "libs": ["static", "shared"]},
        flags={"ldflags": ["-s"], "cflags": ["-O3", "-g"]}, patches=PATCHES, target=ZEN4,
    )  # fmt: skip
    node = _only(of=hdf5)
    assert node.hash == hdf5.hash
    assert node.cached
    assert node.build == Build(
        "hdf5", "1.14.3", "gcc@=12.3.0", "ubuntu22.04", "linux", "zen4",
        ("+mpi", "api=v18", "build_system=generic", "libs=shared,static",
         f"patches={'a' * 64},{'b' * 64}", "~cuda"),
    )  # fmt: skip
    assert node.details == Details(
        namespace="builtin", package_hash=hdf5.spec["package_hash"],
        flags=(("cflags", ("-O3", "-g")), ("ldflags", ("-s",))), patches=tuple(PATCHES),
        target=json.dumps(ZEN4, separators=(",", ":")), external=None, build_spec=None,
        compilers=(), format=5, lists=("libs", "patches"),
    )  # fmt: skip
    assert dict(node.edges) == {
        GCC.hash: EdgeKind(("build",), ("c",)),
        LLVM.hash: EdgeKind(("run",), ()),
        ZLIB.hash: EdgeKind(("build", "link"), ()),
    }
    assert len(node.checksum) == 8


def test_what_is_not_there_is_none():
    """An external without compiler, edges, patches, flags."""
    node = _only(of=GCC)
    assert node.build.compiler == "none"
    assert node.edges == ()
    assert not node.cached
    assert node.details.external == '{"path":"/usr","module":null,"extra_attributes":{}}'
    assert node.details.patches == node.details.flags == node.details.compilers == ()
    assert node.details.target is None


def test_a_spliced_spec_names_what_was_built():
    """It is no edge."""
    node = _only(of=record("hdf5", build_spec=ZLIB))
    assert node.details.build_spec == ZLIB.hash
    assert node.edges == ()


@pytest.mark.parametrize(
    ("languages", "compiler", "compilers"),
    [
        ({"c": GCC, "cxx": GCC}, "gcc@=12.3.0", {}),
        ({"cxx": GCC}, "gcc@=12.3.0", {}),
        ({"fortran": LLVM}, "llvm@=17.0.6", {}),
        (
            {"c": LLVM, "cxx": LLVM, "fortran": GCC},
            "llvm@=17.0.6",
            {"c": "llvm@=17.0.6", "cxx": "llvm@=17.0.6", "fortran": "gcc@=12.3.0"},
        ),
        (
            {"cxx": GCC, "fortran": LLVM},
            "gcc@=12.3.0",
            {"cxx": "gcc@=12.3.0", "fortran": "llvm@=17.0.6"},
        ),
        ({"mpi": GCC}, "none", {}),
    ],
)
def test_the_compiler_is_that_of_c_else_cxx_else_fortran(languages, compiler, compilers):
    """Where languages differ, each is named; gcc for anything else is no compiler."""
    virtuals: dict[str, list[str]] = {}
    for language, one in languages.items():
        virtuals.setdefault(one.name, []).append(language)
    edges = [
        edge(one, "build", virtuals=virtuals[one.name])
        for one in (GCC, LLVM)
        if one.name in virtuals
    ]
    node = _only(of=record("netcdf", "4", *edges))
    assert node.build.compiler == compiler
    assert dict(node.details.compilers) == compilers


def test_a_compiler_that_the_index_does_not_have_is_asked_for():
    """And goes by the name that the edge has where nobody knows it."""
    whole = json.loads(document([ZLIB]))
    del whole["database"]["installs"][GCC.hash]
    found = split(json.dumps(whole).encode())
    (node,) = nodes(found, compiler_of={GCC.hash: "gcc@=12.3.0"}.get)
    assert node.build.compiler == "gcc@=12.3.0"
    (node,) = nodes(found)
    assert node.build.compiler == "gcc"


@pytest.mark.parametrize(
    ("changes", "version", "spec_format"),
    [
        ({"compiler": "gcc@12.3.0", "spec_format": 4}, "7", 4),
        ({"compiler": "gcc@12.3.0", "spec_format": 3}, "6", 3),
        (
            {"annotations": {"original_specfile_version": 4, "compiler": "gcc@=12.3.0"}},
            "8",
            4,
        ),
        (
            {"annotations": {"original_specfile_version": 4, "compiler": "gcc@12.3.0"}},
            "9",
            4,
        ),
    ],
)
def test_older_specs_say_their_compiler(changes, version, spec_format):
    """In two ways, and with or without `=`."""
    old = record("zlib", "1.2", **changes)
    (node,) = nodes(split(document([old], version=version)))
    assert node.build.compiler == "gcc@=12.3.0"
    assert node.details.format == spec_format


@pytest.mark.parametrize("version", ["6", "7", "8", "9"])
def test_a_spec_has_the_format_of_its_database_unless_it_says_so(version):
    """Formats 3 to 6."""
    bare = record("zlib", "1.2", spec_format=4)
    (node,) = nodes(split(document([bare], version=version)))
    assert node.details.format == int(version) - 3


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (
            {"parameters": {"deptypes": ["link", "build"], "virtuals": ["mpi"]}},
            ("build,link", "mpi"),
        ),
        ({"parameters": {"deptypes": ["run"]}}, ("run", "")),
        ({"parameters": {"deptypes": ["test"], "virtuals": [], "direct": True}}, ("test", "")),
        ({"type": ["link", "build"]}, ("build,link", "")),
        ({"type": "run"}, ("run", "")),
        ({"parameters": None, "type": ["run"]}, ("run", "")),
    ],
)
def test_an_edge_says_what_it_is_for_in_two_forms(form, kind):
    """Before Spack 0.21 it had a type only."""
    spec = {**ZLIB.spec, "dependencies": [{"name": "gcc", "hash": GCC.hash, **form}]}
    (_, node) = nodes(split(_raw(GCC.spec, spec)))
    (found,) = node.edges
    assert found == (GCC.hash, EdgeKind(*(tuple(filter(None, one.split(","))) for one in kind)))


def test_two_edges_to_one_spec_are_one():
    """As Spack reads them."""
    of_gcc = {"name": "gcc", "hash": GCC.hash}
    spec = {**ZLIB.spec, "dependencies": [
        {**of_gcc, "parameters": {"deptypes": ["build"], "virtuals": ["cxx"]}},
        {**of_gcc, "parameters": {"deptypes": ["link"], "virtuals": ["c"]}},
    ]}  # fmt: skip
    (_, node) = nodes(split(_raw(GCC.spec, spec)))
    assert node.edges == ((GCC.hash, EdgeKind(("build", "link"), ("c", "cxx"))),)
    assert node.build.compiler == "gcc@=12.3.0"


def _raw(*specs: dict[str, Any]) -> bytes:
    installs = {spec["hash"]: {"spec": spec, "in_buildcache": True} for spec in specs}
    return json.dumps({"database": {"version": "8", "installs": installs}}).encode()


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"x": True}, ["+x"]),
        ({"x": "true"}, ["+x"]),
        ({"x": "False"}, ["~x"]),
        ({"x": ["true"]}, ["+x"]),
        ({"x": "a b"}, ["x='a b'"]),
        ({"x": "it's"}, ['x="it\'s"']),
        ({"x": "'q'"}, ["x=\"'q'\""]),
        ({"x": ["c++", "c"]}, ["x='c,c++'"]),
        ({"x": []}, ["x=''"]),
        ({"x": "=y"}, ["x='=y'"]),
        ({"dev_path": "/src/é"}, ["dev_path='/src/é'"]),
    ],
)
def test_a_variant_is_what_a_page_says(value, texts):
    """Pages have what Spack prints; both have one normal form."""
    spec = {**ZLIB.spec, "parameters": value}
    (_, node) = nodes(split(_raw(GCC.spec, spec)))
    assert node.build.variants == variants.normal_set(texts)


LONG = "x" * 70_000
HASH = "is not a hash (32 characters of a-z, 2-7)"


def _dependency(**changes: Any) -> dict[str, Any]:
    whole = {"name": "gcc", "hash": GCC.hash, "parameters": {"deptypes": ["build"], "virtuals": []}}
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hash": "a" * 32}, f".hash: '{'a' * 32}' is not the key"),
        ({"hash": 5}, ".hash: expected `str | null`, got `int`"),
        ({"name": None}, ".name: expected `str`, got `null`"),
        ({"name": ...}, ": object missing required field `name`"),
        ({"name": ""}, ".name: '' is not a name (letters, digits and ._+-)"),
        ({"name": "a b"}, ".name: 'a b' is not a name (letters, digits and ._+-)"),
        ({"name": "\x1b[2J"}, ".name: '\\x1b[2J' is not a name (letters, digits and ._+-)"),
        ({"name": "../x"}, ".name: '../x' is not a name (letters, digits and ._+-)"),
        ({"version": ...}, ": object missing required field `version`"),
        ({"version": 1.14}, ".version: expected `str`, got `float`"),
        ({"version": ""}, ".version: is empty"),
        ({"version": "1\n2"}, ".version: '1\\n2' has characters that cannot be printed"),
        ({"version": "1" * 256}, ".version: is longer than 255 characters"),
        ({"namespace": "\u202e"}, ".namespace: '\\u202e' has characters that cannot be printed"),
        ({"namespace": LONG}, ".namespace: is longer than 512 characters"),
        ({"package_hash": [1]}, ".package_hash: expected `str | null`, got `array`"),
        ({"arch": None}, ".arch: expected `object`, got `null`"),
        ({"arch": ...}, ": object missing required field `arch`"),
        ({"arch": "linux"}, ".arch: expected `object`, got `str`"),
        ({"arch": {"platform_os": "a"}}, ".arch: object missing required field `target`"),
        ({"arch": {"platform_os": "", "target": "a"}}, ".arch.platform_os: is empty"),
        ({"arch": {"platform_os": "a", "target": 1}}, ".arch.target: is no text"),
        ({"arch": {"platform_os": "a", "target": {}}}, ".arch.target.name: is no text"),
        (
            {"arch": {"platform_os": "a", "target": {"name": "x", "features": ["\x07"]}}},
            ".arch.target: '\\x07' has characters that cannot be printed",
        ),
        (
            {"arch": {"platform_os": "a", "target": {"name": "x", "features": [LONG]}}},
            ".arch.target: is longer than 65,536 bytes",
        ),
        ({"parameters": []}, ".parameters: expected `object`, got `array`"),
        ({"parameters": {"x": None}}, ".parameters.x: is no text, no list of text, and neither true nor false"),
        ({"parameters": {"x": 3}}, ".parameters.x: is no text, no list of text, and neither true nor false"),
        ({"parameters": {"x": {}}}, ".parameters.x: is no text, no list of text, and neither true nor false"),
        ({"parameters": {"x": ["a", 1]}}, ".parameters.x[1]: is no text"),
        ({"parameters": {"x": ["a", "\x00"]}}, ".parameters.x[1]: '\\x00' has characters that cannot be printed"),
        ({"parameters": {"x": "\r"}}, ".parameters.x: '\\r' has characters that cannot be printed"),
        ({"parameters": {"x": LONG}}, ".parameters: is longer than 65,536 bytes"),
        ({"parameters": {"x": ["a" * 40_000, "b" * 40_000]}}, ".parameters: is longer than 65,536 bytes"),
        ({"parameters": {"x": ["a"] * 5_000}}, ".parameters.x: has more than 4,096 entries"),
        ({"parameters": {f"x{i}": True for i in range(5_000)}}, ".parameters: has more than 4,096 entries"),
        ({"parameters": {"x y": True}}, ".parameters['x y']: is no name of a variant"),
        ({"parameters": {"": True}}, ".parameters['']: is no name of a variant"),
        ({"parameters": {"cflags": "-O3"}}, ".parameters.cflags: is no list of text"),
        ({"parameters": {"cflags": ["\x1b"]}}, ".parameters.cflags[0]: '\\x1b' has characters that cannot be printed"),
        ({"external": False}, ".external: is no object"),
        ({"external": {"path": "/\x9b"}}, ".external: '/\\x9b' has characters that cannot be printed"),
        ({"patches": "a"}, ".patches: is no list of text"),
        ({"patches": ["a" * 63]}, f".patches[0]: '{'a' * 60}...' is no SHA-256"),
        ({"build_spec": {"name": "x"}}, ".build_spec: object missing required field `hash`"),
        ({"build_spec": {"hash": "x"}}, f".build_spec.hash: 'x' {HASH}"),
        ({"annotations": 5}, ".annotations: expected `object`, got `int`"),
        ({"annotations": {"original_specfile_version": "5"}}, ".annotations.original_specfile_version: expected `int | null`, got `str`"),
        ({"annotations": {"original_specfile_version": 0}}, ".annotations.original_specfile_version: is no version"),
        ({"annotations": {"original_specfile_version": 10**30}}, ".annotations.original_specfile_version: "),
        ({"annotations": {"compiler": "\x1b"}}, ".annotations.compiler: '\\x1b' has characters that cannot be printed"),
        ({"compiler": {"name": 1}}, ".compiler.name: expected `str`, got `int`"),
        ({"compiler": {"name": "", "version": "1"}}, ".compiler.name: is empty"),
        ({"dependencies": {}}, ".dependencies: expected `array | null`, got `object`"),
        ({"dependencies": [1]}, ".dependencies[0]: expected `object`, got `int`"),
        ({"dependencies": [_dependency(), _dependency(hash="X")]}, f".dependencies[1].hash: 'X' {HASH}"),
        ({"dependencies": [_dependency(hash="a" * 31 + "\x1b")]}, f".dependencies[0].hash: '{'a' * 31}\\x1b' {HASH}"),
        ({"dependencies": [_dependency(hash=...)]}, ".dependencies[0]: object missing required field `hash`"),
        ({"dependencies": [_dependency(parameters=...)]}, ".dependencies[0]: has neither parameters nor a type"),
        (
            {"dependencies": [_dependency(parameters={"deptypes": ["build", "buidl"]})]},
            ".dependencies[0].parameters.deptypes[1]: 'buidl' is no type of a dependency",
        ),
        (
            {"dependencies": [_dependency(parameters=..., type=["all"])]},
            ".dependencies[0].type[0]: 'all' is no type of a dependency",
        ),
        (
            {"dependencies": [_dependency(parameters={"deptypes": [], "virtuals": ["m\x1bpi"]})]},
            ".dependencies[0].parameters.virtuals[0]: 'm\\x1bpi' is not a name (letters, digits and ._+-)",
        ),
        (
            {"dependencies": [_dependency(parameters={"deptypes": 1})]},
            ".dependencies[0].parameters.deptypes: expected `array`, got `int`",
        ),
        (
            {"dependencies": [{"hash": GCC.hash, "type": "run"}] * (MAX_EDGES + 1)},
            ".dependencies: has more than 8,192 entries",
        ),
        ({"dependencies": [_dependency()] * 20_000}, ": is larger than 1,024 KiB"),
        ({"anything": "x" * 2_000_000}, ": is larger than 1,024 KiB"),
        ({"anything": eval("[" * 80 + "]" * 80)}, None),
        ({"anything": 10**4000}, None),
    ],
)  # fmt: skip
def test_a_spec_that_is_wrong_is_refused_alone(changes, reason):
    """With the place; the others stand, as do keys that nobody knows."""
    spec = {key: value for key, value in {**ZLIB.spec, **changes}.items() if value is not ...}
    spec["dependencies"] = [
        {key: value for key, value in one.items() if value is not ...} if isinstance(one, dict) else one
        for one in spec["dependencies"]
    ] if isinstance(spec["dependencies"], list) else spec["dependencies"]  # fmt: skip
    installs = {ZLIB.hash: spec, GCC.hash: GCC.spec}
    records = {key: {"spec": one, "in_buildcache": True} for key, one in installs.items()}
    data = json.dumps({"database": {"version": "8", "installs": records}}).encode()
    first, second = nodes(split(data))
    assert isinstance(second, Node)
    if reason is None:
        assert isinstance(first, Node)
        return
    assert isinstance(first, Refused)
    assert first.hash == ZLIB.hash
    assert first.reason.startswith(f"installs.{ZLIB.hash}.spec{reason}")
    assert first.reason.isprintable()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name":"evil","name":"zlib"', ": the key 'name' is there twice"),
        ('{"parameters":{"x":true,"x":false}', ": the key 'x' is there twice"),
        ('{"x":"\udcff"', ": "),
    ],
)
def test_a_spec_with_a_key_twice_is_refused(text, reason):
    """A reader that takes the first would see another spec."""
    rest = json.dumps({key: value for key, value in ZLIB.spec.items() if key != "parameters"})
    data = _raw(ZLIB.spec, GCC.spec).decode()
    whole = json.dumps(ZLIB.spec)
    data = data.replace(whole, f"{text},{rest[1:]}", 1).encode("utf-8", "surrogateescape")
    first, second = nodes(split(data))
    assert isinstance(second, Node)
    assert isinstance(first, Refused)
    assert first.reason.startswith(f"installs.{ZLIB.hash}.spec{reason}")


def test_only_the_wanted_are_decoded():
    """In the order in which they are asked for; nothing of the others is looked at but a compiler."""
    bad = {**LLVM.spec, "version": 5}
    found = split(_raw(GCC.spec, ZLIB.spec, bad))
    assert [one.hash for one in nodes(found, [ZLIB.hash, GCC.hash])] == [ZLIB.hash, GCC.hash]
    stream = nodes(found)
    assert next(stream).hash == GCC.hash


# -- the law: what is looked up by bytes is what decoding says

_TEXT = st.sampled_from(["a", "c++", "x y", "", "true", "it's", "é", "a,b", '"q"', "\\"])
_PARAMETERS = st.dictionaries(
    st.sampled_from(["mpi", "libs", "patches", "x-y", "n2"]),
    st.booleans() | _TEXT | st.lists(_TEXT, max_size=3),
    max_size=4,
)
_KIND = st.tuples(
    st.sets(st.sampled_from(["build", "link", "run", "test"])),
    st.sets(st.sampled_from(["c", "cxx", "fortran", "mpi"])),
)


_NEEDED = {  # strategies are made once: making one takes longer than a draw
    count: st.sets(st.integers(0, count - 1)).map(sorted) for count in range(1, 6)
}
_SAID = st.fixed_dictionaries(
    {
        "variants": _PARAMETERS,
        "target": st.sampled_from(["x86_64", ZEN4]),
        "flags": st.dictionaries(st.sampled_from(FLAGS), st.lists(_TEXT, max_size=2)),
        "os": st.sampled_from(["a", "b"]),
    }
)
_NAME = st.sampled_from(["gcc", "llvm", "zlib"])


@st.composite
def _documents(draw: st.DrawFn) -> tuple[list[Record], str]:
    records: list[Record] = []
    for number in range(draw(st.integers(1, 6))):
        needs = [records[one] for one in draw(_NEEDED[number])] if number else []
        edges = [edge(one)._replace(types=tuple(sorted(types)), virtuals=tuple(sorted(virtuals)))
                 for one in needs for types, virtuals in [draw(_KIND)]]  # fmt: skip
        records.append(record(draw(_NAME), str(number), *edges, **draw(_SAID)))
    return records, draw(st.sampled_from(["8", "9"]))


def _decoded(installs: dict[str, Any], spec_hash: str, version: int) -> tuple[Any, ...]:
    """A node by decoding the whole document, part for part."""
    whole = installs[spec_hash]
    spec = whole["spec"]
    by: dict[str, str] = {}
    edges = {}
    for one in spec.get("dependencies", ()):
        kind = one["parameters"]
        edges[one["hash"]] = EdgeKind(tuple(kind["deptypes"]), tuple(kind["virtuals"]))
        to = installs[one["hash"]]["spec"]
        for language in kind["virtuals"]:
            if language != "mpi":
                by.setdefault(language, f"{to['name']}@={to['version']}")
    texts, flags, lists = [], [], []
    for key, value in spec["parameters"].items():
        if key in FLAGS:
            flags += [(key, tuple(value))] if value else []
        elif isinstance(value, bool):
            texts.append(f"{'+' if value else '~'}{key}")
        else:
            lists += [key] if isinstance(value, list) else []
            joined = ",".join(value) if isinstance(value, list) else value
            texts.append(f"+{key}" if joined == "true" else f"{key}={variants.spelled(joined)}")
    target = spec["arch"]["target"]
    compilers = [by[one] for one in ("c", "cxx", "fortran") if one in by]
    differ = tuple(sorted(by.items())) if len(set(compilers)) > 1 else ()
    build = Build(
        spec["name"], spec["version"], compilers[0] if compilers else "none",
        spec["arch"]["platform_os"], "linux", target if isinstance(target, str) else target["name"],
        variants.normal_set(texts), differ,
    )  # fmt: skip
    return build, whole["in_buildcache"], edges, tuple(sorted(flags)), tuple(sorted(lists)), differ


@examples(40, 1000)
@given(_documents())
def test_what_is_read_is_what_decoding_says(drawn):
    """However often a part came before: looking it up by its bytes changes nothing."""
    records, version = drawn
    data = document(records, version=version)
    installs = json.loads(data)["database"]["installs"]
    found = list(nodes(split(data)))
    assert [one.hash for one in found] == list(installs)
    for node in found:
        assert isinstance(node, Node), node
        details = node.details
        assert (
            node.build, node.cached, dict(node.edges), details.flags, details.lists, details.compilers
        ) == _decoded(installs, node.hash, int(version))  # fmt: skip


@examples(40, 1000)
@given(_documents())
def test_equal_parts_are_one_object(drawn):
    """Builds, details and kinds of edges: whoever has millions of them counts on it."""
    found = list(nodes(split(document(drawn[0]))))
    for part in ("build", "details"):
        seen: dict[Any, Any] = {}
        for node in found:
            value = getattr(node, part)
            assert seen.setdefault(value, value) is value


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["zlib-api", "libgfortran@5"], ("libgfortran@5", "zlib-api")),
        (["mpi@:3.1", "mpi@1,3:", "mpi@:3.1"], ("mpi@1,3:", "mpi@:3.1")),
        ([], ()),
        (None, None),
        (["mpi@3:1"], None),
        (["mpi when=x"], None),
        (["mpi@"], None),
    ],
)
def test_what_it_provides_is_kept(said, told):
    """Sorted, each once; another form than the one that is known says nothing."""
    node = _only(of=record("mpich", "4.2", spec_format=6, provided_virtuals=said))
    assert node.details.provided_virtuals == told


@pytest.mark.parametrize("said", ["mpi", {"mpi": 3}, [3], ["a\x1b[0m"]])
def test_what_it_provides_is_a_list_of_text(said):
    """Anything else refuses the record."""
    one = record("mpich", "4.2", spec_format=6, provided_virtuals=said)
    (found,) = nodes(split(document([one])))
    assert isinstance(found, Refused)
    assert "provided_virtuals" in found.reason
