"""Which cache indexes a source has no longer, and what is said where the guard holds what they carried."""

from cachesync.ledger.outcomes import StatementRow
from cachesync.sources.mirror.discovered import Discovered, Statement
from cachesync.sync.leaving import MOST_NAMED, dropped, said_of_dropped


def row(tag, stack="root", view=None):
    return StatementRow(1, "https://m", view, tag, stack, "x", None, 1, False, {})


def statement(tag, stack="root", view=None):
    return Statement("https://m", view, tag, stack)


A, B, C = row("a"), row("b"), row("c")


def test_what_is_not_found_any_more_is_dropped():
    """By tag and stack; not what cannot be read, and what is known to be gone even where it is named."""
    found = Discovered((statement("a"),))
    assert dropped(found, [A, B, row("a", "e4s")], ()) == [B, row("a", "e4s")]
    assert dropped(found._replace(kept=frozenset("b")), [A, B], ()) == []
    assert dropped(found, [A, B], {("a", "root")}) == [A, B]


def test_where_it_is_not_known_what_there_is_only_what_is_gone_is_dropped():
    found = Discovered((), "the list cannot be had")
    assert dropped(found, [A, B], ()) == []
    assert dropped(found, [A, B], {("b", "root")}) == [B]


def test_what_would_be_let_go_is_named_with_what_comes_in_its_place():
    """Nothing comes in the place of mirrors that stand alone; of many some are named."""
    assert said_of_dropped([], [statement("a")]) == ""
    said = said_of_dropped([A], [statement("b", view="v")])
    assert (
        said == "; the mirror's own index (a) would be let go, as the view v is read in its place"
    )
    assert said_of_dropped([A], ()) == "; the mirror a would be let go"
    assert said_of_dropped([A, row("a", "e4s")], ()) == "; the mirrors a, a/e4s would be let go"
    many = said_of_dropped([row(f"t{number}") for number in range(MOST_NAMED + 3)], ())
    assert many.endswith(" t4 and 3 more would be let go")
