"""The other ways to pay at the till: a code on its screen that the customer scans, and what staff take themselves.

Cash, card and account are paid the moment they are written down; no provider is asked, so nobody can say otherwise."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.checkout import drawer
from saoma.checkout.by_hand import by_hand
from saoma.checkout.checkout import Checkout
from saoma.identity import model
from saoma.identity.counters import AnyRequest, standing_at
from saoma.identity.guards import May, needs
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.payments.by_staff import takings
from saoma.payments.model import Payment
from saoma.restaurant.days import day_of
from saoma.restaurant.screens.till_paying import Wish, taken
from saoma.restaurant.shift_figures import discounts_given, tips_of
from saoma.restaurant.showing import METHOD_NAMES
from saoma.settings import Settings
from saoma.web.page import page


@post("/till/bills/{sitting_id:str}/code", guards=[needs(May.TAKE_PAYMENTS)], status_code=200, summary="Show a code")
async def show_code(
    request: AnyRequest, db: NamedDependency[Database], checkout: NamedDependency[Checkout], sitting_id: FromPath[str]
) -> Response[Any]:
    """Place an order at Alipay and show its code for the customer to scan. A repeated submit shows the same one."""

    async def take(wish: Wish) -> Payment:
        return await checkout.pay_by_order_code(**wish.of_bill())

    return await taken(request, db, checkout, sitting_id, take)


@post(
    "/till/bills/{sitting_id:str}/taken",
    guards=[needs(May.TAKE_PAYMENTS)],
    status_code=200,
    summary="Write down cash, card or account",
)
async def write_down(
    request: AnyRequest,
    db: NamedDependency[Database],
    checkout: NamedDependency[Checkout],
    settings: NamedDependency[Settings],
    sitting_id: FromPath[str],
) -> Response[Any]:
    """Record money that staff have taken; cash opens the drawer. A repeated submit records it once."""
    form = await request.form()
    now: list[Payment] = []

    async def take(wish: Wish) -> Payment:
        now.append(await checkout.take_by_staff(**wish.of_bill(), **by_hand(form, wish.portion.amount.currency)))
        return now[-1]

    answer = await taken(request, db, checkout, sitting_id, take)
    return await drawer.and_open(answer, db, now, loopback=settings.loopback_printers)


@get("/till/takings", guards=[needs(May.SEE_PAYMENTS)], summary="Takings of a day")
async def show_takings(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]
) -> Response[Any]:
    """What the store took and gave back today by its own clock, method by method; `?day=` names another day."""
    async with db.reading() as rows:
        at = await standing_at(request, rows)
        day = day_of(request.query_params.get("day", ""), at.store.zone, clock.now())
        rows_of_day = await takings(rows, at.store.id, day.begins, day.ends)
        currency = (await model.merchant(rows, at.store.merchant_id)).currency
        tips = await tips_of(rows, at.store.id, currency, day.begins, day.ends)
        off = await discounts_given(rows, at.store.id, currency, day.begins, day.ends)
    return page(
        request,
        "restaurant/till_takings.html",
        at=at,
        day=day,
        takings=rows_of_day,
        names=METHOD_NAMES,
        tips=tips,
        discounts=off,
    )


router = Router(path="/", route_handlers=[show_code, write_down, show_takings])
