"""The ledger: the database that holds pages, specs, placements and changes. The only SQL.

`schema` is the form and its migrations, `connect` opens it (and holds the writer's lock), `write`
turns what a pass found into rows and changes, `read` answers everybody else.
"""
