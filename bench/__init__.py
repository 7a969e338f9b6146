"""Compare this library with a floor: the same service, written by hand.

    python -m bench             every row at 1 000 and 100 000 items, 15 rounds
    python -m bench --quick     1 000 items, 3 rounds
    python -m bench --self      the floor on both sides: how far from 1.00 the noise reaches
    python -m bench --growth    the library alone, at 10 000 and 1 000 000 items in turns, with its plans

    python -m bench.json_or_jsonb   which type of PostgreSQL is the better one for documents

`--store postgres` measures over PostgreSQL, in a server of the bench's own; `--store` may be repeated.
`BACKO_BENCH_POSTGRES` may name a server of your own, by the connection string of a superuser.

    places      where a side keeps its data, and the server of the bench
    cores       which core does what
    model       the people and sites both sides serve
    floor/      the service written by hand with Flask and `sqlite3`, or with `psycopg`
    ours        the service declared with this library
    empty       a Flask route that does nothing
    fill        the databases, each through the code of its side
    server      one side under gunicorn, in a process of its own
    client      a keep-alive connection that costs little
    rows        the requests that are measured
    measure     how they alternate, and how ratios are taken
    memory      four clients at once
    over_http   the figures over HTTP
    inside      the figures in process
    growth      what becomes of the library as its data grow
    plans       how a database ran the statements of a request
    report      tables and JSON

    python -m bench.imports --store sqlite --items 1000000

    goods         what is imported
    import_sides  this library over each store, and each driver alone
    imports       how they take turns, and what is wanted

All servers of a row are up at once and share one core, a database server included; the client has
another one. Both sides acknowledge a write when it is on the disk. Requests
alternate, so that what disturbs the machine disturbs all sides alike. A ratio is taken within
a round; the median of the rounds is printed, with the least and the greatest.
"""
