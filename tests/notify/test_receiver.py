"""The receiving side in real processes: `webhook verify` on captured requests, and `listen`."""

import base64
import json
import socket
import stat
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.settings import WebhookFormat, WebhookTarget
from cachesync.net import open_poster
from cachesync.notify.target import Delivery, Outcome, open_target
from cachesync.notify.webhook import Key, signed_headers
from tests.support.messages import BODY, CHANGE, DOCUMENT

OLD = "whsec_" + base64.b64encode(b"old secret, 24 bytes long").decode()
NEW = "whsec_" + base64.b64encode(b"new secret, 24 bytes long").decode()
SENT = 1_763_820_000
AT = str(SENT + 10)
RUNNING = threading.Event()


@pytest.fixture
def secrets(tmp_path):
    """The files of the old and of the new secret."""
    files = tmp_path / "old", tmp_path / "new"
    for file, secret in zip(files, (OLD, NEW), strict=True):
        file.write_text(secret + "\n")
    return tuple(map(str, files))


def captured(*keys, body=BODY, newline="\r\n", first="POST /hook HTTP/1.1", tail=b""):
    """A request as it stands in a file."""
    headers = signed_headers(
        [Key(key) for key in keys], message_id="msg_1", timestamp=SENT, body=body
    )
    lines = [
        first,
        "Host: x",
        f"Content-Length: {len(body)}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return newline.join([line for line in lines if line] + ["", ""]).encode() + body + tail


def verify(world, data, *arguments, at=AT, environment=None):
    """`cachesync webhook verify` of a request on standard input."""
    return subprocess.run(
        world.command("webhook", "verify", "--at", at, *arguments),
        input=data, env={**world.environment, **(environment or {})}, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip


# -- webhook verify


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"newline": "\n"},
        {"first": ""},
        {"tail": b"\n"},
        {"body": b"a\r\n\r\nb\n\nc"},
        {"body": b"a\r\n\r\nb\n\nc", "newline": "\n"},
        {"body": b""},
    ],
)
def test_a_captured_request_is_verified(world, secrets, form):
    """With either line end, with or without a request line and an editor's last newline."""
    done = verify(world, captured(OLD, **form), "--secret-file", secrets[0])
    assert done.stderr == b""
    assert (
        done.stdout.decode() == f"verified: msg_1, 10 s old, by the secret in file {secrets[0]}\n"
    )
    assert done.returncode == 0


def test_both_secrets_pass_while_one_replaces_the_other(world, secrets):
    """The receiver may have the old one, the new one, or both; also from the environment."""
    request = captured(NEW, OLD)
    for file in secrets:
        assert verify(world, request, "--secret-file", file).returncode == 0
    both = [argument for file in secrets for argument in ("--secret-file", file)]
    done = verify(world, captured(NEW), *both, "--json")
    assert json.loads(done.stdout) == {
        "schema": 1, "verified": True, "id": "msg_1", "timestamp": "2025-11-22T14:00:00Z",
        "secret": f"file {secrets[1]}",
    }  # fmt: skip
    done = verify(world, request, "--secret-env", "HOOK", environment={"HOOK": OLD})
    assert done.stdout.endswith(b"by the secret in env HOOK\n")


def test_headers_and_body_may_be_files_of_their_own(world, secrets, tmp_path):
    """Then the body is taken as it is."""
    head, _, body = captured(OLD, newline="\n").partition(b"\n\n")
    (tmp_path / "headers").write_bytes(head)
    (tmp_path / "body").write_bytes(body)
    arguments = ["--secret-file", secrets[0], "--headers", str(tmp_path / "headers")]
    assert verify(world, body, *arguments).returncode == 0
    assert verify(world, b"", *arguments, str(tmp_path / "body")).returncode == 0
    assert verify(world, body + b"\n", *arguments).returncode == 1


def changed(request):
    """One byte of the body is another."""
    return request.replace(b'"arm"', b'"arn"')


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        (changed, {}, "no signature fits"),
        (lambda request: request.replace(b"msg_1", b"msg_2"), {}, "no signature fits"),
        (lambda request: request.replace(str(SENT).encode(), AT.encode()), {}, "no signature fits"),
        (lambda request: request, {"at": str(SENT + 301)}, "its timestamp is 301 s old"),
        (lambda request: request, {"at": "2025-11-22T13:54:00Z"}, "360 s in the future"),
        (lambda request: request.replace(b"webhook-id", b"x-id"), {}, "webhook-id is missing"),
        (
            lambda request: request.replace(b"Host: x", b"webhook-id: y"),
            {},
            "webhook-id is there twice",
        ),
        (lambda request: request[:-1], {}, "the body ends early"),
        (lambda _request: b"", {}, "no empty line"),
        (lambda _request: b"a\0\x1b[31m\n\n", {}, "line 1 of the headers"),
    ],
)
def test_what_was_changed_or_is_stale_is_rejected(world, secrets, change, options, problem):
    """With status 1 and one line; and nothing raw."""
    done = verify(world, change(captured(OLD)), "--secret-file", secrets[0], **options)
    assert done.returncode == 1
    assert done.stdout == b""
    assert problem in done.stderr.decode()
    assert done.stderr.startswith(b"cachesync: error: ")
    assert b"\x1b" not in done.stderr


def test_a_wrong_secret_is_rejected(world, secrets):
    """And neither it nor a signature is repeated."""
    for arguments in ((), ("--json",)):
        done = verify(world, captured(OLD), "--secret-file", secrets[1], *arguments)
        assert done.returncode == 1
        assert b"no signature fits" in done.stdout + done.stderr
        assert NEW[6:].encode() not in done.stdout + done.stderr


def test_the_tolerance_can_be_chosen(world, secrets):
    """A request that was captured yesterday is still genuine."""
    arguments = ["--secret-file", secrets[0], "--tolerance", "2d"]
    assert verify(world, captured(OLD), *arguments, at=str(SENT + 86_400)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "there is no secret"),
        (["--secret-file", "/no/such"], 1, "cannot be read"),
        (["--secret-env", "NOWHERE"], 1, "NOWHERE"),
        (["--secret-file", "OLD", "--tolerance", "long"], 2, "--tolerance"),
        (["--secret-file", "OLD", "--at", "soon"], 2, "--at"),
        (["--secret-file", "OLD", "/no/such/request"], 2, "/no/such/request"),
    ],
)
def test_what_is_asked_for_must_make_sense(world, secrets, arguments, status, said):
    """Usage is 2, a secret that is not there is 1."""
    arguments = [secrets[0] if argument == "OLD" else argument for argument in arguments]
    done = verify(world, captured(OLD), *arguments)
    assert (done.returncode, said in done.stderr.decode()) == (status, True)


# -- listen


@contextmanager
def listening(world, *arguments):
    """`cachesync listen` on a free port: its process, its address, and what it said."""
    with world.start("listen", "--port", "0", *arguments) as process:
        said = [process.stderr.readline() for _ in range(5)]
        yield process, said[0].split()[2].rstrip(";"), said


def send(origin, *deliveries, secret, **more):
    """What became of some deliveries, given as (id, body)."""
    config = WebhookTarget(
        origin, (Secret(SecretKind.FILE, str(secret)),), allow_private=True, **more
    )
    with open_poster() as poster:
        target = open_target(config, poster=poster)
        return [
            target.send(Delivery(name, "specs.cached", body, int(time.time())), stop=RUNNING)
            for name, body in deliveries
        ]


def test_listen_verifies_and_prints_what_comes(world):
    """It makes a secret that nobody else can read, and says what to put into a subscription."""
    file = world.state / "listen-secret"
    with listening(world, "--count", "3") as (process, origin, said):
        assert "".join(said[1:]) == (
            f"      - type: webhook\n        url: {origin}\n        secret: {{file: {file}}}\n"
            "        allow_private: true\n"
        )
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        hostile = {**CHANGE, "package": "hdf5\x1b[31m\n"}
        data = {**DOCUMENT["data"], "changes": [hostile]}
        results = send(
            origin, ("msg_1", BODY), ("msg_1", BODY), ("msg_2", json.dumps({**DOCUMENT, "data": data}).encode()),
            secret=file,
        )  # fmt: skip
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 3
        out, err = process.communicate(timeout=30)
    lines = out.splitlines()
    told = "spec.cached /bxjpbzp hdf5@1.14.5 %gcc@=13.2.0 ubuntu24.04 aarch64 in develop (mirror)"
    assert [line.partition("Z  ")[2] or line for line in lines] == [
        "verified  msg_1  arm: 1 spec cached",
        f"    {told}",
        "    query: hdf5 +mpi",
        "again     msg_1  arm: 1 spec cached",
        "verified  msg_2  arm: 1 spec cached",
        f"    {told.replace('hdf5@', 'hdf5?[31m?@')}",
        "    query: hdf5 +mpi",
    ]
    assert (process.returncode, err) == (0, "")


def test_listen_keeps_its_secret(world):
    """So that a subscription that was written once goes on working."""
    file = world.state / "listen-secret"
    found = []
    for _ in range(2):
        with listening(world):
            found.append(file.read_text())
    assert found[0] == found[1]
    assert found[0].startswith("whsec_")


def test_listen_prints_json_whatever_comes(world, secrets):
    """Numbers that JSON cannot say are shown as they were written; what is no JSON is not."""
    bodies = b'{"n": [1e999, -1E999, 1e-999, 1.5]}', b'{"n": NaN}', b"[Infinity]", b"9" * 5_000
    with listening(world, "--count", "4", "--json", "--secret-file", secrets[0]) as (
        process, origin, _,
    ):  # fmt: skip
        for number, body in enumerate(bodies):
            send(origin, (f"msg_{number}", body), secret=secrets[0])
        out, _ = process.communicate(timeout=30)
    shown = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    assert [s["state"] for s in shown] == ["verified"] * 4
    assert [s["body"] for s in shown] == [{"n": ["1e999", "-1E999", 0.0, 1.5]}, None, None, None]


def test_listen_refuses_what_it_cannot_verify(world, secrets):
    """With 401; the body is not shown, and with --count it ends with 1."""
    with listening(world, "--count", "2", "--json", "--secret-file", secrets[0]) as (
        process,
        origin,
        _,
    ):
        (bad,) = send(origin, ("msg_1", b'{"evil": "\x1b[31m"}'), secret=secrets[1])
        (good,) = send(origin, ("msg_2", b"[1"), secret=secrets[0])
        out, _ = process.communicate(timeout=30)
    assert [bad.status, good.status] == [401, 204]
    first, second = map(json.loads, out.splitlines())
    assert (first["state"], first["id"], first["body"], first["answered"]) == (
        "refused",
        None,
        None,
        401,
    )
    assert "no signature fits" in first["problem"]
    assert (second["state"], second["id"], second["body"]) == ("verified", "msg_2", None)
    assert process.returncode == 1


def test_listen_answers_what_it_is_told(world, secrets):
    """To see how failures are treated."""
    with listening(
        world, "--status", "500", "--status", "410", "--status", "204", "--secret-file", secrets[0]
    ) as (_, origin, _):
        results = send(origin, *[(f"msg_{n}", BODY) for n in range(4)], secret=secrets[0])
    assert [result.status for result in results] == [500, 410, 204, 204]


def test_listen_understands_cloudevents(world, secrets):
    """They are signed in the same way."""
    with listening(world, "--count", "1", "--secret-file", secrets[0]) as (process, origin, _):
        send(origin, ("msg_1", BODY), secret=secrets[0], format=WebhookFormat.CLOUDEVENTS)
        out, _ = process.communicate(timeout=30)
    assert "verified  msg_1  arm: 1 spec cached" in out


def raw(origin, data):
    """What is answered to some bytes."""
    host, port = origin.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        return connection.makefile("rb").readline()


def test_listen_takes_only_what_it_can_hold(world, secrets):
    """And goes on after what is no webhook."""
    with listening(world, "--secret-file", secrets[0]) as (_, origin, _):
        assert b" 411 " in raw(origin, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 413 " in raw(origin, b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        assert b" 501 " in raw(origin, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"\x1b" not in raw(origin, b"\x1b[31m \xff\r\n\r\n")
        assert b" 401 " in raw(origin, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        assert send(origin, ("msg_1", BODY), secret=secrets[0])[0].status == 204


def test_listen_listens_on_loopback_only(world, secrets):
    """No other machine reaches it."""
    with listening(world, "--secret-file", secrets[0]) as (_, origin, _):
        port = int(origin.rstrip("/").rpartition(":")[2])
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")] == [
            f"0100007F:{port:04X}"
        ]
        done = world.run("listen", "--port", str(port), "--secret-file", secrets[0], status=1)
        assert "--port 0" in done.err


def test_the_secret_of_listen_is_in_no_list_of_processes(world):
    """Nor in what it prints, but for the file it is in."""
    file = world.state / "listen-secret"
    with listening(world) as (process, origin, said):
        send(origin, ("msg_1", BODY), secret=file)
        secret = file.read_text().strip().removeprefix("whsec_")
        place = Path(f"/proc/{process.pid}")
        public = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert secret.encode() not in public
    assert secret not in "".join([*said, out, err])


# -- before anything is sent


SUBSCRIPTION = """
subscriptions:
  - name: arm
    query: hdf5
    targets:
      - {{type: webhook, url: "https://ci.example.org/hooks/hunter2", secret: [{{file: {0}/old}}, {{file: {0}/new}}]}}
      - {{type: webhook, url: "https://ci.example.org/"}}
      - {{type: webhook, url: "http://ci.example.org/", secret: {{file: {0}/old}}}}
      - {{type: webhook, url: "https://ci.example.org:8001/", secret: {{env: NOWHERE}}}}
      - {{type: webhook, url: "https://ci.example.org:8002/", secret: {{file: {0}/broken}}}}
      - {{type: command, argv: [sh, -c, "exit 0", hunter2]}}
      - {{type: command, argv: [no-such-program]}}
"""


def test_doctor_looks_at_every_target(world, secrets, tmp_path):
    """Secrets, programs, and what is weak; each with its remedy, and no secret in any."""
    (tmp_path / "broken").write_text("whsec_hunter2?\n")
    world.configure(SUBSCRIPTION.format(tmp_path))
    done = world.run("doctor", "--offline", "--json", status=1)
    found = [f for f in done.json["findings"] if f["check"].startswith("arm: ")]
    shown_path = "https://ci.example.org/...e19b"
    assert [(f["check"], f["state"], f["text"]) for f in found] == [
        ("arm: webhook", "ok", f"{shown_path}, signed by 2 secrets"),
        ("arm: webhook", "warning", "https://ci.example.org, not signed: its receiver cannot tell who sends"),
        ("arm: webhook", "warning", "http://ci.example.org, signed and not encrypted"),
        ("arm: webhook", "error", "the secret's environment variable NOWHERE is not set"),
        ("arm: webhook", "error", f"a secret that begins with whsec_ goes on in base64, and this one does not (file {tmp_path}/broken)"),
        ("arm: command", "ok", "sh"),
        ("arm: command", "error", "there is no program no-such-program"),
    ]  # fmt: skip
    assert all(f["remedy"] for f in found if f["state"] != "ok")
    assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize(
    ("address", "state"), [("json://127.0.0.1/hunter2", "warning"), ("mailto://a:hunter2@b.example", "ok")]
)  # fmt: skip
def test_doctor_warns_of_what_apprise_does_not_check(world, tmp_path, address, state):
    """Its services that post to any host; the others post to their own."""
    (tmp_path / "url").write_text(address + "\n")
    world.configure(
        "subscriptions:\n- name: arm\n  query: a\n  targets:\n"
        f"  - {{type: apprise, url: {{file: {tmp_path}/url}}}}\n"
    )
    done = world.run("doctor", "--offline", "--json", status=None)
    (found,) = [f for f in done.json["findings"] if f["check"] == "arm: apprise"]
    assert found["state"] == state
    assert ("checks no addresses" in found["text"]) is (state == "warning")
    assert "hunter2" not in done.out


def test_an_address_that_cannot_be_sent_to_is_a_problem_of_the_configuration(world):
    """With its line; addresses of names are looked at when they are connected to."""
    world.configure(
        "subscriptions:\n- name: n\n  query: a\n  targets:\n"
        "  - {type: webhook, url: http://2130706433/}\n"
        "  - {type: webhook, url: http://169.254.169.254/latest}\n"
        '  - {type: webhook, url: "http://[64:ff9b::a9fe:a9fe]/"}\n'
        '  - {type: webhook, url: "http://user:hunter2@example.org/"}\n'
        "  - {type: webhook, url: http://127.0.0.1:9518/, allow_private: true}\n"
    )
    done = world.run("config", "check", status=2)
    lines = [line.partition("cachesync.yaml:")[2] for line in done.err.splitlines()[1:]]
    assert [line.partition(":")[0] for line in lines] == ["5", "6", "7", "8"]
    assert "four decimal numbers" in lines[0]
    assert "leads to a link-local address; allow_private: true permits it" in lines[1]
    assert "NAT64" in lines[2]
    assert "hunter2" not in done.err


@pytest.fixture
def without_apprise(world, tmp_path):
    """An environment in which Apprise is not installed, and a target that needs it."""
    world.configure(
        f"sources:\n{world.directory_source()}"
        "subscriptions:\n- name: n\n  query: a\n  targets:\n  - {type: apprise, url: {file: /nowhere}}\n"
    )
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['apprise'] = None")
    environment = world.environment
    return {**environment, "PYTHONPATH": f"{tmp_path}:{environment['PYTHONPATH']}"}


def test_config_check_says_when_the_extra_is_missing(world, without_apprise):
    """With the remedy."""
    done = subprocess.run(
        world.command("config", "check"), env=without_apprise, capture_output=True, timeout=60,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "cachesync: error: a target of type apprise needs Apprise"
    assert "pip install 'cachesync[apprise]'" in done.stderr


def test_the_daemon_says_it_when_it_starts(world, without_apprise):
    """Before there is anything to send; and goes on with everything else."""
    process = subprocess.Popen(
        world.command("run"), env=without_apprise, stderr=subprocess.PIPE, text=True
    )
    said = []
    for line in process.stderr:
        said.append(line)
        if "nothing can be sent" in line:
            break
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert said[-1].startswith(
        "cachesync: error: n: apprise /nowhere: nothing can be sent: a target of"
    )
    assert "(remedy: pip install 'cachesync[apprise]'" in said[-1]
