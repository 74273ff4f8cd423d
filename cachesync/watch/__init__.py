"""Noticing that a directory of pages changed: the watcher, and how its events are gathered.

In comes a directory, out goes what to look at, as plain events. Never known here: what a page says,
the ledger, and what anybody does about it. A watcher loses events, and says so.
"""
