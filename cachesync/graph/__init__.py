"""The graph: who depends on whom, as arrays of numbers, and which nodes satisfy a spec.

In comes what the ledger has of nodes, and an `AbstractSpec`. Out go the specs that satisfy it, by the ids
that the ledger has for them, and the path that shows it. Never known here: texts of queries, sources,
placements beyond whether there is one, ranking, and who asks.

`arrays` are the values, `making` makes them of what the ledger has and adds to them, `file` is how they
lie in a file, `catchup` brings that up to the ledger. `masks` are sets of nodes, `nodes` finds those
that are what is asked for, `labelled` those that lead to a label, `reaching` goes along edges, `lanes` for many
questions at once, which `preparing` collects, `owners` finds what `%` below `^` hangs from,
`evaluating` puts it together, `paths` shows why, along the `ways`.

It is a projection like the search index: disposable, with the ledger's identity, its own schema and its
cursor inside, and a checksum. Where the file is missing, damaged or behind, the arrays are made of the
ledger: slower, never wrong.
"""
