"""Where pages come from. `base` is the protocol, the other modules are the kinds of source.

`mirror` is the room of build caches, which have cache indexes in the place of pages.
In come an entry of the configuration and a fetcher, out go listings and the bytes of what is listed,
or why not. Never known here: what the bytes say, what the ledger knows, when anything is due.
"""
