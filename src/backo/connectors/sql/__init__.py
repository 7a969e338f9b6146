"""What SQL databases have in common: documents in tables, filters as conditions, pages as statements.

| Module | Its job |
|---|---|
| `store` | a collection in a table |
| `dialect` | what one database says in its own way |
| `layout` | the tables of a collection, and what is kept in them, as values |
| `evolution` | what has to be done to bring the tables to what is declared |
| `filters` | filters as conditions |
| `paging` | queries as statements |
| `referring` | who holds a link |
| `writing` | batches of writes |
| `checking` | whether cells and rows agree with the documents |
| `differing` | how the tables differ from what is declared |

Statements are written with `?` for each bound value. Nothing here imports a driver.
"""
