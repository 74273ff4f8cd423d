"""The command line: one file per group of commands. Nothing but `__main__` imports this package."""
