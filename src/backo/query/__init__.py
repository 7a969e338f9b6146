"""WHICH items: filters, sorts and pages as values, without I/O, users or HTTP."""
