"""Write a tree of build-cache package pages at any scale, shaped like the real site.

    python tests/bench/generate.py OUT [--scale 1.0] [--seed 1]

Scale 1 is the whole site: about 80 tags, 60,000 pages and 425,000 spec rows. One population of
specs lives through the weekly tags in date order: a few are rebuilt from tag to tag (new hash,
same build), get a new version, or come and go with their package. A release holds a part of one
week; `develop` holds what the weeks since mid-2023 held, and more rebuilds that no week caught.

The tables below were measured over the acceptance data (seven tags, 3,440 pages, 7,430 hashes).
Order is noise there, so the order of specs, stacks and variants is random here.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


def words(text: str) -> tuple[str, ...]:
    """Return the words of a table below."""
    return tuple(text.split())


# The size of the site at scale 1. Pages grow with the scale, half of it (in the logarithm) by
# tags and half by packages; develop keeps proportionally more, being the one deep tag.
WEEKLY_TAGS, PACKAGES, FIRST_WEEK_PAGES, LAST_WEEK_PAGES = 60, 1214, 660, 860
DEVELOP_ROWS, DEVELOP_EXPONENT, DEVELOP_FROM_WEEKS = 60_264, 0.8, 0.75
FEWEST_WEEKLY_TAGS, FEWEST_RELEASES = 6, 2
LAST_WEEK, WEEK_STEP = date(2025, 7, 27), timedelta(days=14)

# The eras: `name@version` compilers, then `name@=version`; tarballs and unsorted keys, then
# sorted keys without tarballs; and `compiler: "none"` at last.
EXACT_COMPILERS, SORTED_KEYS, NO_COMPILERS = date(2023, 6, 1), date(2025, 1, 1), date(2025, 6, 1)

# Per tag: how often a hash is rebuilt, the rebuilds of a build are recounted, a version is
# replaced, a package leaves. Two neighbouring weeks shared 94% of the hashes of the first.
REBUILD, RECOUNT, NEW_VERSION, LEAVE = 0.06, 0.04, 0.03, 0.008
RELEASE_PACKAGE, RELEASE_SPEC = 0.87, 0.6

RELEASES = {
    "v0.19.0": date(2022, 11, 11), "v0.19.1": date(2023, 2, 7), "v0.19.2": date(2023, 4, 4),
    "v0.20.0": date(2023, 5, 21), "v0.20.1": date(2023, 7, 10), "v0.20.2": date(2023, 10, 3),
    "v0.20.3": date(2023, 10, 31), "v0.21.0": date(2023, 11, 11), "v0.21.1": date(2024, 1, 11),
    "v0.21.2": date(2024, 3, 1), "v0.21.3": date(2024, 10, 5), "v0.22.0": date(2024, 5, 12),
    "v0.22.1": date(2024, 7, 4), "v0.22.2": date(2024, 9, 21), "v0.22.3": date(2024, 11, 18),
    "v0.22.4": date(2025, 1, 16), "v0.23.0": date(2024, 11, 17), "v0.23.1": date(2025, 2, 19),
    "v1.0.0": date(2025, 7, 20),
}  # fmt: skip
SORTED_RELEASES = ("v0.23", "v1.")

# The platforms by letter: os, platform, target; then the stack sets seen there, with weights.
PLATFORMS = {
    "O": ("ubuntu22.04", "linux", "x86_64_v3"), "X": ("ubuntu24.04", "linux", "x86_64_v3"),
    "A": ("ubuntu24.04", "linux", "aarch64"), "D": ("sequoia", "darwin", "aarch64"),
    "R": ("ubuntu18.04", "linux", "x86_64_v3"), "E": ("ubuntu22.04", "linux", "x86_64_v3"),
    "M": ("centos7", "linux", "x86_64_v3"),
}  # fmt: skip
STACKS = {
    "O": {"e4s-oneapi": 1},
    "X": {"ml-linux-x86_64-cpu": 1339, "ml-linux-x86_64-cpu ml-linux-x86_64-cuda": 2,
          "ml-linux-x86_64-cpu ml-linux-x86_64-cuda ml-linux-x86_64-rocm": 2},
    "A": {"ml-linux-aarch64-cpu": 1265, "ml-linux-aarch64-cpu ml-linux-aarch64-cuda": 4},
    "D": {"ml-darwin-aarch64-mps": 1},
    "R": {"radiuss": 1},
    "E": {"e4s": 294, "tutorial": 219, "build_systems e4s tutorial": 74, "build_systems": 63,
          "build_systems tutorial": 39, "e4s-oneapi": 25, "e4s tutorial": 15},
    "M": {"developer-tools-manylinux2014": 1},
}  # fmt: skip
# The compilers of 2024-10 are measured; the earlier ones are the releases before those.
COMPILERS = {
    "O": ((date.min, "oneapi@=2023.0.0"), (date(2023, 9, 1), "oneapi@=2023.2.1"),
          (date(2024, 3, 1), "oneapi@=2024.0.0"), (date(2024, 9, 1), "oneapi@=2024.2.1")),
    "X": ((date.min, "gcc@=11.3.0"), (date(2024, 1, 1), "gcc@=12.3.0"),
          (date(2024, 7, 1), "gcc@=13.2.0")),
    "A": ((date.min, "gcc@=11.3.0"), (date(2024, 2, 1), "gcc@=12.3.0"),
          (date(2024, 8, 1), "gcc@=13.2.0")),
    "D": ((date.min, "apple-clang@=14.0.0"), (date(2024, 1, 1), "apple-clang@=15.0.0"),
          (date(2024, 9, 15), "apple-clang@=16.0.0")),
    "R": ((date.min, "gcc@=7.3.1"), (date(2023, 10, 1), "gcc@=7.5.0")),
    "E": ((date.min, "gcc@=9.4.0"), (date(2023, 8, 1), "gcc@=11.1.0"),
          (date(2024, 4, 1), "gcc@=11.4.0")),
    "M": ((date.min, "gcc@=8.5.0"), (date(2023, 11, 1), "gcc@=10.2.1")),
}  # fmt: skip
# Python packages (True) differ from the others: the platforms a package is built for, the hashes
# of one build in a weekly tag, the variants of a build.
PLATFORM_SETS = {
    True: {"O": 124, "ADX": 66, "AX": 38, "ADORX": 27, "R": 22, "ADOX": 19, "M": 11, "ADMORX": 5,
           "ADRX": 5, "AORX": 5, "OR": 5, "AOX": 4, "AD": 4, "MO": 4, "DX": 3, "ADEMORX": 2},
    False: {"O": 90, "M": 40, "EO": 28, "E": 27, "ADEMORX": 23, "R": 17, "ER": 13, "MO": 13,
            "AEMORX": 13, "ADX": 13, "EOR": 13, "OR": 10, "ADEORX": 8, "ADEMRX": 7, "EMOR": 7,
            "AX": 5, "AEX": 4, "ADEOX": 3, "AMORX": 3, "MOR": 3, "EM": 2, "EMR": 2, "AEORX": 2},
}  # fmt: skip
HASHES = {
    True: {1: 219, 2: 226, 3: 140, 4: 134, 5: 62, 6: 45, 7: 24, 8: 14, 9: 5, 10: 3},
    False: {1: 368, 2: 326, 3: 188, 4: 91, 5: 27, 6: 14, 7: 7, 8: 2, 9: 1},
}
VARIANT_COUNTS = {
    True: {1: 17, 2: 2, 4: 1},
    False: {1: 70, 2: 12, 3: 12, 4: 22, 5: 20, 6: 10, 7: 10, 9: 10, 12: 9, 14: 7, 19: 6, 25: 5,
            49: 4, 80: 1},
}  # fmt: skip
# How many (version, variants) lines a package is built in, and where those after the first are.
LINES = {1: 653, 2: 58, 3: 10, 4: 2, 5: 7, 8: 1, 10: 1}
LINE_PLATFORMS, FLIPPED = {1: 86, 2: 22, 3: 15, 4: 4}, 0.8
BUILD_SYSTEMS = {"autotools": 194, "cmake": 156, "generic": 56, "makefile": 26, "cargo": 4,
                 "lua": 4, "meson": 3, "bundle": 3, "go": 2, "perl": 1, "ruby": 1}  # fmt: skip
PATCHED, PATCHES = {True: 0.04, False: 0.16}, {1: 58, 2: 10, 3: 11, 4: 7, 11: 1, 26: 1}
VARIANT_NAMES, SHORT_VERSION = 767, 0.13
# The commonest variants, commonest first; the others are made up.
VARIANTS = words("""+shared ~cuda ~rocm +pic +mpi ~debug libs=shared,static ~openmp ~python +libxml2
+fortran ~sycl +zlib ~docs ~tests ~int64 ~examples ~hwloc ~test +readline +sqlite3 +ssl +pci ~hdf5
~omptarget +lzma +dbm +pyexpat +uuid +pythoncmd ~optimizations +bz2 ~tkinter ~nis +ctypes cxxstd=17
~doc ~szip +serial +tools ~complex ~opencl ~verbs ~threadsafe ~java ~hypre ~nvml +xz ~gdb +jpeg
precision=double +static tests=none ~icu api=default ~xpmem pmi=default ~argobots netmod=ofi ~slurm
visibility=hidden ~signals fetcher=curl ~numa ~nls +crypt +cxx ~ldap ~gssapi +hl""")

# Packages of every tag, built everywhere; then the two whose develop pages run to a megabyte.
WELL_KNOWN = words("""boost cmake curl gmake hdf5 mpich ncurses ninja openblas openmpi openssl
perl petsc py-filelock py-numpy py-pip py-scipy py-setuptools py-torch python sqlite xz zlib
zlib-ng""")
HUBS, HUB_VARIANTS, HUB_REBUILDS = ("perl", "python"), 20, 60
PREFIXES = {"py-": 363, "": 345, "r-": 20, "lua-": 6, "perl-": 5, "intel-": 3, "util-": 2}
SYLLABLES = words("""al ar bi bo ca chem cor da des dy el fa fer flo ga gen gra ha hy im ix jo ka
ki lam lib lo ma me mo na net no op or pa phy plo qua ra re ri sa si spa sta ta tel ten to tri um
va ve vi xe yo zar zo""")


class Totals(NamedTuple):
    """What was written: pages, spec rows, distinct hashes, distinct builds, tags."""

    pages: int
    placements: int
    hashes: int
    builds: int
    tags: int


class Build(NamedTuple):
    """What is built, and for what; rebuilds differ by hash only. Variants are sorted."""

    package: str
    version: str
    compiler: str
    os: str
    platform: str
    target: str
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """One binary: the same wherever it is placed. Variants are in the order pages list them."""

    hash: str
    build: Build
    variants: Sequence[str]
    stacks: Sequence[str]


@dataclass(slots=True)
class Slot:
    """One platform of one line of a package, and the specs alive there."""

    letter: str
    line: int
    build: Build
    specs: list[Spec]


@dataclass(slots=True)
class Package:
    """A package in the population: its (version, variants) lines, and its slots while alive."""

    name: str
    lines: list[tuple[str, tuple[str, ...]]]
    slots: list[Slot] = field(default_factory=list)


# Pages ------------------------------------------------------------------------------------------


def has_sorted_keys(tag: str) -> bool:
    """Return whether pages of `tag` have sorted keys and no tarball (the later eras)."""
    if tag.startswith("develop-"):
        return date.fromisoformat(tag.removeprefix("develop-")) >= SORTED_KEYS
    return tag.startswith(SORTED_RELEASES)


def row_of(spec: Spec, stacks: Sequence[str], tag: str) -> dict[str, object]:
    """Return the row of one spec on a page of `tag`, its stacks in the order given."""
    b = spec.build
    row: dict[str, object] = {
        "hash": spec.hash,
        "compiler": b.compiler,
        "versions": [b.version],
        "os": b.os,
        "platform": b.platform,
        "target": b.target,
        "variants": spec.variants,
        "stacks": stacks,
        "size": "-",
    }
    if not has_sorted_keys(tag):
        compiler = b.compiler.replace("@=", "-").replace("@", "-")
        arch, name = f"{b.platform}-{b.os}-{b.target}", f"{b.package}-{b.version}"
        row["tarball"] = (
            f"https://binaries.spack.io/{tag}/build_cache/{arch}/{compiler}/{name}/"
            f"{arch}-{compiler}-{name}-{spec.hash}.spack"
        )
    return row


def page_text(tag: str, package: str, rows: Sequence[tuple[Spec, Sequence[str]]]) -> str:
    """Return the page of `package` with its specs, and their stacks, in the order given."""
    sorted_keys = has_sorted_keys(tag)
    builds = dict.fromkeys(spec.build for spec, _ in rows)
    by_stack = Counter(stack for _, stacks in rows for stack in stacks)
    meta: dict[str, object] = {
        "versions": sorted({b.version for b in builds}),
        "compilers": sorted({b.compiler for b in builds}),
        "oss": sorted({b.os for b in builds}),
        "platforms": sorted({b.platform for b in builds}),
        "targets": sorted({b.target for b in builds}),
        "stacks": sorted(by_stack),
        "num_specs": len(rows),
        "num_specs_by_stack": by_stack,
    }
    details = [row_of(spec, stacks, tag) for spec, stacks in rows]
    return (
        f'---\ntitle: "{package}"\nlayout: cache\ncategories: [package, {tag}]\n'
        f"meta: {json.dumps(meta, sort_keys=sorted_keys)}\n"
        f"spec_details: {json.dumps(details, sort_keys=sorted_keys)}\n---"
    )


def write_page(out: Path, tag: str, package: str, text: str) -> Path:
    """Write one page below `out` and return its path."""
    path = out / tag / package / "specs.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as page:
        page.write(text)
    return path


def read_page(path: Path) -> list[tuple[Spec, Sequence[str]]]:
    """Return the specs of a page of such a tree, each with its stacks, in the page's order."""
    lines = path.read_text(encoding="utf-8").split("\n")
    details = next(line for line in lines if line.startswith("spec_details: "))
    rows: list[tuple[Spec, Sequence[str]]] = []
    for row in json.loads(details.removeprefix("spec_details: ")):
        variants, version = tuple(sorted(row["variants"])), row["versions"][0]
        platform = row["os"], row["platform"], row["target"]
        build = Build(path.parent.name, version, row["compiler"], *platform, variants)
        rows.append((Spec(row["hash"], build, row["variants"], row["stacks"]), row["stacks"]))
    return rows


class Tree:
    """The tree being written, and the count of what is in it."""

    def __init__(self, out: Path, rng: random.Random) -> None:
        self.out, self.rng = out, rng
        self.pages = self.placements = 0
        self.tags: set[str] = set()
        self.specs: dict[Spec, None] = {}

    def write_tag(self, tag: str, specs: Iterable[Spec]) -> None:
        """Write every page of one tag, specs and stacks shuffled."""
        by_package: dict[str, list[Spec]] = {}
        for spec in specs:
            by_package.setdefault(spec.build.package, []).append(spec)
        for package, placed in by_package.items():
            self.rng.shuffle(placed)
            rows = [(spec, self.rng.sample(spec.stacks, len(spec.stacks))) for spec in placed]
            write_page(self.out, tag, package, page_text(tag, package, rows))
            self.specs.update(dict.fromkeys(placed))
            self.placements += len(placed)
        self.pages += len(by_package)
        self.tags.add(tag)

    def totals(self) -> Totals:
        """Return the count of everything written so far."""
        builds = {spec.build for spec in self.specs}
        return Totals(self.pages, self.placements, len(self.specs), len(builds), len(self.tags))


# The population ---------------------------------------------------------------------------------


def pick(rng: random.Random, weights: dict[T, int]) -> T:
    """Return one key, drawn by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def is_python(name: str) -> bool:
    """Return whether a package is a Python package."""
    return name.startswith("py-")


def word(rng: random.Random) -> str:
    """Return a made-up word of two or three syllables."""
    return "".join(rng.choices(SYLLABLES, k=rng.choice((2, 2, 3))))


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Return `count` of `items`, the first and the last among them, evenly spaced."""
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def compiler_on(letter: str, day: date) -> str:
    """Return the compiler of a platform on `day`, as pages of that era write it."""
    if day >= NO_COMPILERS:
        return "none"
    compiler = [name for since, name in COMPILERS[letter] if since <= day][-1]
    return compiler if day >= EXACT_COMPILERS else compiler.replace("@=", "@")


def new_spec(rng: random.Random, build: Build, stacks: Sequence[str]) -> Spec:
    """Return one more binary of a build, with a made-up DAG hash: 32 characters of [a-z2-7]."""
    variants = rng.sample(build.variants, len(build.variants))
    return Spec(base64.b32encode(rng.randbytes(20)).decode().lower(), build, variants, stacks)


class Population:
    """All packages there will ever be, and the specs alive on the current day."""

    def __init__(self, rng: random.Random, packages: int) -> None:
        self.rng, self.day = rng, date.min
        variants = dict.fromkeys(VARIANTS)
        while len(variants) < VARIANT_NAMES:
            sign, value = rng.choice((("~", ""), ("~", ""), ("+", ""), ("+", ""), ("", "=auto")))
            variants[sign + word(rng) + value] = None
        # Variants differ in popularity as words do.
        self.variants = {variant: 10_000 // (i + 8) for i, variant in enumerate(variants)}
        names = dict.fromkeys(WELL_KNOWN)
        while len(names) < packages:
            names[pick(rng, PREFIXES) + word(rng)] = None
        self.absent = [Package(name, self.new_lines(name)) for name in names]
        self.alive: list[Package] = []

    def new_lines(self, name: str) -> list[tuple[str, tuple[str, ...]]]:
        """Return the (version, variants) pairs in which a package is built."""
        version, variants = self.new_version(), self.new_variants(name)
        lines = [(version, variants)]
        for _ in range(pick(self.rng, LINES) - 1):
            flags = [variant for variant in variants if variant[0] in "+~"]
            if flags and self.rng.random() < FLIPPED:
                flag = self.rng.choice(flags)
                flipped = {*variants} - {flag} | {("+" if flag[0] == "~" else "~") + flag[1:]}
                lines.append((version, tuple(sorted(flipped))))
            else:
                lines.append((self.new_version(), variants))
        return lines

    def new_version(self) -> str:
        """Return a version of three numbers, sometimes two."""
        numbers = [self.rng.randrange(limit) for limit in (9, 30, 12)]
        return ".".join(map(str, numbers[: 2 if self.rng.random() < SHORT_VERSION else 3]))

    def new_variants(self, name: str) -> tuple[str, ...]:
        """Return the sorted variants of a package, its build system among them."""
        python, rng = is_python(name), self.rng
        system = "python_pip" if python else pick(rng, BUILD_SYSTEMS)
        chosen = {f"build_system={system}"}
        if system == "cmake":
            chosen |= {"build_type=Release", "generator=make", "~ipo"}
        if rng.random() < PATCHED[python]:
            patches = sorted(f"{rng.getrandbits(28):07x}" for _ in range(pick(rng, PATCHES)))
            chosen.add("patches=" + ",".join(patches))
        count = HUB_VARIANTS if name in HUBS else pick(rng, VARIANT_COUNTS[python])
        while len(chosen) < count:
            chosen.add(pick(rng, self.variants))
        return tuple(sorted(chosen))

    def new_slot(self, package: Package, letter: str, line: int) -> Slot:
        """Return a platform of a package with the builds of the current day."""
        version, variants = package.lines[line]
        os, platform, target = PLATFORMS[letter]
        compiler = compiler_on(letter, self.day)
        build = Build(package.name, version, compiler, os, platform, target, variants)
        specs = []
        for _ in range(pick(self.rng, HASHES[is_python(package.name)])):
            stacks = (*pick(self.rng, STACKS[letter]).split(), "root")
            specs.append(new_spec(self.rng, build, stacks))
        return Slot(letter, line, build, specs)

    def arrive(self, package: Package) -> None:
        """Bring a package to life: its first line everywhere, the others here and there."""
        python = is_python(package.name)
        letters = pick(self.rng, PLATFORM_SETS[python])
        if package.name in WELL_KNOWN:
            letters = "ADORX" if python else "ADEMORX"
        package.slots = [self.new_slot(package, letter, 0) for letter in letters]
        for line in range(1, len(package.lines)):
            some = self.rng.sample(letters, min(pick(self.rng, LINE_PLATFORMS), len(letters)))
            package.slots += [self.new_slot(package, letter, line) for letter in some]

    def move_to(self, day: date, packages: int) -> None:
        """Go on to `day`: rebuild, replace versions, and end with about `packages` alive."""
        self.day = day
        for package in self.alive:
            self.age(package)
        gone = {p.name for p in self.alive if self.rng.random() < LEAVE} - set(WELL_KNOWN)
        leaving = [p for p in self.alive if p.name in gone]
        self.alive = [p for p in self.alive if p.name not in gone]
        missing = max(0, packages - len(self.alive))
        arriving, self.absent = self.absent[:missing], self.absent[missing:] + leaving
        for package in arriving:
            self.arrive(package)
        self.alive += arriving

    def age(self, package: Package) -> None:
        """Replace what changes of one package between two tags."""
        line = self.rng.randrange(len(package.lines))
        replaced = self.rng.random() < NEW_VERSION
        if replaced:
            package.lines[line] = (self.new_version(), package.lines[line][1])
        for i, slot in enumerate(package.slots):
            stale = slot.build.compiler != compiler_on(slot.letter, self.day)
            if stale or (replaced and slot.line == line) or self.rng.random() < RECOUNT:
                package.slots[i] = self.new_slot(package, slot.letter, slot.line)
                continue
            slot.specs = [
                new_spec(self.rng, slot.build, s.stacks) if self.rng.random() < REBUILD else s
                for s in slot.specs
            ]

    def specs(self) -> list[Spec]:
        """Return every spec alive."""
        return [spec for p in self.alive for slot in p.slots for spec in slot.specs]


# The tree ---------------------------------------------------------------------------------------


def develop_specs(population: Population, weeks: Sequence[Sequence[Spec]], rows: int) -> list[Spec]:
    """Return what develop holds: the weeks, latest first, the packages in no week, and rebuilds."""
    rng = population.rng
    placed = list(dict.fromkeys(spec for week in reversed(weeks) for spec in week))
    del placed[max(len(weeks[-1]), int(rows * DEVELOP_FROM_WEEKS)) :]
    for package in population.absent:
        population.arrive(package)
        placed += [spec for slot in package.slots for spec in slot.specs]
    missing = max(0, rows - len(placed))
    weights = [HUB_REBUILDS if spec.build.package in HUBS else 1 for spec in placed]
    again = rng.choices(placed, weights, k=missing)
    return placed + [new_spec(rng, spec.build, spec.stacks) for spec in again]


def release_specs(rng: random.Random, week: Sequence[Spec]) -> list[Spec]:
    """Return the part of a week that a release keeps, the well-known packages whole."""
    packages = dict.fromkeys(spec.build.package for spec in week)
    part = {package for package in packages if rng.random() < RELEASE_PACKAGE}
    return [
        spec
        for spec in week
        if spec.build.package in WELL_KNOWN
        or (spec.build.package in part and rng.random() < RELEASE_SPEC)
    ]


def generate(out: Path, *, scale: float = 1.0, seed: int = 1) -> Totals:
    """Write a whole tree below `out`, the same for the same scale and seed; return its size."""
    rng = random.Random(seed)
    tree = Tree(out, rng)
    by_tags = min(1.0, scale**0.5)
    by_packages = scale / by_tags
    days = [LAST_WEEK - WEEK_STEP * i for i in reversed(range(WEEKLY_TAGS))]
    days = evenly(days, max(FEWEST_WEEKLY_TAGS, round(len(days) * by_tags)))
    names = evenly(list(RELEASES), max(FEWEST_RELEASES, round(len(RELEASES) * by_tags)))
    releases = [(name, next((d for d in days if d >= RELEASES[name]), days[-1])) for name in names]
    rows = round(DEVELOP_ROWS * scale ** (DEVELOP_EXPONENT if scale < 1 else 1))
    smallest = len(WELL_KNOWN) + 8
    population = Population(rng, max(smallest + 8, round(PACKAGES * by_packages)))
    weeks: list[list[Spec]] = []
    for i, day in enumerate(days):
        pages = FIRST_WEEK_PAGES + (LAST_WEEK_PAGES - FIRST_WEEK_PAGES) * i / (len(days) - 1)
        if day >= NO_COMPILERS and weeks:
            tree.write_tag("develop", develop_specs(population, weeks, rows))
            weeks = []
        population.move_to(day, max(smallest, round(pages * by_packages)))
        week = population.specs()
        tree.write_tag(f"develop-{day}", week)
        for name in (name for name, week_day in releases if week_day == day):
            tree.write_tag(name, release_specs(rng, week))
        if EXACT_COMPILERS <= day < NO_COMPILERS:
            weeks.append(week)
    return tree.totals()


def add_weekly_tag(out: Path, *, tag: str, specs: int, seed: int) -> Totals:
    """Write a tag of `specs` specs of develop, at most all of them; return the size of the tag."""
    rng = random.Random(seed)
    pages = sorted((out / "develop").glob("*/specs.md"))
    rows = [spec for page in pages for spec, _ in read_page(page)]
    part = {page.parent.name for page in rng.sample(pages, len(pages) * 2 // 3)}
    rng.shuffle(rows)
    # One spec of each well-known package first, then the packages of this week, then the others.
    rows.sort(key=lambda spec: spec.build.package not in part)
    first = {s.build.package: s for s in rows if s.build.package in WELL_KNOWN}
    chosen = list(dict.fromkeys([*first.values(), *rows]))[:specs]
    tree = Tree(out, rng)
    tree.write_tag(tag, chosen)
    return tree.totals()


def touch_one_page(out: Path, *, seed: int) -> Path:
    """Add one spec with a new hash to one page of develop; return the page's path."""
    rng = random.Random(seed)
    path = rng.choice(sorted((out / "develop").glob("*/specs.md")))
    rows = read_page(path)
    like = rng.choice(rows)[0]
    # The hash depends on the page's length, so that a second call adds another one.
    spec = new_spec(
        random.Random(f"{seed} {path.parent.name} {len(rows)}"), like.build, like.stacks
    )
    rows.insert(rng.randrange(len(rows) + 1), (spec, spec.stacks))
    package = path.parent.name
    return write_page(out, "develop", package, page_text("develop", package, rows))


def main() -> None:
    """Run the command line: write a tree, and say how large it is and how long it took."""
    parser = argparse.ArgumentParser(description="Write a tree of build-cache package pages.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the whole site")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    totals = generate(options.out, scale=options.scale, seed=options.seed)
    print(totals, f"in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
