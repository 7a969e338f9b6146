"""Keep collections in SQLite files: durable, transactional, safe between threads and processes.

| Module | Its job |
|---|---|
| `store` | the connector |
| `database` | one file shared by stores and threads: the pool, the queue of writers, forks |
| `handles` | one connection |
| `session` | one transaction |
| `layout`, `cells` | the tables of a collection, and what is kept in them, as values |
| `evolution` | bringing the tables to what is declared |
| `filters`, `functions` | filters as SQL |
| `paging` | queries as statements |
| `referring` | who holds a link |
| `writing` | batches of writes |
| `queueing` | a fair lock |
| `failures` | errors of the driver as ours |
"""

from backo.connectors.sqlite.store import DBSqliteConnector

DBSqlite3Connector = DBSqliteConnector

__all__ = ["DBSqlite3Connector", "DBSqliteConnector"]
