"""What to type to install what was found: see `display.install`, for which this reads what is known of mirrors."""

from __future__ import annotations

from ..ledger import connect, log
from ..search.answers import Answer
from . import paths
from .configuration import load_config
from .display.install import Installation, buckets, choose, indexed, mirrors
from .options import Globals

__all__ = ["installations"]


def installations(options: Globals, answer: Answer) -> list[Installation]:
    """One for each hit of an answer."""
    config, state_dir = load_config(options), paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            indexes = log.mirrors(db)
        finally:
            db.close()
    known, every, asked = mirrors(config, indexes), indexed(config, indexes), buckets(config)
    return [choose(hit, known, every, asked) for hit in answer.hits]
