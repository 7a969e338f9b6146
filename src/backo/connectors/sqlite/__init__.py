"""Keep collections in SQLite files: durable, transactional, safe between threads and processes.

What it has in common with other SQL databases is in `backo.connectors.sql`.

| Module | Its job |
|---|---|
| `store` | the connector |
| `database` | one file shared by stores and threads: the pool, the queue of writers, forks |
| `handles` | one connection |
| `session` | one transaction |
| `dialect`, `functions` | what SQLite says in its own way |
| `evolving` | bringing the tables to what is declared |
| `checking`, `mending` | whether the file is sound; making what is missing |
| `queueing` | a fair lock |
| `failures` | errors of the driver as ours |
"""

from backo.connectors.sqlite.store import DBSqliteConnector

DBSqlite3Connector = DBSqliteConnector

__all__ = ["DBSqlite3Connector", "DBSqliteConnector"]
