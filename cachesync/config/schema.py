"""What may stand in a configuration: every key, how it is read, and the rules between keys.

The machinery is in `yamlschema`, the single values in `scalars`, what comes out in `settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import query
from ..diff import Guard
from ..errors import QueryError
from ..model import TOLD
from ..net import address
from . import reach, rules, scalars, settings
from .secretkeys import SECRET
from .sourcekeys import SOURCE
from .yamlnodes import InvalidError, Node, Problem, problem_at, refuse
from .yamlschema import (
    Fields,
    Key,
    Kinds,
    ListOf,
    Record,
    boolean,
    choice,
    fraction,
    integer,
    scalar,
)

__all__ = ["PART", "SCHEMA"]

_TEXT = scalar(str)
_WORD = scalar(scalars.word)


# -- subscriptions


def _query(node: Node) -> tuple[str, query.Node]:
    text = _TEXT(node)
    try:
        return text, query.parse(text)
    except QueryError as error:
        where = f" (at character {error.position + 1} of the query)"
        hint = f"; {error.hint}" if error.hint else ""
        problem = problem_at(node, error.message + where + hint)
        raise InvalidError([_point_into(problem, node, text, error.position)]) from None


def _point_into(problem: Problem, node: Node, text: str, position: int) -> Problem:
    """The problem at the character of a scalar that stands as it is in one line, else unmoved."""
    start, end = node.start_mark, node.end_mark
    quotes = end.column - start.column - len(text)
    if start.line != end.line or quotes not in (0, 2):  # folded, or with escapes
        return problem
    return problem._replace(column=problem.column + quotes // 2 + position)


def _subscription(**values: Any) -> settings.Subscription:
    text, condition = values.pop("query")
    return settings.Subscription(query=text, condition=condition, **values)


def _argv(node: Node) -> tuple[str, ...]:
    words = _WORDS(node)
    if not words[0] or ("/" in words[0] and not words[0].startswith("/")):
        refuse(
            node.value[0], "expected the absolute path of a program, or a name to be found in PATH"
        )
    return words


_WORDS = ListOf(scalar(scalars.program_word))
_TYPE = Key(_TEXT)
_TIMEOUT = Key(scalar(scalars.positive_duration), "timeout_seconds")
_TARGET: Kinds[settings.Target] = Kinds(
    {
        "webhook": Record(
            settings.WebhookTarget,
            {
                "type": _TYPE,
                "url": Key(scalar(address.webhook_url), required=True),
                "secret": Key(ListOf(SECRET, single=True), "secrets"),
                "format": Key(choice({kind.value: kind for kind in settings.WebhookFormat})),
                "allow_private": Key(boolean),
                "proxy": reach.OF_TARGET,
                "timeout": _TIMEOUT,
            },
            rules=(rules.address_is_public,),
        ),
        "apprise": Record(
            settings.AppriseTarget,
            {"type": _TYPE, "url": Key(SECRET, required=True), "timeout": _TIMEOUT},
        ),
        "command": Record(
            settings.CommandTarget,
            {"type": _TYPE, "argv": Key(_argv, required=True), "timeout": _TIMEOUT},
        ),
    }
)


class _Targets(ListOf[settings.Target]):
    """Reads the targets of a subscription, no two of which may be the same."""

    def __call__(self, node: Node) -> tuple[settings.Target, ...]:
        values = super().__call__(node)
        problems = list(rules.repeated_targets(node.value, values))
        if problems:
            raise InvalidError(problems)
        return values


_BATCH = Record(
    settings.Batch,
    {
        "window": Key(scalar(scalars.duration), "window_seconds"),
        "most": Key(integer(minimum=1)),
        "summary_above": Key(integer(minimum=1)),
        "size": Key(scalar(scalars.message_size), "size_bytes"),
    },
)
_SUBSCRIPTION = Record(
    _subscription,
    {
        "name": Key(scalar(scalars.subscription_name), required=True),
        "query": Key(_query, required=True),
        "events": Key(ListOf(choice({kind.label: kind for kind in TOLD}), unique=())),
        "first": Key(scalar(scalars.first)),
        "batch": Key(_BATCH),
        "backfill": Key(boolean),
        "targets": Key(_Targets(_TARGET), required=True),
    },
    rules=(rules.backfill_is_subscribed,),
)
_SUBSCRIPTIONS = ListOf(_SUBSCRIPTION, empty=True, unique=("name",))


def _part(subscriptions: tuple[settings.Subscription, ...]) -> tuple[settings.Subscription, ...]:
    return subscriptions


PART = Record(_part, {"subscriptions": Key(_SUBSCRIPTIONS, required=True)})
"""What may stand in a file of `subscriptions.d`."""


# -- the whole


def _cap_rule(fields: Fields) -> Iterator[Problem]:
    watch = settings.Watch()
    quiet = fields.values.get("quiet", watch.quiet_seconds)
    if fields.values.get("cap", watch.cap_seconds) < quiet:
        yield problem_at(fields.node, f"cap ({watch.cap_seconds:g}s unless given) is below quiet")


_POSITIVE = scalar(scalars.positive_duration)
_SIZE = scalar(scalars.size)

SCHEMA = Record(
    reach.settled,
    {
        "sources": Key(ListOf(SOURCE, empty=True, unique=("name",))),
        **reach.keys(SECRET),
        "watch": Key(
            Record(
                settings.Watch,
                {
                    "quiet": Key(_POSITIVE, "quiet_seconds"),
                    "cap": Key(_POSITIVE, "cap_seconds"),
                    "mode": Key(choice({mode.value: mode for mode in settings.WatchMode})),
                    "every": Key(_POSITIVE, "every_seconds"),
                },
                rules=(_cap_rule,),
            )
        ),
        "limits": Key(
            Record(
                settings.Limits,
                {
                    "page": Key(_SIZE, "page_bytes"),
                    "download": Key(_SIZE, "download_bytes"),
                    "request": Key(_POSITIVE, "request_seconds"),
                },
            )
        ),
        "guard": Key(
            Record(
                Guard,
                {"removal_fraction": Key(fraction), "removal_minimum": Key(integer(minimum=0))},
            )
        ),
        "subscriptions": Key(_SUBSCRIPTIONS),
        "metrics": Key(
            Record(
                lambda listen: settings.Metrics(*listen),
                {"listen": Key(scalar(scalars.listen), required=True)},
            )
        ),
        "log": Key(
            Record(
                settings.Log,
                {
                    "format": Key(choice({kind.value: kind for kind in settings.LogFormat})),
                    "level": Key(choice({level.value: level for level in settings.LogLevel})),
                },
            )
        ),
    },
)
