"""The shipped unit under a real systemd, in a container; and what systemd says of the file alone.

The container is booted by `../shared/rig/boot.sh`, as root, where systemd-nspawn is installed.
"""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import rig
from tests.support.daemons import eventually
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import hash_of

from . import oldledger

ROOT = Path(__file__).resolve().parent.parent.parent
RIG = ROOT.parent / "shared" / "rig" / "boot.sh"
UNITS = sorted(
    path for path in (ROOT / "systemd").iterdir() if path.suffix in (".service", ".timer")
)
SETUP = """set -e
chmod 755 /root /home 2>/dev/null || true
cat > /usr/local/bin/cachesync <<'END'
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/cachesync/src:/opt/cachesync/site exec {python} -m cachesync "$@"
END
chmod 755 /usr/local/bin/cachesync
mkdir -p /etc/cachesync /usr/lib/sysusers.d
cp -r /opt/cachesync/src/tests/fixtures/cache/. /srv/pages/
printf 'sources:\\n  - {{name: site, type: directory, path: /srv/pages}}\\n' > /etc/cachesync/cachesync.yaml
cp /opt/cachesync/src/systemd/*.service /opt/cachesync/src/systemd/*.timer /etc/systemd/system/
cp /opt/cachesync/src/systemd/cachesync.sysusers /usr/lib/sysusers.d/cachesync.conf
systemd-sysusers
systemctl daemon-reload
"""


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong(unit):
    """`systemd-analyze verify` prints nothing; its exit status alone says little."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda p: p.name)
def test_the_units_expose_little(unit):
    """`systemd-analyze security` rates each at most 1.5."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done
    assert float(level[1]) <= 1.5


class Machine:
    """A booted container with cachesync installed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def rig(self, *arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Call boot.sh."""
        return subprocess.run(
            ["bash", RIG, *map(str, arguments)], env=self._environment, input=text or "",
            text=True, capture_output=True, timeout=180, check=False,
        )  # fmt: skip

    def run(self, script: str, status: int | None = 0) -> str:
        """What a shell script prints inside, as root."""
        done = self.rig("enter", "bash", "-s", text=f"PATH=/usr/local/bin:$PATH\n{script}")
        assert status is None or done.returncode == status, (script, done)
        return done.stdout

    def shows(self, name: str) -> str:
        """A property of the unit."""
        return self.run(f"systemctl show cachesync -p {name} --value").strip()

    def is_up(self) -> bool:
        """Whether the unit runs and is ready."""
        return self.shows("SubState") == "running"

    def end(self) -> None:
        """Switch it off. An orderly halt takes half a minute, and proves nothing of cachesync."""
        with contextlib.suppress(OSError, ValueError):
            process = int((Path(self._environment["NS_DIR"]) / "nspawn.pid").read_text())
            for _ in range(2):  # the first asks it to halt, the second ends it
                os.kill(process, signal.SIGTERM)
                time.sleep(0.2)
        self.rig("stop")

    def pid(self) -> int:
        """The daemon's pid, 0 when there is none."""
        return int(self.shows("MainPID"))


def _cannot() -> str | None:
    if not RIG.exists():
        return f"{RIG} is not there"
    if os.geteuid() != 0:
        return "booting a container needs root"
    if shutil.which("systemd-nspawn") is None:
        return (
            "systemd-nspawn is not installed (apt-get install systemd-container systemd-sysv dbus)"
        )
    return None


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine whose systemd knows the units and runs none of them yet."""
    if (reason := _cannot()) is not None:
        pytest.skip(reason)
    state = tmp_path_factory.mktemp("rig")
    booted = Machine({**os.environ, "NS_DIR": str(state), "TMPDIR": str(state)})
    done = booted.rig(
        "start", f"--bind-ro={_bound(ROOT)}:/opt/cachesync/src",
        f"--bind-ro={_bound(Path(sysconfig.get_paths()['purelib']))}:/opt/cachesync/site",
    )  # fmt: skip
    if done.returncode:
        booted.end()
        pytest.skip(f"no container boots here: {(done.stdout + done.stderr).strip()[-300:]}")
    try:
        booted.run(SETUP.format(python=os.path.realpath(sys.executable)))
        yield booted
    finally:
        booted.end()


def _bound(path: Path) -> str:
    return str(path).replace(":", "\\:")


@pytest.fixture
def service(machine: Machine) -> Iterator[Machine]:
    """The daemon, started as shipped."""
    machine.run("systemctl reset-failed cachesync; systemctl start cachesync", status=None)
    if not machine.is_up():
        pytest.fail(
            machine.run("systemctl status cachesync -l --no-pager; journalctl -u cachesync", None)
        )
    yield machine
    machine.run("rm -rf /etc/systemd/system/cachesync.service.d; systemctl daemon-reload;"
                "systemctl stop cachesync", status=None)  # fmt: skip


def test_it_starts_reports_and_stops(service):
    assert service.shows("Type") == "notify"
    assert "sources" in service.shows("StatusText")
    document = eventually(
        lambda: (
            (d := json.loads(service.run("cachesync status --json", None) or "{}"))
            and d["ledger"]["pages"] == 8
            and d
        )
    )
    assert document["daemon"]["sources"]["site"]["watch"] in ("inotify", "starting")
    found = service.run("setpriv --reuid=65534 --regid=65534 --clear-groups "
                        "cachesync search --json filelock aarch64")  # fmt: skip
    assert json.loads(found)["builds"] == 2
    service.run("systemctl reload cachesync")
    assert eventually(service.is_up)
    service.run("systemctl stop cachesync")
    assert service.shows("Result") == "success"
    assert service.shows("ExecMainStatus") == "0"


def test_a_page_is_picked_up(service):
    service.run("mkdir /srv/pages/develop/new; sed 's/\"cmake\"/\"new\"/'"
                " /srv/pages/develop/cmake/specs.md > /srv/pages/develop/new/specs.md")  # fmt: skip
    eventually(lambda: "develop/new" in service.run("cachesync changes --limit 0", None), 20)


def test_it_is_started_again_when_it_is_killed(service):
    before = service.pid()
    service.run(f"kill -KILL {before}")
    eventually(lambda: service.is_up() and service.pid() not in (0, before))
    service.run("cachesync verify")


def quickly(service: Machine, *more: str) -> None:
    """Whatever ends is started again at once, not after the 5 s of the unit as shipped."""
    settings = "\\n".join(("[Service]", "RestartSec=100ms", *more))
    service.run("mkdir -p /etc/systemd/system/cachesync.service.d;"
                f"printf '{settings}\\n' > /etc/systemd/system/cachesync.service.d/fast.conf;"
                "systemctl daemon-reload")  # fmt: skip


def test_it_is_started_again_when_it_hangs(service):
    quickly(service, "WatchdogSec=2s")
    service.run("systemctl restart cachesync")
    time.sleep(3)
    before = service.pid()
    assert service.shows("NRestarts") == "0", "it fed the watchdog while it was well"
    service.run(f"kill -STOP {before}")
    eventually(lambda: service.is_up() and service.pid() not in (0, before))
    assert "watchdog" in service.run("journalctl -u cachesync --no-pager").lower()


def test_a_wrong_config_is_not_tried_again(service):
    service.run(
        "cp /etc/cachesync/cachesync.yaml /tmp/good; echo 'sourcse: []' >> /etc/cachesync/cachesync.yaml"
    )
    quickly(service)
    try:
        service.run("systemctl restart cachesync", status=None)
        eventually(lambda: service.shows("SubState") == "failed")
        time.sleep(1)  # ten times what it would be started again after
        assert service.shows("ExecMainStatus") == "2"
        assert service.shows("NRestarts") == "0"
        assert "sources" in service.run("journalctl -u cachesync -n 5 --no-pager")
    finally:
        service.run("cp /tmp/good /etc/cachesync/cachesync.yaml")


def test_it_cannot_write_outside_its_state_directory(service):
    """What the shipped sandbox lets a process of the service do, tried from inside it."""
    places = "/srv/pages /etc /etc/cachesync /usr/local/bin /var/lib /root /home /opt /dev/shm"
    script = (
        f"for d in {places}; do touch $d/written 2>/dev/null && echo WRITTEN $d; done;"
        "touch /var/lib/cachesync/written && echo state; id -un"
    )
    service.run("mkdir -p /etc/systemd/system/cachesync.service.d;"
                f"printf '[Service]\\nExecStartPre=/bin/sh -c \"{script.replace('$d', '$$d')}\"\\n'"
                " > /etc/systemd/system/cachesync.service.d/probe.conf;"
                "systemctl daemon-reload; systemctl restart cachesync")  # fmt: skip
    log = service.run("journalctl -u cachesync -n 30 --no-pager -o cat")
    service.run("rm -f /var/lib/cachesync/written")
    assert "WRITTEN" not in log, log
    assert "state\ncachesync\n" in log


def test_what_root_does_by_hand_the_service_goes_on_with(service):
    """Root's commands reach the running service; while it is stopped they leave all that is its own."""
    eventually(lambda: service.run("cachesync search -q package:cmake && echo found", None))
    shown = json.loads(service.run("cachesync config show --json"))
    assert shown["state_dir"] == {"path": "/var/lib/cachesync", "why": "system"}
    assert shown["daemon"] == {"pid": service.pid()}
    service.run("cachesync sync --allow-mass-removal && cachesync rebuild index")
    service.run("systemctl stop cachesync; umask 077; cachesync rebuild index && cachesync sync")
    strange = "find /var/lib/cachesync ! -user cachesync"
    assert service.run(strange) == ""
    service.run("systemctl start cachesync")
    page = as_generated(Facts("byroot", "develop", [spec(hash_of(78))])).decode()
    service.run("mkdir -p /srv/pages/develop/byroot;"
                f"cat > /srv/pages/develop/byroot/specs.md <<'S'\n{page}\nS\n")  # fmt: skip
    eventually(lambda: service.run("cachesync search -q package:byroot && echo found", None), 20)
    assert service.run("find /root /home -name ledger.sqlite 2>/dev/null", None) == ""
    service.run("touch /var/lib/cachesync/byhand")
    findings = json.loads(service.run("cachesync doctor --offline --json", None))["findings"]
    (finding,) = [f for f in findings if f["check"] == "owners"]
    assert finding["state"] == "error"
    assert "byhand to root" in finding["text"]
    service.run(finding["remedy"])
    findings = json.loads(service.run("cachesync doctor --offline --json", None))["findings"]
    (finding,) = [f for f in findings if f["check"] == "owners"]
    assert finding["text"] == (
        "everything belongs to cachesync, and cachesync.service runs as cachesync"
    )


def test_one_pass_by_timer(machine):
    """The one-shot unit does its pass, beside a daemon through it, alone by itself."""
    machine.run("systemctl start cachesync-sync.service")
    assert machine.run("systemctl show cachesync-sync -p Result --value").strip() == "success"
    machine.run("cachesync verify")


NOTIFYING = """
sources:
  - {name: site, type: directory, path: /srv/pages}
subscriptions:
  - name: new
    query: "package:told"
    batch: {window: 1s}
    targets:
      - type: webhook
        url: http://127.0.0.1:9518/hook
        secret: {credential: webhook-secret}
        allow_private: true
      - type: command
        argv: [/usr/bin/tee, /var/lib/cachesync/told.json]
"""


def test_a_secret_is_a_credential_and_appears_nowhere(service):
    """Webhook and command targets work inside the sandbox; the journal and the state keep no secret."""
    secret = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    service.run("mkdir -p /etc/credstore; umask 077; cat > /etc/credstore/webhook-secret <<'S'\n"
                f"{secret}\nS\n"
                "cp /etc/cachesync/cachesync.yaml /tmp/plain\n"
                f"umask 022; cat > /etc/cachesync/cachesync.yaml <<'S'\n{NOTIFYING}S\n"
                "systemctl restart cachesync")  # fmt: skip
    try:
        service.run("cachesync listen --port 9518 --secret-file /etc/credstore/webhook-secret"
                    " --count 1 --json > /tmp/heard 2>/tmp/heard.err < /dev/null &")  # fmt: skip
        eventually(lambda: service.run("ss -tln | grep 9518", None))
        page = as_generated(Facts("told", "develop", [spec(hash_of(77))])).decode()
        service.run("mkdir -p /srv/pages/develop/told;"
                    f"cat > /srv/pages/develop/told/specs.md <<'S'\n{page}\nS\n")  # fmt: skip
        heard = eventually(lambda: service.run("cat /tmp/heard", None), 30)
        assert '"told"' in heard, heard
        eventually(lambda: "told" in service.run("cat /var/lib/cachesync/told.json", None), 20)
        status = json.loads(service.run("cachesync status --json"))
        states = [t["state"] for t in status["notifications"]["subscriptions"][0]["targets"]]
        assert states == ["ok", "ok"]
        found = service.run(
            f"grep -rlF -e '{secret}' -e '{secret[6:]}' /var/lib/cachesync /run/log/journal"
            " /var/log/journal 2>/dev/null;"
            f"journalctl --no-pager -o export | grep -aF '{secret[6:]}';"
            f"cat /proc/*/cmdline | tr '\\0' ' ' | grep -aF '{secret[6:]}' | grep -v grep; true"
        )
        assert found == ""
    finally:
        service.run(
            "cp /tmp/plain /etc/cachesync/cachesync.yaml; rm -f /etc/credstore/webhook-secret"
        )


def test_a_credential_is_replaced_as_the_documents_say(service):
    """Their lines add a second one; reloaded alone it signs with the first, restarted with both."""
    text = (ROOT / "docs" / "notifications.md").read_text()
    text = text[text.index("To replace a secret without losing a message") :]
    (lines,) = re.findall(
        r"^```sh\n(.*?)^```$", text[: text.index("`cachesync listen`")], re.MULTILINE | re.DOTALL
    )
    (secrets,) = re.findall(r"^```yaml\n(secret: .*?)\n```$", text, re.MULTILINE | re.DOTALL)
    both = NOTIFYING.replace("secret: {credential: webhook-secret}", secrets)
    assert both != NOTIFYING
    service.run("cp /etc/cachesync/cachesync.yaml /tmp/plain; install -d -m 700 /etc/credstore;"
                "umask 077; echo the-old-one > /etc/credstore/webhook-secret; umask 022;"
                f"cat > /etc/cachesync/cachesync.yaml <<'S'\n{NOTIFYING}S\n"
                "systemctl restart cachesync")  # fmt: skip
    try:
        assert "credential webhook-secret: the daemon has it" in service.run("cachesync doctor")
        service.run(f"{lines}\ncat > /etc/cachesync/cachesync.yaml <<'S'\n{both}S\n"
                    "systemctl reload cachesync")  # fmt: skip
        eventually(lambda: "without one of its secrets: the secret in the systemd credential"
                   " webhook-secret-2" in service.run("journalctl -u cachesync --no-pager"), 20)  # fmt: skip
        assert "error   credential webhook-secret-2" in service.run("cachesync doctor", None)
        _is_signed(service, "reloaded", "webhook-secret")
        service.run("systemctl daemon-reload && systemctl restart cachesync")
        assert "credential webhook-secret-2: the daemon has it" in service.run("cachesync doctor")
        _is_signed(service, "restarted", "webhook-secret-2")
    finally:
        service.run("cp /tmp/plain /etc/cachesync/cachesync.yaml; rm -f /etc/credstore/*")


def _is_signed(service: Machine, tag: str, secret: str) -> None:
    """What is published now arrives, and its signature fits a secret."""
    service.run(f"cachesync listen --port 9518 --secret-file /etc/credstore/{secret}"
                f" --count 1 --json > /tmp/heard-{tag} 2>&1 < /dev/null &")  # fmt: skip
    eventually(lambda: service.run("ss -tln | grep 9518", None))
    number = sum(tag.encode())
    page = as_generated(Facts("told", tag, [spec(hash_of(number))])).decode()
    service.run(
        f"mkdir -p /srv/pages/{tag}/told; cat > /srv/pages/{tag}/told/specs.md <<'S'\n{page}\nS\n"
    )
    heard = eventually(lambda: service.run(f"grep told /tmp/heard-{tag}", None), 30)
    assert "verified" in heard, heard


def test_hung_up_at_many_moments_of_its_start(service):
    """The unit is running after each: the signal waits, or systemd starts the daemon once more."""
    quickly(service)
    for number in range(6):
        service.run("systemctl reset-failed cachesync; systemctl restart --no-block cachesync;"
                    f" for i in 1 2 3 4 5; do sleep 0.0{number};"
                    " systemctl kill --kill-whom=main -s HUP cachesync; done", None)  # fmt: skip
        eventually(service.is_up)
    assert service.shows("Result") == "success"


@pytest.fixture
def emptied(machine: Machine) -> Iterator[Machine]:
    """A stopped service without a state directory; its own and its configuration come back."""
    machine.run("systemctl stop cachesync; mv /var/lib/cachesync /var/lib/aside;"
                "cp /etc/cachesync/cachesync.yaml /tmp/kept", status=None)  # fmt: skip
    yield machine
    machine.run("systemctl stop cachesync; rm -rf /var/lib/cachesync /srv/anew;"
                "mv /var/lib/aside /var/lib/cachesync;"
                "cp /tmp/kept /etc/cachesync/cachesync.yaml", status=None)  # fmt: skip


def _sent(machine: Machine, local: Path, there: str, *sources: str) -> None:
    """A directory of this side lies in the machine, and the configuration names sources in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(local, arcname=".")
    listed = "".join(f"  - {{name: {s}, type: directory, path: {there}/{s}}}\n" for s in sources)
    machine.run(f"mkdir -p {there}; base64 -d <<'S' | tar -xzC {there} --no-same-owner\n"
                f"{base64.encodebytes(packed.getvalue()).decode()}S\n"
                f"chmod -R a+rX {there}; cat > /etc/cachesync/cachesync.yaml <<'S'\n"
                f"sources:\n{listed}S\n")  # fmt: skip


def _found(machine: Machine, query: str = "''") -> set[str]:
    """The hashes that an ordinary user finds."""
    text = machine.run("setpriv --reuid=65534 --regid=65534 --clear-groups"
                       f" cachesync search --limit 0 --json {query}", None)  # fmt: skip
    results = json.loads(text or "{}").get("results", [])
    return {one["hash"] for result in results for one in result["specs"]}


PUBLISHED = {
    "rm and cp": "rm -rf /srv/anew/site; cp -r /srv/anew/{0} /srv/anew/site",
    "rm, later cp": "rm -rf /srv/anew/site/*; sleep 3; cp -r /srv/anew/{0}/. /srv/anew/site",
    "rsync": "rsync -a --delete /srv/anew/{0}/ /srv/anew/site/",
    "mv": "mv /srv/anew/site /srv/anew/old; mv /srv/anew/{0} /srv/anew/site",
}


def test_a_site_published_under_the_service_is_what_is_found(emptied, tmp_path):
    """By whichever way: nothing of what is gone, all that is new, and the source is well by itself.

    Each has three pages less than the one before: what goes within an hour is counted together.
    """
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed")

    def tree(name: str, first: int) -> set[str]:
        rows = {n: rig.spec("anew", n) for n in range(first, first + 30)}
        for n, row in rows.items():
            rig.Tree(tmp_path / name).write(f"v{n % 3}", f"p{n}", [row])
        return {row["hash"] for row in rows.values()}

    expected = {"site": tree("site", 0)}
    for number in range(len(PUBLISHED)):
        expected[f"n{number}"] = tree(f"n{number}", 3 * (number + 1))
    _sent(emptied, tmp_path, "/srv/anew", "site")
    emptied.run("systemctl reset-failed cachesync; systemctl start cachesync")
    eventually(lambda: _found(emptied) == expected["site"], 20)
    for number, way in enumerate(PUBLISHED.values()):
        name = f"n{number}"
        emptied.run(way.format(name))
        eventually(lambda name=name: _found(emptied) == expected[name], 20)
        eventually(
            lambda: (
                json.loads(emptied.run("cachesync status --json"))["sources"][0]["state"] == "ok"
            ),
            20,
        )
    emptied.run("cachesync verify")


def test_the_service_takes_over_the_state_of_the_release_before(emptied, tmp_path):
    """Started on its state directory it migrates the ledger; the log stays as it was."""
    state = oldledger.make(tmp_path)
    db = sqlite3.connect(state.path / "ledger.sqlite")
    with db:
        db.execute(
            "UPDATE source SET location = replace(location, ?, '/srv/anew')", [str(tmp_path)]
        )
    (logged,) = db.execute("SELECT count(*) FROM change").fetchone()
    db.close()
    _sent(emptied, tmp_path, "/srv/anew", "site", "other")
    emptied.run("install -d -m 755 -o cachesync -g cachesync /var/lib/cachesync;"
                "install -m 644 -o cachesync -g cachesync /srv/anew/state/ledger.sqlite"
                " /var/lib/cachesync/; rm -rf /srv/anew/state;"
                "systemctl reset-failed cachesync; systemctl start cachesync")  # fmt: skip
    celeritas = {rig.spec_hash("c", n) for n in range(4)}
    eventually(lambda: _found(emptied, "celeritas languages=c,c++") == celeritas, 20)
    assert _found(emptied, "arkouda") == {rig.spec_hash("a", n) for n in (1, 2)}
    emptied.run("cachesync sync && cachesync verify")
    status = json.loads(emptied.run("cachesync status --json"))
    assert [source["state"] for source in status["sources"]] == ["ok", "ok"]
    changes = emptied.run("cachesync changes --since 0 --limit 0 --json").splitlines()
    assert len(changes) == logged
    assert emptied.run("find /var/lib/cachesync ! -user cachesync") == ""
