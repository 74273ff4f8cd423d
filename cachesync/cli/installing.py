"""What to type to install what was found: see `display.install`, for which this reads what is known of mirrors.

What this machine runs is preferred, as far as the query does not say for which machine it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import query
from ..ledger import connect, log
from ..query.machine import named
from ..search.answers import Answer, Hit
from ..spack.machine import Fit, Machine, fit
from . import paths
from .configuration import load_config
from .display.answer import note
from .display.install import Installation, buckets, choose, indexed, mirrors
from .options import Globals
from .thismachine import this_machine

__all__ = ["Preference", "installations", "preference", "sentence"]


class Preference(NamedTuple):
    """A machine whose builds come first."""

    machine: Machine
    is_any_system: bool = False
    """Whether the query says which system is meant, so that only the processor has to suit."""

    def rank(self, platform: str, os: str, target: str) -> Fit:
        """How well a build suits: the order they are in."""
        system = self.machine.os if self.is_any_system else os
        return fit(self.machine, platform, system or os, target)

    def of(self, hit: Hit) -> Fit:
        """How well a hit suits."""
        return self.rank(hit.build.platform, hit.build.os, hit.build.target)


def preference(node: query.Node, runs_on: str | None, machine: Machine) -> Preference | None:
    """What is preferred; None where the query, or `--runs-on`, says which target or platform is meant.

    `--runs-on host` means this machine, as does who says nothing.
    """
    said = named(node) - ({"target"} if runs_on == "host" else set())
    return None if said & {"target", "platform"} else Preference(machine, "os" in said)


def preferred(node: query.Node, runs_on: str | None) -> Preference | None:
    """The same for the machine that this runs on."""
    return preference(node, runs_on, this_machine())


def sentence(prefer: Preference, hits: Sequence[Hit]) -> str | None:
    """What there is to say of hits that are shown and are not for this machine, if anything."""
    fits = [prefer.of(hit) for hit in hits]
    best = min(fits, default=Fit.SAME)
    told = best if best == Fit.OTHER_SYSTEM else Fit.NOT
    wrong = [hit.build for hit, how in zip(hits, fits, strict=True) if how == told]
    shown = ", ".join(dict.fromkeys(f"{one.platform}-{one.os}-{one.target}" for one in wrong))
    if best == Fit.NOT:
        return f"none of these runs on this machine ({prefer.machine}): shown for {shown}"
    if best == Fit.OTHER_SYSTEM:
        return (
            f"none of these is for the system of this machine ({prefer.machine}): shown for {shown},"
            " which runs here if the C library is no older than there"
        )
    if wrong:
        return f"{len(wrong)} of these do not run on this machine ({prefer.machine}): for {shown}"
    return None


def installations(
    options: Globals, answer: Answer, prefer: Preference | None
) -> list[Installation]:
    """One for each hit of an answer; it is said where they are not what is preferred."""
    said = None if prefer is None else sentence(prefer, answer.hits)
    if said is not None:
        note(said)
    config, state_dir = load_config(options), paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            indexes = log.mirrors(db)
        finally:
            db.close()
    known, every, asked = mirrors(config, indexes), indexed(config, indexes), buckets(config)
    made = [choose(hit, known, every, asked) for hit in answer.hits]
    return made if prefer is None else [one._replace(fit=prefer.of(one.hit)) for one in made]
