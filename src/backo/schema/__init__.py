"""WHAT an item may hold: fields are declared, a schema is compiled once, values are checked."""
