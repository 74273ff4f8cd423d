"""What the operating system is asked for: a second process, memory, small files for everybody.

In come tasks and small documents, out come their results. Never known here: what the tasks and the
documents are about.
"""
