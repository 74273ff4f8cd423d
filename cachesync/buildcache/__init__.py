"""The bytes of a build cache's index and manifests to nodes; which file lies where. Pure.

In come bytes, out go paths inside a mirror, blobs, and `Node`s, or errors with the place of what is
wrong. Never known here: where a mirror is, how bytes are got, what was known before, and whether
anybody wants it.
"""
