"""cachesync: what is in Spack build caches, searchable, with a memory.

The package is the product; nothing here is imported by `import cachesync` itself, so that
`cachesync search` pays only for what it uses.
"""

__version__ = "0.1.0"
