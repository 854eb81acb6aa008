"""`/api/v1/stores` and `/terminals`: where is sold, on which devices.

A key sees the stores of its merchant that it was made for; a partner key has no merchant and sees none."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.api import pages
from saoma.api.answers import json, json_of_made
from saoma.api.bodies import NewStore, NewTerminal, StoreAnswer, TerminalAnswer
from saoma.api.door import allows, body_of, idempotency_key, key_of, query_of
from saoma.api.payments import store_for
from saoma.api.problems import Refusal
from saoma.api.repeats import make_once
from saoma.identity import audit, model
from saoma.identity.api_keys import ApiKey, Scope
from saoma.identity.model import Store, Terminal
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, NotFound
from saoma.kit.ids import check_id

AnyRequest = Request[Any, Any, Any]
_REACHED: Final = "merchant_id = %(merchant_id)s AND (%(stores)s::text[] = '{}' OR id = ANY (%(stores)s::text[]))"
_STORES = f"""
SELECT id, merchant_id, name, name_zh, zone, address, address_zh FROM stores
WHERE {_REACHED} AND (%(before)s = '' OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608
_TERMINALS = f"""
SELECT id, store_id, name, kind, paired_at FROM terminals
WHERE store_id IN (SELECT id FROM stores WHERE {_REACHED}) AND %(store)s IN ('', store_id)
  AND (%(before)s = '' OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608


def _store(store: Store) -> StoreAnswer:
    return StoreAnswer(
        id=store.id,
        merchant=store.merchant_id,
        name=store.name,
        name_zh=store.name_zh,
        zone=store.zone,
        address=store.address,
        address_zh=store.address_zh,
    )


def _terminal(terminal: Terminal) -> TerminalAnswer:
    return TerminalAnswer(
        id=terminal.id,
        store=terminal.store_id,
        name=terminal.name,
        kind=terminal.kind,
        paired=terminal.paired_at is not None,
    )


@get("/stores", guards=[allows(Scope.STORES_READ)])
async def list_stores(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """The stores the key is for, newest first."""
    key, query = key_of(request), query_of(request, "limit", "cursor", "lang")
    limit = pages.limit_of(query)
    given = {
        "merchant_id": key.merchant_id,
        "stores": key.store_ids,
        "before": pages.before(query),
        "limit": limit + 1,
    }
    async with db.reading() as rows:
        found = await rows.rows(Store, _STORES, given)
    return json(pages.page_of(found, limit, _store, lambda store: (pages.BIRTH, store.id)))


@get("/stores/{store_id:str}", guards=[allows(Scope.STORES_READ)])
async def show_store(request: AnyRequest, db: NamedDependency[Database], store_id: FromPath[str]) -> Response[bytes]:
    """One store."""
    query_of(request, "lang")
    async with db.reading() as rows:
        return json(_store(await model.store(rows, await store_for(rows, key_of(request), store_id))))


@get("/terminals", guards=[allows(Scope.STORES_READ)])
async def list_terminals(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """The devices of the stores the key is for, newest first; `store` narrows it to one."""
    key, query = key_of(request), query_of(request, "limit", "cursor", "store", "lang")
    limit = pages.limit_of(query)
    given = {
        "merchant_id": key.merchant_id,
        "stores": key.store_ids,
        "store": query.get("store", ""),
        "before": pages.before(query),
        "limit": limit + 1,
    }
    async with db.reading() as rows:
        found = await rows.rows(Terminal, _TERMINALS, given)
    return json(pages.page_of(found, limit, _terminal, lambda terminal: (pages.BIRTH, terminal.id)))


async def _terminal_for(rows: Rows, key: ApiKey, terminal_id: str) -> Terminal:
    try:
        found = await model.terminal(rows, check_id("trm", terminal_id))
        await store_for(rows, key, found.store_id)
    except NotFound:
        raise NotFound(NOTHING_HERE) from None
    return found


@get("/terminals/{terminal_id:str}", guards=[allows(Scope.STORES_READ)])
async def show_terminal(
    request: AnyRequest, db: NamedDependency[Database], terminal_id: FromPath[str]
) -> Response[bytes]:
    """One device."""
    query_of(request, "lang")
    async with db.reading() as rows:
        return json(_terminal(await _terminal_for(rows, key_of(request), terminal_id)))


@post("/stores", guards=[allows(Scope.STORES_WRITE)])
async def make_store(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[bytes]:
    """Open a store; only for keys of the whole merchant."""
    key = key_of(request)
    idempotency_key(request)
    body = await body_of(request, NewStore)
    if key.store_ids:
        raise Refusal("not-allowed", "This key is for some stores only; a new store needs a key for all of them.")
    if not key.merchant_id:
        raise Refusal("not-allowed", "This is a partner key: open a store with a key of its merchant.")

    async def make(tx: Transaction) -> str:
        store = await model.add_store(tx, key.merchant_id, **msgspec.structs.asdict(body))
        await audit.note(
            tx, clock, who=f"api:{key.id}", what="store_added", subject=store.id, merchant_id=key.merchant_id
        )
        return store.id

    store_id, repeated = await make_once(request, db, clock, body, make)
    async with db.reading() as rows:
        found = _store(await model.store(rows, store_id))
    return json_of_made(found, f"stores/{store_id}", repeated=repeated)


@post("/terminals", guards=[allows(Scope.STORES_WRITE)])
async def make_terminal(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[bytes]:
    """Add a device to a store; a manager pairs it in the office."""
    key = key_of(request)
    idempotency_key(request)
    body = await body_of(request, NewTerminal)

    async def make(tx: Transaction) -> str:
        store_id = await store_for(tx, key, check_id("sto", body.store))
        terminal = await model.add_terminal(tx, store_id, name=body.name, kind=body.kind)
        await audit.note(
            tx, clock, who=f"api:{key.id}", what="terminal_added", subject=terminal.id, merchant_id=key.merchant_id
        )
        return terminal.id

    terminal_id, repeated = await make_once(request, db, clock, body, make)
    async with db.reading() as rows:
        found = _terminal(await model.terminal(rows, terminal_id))
    return json_of_made(found, f"terminals/{terminal_id}", repeated=repeated)


handlers: list[Any] = [
    list_stores,
    show_store,
    make_store,
    list_terminals,
    show_terminal,
    make_terminal,
]
