"""The bytes of a package page to a `Page`. Pure.

In come bytes, out goes a `Page`, or PageError with the position. Never known here: where the page
lies, what was there before, and whether anybody wants it.
"""
