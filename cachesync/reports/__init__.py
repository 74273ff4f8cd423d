"""What else one asks of what is known: history, two tags compared, coverage, what there is, whether all agrees.

In come rows, changes, locks and lists; out go findings as values. Never known here: the terminal, the
index's form, and who asks. Nothing is written.
"""
