"""How things look: tables, colours, pages, talk. Nothing raw from a page reaches a terminal.

In come answers and findings, out go lines on standard output and standard error. Never known here:
arguments, exit statuses, and how an answer was found. Nothing here imports a command.
"""
