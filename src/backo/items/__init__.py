"""ONE item in memory: its declaration, its values, its states; no I/O, no user, no HTTP."""

from backo.items import groups, sequences

__all__ = ["groups", "sequences"]  # importing them registers how groups and lists are seen
