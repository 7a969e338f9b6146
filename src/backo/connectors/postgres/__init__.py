"""Keep collections in PostgreSQL: several processes and machines at a time.

What it has in common with other SQL databases is in `backo.connectors.sql`.

| Module | Its job |
|---|---|
| `store` | the connector |
| `database` | one database shared by stores and threads: the pool, forks |
| `session` | one transaction |
| `adapters` | texts as PostgreSQL can keep them |
| `dialect` | what PostgreSQL says in its own way |
| `evolving` | bringing the tables to what is declared |
| `mending` | making what is missing while others go on |
| `failures` | errors of the driver as ours |
"""

from importlib.util import find_spec

if find_spec("psycopg") is None or find_spec("psycopg_pool") is None:
    message = "DBPostgresConnector needs psycopg and its pool: pip install 'backo[postgres]'"
    raise ImportError(message)

from backo.connectors.postgres.store import DBPostgresConnector  # after the driver has been looked for

__all__ = ["DBPostgresConnector"]
