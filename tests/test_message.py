"""What messages say, and how large they are."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cachesync.model import Change, ChangeKind
from cachesync.notify.message import Match, Sender, compose, match, news_of_target, type_of
from tests.bench.matching import changes_of

SENDER = Sender("hdf5-arm", "hdf5 target:aarch64")


def composed(matches, sender=SENDER, since=0, until=10**6):
    return list(
        compose(sender, matches, since_seq=since, until_seq=until, at=1_700_000_000_000_000)
    )


def data(message):
    return json.loads(message.body)["data"]


_sizes = st.lists(st.integers(0, 30_000), min_size=1, max_size=40)


@given(_sizes, st.integers(1, 20), st.integers(3_000, 40_000))
def test_every_match_is_in_one_message_in_order_and_none_is_too_large(sizes, most, limit):
    matches = [
        Match(seq, "spec.cached", "p", "t", json.dumps({"seq": seq, "reason": "x" * size}))
        for seq, size in enumerate(sizes, 5)
    ]
    messages = composed(matches, Sender("s", "q", most=most, most_bytes=limit), since=3, until=99)
    assert [c["seq"] for m in messages for c in data(m)["changes"]] == [m.seq for m in matches]
    assert all(len(m.body) <= limit for m in messages)
    assert all(len(data(m)["changes"]) <= most for m in messages)
    seqs = [3, *(m.until_seq for m in messages)]
    assert [m.since_seq for m in messages] == seqs[:-1]
    assert seqs[-1] == 99
    assert data(messages[-1])["more"] == 0
    assert {data(m)["total"] for m in messages} == {len(matches)}


def test_a_change_that_is_too_large_alone_says_that_it_is_shortened():
    (change,) = changes_of(1)
    long = change._replace(build=change.build._replace(variants=("patches=" + "a" * 50_000,)))
    (message,) = composed([match(long)])
    assert len(message.body) < 20_000
    (shown,) = data(message)["changes"]
    assert shown["shortened"] is True
    assert shown["build"]["variants"] == ["patches=" + "a" * 192]
    assert shown["hash"] == change.hash


def test_a_summary_of_very_many_is_bounded():
    matches = [
        Match(seq, "spec.cached", f"package-{seq % 3000}", f"tag-{seq % 2}", None)
        for seq in range(60_000)
    ]
    (message,) = composed(matches, until=60_000)
    assert len(message.body) <= 20_000
    said = data(message)
    assert said["total"] == said["more"] == 60_000
    counted = sum(n for tags in said["counts"].values() for n in tags.values())
    assert counted + said["uncounted"]["changes"] == 60_000
    assert len(said["counts"]) + said["uncounted"]["packages"] == 3000
    assert said["command"] == "cachesync changes --subscription hdf5-arm --since 0 --until 60000"


def test_a_name_cannot_break_out_of_the_command():
    (message,) = composed(
        [Match(1, "spec.cached", "p", "t", None)], Sender("a;rm", "q"), since=0, until=1
    )
    assert data(message)["command"].startswith("cachesync changes --subscription 'a;rm' ")


def test_types():
    assert type_of(["spec.cached"]) == "specs.cached"
    assert type_of(["page.rejected"] * 2) == "pages.rejected"
    assert type_of(["spec.cached", "spec.evicted"]) == "changes.matched"


def test_news_of_a_target_stand_beside_the_chain():
    change = Change(
        7, 1, ChangeKind.TARGET_DISABLED, "", subscription="s", target="webhook x", reason="gone"
    )
    message = news_of_target(SENDER, change, at=1)
    assert message.type == "targets.disabled"
    assert message.since_seq == message.until_seq == 7
    (shown,) = data(message)["changes"]
    assert (shown["source"], shown["target"], shown["reason"]) == (None, "webhook x", "gone")
