"""`cachesync config`: whether the configuration is in order, and what applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import click

from ...config import parts, shown
from ...config.file import SYSTEM_FILE, Why, refuse_values
from ...config.settings import Config
from ...config.sourceconfigs import BuildcacheSourceConfig
from ...errors import CachesyncError, UsageError
from .. import files, paths, sourceless
from ..configuration import find_config, found_config, load_config
from ..display import answer as answers
from ..display import leftopen, output
from ..options import Globals
from ..targets import require_extras

__all__ = ["config"]


@click.group(short_help="Check the configuration; what applies, and from where.")
def config() -> None:
    """The configuration."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def check(options: Globals, as_json: bool) -> int:
    """Read the configuration and print every problem, with line numbers. Ends with 2 for a problem.

    So are the files of subscriptions.d beside it. The files that it names are looked at too: that certificates (ca_file) and secrets (file) can be read
    and hold what they should, that programs of targets can be run; where this user may not look, or a
    source's directory is not there, is a note. What the environment and systemd hold, and the network,
    is for `cachesync doctor`.
    """
    path = find_config(options)
    if path is None:
        raise UsageError("there is no config file", hint="name one with --config FILE")
    try:
        loaded = load_config(options)
        require_extras(loaded)
        looks = list(files.look(loaded))
        wrong = {found.path: found.text for found in looks if found.state == "error"}
        refused = sourceless.refused(options, loaded)
        refuse_values(path, wrong if refused is None else {**wrong, "sources": refused})
    except CachesyncError as error:
        if as_json:
            _print_json(path, problems=error.problems or (error.message,))
        raise
    for entry in loaded.subscriptions if _reads_pages(loaded) else ():
        for said in leftopen.unsaid_of(entry.condition).values():
            answers.note(f"subscription {entry.name}: {said}")
    _tell(path, loaded, looks, lacking=sourceless.lacking(options, loaded), as_json=as_json)
    return 0


def _reads_pages(config: Config) -> bool:
    """Whether a source is one of pages; of a build cache everything is told."""
    return any(not isinstance(source, BuildcacheSourceConfig) for source in config.sources)


def _tell(
    path: Path, config: Config, looks: Sequence[files.Look], *, lacking: str | None, as_json: bool
) -> None:
    """Print that a configuration is in order, and what is to know besides."""
    notes = [found.text for found in looks if found.state != "ok"]
    is_empty = not config.sources and not config.subscriptions
    if lacking is not None and (as_json or not is_empty):
        notes.append(lacking)
    if as_json:
        counts = {"sources": len(config.sources), "subscriptions": len(config.subscriptions)}
        _print_json(path, notes=notes, counts=counts, files=_beside(path))
        return
    for text in notes:
        answers.note(text)
    if is_empty:
        needed = "" if lacking is None else "; `run` needs a source"
        print(output.visible(f"{path}: it names no source and no subscription{needed}"))
        return
    sources = output.number(len(config.sources), "source")
    subscriptions = output.number(len(config.subscriptions), "subscription")
    beside = len(_beside(path))
    more = f"; {output.number(beside, 'file')} of {parts.DIRECTORY} read too" if beside else ""
    print(output.visible(f"{path}: ok, {sources}, {subscriptions}{more}"))


def _beside(path: Path) -> list[str]:
    """The files that are read with a configuration."""
    return [str(file) for file in parts.files(path)]


_CONFIG_REASONS = {
    Why.OPTION: "--config",
    Why.UNIT: "$CONFIGURATION_DIRECTORY",
    Why.OWN: "your own",
    Why.SYSTEM: "the service's; you have none of your own",
}
_REASONS = {
    paths.Why.OPTION: "--state-dir",
    paths.Why.VARIABLE: "$STATE_DIRECTORY",
    paths.Why.SYSTEM: "the service's, which is there",
    paths.Why.OWN: f"your own; there is no {paths.SYSTEM_STATE}",
}


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def show(options: Globals, as_json: bool) -> int:
    """Print which configuration and which state directory apply, and why; the daemon's pid; the settings.

    The settings are all that apply, those that no file names too. Of secrets only where they are found.
    """
    from ...daemon import runtime

    found = found_config(options)
    settings = shown.document(load_config(options))
    state_dir, why = paths.state_dir(options), paths.why(options)
    daemon = runtime.running(state_dir)
    beside = [] if found is None else _beside(found.path)
    pid = None if daemon is None else daemon["pid"]
    if as_json:
        output.print_json(
            {
                "config": None if found is None else str(found.path),
                "config_why": None if found is None else found.why.value,
                "files": beside,
                "state_dir": {"path": str(state_dir), "why": why.value},
                "daemon": None if pid is None else {"pid": pid},
                "settings": settings,
            }
        )
        return 0
    for name, text in (
        ("config", f"none; the defaults apply, as there is no {SYSTEM_FILE}" if found is None
         else f"{found.path} ({_CONFIG_REASONS[found.why]})"),
        *((("with", " ".join(beside)),) if beside else ()),
        ("state directory", f"{state_dir} ({_REASONS[why]})"),
        ("daemon", "not running" if pid is None else f"pid {pid}"),
        ("settings", ""),
    ):  # fmt: skip
        print(output.visible(f"{name}: {text}".rstrip()))
    import yaml

    for line in yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).splitlines():
        print(output.visible(f"  {line}"))
    return 0


def _print_json(
    path: Path,
    *,
    problems: Sequence[str] = (),
    notes: Sequence[str] = (),
    counts: Mapping[str, int] = MappingProxyType({}),
    files: Sequence[str] | None = None,
) -> None:
    told = {"config": str(path), "ok": not problems, "problems": list(problems)}
    read = {} if files is None else {"files": list(files)}
    output.print_json({**told, "notes": list(notes), **counts, **read})
