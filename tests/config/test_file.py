"""The file: reading it, and where it is found."""

from pathlib import Path

import pytest

from cachesync.config.file import SYSTEM_FILE, Why, find, load
from cachesync.config.settings import LogLevel
from cachesync.errors import ConfigError

# -- files


def test_load_names_the_file(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("\nlogs: {}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.message == f"1 problem in {path}"
    assert caught.value.problems == (f"{path}:2:1: there is no key 'logs'; did you mean log?",)


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbflog:\r\n  level: error\r\n")
    assert load(path).log.level is LogLevel.ERROR


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b", "file/x.yaml", "loop"])
def test_an_unreadable_file_is_named(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert caught.value.message.startswith(f"cannot read {tmp_path / name}: ")
    assert caught.value.problems == ()


def test_a_file_that_is_not_utf8_is_a_problem_at_its_place(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("# ä\n# ö\xff".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:1:3: not UTF-8",)
    path.write_bytes("# ä\n# ö".encode() + b"\xff")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:2:4: not UTF-8",)


@pytest.mark.parametrize("content", [b"#" * (2**20 + 1), b"# \xc3\xa4" * 2**19])
def test_a_file_over_a_mebibyte_is_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:1:1: larger than 1 MiB",)


def test_an_endless_file_is_refused():
    with pytest.raises(ConfigError):
        load(Path("/dev/zero"))


# -- where it is found


def test_the_first_place_that_has_a_file_wins(places):
    environ, files = places
    for file, why in zip(files, (Why.UNIT, Why.UNIT, Why.OWN, Why.SYSTEM), strict=True):
        assert find(None, environ, system_file=files[-1]) == (file, why)
        file.unlink()
    assert find(None, environ, system_file=files[-1]) is None


def test_the_system_file_is_in_etc():
    assert str(SYSTEM_FILE) == "/etc/cachesync/cachesync.yaml"


def test_an_explicit_file_beats_every_place(places):
    environ, files = places
    assert find(files[2], environ) == (files[2], Why.OPTION)
    files[2].unlink()
    with pytest.raises(ConfigError) as caught:
        find(files[2], environ)
    assert caught.value.message == f"there is no config file {files[2]}"
    assert caught.value.problems == ()


@pytest.mark.parametrize("xdg", [None, "", "relative"])
def test_without_a_usable_xdg_directory_it_is_below_home(places, tmp_path, xdg):
    environ, files = places
    file = tmp_path / "home" / ".config" / "cachesync" / "cachesync.yaml"
    file.parent.mkdir(parents=True)
    file.touch()
    environ = {"HOME": environ["HOME"]} | ({} if xdg is None else {"XDG_CONFIG_HOME": xdg})
    assert find(None, environ, system_file=files[-1]) == (file, Why.OWN)


def test_without_any_environment_only_the_system_file_is_left(places):
    _, files = places
    assert find(None, {}, system_file=files[-1]) == (files[-1], Why.SYSTEM)


def test_a_file_that_cannot_be_seen_is_found_and_then_not_read(places):
    """So that a config without permission is not taken for none."""
    environ, files = places
    files[0].unlink()
    files[0].symlink_to(files[0].name)  # a loop: any reason but absence
    assert find(None, environ, system_file=files[-1]) == (files[0], Why.UNIT)
    with pytest.raises(ConfigError):
        load(files[0])
