"""The daemon: watches and fetches, and keeps the ledger and its projections up to date.

In come a configuration, signals and requests by the control socket, out go passes, commits and
deliveries at their times. It composes the wings and decides when; never known here: how a page is
read, what a query means, the command line. `service` is where all of it is put together.
"""
