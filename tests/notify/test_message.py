"""What messages say, and how large they are."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.scalars import LEAST_MESSAGE_BYTES
from cachesync.config.settings import Batch, Subscription, WebhookFormat, WebhookTarget
from cachesync.model import TOLD, Build, Change, ChangeKind
from cachesync.notify.follower import sender_of
from cachesync.notify.message import (
    Match,
    Sender,
    compose,
    match,
    message_of_test,
    news_of_target,
    type_of,
)
from cachesync.notify.outbox import intake
from cachesync.notify.webhook import cloudevent, standard
from cachesync.query import And
from tests.bench.matching import changes_of
from tests.support.examples import examples

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


_texts = st.text(st.characters(), max_size=300) | st.text("\0'\"é😀\ud800", max_size=3_000)
_printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=64)
_names = _printable | st.sampled_from(("'" * 64, "😀" * 64, '"' * 64))
_changes = st.builds(
    Change,
    st.integers(1, 10**15), st.integers(0, 10**15), st.sampled_from(TOLD), _texts,
    tag=_texts, package=_texts, path=_texts, subscription=_texts, target=_texts, reason=_texts,
    hash=st.none() | st.just("b" * 32), stacks=st.none() | st.lists(_texts, max_size=3).map(tuple),
    build=st.none() | st.builds(Build, *[_texts] * 6, st.lists(_texts, max_size=3).map(tuple)),
    details=st.none(), edges=st.none(),  # of spec.described, which no message has
)  # fmt: skip


@examples(60, 2_000, deadline=None)
@given(
    _names, _texts, st.lists(_changes, min_size=1, max_size=5), st.integers(LEAST_MESSAGE_BYTES, 20_000),
    st.sampled_from(WebhookFormat), st.sampled_from((1, 100)),
)  # fmt: skip
def test_no_body_is_too_large_as_it_is_sent(name, query, changes, limit, form, above):
    """Whatever is in it, in both forms; and it is JSON in UTF-8."""
    target = WebhookTarget("https://a.example", format=form)
    sender = sender_of(
        Subscription(name, query, And(()), (target,), batch=Batch(30.0, 100, above, limit))
    )
    matches = [match(change) for change in changes]
    made = composed(matches, sender, until=10**15)
    made.append(news_of_target(sender, changes[0]._replace(kind=ChangeKind.TARGET_DISABLED), at=1))
    made.append(message_of_test(sender, seq=10**15, at=10**15))
    for message in made:
        sent = standard(message.body)
        if form is WebhookFormat.CLOUDEVENTS:
            sent = cloudevent(message.body, message_id=intake.new_id())
        assert len(sent.body) <= limit
        shown = json.loads(sent.body.decode())["data"]
        assert shown["subscription"] == name
        assert len(json.dumps(shown["query"], ensure_ascii=False).encode(errors="replace")) < 1_003


def test_texts_are_written_as_they_are():
    (message,) = composed([Match(1, "page.added", "ä", "t", '{"seq": 1}')], Sender("ü", "é" * 400))
    assert f'"query": "{"é" * 400}"'.encode() in message.body
    (message,) = composed([Match(1, "page.added", "ä", "t", '{"seq": 1}')], Sender("ü", "é" * 600))
    assert data(message)["query"] == "é" * 498 + "…"


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
