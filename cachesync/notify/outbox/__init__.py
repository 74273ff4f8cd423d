"""The outbox: what matched, what is to be sent, and what became of it. With the ledger the only SQL.

In come matches and the results of attempts, out go deliveries that are due. Never known here: the
configuration, the network, and what a change is about.

It stands beside the ledger in a database of its own, which only its owner can read: the ledger is
for everybody. Its cursor into the change log is committed with what was found up to there. Modules
but `connect` are functions of an open connection and commit nothing: who calls them does, with
`connect.transaction`.
"""
