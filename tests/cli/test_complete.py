"""Completion as shells do it: what is offered, from the live ledger, through the real shells."""

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from tests.support import mirrors
from tests.support.pagetext import Facts, as_generated
from tests.support.world import World, hash_of, spec


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """A site with names to complete, and a program called cachesync."""
    world = World(tmp_path_factory.mktemp("site"))
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a", target="x86_64_v3"), spec("b", variants=["~cuda"]))
    world.page("develop-2025-03-09", "hdf5", spec("a", target="x86_64_v3", stacks=["radiuss"]))
    world.page(
        "develop",
        "zlib",
        spec("c", variants=["+pic", "~shared", "api=v18,v20", "build_system=generic"]),
    )
    world.page("develop", "zlib-ng", spec("d", versions=["2.2.4"], variants=["+compat"]))
    world.sync()
    programs = world.home / "bin"
    programs.mkdir()
    program = programs / "cachesync"
    command = " ".join(f"'{word}'" for word in world.command()[:3])
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    return world


def environment(world: World, **more: str) -> dict[str, str]:
    path = f"{world.home / 'bin'}:{os.environ['PATH']}"
    return {
        **world.environment, "PATH": path, "STATE_DIRECTORY": str(world.state), "TERM": "xterm",
        **more,
    }  # fmt: skip


def complete(world: World, line: str, **more: str) -> list[str]:
    """What bash is told for a line, with the cursor at its end."""
    variables = {"COMP_LINE": line, "_CACHESYNC_COMPLETE": "bash_complete", "COMP_WORDBREAKS": " "}
    done = subprocess.run(
        ["cachesync"], env=environment(world, **{**variables, **more}), cwd=world.root,
        executable=world.home / "bin" / "cachesync", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [entry.partition(",")[2] for entry in done.stdout.splitlines() if entry]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cachesync sea", ["search"]),
        ("cachesync search zl", ["zlib", "zlib-ng"]),
        ("cachesync search hdf5 tag:dev", ["tag:develop", "tag:develop-2025-03-09"]),
        ("cachesync search ta", ["target:", "tag:"]),
        ("cachesync search vi", ["virtual:"]),
        ("cachesync search virtual:", []),
        ("cachesync search nam", ["namespace:"]),
        ("cachesync search hdf5 -target:", ["-target:aarch64", "-target:x86_64_v3"]),
        ("cachesync search stack:", ["stack:e4s", "stack:radiuss", "stack:root"]),
        ("cachesync search source:s", ["source:site"]),
        ("cachesync search +m", ["+mpi"]),
        ("cachesync search variant:~c", ["variant:~cuda"]),
        ("cachesync search ^zl", ["^zlib", "^zlib-ng"]),
        ("cachesync search hdf5%zlib-", ["hdf5%zlib-ng"]),
        ("cachesync search hdf5 %c,cxx=zlib-", ["%c,cxx=zlib-ng"]),
        ("cachesync wait hdf5 ^", ["^hdf5", "^zlib", "^zlib-ng"]),
        ("cachesync search -^hd", ["-^hdf5"]),
        ("cachesync search ^hdf5@", ["^hdf5@1.14.5"]),
        ("cachesync search zlib^hdf5@1.12:1.", ["zlib^hdf5@1.12:1.14.5"]),
        ("cachesync search hdf5@=1", ["hdf5@=1.14.5"]),
        ("cachesync search ^nosuch@", []),
        ("cachesync search hdf5 +", ["+mpi"]),
        ("cachesync search zlib +", ["+pic"]),
        ("cachesync search zlib ~", ["~shared"]),
        ("cachesync search nosuch +c", ["+compat"]),
        ("cachesync search zlib@1.14.5+", ["zlib@1.14.5+pic"]),
        ("cachesync search hdf5 ^zlib ~", ["~shared"]),
        ("cachesync search hdf5 ^zlib+", ["^zlib+pic"]),
        ("cachesync search hdf5 %zlib-ng +", ["+compat", "+mpi"]),
        ("cachesync search hdf5 OR zlib-ng +", ["+compat"]),
        ("cachesync search zlib -+p", ["-+pic"]),
        (
            "cachesync search zlib variant:",
            [
                "variant:+pic",
                "variant:api=v18,v20",
                "variant:build_system=generic",
                "variant:~shared",
            ],
        ),
        ("cachesync search zlib ap", ["api="]),
        ("cachesync search zlib api=", ["api=v18", "api=v20"]),
        ("cachesync search zlib api:=v20,v", ["api:=v20,v18"]),
        ("cachesync wait zlib target=", ["target=aarch64"]),
        ("cachesync search hdf5 target=x", ["target=x86_64_v3"]),
        ("cachesync search zlib target:", ["target:aarch64"]),
        ("cachesync search zlib-ng @", ["@2.2.4"]),
        ("cachesync search zlib-ng version:", ["version:2.2.4"]),
        ("cachesync search @", []),
        ("cachesync show hdf5 --tag ", ["develop", "develop-2025-03-09"]),
        ("cachesync show zlib --tag ", ["develop"]),
        ("cachesync search zlib --tag ", ["develop"]),
        ("cachesync search hdf5 --target x86", ["x86_64_v3"]),
        ("cachesync search zlib --target x86", ["x86_64_v3"]),
        ("cachesync search --stack ra", ["radiuss"]),
        ("cachesync wait hdf5 --os ", ["ubuntu24.04"]),
        ("cachesync diff develop develop hdf5 --compiler ", ["gcc@=13.2.0"]),
        ("cachesync show nosuch --tag develop-", ["develop-2025-03-09"]),
        ("cachesync changes --package zlib --tag ", ["develop"]),
        ("cachesync list t", ["tags", "targets"]),
        ("cachesync list tags zlib-", ["zlib-ng"]),
        ("cachesync search --sort n", ["newest"]),
        ("cachesync search --sort ", ["relevance", "package", "version", "recent"]),
        ("cachesync search --group-by ", ["package"]),
        ("cachesync search --columns package,ta", ["package,target", "package,tags"]),
        ("cachesync search --hash", ["--hashes"]),
        ("cachesync show hd", ["hdf5"]),
        ("cachesync show /aa", ["/" + "a" * 32]),
        ("cachesync show hdf5 --tag develop-", ["develop-2025-03-09"]),
        ("cachesync history z", ["zlib", "zlib-ng"]),
        ("cachesync diff dev", ["develop", "develop-2025-03-09"]),
        ("cachesync diff develop develop-", ["develop-2025-03-09"]),
        ("cachesync diff develop develop target:x", ["target:x86_64_v3"]),
        ("cachesync check --source s", ["site"]),
        ("cachesync changes --kind spec.c", ["spec.cached"]),
        ("cachesync changes --kind ev", ["evicted"]),
        ("cachesync changes --kind cached,ev", ["cached,evicted"]),
        ("cachesync changes --since y", ["yesterday"]),
        ("cachesync changes --since last-", ["last-week", "last-month", "last-year"]),
        ("cachesync changes --since dev", ["develop", "develop-2025-03-09"]),
        ("cachesync deliveries replay --since tod", ["today"]),
        ("cachesync changes --package zlib-", ["zlib-ng"]),
        ("cachesync check --runs-on zen4", ["zen4"]),
        ("cachesync search hdf5 --runs-on hos", ["host"]),
        ("cachesync search hdf5 --through b", ["build"]),
        ("cachesync wait hdf5 --through b", ["build"]),
        ("cachesync wait os:", ["os:ubuntu24.04"]),
        ("cachesync forget s", ["site"]),
        ("cachesync sync s", ["site"]),
        ("cachesync search nothing:x", []),
        ("cachesync nosuch x", []),
        ("cachesync search 'hdf5 tag:dev", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_offered(site, line, offered):
    """Commands, options and their values, and names from the ledger where a name may stand."""
    assert complete(site, line) == offered


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("^mp", ["^mpi", "^mpich"]),
        ("^mpi=o", ["^mpi=openmpi"]),
        ("^mpi=", ["^mpi=mpich", "^mpi=openmpi"]),
        ("hdf5%mpi,c=", ["hdf5%mpi,c=gcc", "hdf5%mpi,c=mpich", "hdf5%mpi,c=openmpi"]),
        ("^nosuch=open", ["^nosuch=openblas", "^nosuch=openmpi"]),
        ("%cla", ["%clang"]),
        ("%clang@", ["%clang@16.0.6", "%clang@17.0.6"]),
        ("^clang@", []),
        ("%llvm@", ["%llvm@17.0.6"]),
        ("%gcc@1", ["%gcc@12.3.0", "%gcc@13.2.0"]),
        ("^zlib-ng@2.2:", ["^zlib-ng@2.2:2.2.4", "^zlib-ng@2.2:2.10"]),
        ("zlib-ng@2.0,2.2.4:2", ["zlib-ng@2.0,2.2.4:2.2.4", "zlib-ng@2.0,2.2.4:2.10"]),
        ("zlib-ng@:2", ["zlib-ng@:2.1.6", "zlib-ng@:2.10", "zlib-ng@:2.2.4"]),
    ],
)
def test_what_is_offered_of_dependencies(dag, word, offered):
    """Virtual packages, what provides them, compilers by both of their names, and no end below its start."""
    assert sorted(complete(dag, f"cachesync search {word}")) == sorted(offered)


def test_compilers_come_first(dag):
    """Behind `%` any package may stand; of more than are offered at once the compilers are never cut off."""
    offered = complete(dag, "cachesync search hdf5 %")
    assert offered[:4] == ["%clang", "%gcc", "%none", "%c"]
    assert offered[3:] == sorted(offered[3:])
    assert complete(dag, "cachesync search hdf5 ^")[:3] == ["^c", "^fmt", "^gcc"]


@pytest.fixture(scope="module")
def dag(tmp_path_factory) -> World:
    """A build cache beside pages, and a program called cachesync."""
    world = World(tmp_path_factory.mktemp("dag"))
    world.page(
        "develop", "fmt", spec("a", compiler="clang@=16.0.6"), spec("b", compiler="gcc@=12.3.0")
    )
    world.sync("--pages", world.pages)
    gcc, llvm = mirrors.record("gcc", "13.2.0"), mirrors.record("llvm", "17.0.6")
    used = [
        mirrors.record("hdf5", "1.14.6", mirrors.edge(of_mpi, "link", virtuals=["mpi"]),
                       mirrors.edge(compiler, "build", virtuals=["c"]))
        for of_mpi, compiler in ((mirrors.record("openmpi", "5.0.6"), gcc), (mirrors.record("mpich", "4.2.3"), gcc))
    ]  # fmt: skip
    others = [mirrors.record("zlib-ng", version) for version in ("2.1.6", "2.2.4", "2.10")]
    made = mirrors.make_mirror(
        world.root / "mirror", [*used, *others, llvm, mirrors.record("openblas", "0.3")]
    )
    world.run("sync", "--mirror", made.url)
    programs = world.home / "bin"
    programs.mkdir()
    program = programs / "cachesync"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(world.command()[:3])} "$@"\n')
    program.chmod(0o755)
    return world


def test_bash_gets_what_follows_the_last_break(site):
    """bash breaks words at colons and equals signs; without the break in its list nothing is cut."""
    breaks = " \t\n\"'><=;|&(:"
    assert complete(site, "cachesync search tag:develop-", COMP_WORDBREAKS=breaks) == [
        "develop-2025-03-09"
    ]
    assert complete(site, "cachesync search -tag:", COMP_WORDBREAKS=breaks) == [
        "develop", "develop-2025-03-09",
    ]  # fmt: skip
    assert complete(site, "cachesync search ^zlib-ng@2", COMP_WORDBREAKS=f"{breaks}@") == ["@2.2.4"]


def test_the_protocol_of_older_scripts(site):
    """A script that was installed before goes on working."""
    old = {"COMP_LINE": "", "COMP_WORDS": "cachesync search zli", "COMP_CWORD": "2"}
    variables = {**environment(site, **old), "_CACHESYNC_COMPLETE": "bash_complete"}
    del variables["COMP_LINE"]
    done = subprocess.run(
        [site.home / "bin" / "cachesync"], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout == "plain,zlib\nplain,zlib-ng\n"


@pytest.mark.parametrize("line", ["cachesync search tag:", "cachesync show ", "cachesync diff x "])
def test_without_a_ledger_nothing_is_offered_and_nothing_made(world, line):
    """No state directory, a damaged or a foreign ledger: silence, status 0, and no new file."""
    (world.home / "bin").mkdir()
    program = world.home / "bin" / "cachesync"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(world.command()[:3])} "$@"\n')
    program.chmod(0o755)
    assert complete(world, line) == []
    assert not world.state.exists()
    world.state.mkdir()
    (world.state / "ledger.sqlite").write_bytes(b"no database" * 1000)
    assert complete(world, line) == []
    assert [path.name for path in world.state.iterdir()] == ["ledger.sqlite"]


def test_names_a_shell_would_read_as_more_are_not_offered(world):
    """What would have to be quoted is typed by hand; what is offered is bounded."""
    rows = [
        spec(hash_of(n), os=f"os-{n}", variants=[f"x=$(touch {n})", "+a;b"]) for n in range(400)
    ]
    world.write("develop/hdf5", as_generated(Facts("hdf5", "develop", rows)))
    world.sync()
    (world.home / "bin").mkdir()
    program = world.home / "bin" / "cachesync"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(world.command()[:3])} "$@"\n')
    program.chmod(0o755)
    assert complete(world, "cachesync search variant:x") == []
    assert complete(world, "cachesync search +") == []
    assert len(complete(world, "cachesync search os:")) == 200


# -- the shells themselves


CONTROL = re.compile(
    r"\x1b\[[0-9;?>=]*[A-Za-z]"  # a command with numbers
    r"|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)"  # a text for the terminal
    r"|\x1b[=>()][0B]?|\x07"
)


def as_seen(shown: str) -> str:
    """What a person sees of one line: colours and cursor commands left out, backspaces carried out."""
    text = CONTROL.sub("", shown)
    while (shorter := re.sub(r"[^\x08]\x08", "", text)) != text:
        text = shorter
    return text


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, argv: list[str], variables: dict[str, str]) -> None:
        import pty

        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, variables)

    def read_until(self, pattern: str, seconds: float = 20) -> str:
        """What the shell shows, until a pattern is in it."""
        shown, until = "", time.monotonic() + seconds
        while not re.search(pattern, as_seen(shown)):
            assert time.monotonic() < until, repr(shown)
            if select.select([self.terminal], [], [], 0.1)[0]:
                shown += os.read(self.terminal, 65536).decode(errors="replace")
        return shown

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(cachesync completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(cachesync completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "cachesync completion fish | source"),
}  # fmt: skip


@pytest.fixture(params=STARTS)
def shell(request, site):
    """A shell that has learnt to complete cachesync."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed here")
    argv, learn = STARTS[request.param]
    started = Shell(argv, environment(site, PS1="$ ", HOME=str(site.home)))
    try:
        started.type(f"{learn}; echo rea''dy\n")
        started.read_until(r"ready\r?\n")
        yield started
    finally:
        started.close()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cachesync hist", "cachesync history "),
        ("cachesync show hd", "cachesync show hdf5 "),
        ("cachesync search tag:develop-", "cachesync search tag:develop-2025-03-09 "),
        ("cachesync search stack:ra", "cachesync search stack:radiuss "),
        ("cachesync search hdf5 sour", "cachesync search hdf5 source:"),
        ("cachesync search zlib ap", "cachesync search zlib api="),
        ("cachesync search zlib api=v2", "cachesync search zlib api=v20 "),
        ("cachesync search zlib +p", "cachesync search zlib +pic "),
        ("cachesync search zlib-ng@2", "cachesync search zlib-ng@2.2.4 "),
        ("cachesync search zlib-ng @2", "cachesync search zlib-ng @2.2.4 "),
    ],
)
def test_a_real_shell_completes(shell, typed, completed):
    """A tab after the beginning of a word gives the whole word, with a space only where one belongs."""
    shell.type(f"{typed}\t#")
    shown = shell.read_until(f"{re.escape(completed)}#")
    assert "Traceback" not in shown
