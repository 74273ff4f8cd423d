"""The search index: the only Whoosh.

One document a build. A posting's weight is the number of the build's specs it stands for, so most
queries are counted without asking the ledger. The index is disposable: it carries the ledger's
identity, its own schema number and its cursor in the Whoosh commit, and a checksum of every file in
a manifest written just before the commit. Whatever is wrong with it raises IndexUnusableError: the
ledger answers, and the next writer builds it anew.

`reader` opens and asks it, `writer` makes and updates it, `documents` says what is indexed, `codec`
how it lies on disk.
"""
