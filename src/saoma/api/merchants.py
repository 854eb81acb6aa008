"""`/api/v1/merchants`: who sells. A merchant's key sees its own; a partner key sees and adds those of its account.

A new merchant takes money with a key of its own, which the partner key makes: its secret is told once."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.api import pages
from saoma.api.answers import json, json_of_made
from saoma.api.bodies import KeyAnswer, MerchantAnswer, NewKey, NewMerchant, Page
from saoma.api.door import allows, body_of, idempotency_key, key_of, query_of
from saoma.api.problems import Refusal
from saoma.api.repeats import make_once
from saoma.identity import audit, model
from saoma.identity.api_keys import ApiKey, Scope, add_api_key, api_keys_of
from saoma.identity.model import Merchant
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import NOTHING_HERE, NotFound
from saoma.kit.ids import check_id

AnyRequest = Request[Any, Any, Any]
_PAGE: Final = """
SELECT id, name, name_zh, currency, account_id, industry, secondary_id FROM merchants
WHERE account_id = %(account_id)s AND (%(before)s = '' OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""


def _merchant(merchant: Merchant) -> MerchantAnswer:
    return MerchantAnswer(
        id=merchant.id,
        name=merchant.name,
        name_zh=merchant.name_zh,
        currency=merchant.currency,
        industry=merchant.industry,
    )


def _key(key: ApiKey, secret: str | None) -> KeyAnswer:
    return KeyAnswer(
        id=key.id,
        merchant=key.merchant_id,
        name=key.name,
        hint=key.hint,
        scopes=key.scopes,
        stores=key.store_ids,
        created_at=key.created_at,
        secret=secret,
    )


async def _merchant_for(rows: Rows, key: ApiKey, merchant_id: str) -> Merchant:
    """A merchant that is the key's to see. Raises `NotFound` for any other."""
    check_id("mer", merchant_id)
    if key.merchant_id and key.merchant_id != merchant_id:
        raise NotFound(NOTHING_HERE)
    found = await model.merchant(rows, merchant_id)
    if key.account_id and found.account_id != key.account_id:
        raise NotFound(NOTHING_HERE)
    return found


def _partners(key: ApiKey) -> ApiKey:
    if not key.account_id:
        raise Refusal("not-allowed", "Only a partner key adds merchants and their keys.")
    return key


@get("/merchants", guards=[allows(Scope.STORES_READ)])
async def list_merchants(request: AnyRequest, db: NamedDependency[Database]) -> Response[bytes]:
    """The merchant of this key, as a list of one; with a partner key all of its account, newest first."""
    key, query = key_of(request), query_of(request, "limit", "cursor", "lang")
    limit, begin = pages.limit_of(query), pages.before(query)
    async with db.reading() as rows:
        if key.account_id:
            given = {"account_id": key.account_id, "before": begin, "limit": limit + 1}
            found = await rows.rows(Merchant, _PAGE, given)
            return json(pages.page_of(found, limit, _merchant, lambda merchant: (pages.BIRTH, merchant.id)))
        own = await model.merchant(rows, key.merchant_id)
    items = [msgspec.Raw(msgspec.json.encode(_merchant(own)))] if not begin else []
    return json(Page(items=items, next_cursor=None))


@get("/merchants/{merchant_id:str}", guards=[allows(Scope.STORES_READ)])
async def show_merchant(
    request: AnyRequest, db: NamedDependency[Database], merchant_id: FromPath[str]
) -> Response[bytes]:
    """One merchant."""
    query_of(request, "lang")
    async with db.reading() as rows:
        return json(_merchant(await _merchant_for(rows, key_of(request), merchant_id)))


@post("/merchants", guards=[allows(Scope.STORES_WRITE)])
async def make_merchant(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[bytes]:
    """Add a merchant to the partner key's account."""
    key = _partners(key_of(request))
    idempotency_key(request)
    body = await body_of(request, NewMerchant)

    async def make(tx: Transaction) -> str:
        made = await model.add_merchant(tx, account_id=key.account_id, **msgspec.structs.asdict(body))
        await audit.note(tx, clock, who=f"api:{key.id}", what="merchant_added", subject=made.id, merchant_id=made.id)
        return made.id

    merchant_id, repeated = await make_once(request, db, clock, body, make)
    async with db.reading() as rows:
        found = _merchant(await _merchant_for(rows, key, merchant_id))
    return json_of_made(found, f"merchants/{merchant_id}", repeated=repeated)


@post("/merchants/{merchant_id:str}/keys", guards=[allows(Scope.STORES_WRITE)])
async def make_key(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], merchant_id: FromPath[str]
) -> Response[bytes]:
    """Make a key for a merchant of the account. The first answer tells its secret; a repetition can't any more."""
    key = _partners(key_of(request))
    idempotency_key(request)
    body = await body_of(request, NewKey)
    async with db.reading() as rows:
        merchant = await _merchant_for(rows, key, merchant_id)
    secret: str | None = None

    async def make(tx: Transaction) -> str:
        nonlocal secret
        new, secret = await add_api_key(
            tx,
            clock,
            merchant_id=merchant.id,
            name=body.name,
            scopes=list(body.scopes),
            by=f"api:{key.id}",
            store_ids=body.stores,
        )
        return new.id

    made, repeated = await make_once(request, db, clock, body, make)
    async with db.reading() as rows:
        shown = next(each for each in await api_keys_of(rows, merchant.id) if each.id == made)
    return json(_key(shown, secret), 200 if repeated else 201, repeated=repeated)


handlers: list[Any] = [list_merchants, show_merchant, make_merchant, make_key]
