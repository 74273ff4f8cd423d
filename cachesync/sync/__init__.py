"""One pass over a source: what is listed, what is new of it, and what the ledger is told.

In come a source, what the ledger knows of it, and the guard's limits; out go outcomes to the writer
and a result for who asked. Never known here: when passes are due, who is told, and what the index
makes of it.
"""
