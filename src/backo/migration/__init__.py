"""Bring stored items from the declaration under which they were written to the present one."""
