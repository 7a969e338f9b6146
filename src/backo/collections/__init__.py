"""THE declared application: collections of items, assembled once, then used through units of work."""
