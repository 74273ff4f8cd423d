"""The configuration: what may stand in the file, what it says, and where its secrets are.

In come a path or a text, out goes a frozen `Config` or ConfigError with every problem at once.
`file` finds and reads it, `schema` says what may stand in it, `settings` are the values it gives,
`secrets` reads what it points to. Never known here: what anybody does with any of it.
"""
