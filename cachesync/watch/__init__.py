"""Noticing that a directory of pages changed: the watcher, and how its events are gathered."""
