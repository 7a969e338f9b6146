"""Keep collections in MongoDB: documents that other programs can read, in transactions of the server.

| Module | Its job |
|---|---|
| `store` | the connector |
| `addresses` | connection strings, as values |
| `database` | one database shared by stores and threads: its client, forks |
| `session` | one transaction |
| `values` | documents as the server keeps them |
| `layout`, `cells` | what is kept beside the fields of a document, as values |
| `evolution` | bringing collections and indexes to what is declared |
| `filters` | filters as conditions of MongoDB |
| `paging` | queries as statements |
| `referring` | who holds a link |
| `writing` | batches of writes |
| `checking` | what is kept beside fields and does not agree with them |
| `differing` | how a collection differs from what is declared |
| `failures` | errors of the driver as ours |
"""

try:
    import pymongo  # noqa: F401  # said here, once, in words that help
except ImportError as error:
    message = 'DBMongoConnector needs the driver pymongo: pip install "backo[mongo]"'
    raise ImportError(message, name="pymongo") from error

from backo.connectors.mongo.store import DBMongoConnector

__all__ = ["DBMongoConnector"]
