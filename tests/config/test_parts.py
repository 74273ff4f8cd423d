"""Files of `subscriptions.d`: read after the configuration, in the order of their names, under its bounds."""

import os

import pytest

from cachesync.config.file import Text, load, place_of, refuse_values
from cachesync.config.parts import DIRECTORY, MOST_FILES, files
from cachesync.config.reachvalues import SecretKind
from cachesync.config.secrets import named_in
from cachesync.errors import ConfigError

MAIN = "subscriptions:\n- {name: own, query: zlib, targets: [{type: command, argv: [logger]}]}\n"


def entry(name: str, *, target: str = "{type: command, argv: [logger]}") -> str:
    """A file with one subscription, whose name stands in line 2."""
    return f"subscriptions:\n- name: {name}\n  query: hdf5\n  targets: [{target}]\n"


@pytest.fixture
def main(tmp_path):
    """A configuration with one subscription of its own, and nothing beside it yet."""
    path = tmp_path / "cachesync.yaml"
    path.write_text(MAIN)
    (tmp_path / DIRECTORY).mkdir()
    return path


def put(main, name: str, text: str):
    """A file beside the configuration."""
    file = main.parent / DIRECTORY / name
    file.write_text(text)
    return file


def problems(main) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(main)
    return caught.value.problems


def test_they_follow_in_the_order_of_names_and_nothing_else_is_read(main):
    for name in ("b", "a"):
        put(main, f"{name}.yaml", entry(name))
    put(main, ".hidden.yaml", "[")
    put(main, "b.secret", "[")
    put(main, "empty.yaml", "# nothing\n")
    assert [one.name for one in load(main).subscriptions] == ["own", "a", "b"]


def test_without_the_directory_there_is_only_the_configuration(main):
    os.rmdir(main.parent / DIRECTORY)
    assert [one.name for one in load(main).subscriptions] == ["own"]


def test_what_is_there_in_place_of_the_directory_is_named(main):
    """A mount that is missing behind a link ends no subscription."""
    folder = main.parent / DIRECTORY
    os.rmdir(folder)
    folder.symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"cannot read .*/subscriptions\.d: No such file"):
        load(main)
    folder.unlink()
    folder.write_text("")
    with pytest.raises(ConfigError, match=r"cannot read .*/subscriptions\.d: Not a directory"):
        load(main)


def test_every_problem_of_every_file_is_told_with_its_file_and_line(main):
    main.write_text(MAIN + "logs: {}\n")
    one = put(main, "a.yaml", entry("x") + "sources: []\n")
    two = put(main, "b.yaml", "subscriptions: 5\n")
    found = problems(main)
    assert [problem.rsplit(": ", 1)[0].split(":")[:2] for problem in found] == [
        [str(main), "3"], [str(one), "5"], [str(two), "1"],
    ]  # fmt: skip


def test_a_name_that_stands_twice_is_told_with_both_places(main):
    one = put(main, "a.yaml", entry("own"))
    assert problems(main) == (
        f"{one}:2:9: subscriptions.name: already stands in {main}:2",
    )  # fmt: skip
    one.write_text(entry("x"))
    two = put(main, "b.yaml", entry("x"))
    assert problems(main) == (f"{two}:2:9: subscriptions.name: already stands in {one}:2",)


def test_the_bounds_of_the_configuration_hold_for_all_files_together(main):
    put(main, "a.yaml", "#" * (2**20 - 100))
    assert len(load(main).subscriptions) == 1
    two = put(main, "b.yaml", "#" * 100)
    assert problems(main) == (f"{two}:1:1: larger than 1 MiB with what is read before it",)
    two.unlink()
    put(main, "a.yaml", "")
    for number in range(MOST_FILES):
        put(main, f"{number}.yaml", "")
    with pytest.raises(ConfigError, match="holds 1,001 files"):
        files(main)


def test_one_more_file_than_is_read_is_refused_before_it_is_written(main):
    """`subscribe` asks with what it would write: the file would have made the configuration unreadable."""
    more = Text("new.yaml", entry("new"))
    for number in range(MOST_FILES - 1):
        put(main, f"{number}.yaml", "")
    assert [one.name for one in load(main, more=[more]).subscriptions] == ["own", "new"]
    put(main, "last.yaml", "")
    with pytest.raises(ConfigError, match="holds 1,001 files"):
        load(main, more=[more])


def test_what_cannot_be_read_is_named(main):
    file = main.parent / DIRECTORY / "a.yaml"
    file.symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"cannot read .*/a\.yaml: No such file"):
        load(main)
    file.unlink()
    os.mkfifo(file)  # which would be waited for
    with pytest.raises(ConfigError, match=r"cannot read .*/a\.yaml: it is no file"):
        load(main)


def test_what_is_said_at_the_top_holds_for_them_and_their_secrets_are_known(main):
    target = "{type: webhook, url: 'https://h.example', proxy: inherit, secret: {file: /s}}"
    main.write_text("proxy: {url: 'http://p.example:3128'}\nca_file: /ca.pem\n")
    put(main, "a.yaml", entry("a", target=target))
    config = load(main)
    (webhook,) = config.subscriptions[0].targets
    assert (webhook.proxy, webhook.ca_file) == (config.proxy, "/ca.pem")
    assert [(one.kind, one.name) for one in named_in(config)] == [(SecretKind.FILE, "/s")]


def test_a_value_that_says_what_is_not_so_is_told_where_it_stands(main):
    file = put(main, "a.yaml", entry("a", target="{type: command, argv: [/nope]}"))
    with pytest.raises(ConfigError) as caught:
        refuse_values(main, {"/nope": "is not there", "/neither": "nor this"})
    assert caught.value.problems == (f"{main}:1:1: nor this", f"{file}:4:36: is not there")
    assert place_of(main, "a") == (file, 2)
    assert place_of(main, "own") == (main, 2)
    assert place_of(main, "nobody") is None
