"""Notifications: subscriptions, the messages they make, and the targets these are sent to.

In come changes and the configuration, out go messages and what became of them. Never known here: how
a change came about, the index, the command line.
"""
