"""The search index: the only Whoosh.

In come what the ledger has of builds, and fields and terms to look up; out go numbers of documents,
how many specs each stands for, and where those are. Never known here: sources, queries as a whole,
ranking, and who asks. `reader` opens and asks it, `writer` makes and updates it, `catchup` brings it
up to the ledger, `documents` says what is indexed, `codec` how it is written, `segment` reads that
without Whoosh, `layout` says which file is which, `planes` are its sums.

One document a build. A posting's weight is the number of the build's specs it stands for, so most
queries are counted without asking the ledger. The index is disposable: it carries the ledger's
identity, its own schema number and its cursor in the Whoosh commit, and a checksum of every file in
a manifest written just before the commit. Whatever is wrong with it raises IndexUnusableError: the
ledger answers, and the next writer builds it anew.
"""
