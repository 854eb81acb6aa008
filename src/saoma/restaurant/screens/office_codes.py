"""The office's shop codes: one printed code per counter, where customers type the amount themselves.

A code that was stopped can work again; one that was deleted is gone for good, and its prints must come down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.gateway import CodeMove
from saoma.identity import audit, model
from saoma.identity.counters import AnyRequest, Counter, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.errors import NOTHING_HERE, Conflict, Invalid, NotFound, Refused
from saoma.payments.codes import MerchantCode, NewCode
from saoma.payments.payments import Payments
from saoma.web.page import page

_MAY = [needs(May.EDIT_TABLES)]


async def _page(
    request: AnyRequest, db: Database, payments: Payments, template: str, refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        codes = await payments.codes.of_store(rows, at.store.id)
        merchant = await model.merchant(rows, at.store.merchant_id)
    return page(
        request,
        template,
        status_code=refusal.status if refusal else 200,
        at=at,
        merchant=merchant,
        codes=codes,
        why_none=payments.codes.why_none(merchant.account_id),
        refusal=refusal,
    )


async def _change(
    request: AnyRequest,
    db: Database,
    clock: Clock,
    payments: Payments,
    what: str,
    work: Callable[[Counter], Awaitable[MerchantCode]],
) -> Response[Any]:
    """Do one thing with a code and note who did it; the call to Alipay is outside of any transaction."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
    try:
        code = await work(at)
    except (Invalid, Conflict) as refusal:
        return await _page(request, db, payments, "restaurant/office_codes.html", refusal)
    async with db.transaction() as tx:
        await audit.note(tx, clock, who=at.staff.id, what=what, subject=code.id, merchant_id=code.merchant_id)
    return Redirect("/office/codes", status_code=HTTP_303_SEE_OTHER)


async def _here(payments: Payments, at: Counter, code_id: str) -> MerchantCode:
    code = await payments.codes.get(code_id)
    if code.store_id != at.store.id:
        raise NotFound(NOTHING_HERE)
    return code


@get("/office/codes", guards=_MAY, summary="Shop codes")
async def show(
    request: AnyRequest, db: NamedDependency[Database], payments: NamedDependency[Payments]
) -> Response[Any]:
    """Every code of the store with what can be done with it."""
    return await _page(request, db, payments, "restaurant/office_codes.html")


@get("/office/codes/print", guards=_MAY, summary="Shop codes to print")
async def print_sheet(
    request: AnyRequest, db: NamedDependency[Database], payments: NamedDependency[Payments]
) -> Response[Any]:
    """A4 sheets with one large code per counter; `?code=` prints one."""
    return await _page(request, db, payments, "restaurant/office_codes_print.html")


@post("/office/codes", guards=_MAY, summary="Make a shop code")
async def create(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
) -> Response[Any]:
    """A new code for one counter."""
    form = await request.form()

    async def work(at: Counter) -> MerchantCode:
        async with db.reading() as rows:
            account_id, shop, merchant, store = await model.shop_of(rows, at.store.id)
        new = NewCode(
            merchant_id=merchant.id,
            store_id=store.id,
            account_id=account_id,
            label=str(form.get("label", "")),
            currency=merchant.currency,
            shop=shop,
            country=str(form.get("country", "")).strip().upper()[:2],
            place=store.address,
        )
        return await payments.codes.create(new, at.staff.id)

    return await _change(request, db, clock, payments, "made_shop_code", work)


@post("/office/codes/{code_id:str}", guards=_MAY, summary="Rename a shop code")
async def modify(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    code_id: FromPath[str],
) -> Response[Any]:
    """Another name; the printed code stays good."""
    form = await request.form()

    async def work(at: Counter) -> MerchantCode:
        code = await _here(payments, at, code_id)
        return await payments.codes.modify(code.id, str(form.get("label", "")), at.store.address, code.country)

    return await _change(request, db, clock, payments, "changed_shop_code", work)


@post("/office/codes/{code_id:str}/again", guards=_MAY, summary="Ask Alipay for a shop code again")
async def ask_again(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    code_id: FromPath[str],
) -> Response[Any]:
    """Alipay did not answer when the code was made: ask once more."""

    async def work(at: Counter) -> MerchantCode:
        return await payments.codes.ask_again((await _here(payments, at, code_id)).id)

    return await _change(request, db, clock, payments, "asked_for_shop_code", work)


@post("/office/codes/{code_id:str}/{move:str}", guards=_MAY, summary="Stop, restart or delete a shop code")
async def move_code(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    payments: NamedDependency[Payments],
    code_id: FromPath[str],
    move: FromPath[str],
) -> Response[Any]:
    """`stop`, `restart` or `delete`. Raises `NotFound` for anything else."""
    if move not in {each.value for each in CodeMove}:
        raise NotFound(NOTHING_HERE)

    async def work(at: Counter) -> MerchantCode:
        return await payments.codes.move((await _here(payments, at, code_id)).id, CodeMove(move))

    return await _change(request, db, clock, payments, f"{move}_shop_code", work)


router = Router(path="/", route_handlers=[show, print_sheet, create, modify, ask_again, move_code])
