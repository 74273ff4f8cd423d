"""What may stand in an entry of `sources:`, by its type, and the rules between its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ..selection import Selection
from . import mirrors, reach, scalars, sourceconfigs
from .secretkeys import SECRET
from .yamlnodes import Problem, problem_at
from .yamlschema import (
    Fields,
    Key,
    Kinds,
    ListOf,
    Record,
    boolean,
    choice,
    exactly_one,
    integer,
    not_both,
    scalar,
)

__all__ = ["SOURCE"]

_TEXT = scalar(str)
_WORD = scalar(scalars.word)


def _source(make: Callable[..., Any]) -> Callable[..., Any]:
    def build(**values: Any) -> Any:
        globs = {key: values.pop(key) for key in ("tags", "packages") if key in values}
        if "cron" in values:
            values["interval_seconds"] = None
        return make(**values, selection=Selection(**globs))

    return build


def _globs(convert: Callable[[str], str]) -> dict[str, Key]:
    reader = ListOf(scalar(convert))
    return {"tags": Key(reader), "packages": Key(reader)}


_COMMON = {
    "name": Key(scalar(scalars.name), required=True),
    "type": Key(_TEXT),
    "notify_baseline": Key(boolean),
    "mirror": Key(scalar(scalars.mirror)),
}
_REACH = reach.keys(SECRET)
_INTERVAL = Key(scalar(scalars.schedule_interval), "interval_seconds")
_SCHEDULE = {"every": _INTERVAL, "cron": Key(scalar(scalars.cron))}
_INNER_PATH = Key(scalar(scalars.inner_path))


def _template_rule(fields: Fields) -> Iterator[Problem]:
    url = fields.values.get("url")
    lists = [name for name in ("tags", "packages") if name in fields.places]
    if "urls" in fields.places or (url is not None and not scalars.is_template(url)):
        for name in lists:
            yield problem_at(
                fields.places[name], f"{name} goes with a url that holds {{tag}} and {{package}}"
            )
    elif url is not None:
        for name in ("tags", "packages"):
            if name not in lists:
                yield problem_at(fields.places["url"], f"a url template needs {name}")


_DIRECTORY = Record(
    _source(sourceconfigs.DirectorySourceConfig),
    {
        **_COMMON,
        **_globs(scalars.glob),
        "path": Key(scalar(scalars.absolute_path), required=True),
        "rescan": _INTERVAL,
    },
)
_GITHUB = Record(
    _source(sourceconfigs.GithubSourceConfig),
    {
        **_COMMON,
        **_globs(scalars.glob),
        **_SCHEDULE,
        **_REACH,
        "repository": Key(scalar(scalars.repository), required=True),
        "ref": Key(_WORD),
        "path": _INNER_PATH,
        "token": Key(SECRET),
        "api_url": Key(scalar(scalars.base_url)),
        "raw_url": Key(scalar(scalars.base_url)),
    },
    rules=(not_both("every", "cron"),),
)
_HTTP = Record(
    _source(sourceconfigs.HttpSourceConfig),
    {
        **_COMMON,
        **_globs(scalars.page_name),
        **_SCHEDULE,
        **_REACH,
        "url": Key(scalar(scalars.url_template)),
        "urls": Key(ListOf(scalar(scalars.url), unique=())),
    },
    rules=(not_both("every", "cron"), exactly_one("url", "urls"), _template_rule),
)
_ARCHIVE = Record(
    _source(sourceconfigs.ArchiveSourceConfig),
    {
        **_COMMON,
        **_globs(scalars.glob),
        **_SCHEDULE,
        **_REACH,
        "url": Key(scalar(scalars.url), required=True),
        "path": _INNER_PATH,
    },
    rules=(not_both("every", "cron"),),
)
_CREDENTIALS = Record(
    sourceconfigs.Credentials,
    {
        "username": Key(scalar(scalars.proxy_user)),
        "password": Key(SECRET),
        "access_key": Key(scalar(scalars.proxy_user)),
        "secret_key": Key(SECRET),
        "session_token": Key(SECRET),
    },
    rules=(exactly_one("username", "access_key"), mirrors.credentials_are_whole),
    expected="expected {username, password} of a registry, or {access_key, secret_key} of a bucket",
)
_BUILDCACHE = Record(
    _source(sourceconfigs.BuildcacheSourceConfig),
    {
        **_COMMON,
        **_globs(scalars.glob),
        **_SCHEDULE,
        **_REACH,
        "url": Key(scalar(mirrors.url)),
        "list": Key(scalar(scalars.url)),
        "mirrors": Key(scalar(scalars.absolute_path)),
        "stacks": Key(ListOf(scalar(scalars.glob))),
        "bucket_url": Key(scalar(scalars.base_url)),
        "credentials": Key(_CREDENTIALS),
        "endpoint": Key(scalar(scalars.base_url)),
        "region": Key(scalar(mirrors.region)),
        "anonymous": Key(boolean),
        "read": Key(choice({mode.value: mode for mode in sourceconfigs.ReadMode})),
        "view": Key(scalar(mirrors.view)),
        "views": Key(ListOf(scalar(mirrors.view), unique=())),
        "tag": Key(_WORD),
        "stack": Key(_WORD),
        "settle": Key(integer(minimum=1)),
    },
    rules=(
        not_both("every", "cron"),
        exactly_one("url", "list", "mirrors"),
        not_both("view", "views"),
        mirrors.keys_go_with_it,
        mirrors.has_tag,
        mirrors.has_stack,
    ),
)
SOURCE: Final[Kinds[sourceconfigs.SourceConfig]] = Kinds(
    {
        "directory": _DIRECTORY, "github": _GITHUB, "http": _HTTP, "archive": _ARCHIVE,
        "buildcache": _BUILDCACHE,
    }
)  # fmt: skip
