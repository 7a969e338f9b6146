"""The floor: what a competent engineer would write by hand with Flask and `sqlite3`, or with `psycopg`.

It is the measure, so it is neither tuned nor crippled: statements the drivers keep
prepared, `msgspec` for JSON, stored text sent as it is, and the same guarantees as the
library (checked input, parent check, total, ETag, problem documents, durability).
"""

from bench.floor.app import create_app, fill

__all__ = ["create_app", "fill"]
