"""Secrets where the config says they are, and in what else may be there."""

import os
import threading

import pytest

from cachesync.config.content import PIPE_SECONDS
from cachesync.config.file import load, parse
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.secrets import environment_names, named_in, reveal
from cachesync.errors import CachesyncError, ConfigError
from cachesync.net.trust import read_authorities


def test_commands_do_not_inherit_what_a_mirrors_yaml_names(tmp_path):
    """However it is written; a file that is not there names nothing."""
    file = tmp_path / "mirrors.yaml"
    text = f"sources: [{{name: m, type: buildcache, mirrors: '{file}'}}]\n"
    assert "TWO" not in environment_names(parse(text, name="c.yaml"))
    file.write_text(
        "mirrors:\n  a:\n    url: s3://b/p\n    access_pair:\n      id_variable: WHO\n"
        "      secret_variable: ONE\n    access_token_variable: 'TWO'\n"
        '  b: {url: \'oci://h/n\', "access_pair": {id: me, "secret_variable": "THREE"}}\n'
    )
    named = environment_names(parse(text, name="c.yaml"))
    assert {"ONE", "TWO", "THREE"} <= named
    assert "WHO" not in named


def test_a_pipe_that_tells_a_secret_is_read_to_its_end(tmp_path):
    """As `<(...)` gives one: it may come late, and in pieces."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def tell() -> None:
        with pipe.open("wb", buffering=0) as out:
            for part in (b"s3", b"cr", b"et\n"):
                out.write(part)

    teller = threading.Thread(target=tell)
    teller.start()
    assert reveal(Secret(SecretKind.FILE, str(pipe))) == "s3cret"
    teller.join()


def test_a_pipe_that_tells_nothing_is_not_waited_for(tmp_path):
    """Whoever reads it would hang for ever: a pass, and the whole daemon at its start."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(CachesyncError) as caught:
        reveal(Secret(SecretKind.FILE, str(pipe)))
    assert caught.value.message == (
        f"the secret in {pipe} cannot be read: nothing came out of it in {PIPE_SECONDS:.0f} s"
    )
    assert caught.value.hint


def test_a_configuration_may_come_out_of_a_pipe(tmp_path):
    """In pieces, and late; one that tells nothing is no empty configuration."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="nothing came out of it"):
        load(pipe)

    def tell() -> None:
        with pipe.open("wb", buffering=0) as out:
            for part in (b"sources:\n", b"- {name: a, type: directory,", b" path: /a}\n"):
                out.write(part)

    teller = threading.Thread(target=tell)
    teller.start()
    assert [source.name for source in load(pipe).sources] == ["a"]
    teller.join()


def test_a_file_that_cannot_be_read_leaves_nothing_open(tmp_path):
    """A daemon asks for it with every pass."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(CachesyncError):
            reveal(Secret(SecretKind.FILE, str(tmp_path)))
        with pytest.raises(CachesyncError):
            load(tmp_path)
        with pytest.raises(CachesyncError):
            read_authorities(str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_no_text_is_named(tmp_path):
    """A directory, nothing, and too much."""
    (tmp_path / "large").write_bytes(b"x" * (1 << 20))
    for name, said in (
        ("", "Is a directory"),
        ("absent", "No such file"),
        ("large", "is larger than 65,536"),
    ):
        with pytest.raises(CachesyncError, match=said):
            reveal(Secret(SecretKind.FILE, str(tmp_path / name)))


def test_the_secrets_of_mirrors_are_among_those_that_are_named():
    """So `config check` and `doctor` look for them, and other programs are not given them."""
    config = parse(
        "sources:\n"
        "  - {name: a, type: buildcache, url: oci://a.example/b,"
        " credentials: {username: bot, password: {env: REGISTRY}}}\n"
        "  - {name: b, type: buildcache, url: s3://b, credentials: {access_key: A,"
        " secret_key: {file: /key}, session_token: {credential: session}}}\n",
        name="c.yaml",
    )
    assert {secret.name for secret in named_in(config)} == {"REGISTRY", "/key", "session"}
    assert "REGISTRY" in environment_names(config)
