"""The ledger: the database that holds pages, specs, placements and changes. The only SQL of the truth.

In comes what a pass found, as values; out go changes in their order, and rows for who reads. Never
known here: how a page is read, sources as such, queries, the index, and who is notified.

`schema` is the form and its migrations, `connect` opens it (and holds the writer's lock), `write`
turns what a pass found into rows and changes, `read` answers everybody else.
"""
