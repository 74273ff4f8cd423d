"""Health is one pure function: every fault has a reason, and the worst reason is the state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.reports.health import (
    FULL_BYTES,
    LOW_BYTES,
    Code,
    Facts,
    State,
    document,
    judge,
    line,
)


def source(**more):
    return {"name": "site", "type": "directory", "location": "https://m", "state": "ok", "error": None, "places": 10,
            "rejected": 0, "last_success": 1, **more}  # fmt: skip


def running(*, site=(), **more):
    said = {"doing": "idle", "watch": "inotify", "degraded": None, "overflowed": False,
            "error": None, **dict(site)}  # fmt: skip
    return {"pid": 7, "stuck": None, "sources": {"site": said}, **more}


def target(state):
    targets = [{"target": "hook", "state": state, "reason": "410 Gone"}]
    return {"error": None, "subscriptions": [{"name": "mine", "targets": targets}]}


LOST = {"hash": "a" * 32, "package": "zlib", "version": "1.3", "mirror": "https://m", "state": "missing",
        "reason": "its tarball answered 404"}  # fmt: skip
SAMPLE = {"asked": 50, "missing": 1, "failed": [LOST]}

FAULTS = [
    (Facts(1, sources=[source(state="held", error="9 of 10 gone")]), "source-held", "degraded"),
    (Facts(1, sources=[source(state="failed", error="no")]), "source-failed", "degraded"),
    (Facts(1, sources=[source(state="never")]), "source-never", "degraded"),
    (Facts(1, sources=[source(state="orphaned", rejected=9)]), "source-orphaned", "ok"),
    (Facts(1, sources=[source(rejected=5)]), "pages-rejected", "ok"),
    (Facts(1, sources=[source(rejected=6)]), "source-garbage", "degraded"),
    (Facts(1, free_bytes=FULL_BYTES - 1), "disk-full", "failing"),
    (Facts(1, free_bytes=LOW_BYTES - 1), "disk-low", "degraded"),
    (Facts(1, foreign=["index/x"]), "files-foreign", "degraded"),
    (Facts(1, newest=12), "clock-behind", "degraded"),
    (Facts(1, ledger_error="damaged"), "ledger-unusable", "failing"),
    (Facts(1, index_error="damaged"), "index-unusable", "degraded"),
    (Facts(1, daemon=running(index_error="no")), "index-unwritable", "degraded"),
    (Facts(1, daemon=running(config_error="line 1")), "config-refused", "degraded"),
    (Facts(1, daemon=running(metrics_error="in use")), "metrics-down", "degraded"),
    (Facts(1, daemon=running(stuck="the writer")), "daemon-stuck", "failing"),
    (Facts(1, daemon=running(), is_stopped=True), "daemon-stopped", "failing"),
    (Facts(1, expected="the unit is enabled"), "daemon-absent", "degraded"),
    (Facts(1, daemon=running(site={"error": "disk"})), "source-unrecorded", "failing"),
    (Facts(1, daemon=running(site={"overflowed": True})), "watch-overflowed", "degraded"),
    (Facts(1, daemon=running(site={"watch": "polling", "degraded": "few"})), "watch-polling", "degraded"),
    (Facts(1, daemon=running(site={"watch": "lost", "degraded": "gone"})), "watch-lost", "degraded"),
    (Facts(1, sources=[source()], probes={"site": SAMPLE}), "sample-missing", "degraded"),
    (Facts(1, deliveries={"error": "read-only"}), "outbox-unusable", "failing"),
    (Facts(1, deliveries=target("disabled")), "target-disabled", "degraded"),
    (Facts(1, deliveries=target("failing")), "target-failing", "degraded"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("site", "codes"),
    [
        ({"passes": 0}, []),
        ({"passes": 0, "doing": "reading"}, []),
        ({"passes": 1}, ["source-never"]),
    ],
)
def test_what_a_daemon_is_about_to_do_is_no_fault(site, codes):
    """A source that it has yet to pass over for the first time; one that it passed over in vain is one."""
    facts = Facts(1, sources=[source(state="never")], daemon=running(site=site))
    assert [reason.code for reason in judge(facts).reasons] == codes


def test_every_code_has_a_fault():
    """None is without an example."""
    assert {code for _, code, _ in FAULTS} == set(Code)


@pytest.mark.parametrize(("facts", "code", "state"), FAULTS, ids=[f[1] for f in FAULTS])
def test_every_fault_is_a_reason(facts, code, state):
    """It names a thing, says what is wrong, and has a remedy; the state follows from it."""
    found = judge(facts)
    assert [reason.code for reason in found.reasons] == [code]
    assert found.state == found.reasons[0].state == state
    assert all(found.reasons[0])


def test_what_keeps_the_index_from_being_written_says_what_helps():
    """Where the error does not know it is the owner of the file that it names."""
    no = "the state directory /s cannot be used: index/x.toc: Permission denied"
    for remedy, told in ((None, "chown -R its owner: the state directory"), ("free it", "free it")):
        (reason,) = judge(Facts(1, daemon=running(index_error=no, index_remedy=remedy))).reasons
        assert reason.text.endswith("index/x.toc: Permission denied")
        assert reason.remedy == told


@pytest.mark.parametrize("is_running", [True, False])
def test_a_remedy_is_no_way_round_in_a_circle(is_running):
    """`doctor` tells these remedies, so none sends anybody there; only a ledger that says nothing does."""
    daemon = (
        running(site={"error": "disk", "watch": "polling"}, index_error="no")
        if is_running
        else None
    )
    sources = [source(state="failed", error="no"), source(state="held"), source(rejected=9)]
    facts = Facts(1, sources=sources, daemon=daemon, ledger_error="damaged",
                  ledger_remedy="restore a backup", index_error="damaged")  # fmt: skip
    reasons = judge(facts).reasons
    assert len(reasons) == (7 if is_running else 5)
    assert not any("doctor" in (reason.remedy or "") for reason in reasons)
    failed = next(reason for reason in reasons if reason.code is Code.SOURCE_FAILED)
    assert "cachesync sync site" in failed.remedy
    assert ("by itself" in failed.remedy) is is_running


def test_what_cannot_be_recorded_says_what_helps():
    """What the error knew, as in the log."""
    said = {"error": "the disk is full", "remedy": "free some space"}
    (reason,) = judge(Facts(1, daemon=running(site=said))).reasons
    assert reason.remedy == "free some space"


@pytest.mark.parametrize(("type_", "location", "what", "back"), [
    ("directory", "/srv/pages", "page", "mount it again"), ("http", "https://p", "page", "publish its pages again"),
    ("buildcache", "https://m", "cache index", "update its cache index"),
    ("buildcache", "/etc/mirrors.yaml", "cache index",
     "name the mirrors again in /etc/mirrors.yaml, or update their cache indexes"),
])  # fmt: skip
def test_what_is_told_of_a_source_is_what_it_has(type_, location, what, back):
    """A mirror has cache indexes and no pages, and only a directory can be mounted."""
    sources = [source(name="a", type=type_, location=location, state="held"), source(type=type_, places=1, rejected=1),
               source(name="c", type=type_, places=3, rejected=1)]  # fmt: skip
    held, alone, of_three = judge(Facts(1, sources=sources)).reasons
    assert held.remedy.startswith(f"{back}; if it is meant, ")
    assert alone.text == f"more than half: 1 of 1 {what} is rejected"
    assert of_three.text == f"1 of 3 {what}{'s' if what == 'page' else 'es'} is rejected"


def test_all_well_is_ok_without_a_reason():
    """With and without a daemon; a first pass that goes on is no fault."""
    first = running(site={"doing": "reading everything"})
    for facts in (
        Facts(1),
        Facts(1, sources=[source()], newest=10, free_bytes=LOW_BYTES, daemon=running()),
        Facts(1, sources=[source(state="never")], daemon=first),
    ):
        assert judge(facts) == (State.OK, ())
    assert line(judge(Facts(1))) == "ok"
    first = running(site={"doing": "reading everything"})
    assert judge(Facts(1, index_error="there is none", daemon=first)).state is State.OK


@pytest.mark.parametrize("why", ["configured", "filesystem"])
def test_polling_that_is_meant_is_told_and_is_ok(why):
    """By `watch:` or by the kind of file system; where events ran out or broke it is degraded."""
    said = {"watch": "polling", "watch_reason": why, "watch_detail": "`watch:` says so"}
    (reason,) = judge(Facts(1, daemon=running(site=said))).reasons
    assert (reason.code, reason.state) == ("watch-polling", State.OK)
    assert reason.text == "polled, since `watch:` says so"
    for broken in ("exhausted", "broken"):
        facts = Facts(1, daemon=running(site={"watch": "polling", "watch_reason": broken}))
        assert judge(facts).state is State.DEGRADED


@given(st.lists(st.sampled_from(["ok", "failed", "held", "never"]), max_size=6), st.integers(0, 10))
def test_the_state_is_that_of_the_worst_reason(states, free):
    """Whatever comes together: the reasons are sorted, the worst first, and none is lost."""
    sources = [source(name=f"s{n}", state=state) for n, state in enumerate(states)]
    found = judge(Facts(1, sources=sources, free_bytes=free * FULL_BYTES * 20))
    order = [list(State).index(reason.state) for reason in found.reasons]
    assert order == sorted(order, reverse=True)
    assert found.state == (found.reasons[0].state if found.reasons else State.OK)
    assert sum(r.code.startswith("source-") for r in found.reasons) == sum(
        s != "ok" for s in states
    )


@given(st.text(max_size=400))
def test_nothing_that_was_read_is_said_raw(text):
    """A reason is one printable line: it goes into a terminal, a log and the unit's status."""
    found = judge(Facts(1, sources=[source(name=text, state="failed", error=text)]))
    assert line(found).isprintable()
    assert line(found, longest=50) == line(found)[:50] or len(line(found, longest=50)) == 50
    assert all(value.isprintable() for value in document(found)["reasons"][0].values())
