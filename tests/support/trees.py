"""Whole trees of pages: copied, and put in place of another."""

import shutil
from pathlib import Path


def copy_tree(origin: Path, to: Path) -> None:
    """A writable copy of a page set."""
    shutil.copytree(origin, to, copy_function=shutil.copyfile)
    for directory in [to, *(d for d in to.rglob("*") if d.is_dir())]:
        directory.chmod(0o755)


def replace_tree(origin: Path, at: Path) -> None:
    """Make the tree at `at` what `origin` is, touching only what differs."""
    wanted = {p.relative_to(origin) for p in origin.rglob("specs.md")}
    for path in list(at.rglob("specs.md")):
        if path.relative_to(at) not in wanted:
            path.unlink()
            path.parent.rmdir()
    for relative in wanted:
        data, target = (origin / relative).read_bytes(), at / relative
        if not target.exists() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
