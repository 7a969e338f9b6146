"""LINKS between items: declared as fields, resolved once, their consequences planned as data."""
