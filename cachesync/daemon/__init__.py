"""The daemon: watches and fetches, and keeps the ledger and its projections up to date."""
