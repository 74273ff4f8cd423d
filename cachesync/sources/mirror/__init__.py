"""Build caches as a source: each cache index of a mirror, read again only when it changed.

`source` reads one, `parts` what each layout says of it; `files` and `web` are the two ways to a mirror, which
is a `place`; `spool` holds what is on its way in.

In come an entry of the configuration, a fetcher, and what the pass before gave to remember; out go whole
documents, checked and unpacked, or that nothing changed, or why there is none. Never known here: what the
records in a document say, what the ledger knows, when anything is due.
"""
