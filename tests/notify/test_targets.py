"""Targets that are programs and Apprise addresses, in real processes; and no secret in sight."""

import json
import logging
import os
import shlex
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest

from cachesync.config.file import parse
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.secrets import environment_names, named_in
from cachesync.config.settings import AppriseTarget, CommandTarget, WebhookTarget
from cachesync.errors import CachesyncError
from cachesync.net import open_poster
from cachesync.net.fake import FakePoster
from cachesync.notify import text
from cachesync.notify.target import Delivery, Outcome, open_target
from tests.support import stubserver as stub
from tests.support.messages import BODY, CHANGE, DOCUMENT

RUNNING = threading.Event()


def command(*argv, seconds=10.0, hidden=(), environment=os.environ):
    entry = CommandTarget(argv, timeout_seconds=seconds)
    return open_target(entry, poster=FakePoster(), hidden=hidden, environment=environment)


def send(target, body=BODY, stop=RUNNING):
    return target.send(Delivery("msg_1", "specs.cached", body, 1_763_820_000), stop=stop)


def shell(script, **more):
    return send(command("/bin/sh", "-c", script, **more))


# -- commands


def test_a_command_gets_the_message_on_its_standard_input(tmp_path):
    """With id and type in its environment; exit status 0 is a success."""
    result = shell(
        f'cat > "{tmp_path}/body"; echo "$CACHESYNC_ID $CACHESYNC_TYPE" > "{tmp_path}/env"'
    )
    assert (result.outcome, result.status, result.detail) == (
        Outcome.DELIVERED,
        0,
        "sh: exit status 0",
    )
    assert (tmp_path / "body").read_bytes() == BODY
    assert (tmp_path / "env").read_text() == "msg_1 specs.cached\n"


def test_a_message_larger_than_a_pipe_arrives(tmp_path):
    """Also when the program writes as much before it reads."""
    body = b"x" * (4 << 20)
    target = command(
        "/bin/sh",
        "-c",
        f'head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; cat > "{tmp_path}/b"',
    )
    assert send(target, body).outcome is Outcome.DELIVERED
    assert (tmp_path / "b").read_bytes() == body


def test_an_exit_status_is_a_failure_with_the_last_line():
    """Made safe for terminals, and apart from what everybody may read."""
    result = shell("echo first >&2; printf 'no \\033[31mroom\\n' >&2; exit 3")
    assert (result.outcome, result.status) == (Outcome.FAILED, 3)
    assert result.detail == "sh: exit status 3"
    assert result.words == "no ?[31mroom"
    assert result.whole == "sh: exit status 3: no ?[31mroom"


def test_a_command_that_ends_by_a_signal_is_a_failure():
    """And says by which."""
    result = shell("kill -SEGV $$")
    assert (result.outcome, result.status) == (Outcome.FAILED, -11)
    assert result.detail == "sh: ended by signal 11"


def test_a_command_need_not_read(tmp_path):
    """Its input is its own business."""
    target = command("/bin/sh", "-c", "exec <&-; sleep 0.1")
    assert send(target, b"x" * (1 << 20)).outcome is Outcome.DELIVERED


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(*pids):
    """Whether they all end, soon."""
    until = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(alive, pids))


@pytest.mark.parametrize("trap", ["", "trap '' TERM;"], ids=["polite", "deaf"])
def test_a_command_that_hangs_is_ended_with_its_children(trap, tmp_path):
    """The whole process group, whether it listens to SIGTERM or not."""
    result = shell(
        f"{trap} sleep 60 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/own; wait; sleep 60",
        seconds=0.3,
    )
    assert (result.outcome, result.status) == (Outcome.FAILED, None)
    assert "not done within 0.3 s (`timeout:`)" in result.detail
    assert result.seconds < 6
    assert gone(*(int((tmp_path / name).read_text()) for name in ("own", "child")))


def test_stopping_ends_a_command(tmp_path):
    """Soon, and with its children."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    target = command("/bin/sh", "-c", f"echo $$ > {tmp_path}/own; exec sleep 60", seconds=30.0)
    result = send(target, stop=stop)
    assert (result.outcome, result.detail) == (Outcome.FAILED, "sh: stopped")
    assert gone(int((tmp_path / "own").read_text()))


def test_what_a_command_leaves_behind_delays_nothing(tmp_path):
    """A process in the background that holds its standard error open."""
    result = shell(f"sleep 60 & echo $! > {tmp_path}/child; echo done >&2; exit 1")
    try:
        assert result.whole == "sh: exit status 1: done"
        assert result.seconds < 5
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_endless_output_is_thrown_away():
    """Until the time is over."""
    result = shell("yes >&2 & yes", seconds=0.5)
    assert result.outcome is Outcome.FAILED
    assert len(result.detail) < 300


def test_there_is_no_shell(tmp_path):
    """What looks like one to a shell is a word."""
    for strange in (f"$(touch {tmp_path}/x)", f"`touch {tmp_path}/x`", f"; * > {tmp_path}/x"):
        target = command(sys.executable, "-c", "import sys; sys.exit(sys.argv[1])", strange)
        assert send(target).whole.endswith(strange)
        assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("no-such-program", "there is no program no-such-program"),
        ("/no/such/program", "/no/such/program cannot be run"),
        ("/etc/passwd", "/etc/passwd cannot be run"),
        ("/tmp", "/tmp cannot be run"),
    ],
)
def test_a_program_that_cannot_be_run_is_a_failure(program, said):
    """Not an error: it may be installed tomorrow."""
    result = send(command(program))
    assert result.outcome is Outcome.FAILED
    assert said in result.detail


def test_a_file_that_is_no_program_is_a_failure(tmp_path):
    """Executable, and nothing the kernel knows."""
    (tmp_path / "odd").write_bytes(b"\0\1\2")
    (tmp_path / "odd").chmod(0o755)
    result = send(command(str(tmp_path / "odd")))
    assert (result.outcome, result.detail) == (Outcome.FAILED, "odd: exec format error")


def test_a_command_inherits_neither_secrets_nor_the_daemons_signals(tmp_path):
    """Nor its descriptors, nor what systemd gave to it."""
    secret = {"HOOK": "s", "CREDENTIALS_DIRECTORY": "/run/c", "NOTIFY_SOCKET": "/n"}
    environment = {"PATH": os.environ["PATH"], "LANG": "C", **secret}
    inheritable = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inheritable, True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    script = "import os, sys; print(*os.listdir('/proc/self/fd'), file=open(sys.argv[1], 'w'))"
    try:
        result = shell(
            f"env > {tmp_path}/env; grep SigBlk /proc/self/status > {tmp_path}/mask;"
            f' {shlex.quote(sys.executable)} -c "{script}" {tmp_path}/fds',
            hidden={"HOOK"},
            environment=environment,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(inheritable)
    assert result.outcome is Outcome.DELIVERED
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert {"PATH", "LANG", "CACHESYNC_ID", "CACHESYNC_TYPE"} <= names
    assert not names & set(secret)
    assert int((tmp_path / "mask").read_text().split()[1], 16) == 0
    fds = set((tmp_path / "fds").read_text().split())
    assert fds <= {"0", "1", "2", "3", "4"}  # the last two are the script's own


def test_a_command_is_shown_without_its_arguments():
    """They are not cachesync's to show."""
    assert command("/usr/local/bin/on-cached", "--token=x").describe() == "on-cached"


# -- Apprise


@pytest.fixture
def server():
    with stub.StubServer() as running:
        yield running


def apprise_at(
    server, tmp_path, path="/notify", *, seconds=20.0, scheme="json", password="hunter2"
):
    pytest.importorskip("apprise", reason="the extra cachesync[apprise] is not installed")
    file = tmp_path / "url"
    file.write_text(f"{scheme}://user:{password}@{server.origin.removeprefix('http://')}{path}\n")
    entry = AppriseTarget(Secret(SecretKind.FILE, str(file)), timeout_seconds=seconds)
    return open_target(entry, poster=FakePoster())


def test_apprise_sends_text_for_people(server, tmp_path):
    """A title and lines; the address is a secret and is shown by its service only."""
    server.script("/notify", stub.status(200))
    target = apprise_at(server, tmp_path)
    result = send(target)
    assert result.outcome is Outcome.DELIVERED, result
    assert target.describe() == f"json (file {tmp_path}/url)"
    sent = json.loads(server.seen[0].body)
    assert sent["title"] == "arm: 1 spec cached"
    assert sent["message"].splitlines() == [
        "spec.cached /bxjpbzp hdf5@1.14.5 %gcc@=13.2.0 ubuntu24.04 aarch64 in develop (mirror)",
        "query: hdf5 +mpi",
    ]


def test_apprise_that_is_refused_is_a_failure(server, tmp_path):
    """With the status, and nothing that the server or Apprise said."""
    server.script("/notify", stub.status(401, b"hunter2 \x1b[31m"))
    result = send(apprise_at(server, tmp_path))
    assert (result.outcome, result.status) == (Outcome.FAILED, 401)
    assert result.detail.endswith("Apprise could not deliver it (status 401)")
    assert "hunter2" not in repr(result)


def test_apprise_that_hangs_is_ended(server, tmp_path):
    """And the address is neither in the list of processes nor in their environment."""
    patient = "/notify?rto=60"  # Apprise itself gives up after 4 s
    server.script("/notify", stub.silent())
    password = "of-this-test-alone"  # other tests run at the same time, in other processes
    target = apprise_at(server, tmp_path, patient, seconds=6.0, password=password)
    results = []
    sending = threading.Thread(target=lambda: results.append(send(target)))
    sending.start()
    seen = b""
    while sending.is_alive():
        seen += everything_public()
        time.sleep(0.2)
    assert b"apprise_child" in seen
    assert password.encode() not in seen
    assert results[0].outcome is Outcome.FAILED
    assert results[0].seconds < 18
    assert "not done within 6 s" in results[0].detail
    assert server.paths() == ["/notify"]


def everything_public():
    """What `ps` shows of our processes, and their environments."""
    found = b""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            found += (place / "cmdline").read_bytes()
            if place.name != str(os.getpid()):
                found += (place / "environ").read_bytes()
        except OSError:
            continue
    return found


def test_an_address_that_apprise_does_not_know(server, tmp_path):
    """It is a failure that says so."""
    result = send(apprise_at(server, tmp_path, scheme="nosuchservice"))
    assert result.detail.endswith("Apprise does not understand the address")
    assert "hunter2" not in result.detail


def test_a_secret_that_is_no_address_is_refused_at_once(tmp_path):
    """Without being repeated."""
    pytest.importorskip("apprise")
    (tmp_path / "url").write_text("hunter2\n")
    with pytest.raises(CachesyncError, match="is no Apprise address") as caught:
        open_target(AppriseTarget(Secret(SecretKind.FILE, f"{tmp_path}/url")), poster=FakePoster())
    assert "hunter2" not in f"{caught.value!r}{caught.value.hint}"


def test_a_missing_extra_is_said_with_its_remedy(monkeypatch, tmp_path):
    """Before anything is read or sent."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(CachesyncError, match="needs Apprise") as caught:
        open_target(AppriseTarget(Secret(SecretKind.FILE, "/nowhere")), poster=FakePoster())
    assert "cachesync[apprise]" in caught.value.hint


# -- text


def test_a_title_counts_what_happened():
    """In the singular, in the plural, and for changes of several kinds."""
    data = DOCUMENT["data"]
    evicted = {**CHANGE, "kind": "spec.evicted"}
    failed = {"seq": 1, "kind": "source.failed", "source": "mirror", "reason": "gone"}

    def title(total, *changes):
        return text.title({"data": {**data, "total": total, "changes": list(changes)}})

    assert title(1, CHANGE) == "arm: 1 spec cached"
    assert title(1234, CHANGE) == "arm: 1,234 specs cached"
    assert title(1, evicted) == "arm: 1 spec evicted"
    assert title(2, CHANGE, evicted) == "arm: 2 changes"
    assert title(1, failed) == "arm: 1 change"
    assert (
        text.text({"data": {**data, "changes": [failed]}}).splitlines()[0]
        == "source.failed (mirror) gone"
    )


def test_a_text_is_short_and_plain_whatever_the_message_says():
    """Twenty changes are told, control characters are not."""
    change = {**CHANGE, "package": "x\x1b[31m\n\u202e" + "y" * 999}
    data = {**DOCUMENT["data"], "total": 500, "more": 400, "changes": [change] * 100}
    lines = text.text({"data": data}).split("\n")
    assert len(lines) == 23
    assert lines[20:22] == ["and 80 more in this message", "400 more follow"]
    assert all(line.isprintable() and len(line) <= 300 for line in lines)


def test_the_text_of_a_summary_tells_its_counts():
    """By package and tag."""
    data = {
        **DOCUMENT["data"], "total": 1200, "more": 1200, "changes": [],
        "counts": {"hdf5": {"develop": 1100, "v0.23.0": 1}}, "command": "cachesync changes --since 1",
    }  # fmt: skip
    document = {**DOCUMENT, "data": data}
    assert text.title(document) == "arm: 1,200 specs cached"
    assert text.text(document).splitlines() == [
        "hdf5: 1,100 in develop, 1 in v0.23.0",
        "query: hdf5 +mpi",
        "all: cachesync changes --since 1",
    ]
    assert text.title({"data": {**data, "test": True}}) == "arm: a test"


# -- secrets


WHOLE = """
sources:
  - {name: up, type: github, repository: a/b, token: {env: GITHUB}}
subscriptions:
  - name: n
    query: hdf5
    targets:
      - {type: webhook, url: "https://ci.example.org/", secret: [{env: NEW}, {file: /etc/old}]}
      - {type: apprise, url: {env: APPRISE}}
      - {type: command, argv: [true-thing]}
"""


def test_the_secrets_of_a_configuration_are_known():
    """All of them, so that none is passed on to commands."""
    parsed = parse(WHOLE, name="c")
    assert len(named_in(parsed)) == 4
    assert environment_names(parsed) == {"GITHUB", "NEW", "APPRISE", "CREDENTIALS_DIRECTORY"}


def test_secrets_are_read_anew_when_a_target_is_opened(tmp_path):
    """So that SIGHUP is enough to replace one by another."""
    poster = FakePoster(FakePosterAnswer)
    file = tmp_path / "secret"
    entry = WebhookTarget("https://ci.example.org/", (Secret(SecretKind.FILE, str(file)),))
    for secret in ("first", "second"):
        file.write_text(secret + "\n")
        send(open_target(entry, poster=poster))
    first, second = (post.headers["webhook-signature"] for post in poster.posts)
    assert first != second


def FakePosterAnswer(post):  # noqa: N802 - made once, called as an answer
    from cachesync.net import Response

    return Response(204, {}, b"")


def test_a_secret_that_is_not_there_is_an_error_that_names_the_place(tmp_path):
    """When the target is opened, which is when the daemon starts."""
    entry = WebhookTarget("https://ci.example.org/", (Secret(SecretKind.CREDENTIAL, "hook"),))
    with pytest.raises(CachesyncError, match="credential hook") as caught:
        open_target(entry, poster=FakePoster(), environment={})
    assert "LoadCredential=hook" in caught.value.hint


def test_no_secret_is_seen_anywhere(server, tmp_path, caplog, capfd):
    """Neither in logs of any level, output, errors, results and reprs nor in the list of processes."""
    secret = "whsec_dGhpcyBpcyB2ZXJ5IHNlY3JldCBpbmRlZWQ="
    (tmp_path / "secret").write_text(secret)
    caplog.set_level(logging.DEBUG)
    shown = []
    for behaviour in (stub.status(500), stub.hang_up(), stub.silent()):
        server.script("/", behaviour)
        entry = WebhookTarget(
            server.origin + "/", (Secret(SecretKind.FILE, f"{tmp_path}/secret"),),
            allow_private=True, timeout_seconds=0.5,
        )  # fmt: skip
        with open_poster() as poster:
            target = open_target(entry, poster=poster)
            result = send(target)
        shown += [repr(entry), repr(target), repr(vars(target)), repr(result), target.describe()]
    shown.append(everything_public().decode("latin-1"))
    (tmp_path / "secret").write_text(secret + "\0broken")
    with pytest.raises(CachesyncError) as caught:
        open_target(entry, poster=FakePoster())
    shown.append("".join(traceback.format_exception(caught.value)) + str(caught.value.hint))
    captured = capfd.readouterr()
    shown += [caplog.text, captured.out, captured.err]
    for form in (secret, secret[6:], "this is very secret indeed"):
        assert not [text for text in shown if form in text]


def test_one_of_two_secrets_is_enough(tmp_path):
    """With that it signs, and what is missing is told; with none of them nothing can be sent."""
    (tmp_path / "old").write_text("the old one\n")
    both = tuple(Secret(SecretKind.FILE, str(tmp_path / name)) for name in ("new", "old"))
    poster = FakePoster(FakePosterAnswer)
    target = open_target(WebhookTarget("https://ci.example.org/", both), poster=poster)
    assert send(target).outcome is Outcome.DELIVERED
    assert poster.posts[0].headers["webhook-signature"].count("v1,") == 1
    assert [str(tmp_path / "new") in lacking.message for lacking in target.lacks()] == [True]
    (tmp_path / "new").write_text("the new one\n")
    target = open_target(WebhookTarget("https://ci.example.org/", both), poster=poster)
    assert send(target).outcome is Outcome.DELIVERED
    assert poster.posts[1].headers["webhook-signature"].count("v1,") == 2
    assert target.lacks() == ()
    for name in ("new", "old"):
        (tmp_path / name).unlink()
    with pytest.raises(CachesyncError, match="new cannot be read"):
        open_target(WebhookTarget("https://ci.example.org/", both), poster=poster)
