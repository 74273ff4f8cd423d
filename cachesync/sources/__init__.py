"""Where pages come from. `base` is the protocol, the other modules are the kinds of source."""
