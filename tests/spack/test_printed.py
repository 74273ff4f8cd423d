"""A concrete spec as Spack prints it; what real Spack prints is compared in tests/buildcache."""

import pytest

from cachesync.buildcache.index import split
from cachesync.buildcache.nodes import nodes
from cachesync.spack import printed
from tests.support.mirrors import Record, document, edge, record

GCC = record("gcc", "13.2.0")
LLVM = record("llvm", "17.0.6")


def _printed(one: Record) -> tuple[str, str]:
    node = {found.hash: found for found in nodes(split(document([one])))}[one.hash]
    return printed.spec(node.build, node.details), printed.compilers(node.build, node.edges)


def test_a_spec_is_printed_whole():
    """Flags, switches in one word by name, pairs by name, lists with `:=`, short patches, quotes."""
    one = record(
        "zlib", "1.3.1", flags={"cflags": ["-O3", "-g"], "ldflags": ["-s"]},
        variants={"shared": True, "opt": False, "Api": True, "libs": ["static"], "std": "c++"},
        patches=["b" * 64, "a" * 64], target="zen4",
    )  # fmt: skip
    assert _printed(one)[0] == (
        "zlib@=1.3.1 cflags='-O3 -g' ldflags=-s +Api~opt+shared build_system=generic"
        " libs:=static patches:=aaaaaaa,bbbbbbb std='c++'"
        " platform=linux os=ubuntu22.04 target=zen4"
    )


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("1.0", "fmt@=1.0 "),
        ("git.master=11.2.0", "fmt@git.master=11.2.0 "),
        (f"{'a' * 40}=2.2.1", f"fmt@{'a' * 40}=2.2.1 "),
    ],
)
def test_a_version_of_git_says_itself_what_it_equals(version, text):
    """Any other is exact by `@=`."""
    assert _printed(record("fmt", version))[0].startswith(text)


def test_a_spec_that_only_pages_tell_of_is_printed_by_its_build():
    """Whether one value is a list is not known then."""
    node = next(nodes(split(document([record("m4", variants={"libs": ["static"]})]))))
    assert " libs=static " in printed.spec(node.build)


@pytest.mark.parametrize(
    ("edges", "text"),
    [
        ([], ""),
        ([edge(GCC, "build")], ""),
        ([edge(GCC, "build", virtuals=("c", "cxx"))], "%c,cxx=gcc@13.2.0"),
        ([edge(LLVM, "build", virtuals=("fortran",))], "%fortran=clang@17.0.6"),
        (
            [edge(GCC, virtuals=("fortran",)), edge(LLVM, virtuals=("c", "cxx"))],
            "%fortran=gcc@13.2.0 %c,cxx=clang@17.0.6",
        ),
    ],
)
def test_compilers_are_printed_by_language(edges, text):
    """Under the names that Spack gives packages as compilers."""
    assert _printed(record("zlib", "1", *edges))[1] == text


def test_an_old_spec_has_one_compiler():
    """For whatever language."""
    node = next(
        nodes(split(document([record("zlib", compiler="gcc@12.3.0", spec_format=4)], version="7")))
    )
    assert printed.compilers(node.build, node.edges) == "%gcc@=12.3.0"
