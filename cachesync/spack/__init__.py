"""What is Spack's and not ours: specs as text, versions, ranges, targets, lock files, DAGs, names of tags. Pure.

In comes what Spack writes or people type in its notation: text, bytes. Out go values, orders and
verdicts, as Spack has them. Never known here: where any of it was read, sources, the ledger, queries.
"""
