"""What `config check` and `doctor --offline` say of the files that a configuration names."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from tests.support.nobody import let_pass

CONFIG = """\
ca_file: {0}/ca.pem
sources:
  - {{name: site, type: directory, path: {0}/pages}}
  - {{name: far, type: archive, url: "https://d.example/t", ca_file: {0}/near.pem}}
  - name: hub
    type: github
    repository: a/b
    token: {{file: {0}/token}}
    proxy: {{url: "http://p.example:3128", username: me, password: {{file: {0}/password}}}}
subscriptions:
  - name: s
    query: hdf5
    targets:
      - {{type: webhook, url: "https://ci.example.org/", secret: [{{file: {0}/hook}}, {{env: HOOK}}]}}
      - {{type: command, argv: [{0}/program, hunter2]}}
      - {{type: command, argv: [on-the-path-of-the-service]}}
"""
NAMES = ("ca.pem", "near.pem", "token", "password", "hook", "program")


@pytest.fixture
def whole(world):
    """A configuration that names files which are all as they should be."""
    files = world.root / "with a space"
    files.mkdir()
    (files / "pages").mkdir()
    authorities = (
        subprocess.run(
            [sys.executable, "-c", "import certifi; print(certifi.contents())"],
            check=True, capture_output=True, text=True,
        ).stdout.encode().partition(b"-----END CERTIFICATE-----")
    )  # fmt: skip
    for name in ("ca.pem", "near.pem"):
        (files / name).write_bytes(authorities[0] + authorities[1] + b"\n")
    for name in ("token", "password", "hook"):
        (files / name).write_text("hunter2\n")
    (files / "program").write_text("#!/bin/sh\nexit 7\n")
    (files / "program").chmod(0o755)
    world.configure(CONFIG.format(files))
    return world, files


def place(files, name):
    """Line and column where the configuration names a file."""
    text = CONFIG.format(files)
    at = text.index(str(files / name))
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def test_files_that_are_as_they_should_be_are_no_news(whole):
    """No program is run, and nobody is asked."""
    world, files = whole
    done = world.run("config", "check")
    assert done.out == f"{world.config}: ok, 3 sources, 1 subscription\n"
    assert done.err == ""
    found = world.run("doctor", "--offline", "--json", status=None).json["findings"]
    told = {(f["check"], f["state"], f["text"]) for f in found}
    assert {
        ("ca_file", "ok", f"{files}/ca.pem"),
        ("far: ca_file", "ok", f"{files}/near.pem"),
        ("secret", "ok", f"the secret in {files}/token"),
        ("secret", "ok", f"the secret in {files}/password"),
    } <= told


def gone(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def binary(path):
    path.chmod(0o644)
    path.write_bytes(b"\0hunter2\xff" * 9)


def directory(path):
    path.unlink()
    path.mkdir()


def loop(path):
    path.unlink()
    path.symlink_to(path.name)


SPOILT = [(name, gone) for name in NAMES] + [
    (name, spoil)
    for name in ("near.pem", "token", "program")
    for spoil in (empty, binary, directory, loop)
    if (name, spoil) != ("program", empty)  # which can be run
]


@pytest.mark.parametrize(("name", "spoil"), SPOILT)
def test_a_file_that_is_not_what_it_should_be_is_a_problem_where_it_is_named(whole, name, spoil):
    """`config check` ends with 2 and the line, `doctor` with 1 and a remedy; nothing in it is printed."""
    world, files = whole
    spoil(files / name)
    done = world.run("config", "check", status=2)
    line = done.err.splitlines()[1].strip()
    assert line.startswith(f"{world.config}:{place(files, name)}: ")
    assert f"{files / name} " in line
    document = world.run("config", "check", "--json", status=2).json
    assert document["problems"] == [line]
    found = world.run("doctor", "--offline", "--json", status=1).json["findings"]
    told = [f for f in found if f["state"] == "error" and f["check"] != "config"]
    assert any(f["remedy"] for f in told)
    assert any(str(files / name) in f["text"] or name == "program" for f in told)
    assert "hunter2" not in done.out + done.err + str(found)


def test_every_problem_is_told_at_once(whole):
    """In the order of the lines."""
    world, files = whole
    for name in NAMES:
        (files / name).unlink()
    done = world.run("config", "check", status=2)
    assert done.err.splitlines()[0] == f"cachesync: error: 6 problems in {world.config}"
    assert [line.strip().split(": ")[0] for line in done.err.splitlines()[1:]] == [
        f"{world.config}:{place(files, name)}" for name in NAMES
    ]


def test_what_may_be_there_for_the_daemon_is_a_note(whole):
    """A directory that is not mounted here, and a secret that no file holds."""
    world, files = whole
    (files / "pages").rmdir()
    (files / "token").unlink()
    os.mkfifo(files / "token")
    (files / "password").unlink()
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(files):
        listening.bind("password")  # the path of a socket is short
    done = world.run("config", "check")
    assert sorted(done.err.splitlines()) == [
        f"cachesync: note: source site: {files}/pages is not there",
        f"cachesync: note: the secret in {files}/password is no file, and was not read",
        f"cachesync: note: the secret in {files}/token is no file, and was not read",
    ]
    assert len(world.run("config", "check", "--json").json["notes"]) == 3


def test_a_mirrors_yaml_that_is_not_there_is_a_note(world, tmp_path):
    """Spack may write it later; a mistyped path is seen."""
    file = tmp_path / "mirrors.yaml"
    world.configure(f"sources: [{{name: m, type: buildcache, mirrors: {file}}}]\n")
    assert world.run("config", "check").err == f"cachesync: note: source m: {file} is not there\n"
    file.write_text("mirrors: {}\n")
    assert world.run("config", "check").err == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_what_only_the_daemon_may_read_is_a_note_for_others(whole):
    """It is no problem that a secret is kept from the one who asks; certificates are for everybody."""
    world, files = whole
    (files / "token").chmod(0o600)
    (files / "program").chmod(0o700)
    let_pass(world.root, files)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         *world.command("--config", world.config, "config", "check")],
        env=world.environment, capture_output=True, text=True, timeout=60, check=False, cwd="/",
    )  # fmt: skip
    if "No module named" in done.stderr or "can't open" in done.stderr:
        pytest.skip("nobody else may read this program here")
    assert done.returncode == 0, done
    assert done.stderr == (
        f"cachesync: note: the secret in {files}/token was not looked at: Permission denied\n"
    )
    (files / "near.pem").chmod(0o600)
    done = subprocess.run(
        [*done.args], env=world.environment, capture_output=True, text=True, timeout=60, check=False, cwd="/",
    )  # fmt: skip
    assert (done.returncode, "near.pem cannot be read: Permission denied" in done.stderr) == (
        2,
        True,
    )


def test_config_show_says_why_a_configuration_applies(world):
    """Named, in a unit, one's own, or none; for people and for programs."""
    assert world.run("config", "show").out.startswith("config: none; the defaults apply, ")
    document = world.run("config", "show", "--json").json
    assert (document["config"], document["config_why"]) == (None, None)
    world.configure("log: {level: debug}\n")
    named = world.root / "named.yaml"
    named.write_text("log: {level: error}\n")
    for arguments, why, words in (
        ((), "user", "your own"), (("--config", named), "--config", "--config"),
    ):  # fmt: skip
        document = world.run(*arguments, "config", "show", "--json").json
        path = named if arguments else world.config
        assert (document["config"], document["config_why"]) == (str(path), why)
        said = world.run(*arguments, "config", "show").out
        assert said.startswith(f"config: {path} ({words})\n")


def test_the_files_beside_a_configuration_are_checked_shown_and_counted(world):
    """`config check` names the line in the file where it stands; `config show` and `doctor` name what is read."""
    world.configure("sources:\n" + world.directory_source())
    beside = world.config.parent / "subscriptions.d"
    beside.mkdir()
    file = beside / "more.yaml"
    entry = "subscriptions:\n- name: x\n  query: zlib\n  targets: [{type: command, argv: [%s]}]\n"
    file.write_text(entry % "/nope")
    done = world.run("config", "check", "--json", status=2)
    assert done.json["problems"] == [f"{file}:4:36: argv: /nope is not there"]
    file.write_text(entry % "logger")
    done = world.run("config", "check")
    assert (
        done.out
        == f"{world.config}: ok, 1 source, 1 subscription; 1 file of subscriptions.d read too\n"
    )
    assert world.run("config", "check", "--json").json["files"] == [str(file)]
    shown = world.run("config", "show", "--json").json
    assert shown["files"] == [str(file)]
    assert [one["name"] for one in shown["settings"]["subscriptions"]] == ["x"]
    assert f"\nwith: {file}\n" in world.run("config", "show").out
    assert (
        f"{world.config}; with 1 file of {beside}"
        in world.run("doctor", "--offline", status=None).out
    )
