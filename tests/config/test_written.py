"""The file that is written for a subscription: it reads back as what it was made from."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config import written
from cachesync.config.file import Text, parse
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.settings import AppriseTarget, CommandTarget, WebhookTarget
from cachesync.yamlguard import quoted

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
paths = texts.filter(str.isprintable).map("/{}".format)
webhooks = st.tuples(st.sampled_from(["https://h.example/a?b=c", "http://[::1]:8/"]), paths).map(
    lambda of: WebhookTarget(of[0], (Secret(SecretKind.FILE, of[1]),), allow_private=True)
)
commands = st.lists(texts.filter(lambda text: "\0" not in text), max_size=3).map(
    lambda words: CommandTarget(("/bin/x", *words))
)
mails = paths.map(lambda path: AppriseTarget(Secret(SecretKind.FILE, path)))


@given(texts)
def test_a_quoted_text_reads_back(text):
    assert yaml.safe_load(quoted(text)) == text


@given(webhooks | commands | mails, st.sampled_from(['hdf5 +mpi "OR" -cuda', "ünder 🦀 \\"]))
def test_what_is_written_is_read_as_what_was_meant(target, query):
    """And it is known to be written for this subscription, and for no other."""
    text = written.file_text("a-b.c", query, target)
    (entry,) = parse("", name="x", parts=[Text("y", text)]).subscriptions
    assert (entry.name, entry.query, entry.targets) == ("a-b.c", query, (target,))
    assert written.is_written(text, [entry.name], "a-b.c")
    assert not written.is_written(text, [entry.name], "other")
    assert not written.is_written(text, [entry.name, "more"], "a-b.c")
    assert not written.is_written(text.partition("\n")[2], [entry.name], "a-b.c")


@given(texts, st.sets(st.sampled_from(["everything", "everything-2", "a"])))
def test_a_name_made_of_a_query_is_a_name_and_free(query, taken):
    for words in (query, ""):
        name = written.name_for(words, taken)
        assert written.is_name(name)
        assert name not in taken


def test_names_of_files():
    assert written.name_for("hdf5 +mpi target:aarch64", {"hdf5-mpi-target-aarch64"}) == (
        "hdf5-mpi-target-aarch64-2"
    )
    for name in ("", ".hidden", "a/b", "a b", "-x", "ä", "x" * 65):
        assert not written.is_name(name)
