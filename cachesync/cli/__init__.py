"""The command line: from arguments to an exit status. Nothing but `__main__` imports it.

In come arguments and the environment, out go answers on standard output, talk on standard error, and
a status. `commands` has one file a command, `display` says how things look, the modules beside them
are the frame: `entry` begins and ends all, `app` knows the commands by name. Never known here: SQL,
Whoosh, HTTP, and anything another way in (a web page, say) would need as well.
"""
