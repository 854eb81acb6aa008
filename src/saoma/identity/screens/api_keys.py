"""The page of API keys: an owner makes one for the shop, an operator a partner key; it is seen once, and ended here.

The new key is in the answer to the form itself, never in an address or a session."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from saoma.identity import api_keys, model
from saoma.identity.api_keys import SCOPE_NAMES, Scope
from saoma.identity.guards import Role, needs, staff_of
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Invalid
from saoma.kit.ids import check_id
from saoma.web.page import page

AnyRequest = Request[Any, Any, Any]
_MAY: Final = [needs(Role.OWNER, Role.OPERATOR)]
#: What people call a partner key's scopes; keys of the texts.
PARTNER_NAMES: Final = {Scope.STORES_READ: "See merchants", Scope.STORES_WRITE: "Add merchants and make their keys"}
_ACCOUNTS: Final = "SELECT id, name FROM accounts ORDER BY name, id"


class _Account(msgspec.Struct, frozen=True):
    id: str
    name: str


async def _account(rows: Rows, account_id: str) -> str:
    if account_id not in {account.id for account in await rows.rows(_Account, _ACCOUNTS)}:
        raise Invalid("Choose the account whose merchants the key is for.")
    return account_id


async def _show(
    request: AnyRequest, db: Database, *, secret: str = "", wrong: str = "", status: int = 200
) -> Response[Any]:
    staff = staff_of(request)
    async with db.reading() as rows:
        keys = await api_keys.api_keys_of(rows, staff.merchant_id)
        stores = await model.stores_of(rows, staff) if staff.merchant_id else []
        accounts = await rows.rows(_Account, _ACCOUNTS) if not staff.merchant_id else []
    return page(
        request,
        "identity/api_keys.html",
        status_code=status,
        headers={"Cache-Control": "no-store"},
        keys=keys,
        stores={store.id: store for store in stores},
        accounts={account.id: account.name for account in accounts},
        scopes=SCOPE_NAMES if staff.merchant_id else PARTNER_NAMES,
        partner=not staff.merchant_id,
        secret=secret,
        wrong=wrong,
    )


@get("/office/api-keys", guards=_MAY)
async def show_api_keys(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The merchant's keys, and the form for a new one."""
    return await _show(request, db)


@post("/office/api-keys", guards=_MAY)
async def make_api_key(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """Make a key and show it this once."""
    staff = staff_of(request)
    form = await request.form()
    wanted = [scope for scope in Scope if scope.value in form.getall("scope", [])]
    # An owner of one store makes keys for that store only.
    store_id = staff.store_id or str(form.get("store", ""))
    try:
        async with db.transaction() as tx:
            _, secret = await api_keys.add_api_key(
                tx,
                clock,
                merchant_id=staff.merchant_id,
                account_id="" if staff.merchant_id else await _account(tx, str(form.get("account", ""))),
                name=str(form.get("name", "")),
                scopes=wanted,
                by=staff.id,
                store_ids=[store_id] if store_id and staff.merchant_id else [],
            )
    except Invalid as refusal:
        return await _show(request, db, wrong=refusal.msgid, status=422)
    return await _show(request, db, secret=secret)


@post("/office/api-keys/{key_id:str}/revoke", guards=_MAY)
async def revoke_api_key(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], key_id: FromPath[str]
) -> Response[Any]:
    """End a key at once."""
    staff = staff_of(request)
    check_id("key", key_id)
    async with db.transaction() as tx:
        await api_keys.revoke_api_key(tx, clock, merchant_id=staff.merchant_id, key_id=key_id, by=staff.id)
    return Redirect("/office/api-keys", status_code=303)


router = Router("/", route_handlers=[show_api_keys, make_api_key, revoke_api_key])
