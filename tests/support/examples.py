"""How many examples a law is tried with: few whenever all tests run, many in a soak."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

__all__ = ["PROFILE", "SOAK_PROFILE", "examples", "is_soak"]

PROFILE, SOAK_PROFILE = "cachesync", "cachesync-soak"
_Law = TypeVar("_Law", bound=Callable[..., Any])


def is_soak() -> bool:
    """Whether it is the long runs that were asked for (`pytest -m soak`)."""
    return settings.get_current_profile_name() == SOAK_PROFILE


def examples(few: int, many: int, **more: Any) -> Callable[[_Law], _Law]:
    """Hypothesis' settings for a law that is part of every run, with `few`, and of a soak, with `many`.

    `more` is what else `hypothesis.settings` takes.
    """

    def tried(law: _Law) -> _Law:
        tested = settings(max_examples=many if is_soak() else few, **more)(law)
        if is_soak():
            pytest.mark.soak(
                getattr(tested, "TestCase", tested)
            )  # of a state machine it is the test
        return tested

    return tried
