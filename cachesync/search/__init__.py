"""Answering a query: from the index where it can, from the ledger where it must.

In come a query tree, an open ledger and, where it is usable, an index; out goes an answer: builds,
best first, with their specs, placements and counts. Never known here: how a query is written, how an
answer looks, and who asks. Nothing is written.
"""
