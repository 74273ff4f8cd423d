"""The commands: one file a command; what only one of them uses stands beside it.

In come the global options and a command's own, out goes an exit status; the answer is printed with
`display`. Commands do not import each other: what two of them need is the frame's or `display`'s.
"""
