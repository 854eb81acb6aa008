"""The floor of the menu page: the same server and template engine, one query, thirty dishes, gzip, and nothing else.

No session, language, table, live updates, headers or prices in anybody's manner of writing them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sys
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from jinja2 import Environment
from litestar import Litestar, Response, get
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

given = json.loads(sys.stdin.read())

TEMPLATE = Environment(autoescape=True).from_string(
    """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bench</title>
<link rel="stylesheet" href="/assets/app.css"><script src="/assets/app.js" defer></script></head>
<body><header class="bar"><h1>Bench</h1></header><main><ul class="rows">
{% for dish in dishes %}<li class="row dish" data-testid="dish" data-item="{{ dish.id }}">
<a class="dish-open" href="/dish/{{ dish.id }}" data-open="sheet"><span class="photo">
<img src="/photo/{{ dish.id }}-160"
 srcset="/photo/{{ dish.id }}-160 1x, /photo/{{ dish.id }}-320 2x" alt="" loading="lazy" width="72" height="72">
</span><span class="row-body"><span class="row-title">{{ dish.name }}</span><span class="row-note">
{{ dish.description }}</span><span class="dish-price num">${{ "%.2f"|format(dish.price / 100) }}</span></span></a>
<button class="button square plus" type="submit" name="item" value="{{ dish.id }}" aria-label="Add {{ dish.name }}">
<svg class="icon" width="22" height="22" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 12h14"/><path d="M12 5v14"/>
</svg></button></li>
{% endfor %}</ul></main></body></html>"""
)


async def main() -> None:
    """Fill one table, serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    pool = AsyncConnectionPool(
        given["database"], min_size=2, max_size=10, open=False, kwargs={"autocommit": True, "row_factory": dict_row}
    )
    await pool.open(wait=True)
    async with pool.connection() as connection:
        await connection.execute("CREATE TABLE dishes (id text, name text, description text, price bigint)")
        await connection.execute(
            "INSERT INTO dishes SELECT 'item_' || lpad(n::text, 25, '0'), 'Noodles of the house, number ' || n,"
            " 'Twelve hours of broth, hand-pulled, with pickled greens.', 980 + 10 * n FROM generate_series(1, 30) AS n"
        )
    print("/", flush=True)

    @get("/")
    async def page() -> Response[Any]:
        """The page."""
        async with pool.connection() as connection:
            dishes = await (await connection.execute("SELECT * FROM dishes ORDER BY id")).fetchall()
        body = gzip.compress(TEMPLATE.render(dishes=dishes).encode(), compresslevel=4, mtime=0)
        return Response(body, media_type="text/html", headers={"Content-Encoding": "gzip"})

    app = Litestar([page], openapi_config=None, logging_config=None)
    await Server(app, "127.0.0.1", int(sys.argv[1]), interface=Interfaces.ASGI, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(main())
