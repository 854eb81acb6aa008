"""Two merchants under one roof: the first has one of everything, and a stranger of the second one knocks.

Everything of the first one's is named `MARK`, so that a single look finds it where it must not be."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from saoma.alipay.account import Account
from saoma.alipay.notify import read_notice
from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.app import SCREENS
from saoma.checkout import shifts
from saoma.delivery import deliveries as bringing
from saoma.delivery.editing import add_zone, draft
from saoma.delivery.model import address, contact
from saoma.delivery.quoting import must_quote
from saoma.delivery.zones import circle
from saoma.fastfood import counter
from saoma.fastfood.model import KIND as COUNTER
from saoma.fastfood.model import Channel
from saoma.food.dayparts import Daypart
from saoma.food.menus import parts_of_day
from saoma.food.model import Menu
from saoma.food.orders import offline, ordering
from saoma.food.orders.discounts import Kind, put
from saoma.gateway import BadNotice, Method, Notice, SecondaryMerchant
from saoma.identity import model
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.identity.wallet_sign_in import remember_buyer
from saoma.kit.clock import MovableClock
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.marketing.coupons import codes as codes_of
from saoma.marketing.coupons import make_batch
from saoma.marketing.model import Mechanism, Offer
from saoma.marketing.offers import store_offer
from saoma.online import offers, orders, slipping
from saoma.online.model import KIND as ONLINE
from saoma.online.model import Hours, Mode, Pay
from saoma.payments.codes import NewCode
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.restaurant.offline import TableOrders
from saoma.restaurant.tables import add_table
from tests.api.make import Deployment, Program, barcode, deployment
from tests.food import make as food
from tests.identity import make as identity
from tests.identity.make import Shop
from tests.payments.make import FakeAlipay
from tests.restaurant.make import Restaurant

MARK = "Zinnober"
ANNA, BEN, SPY = "2088000000000101", "2088000000000102", "2088000000000666"
FORM = "application/x-www-form-urlencoded"
#: What nobody's secret or money hangs on: sessions, marks of use, and traces of what was refused.
TRACES = frozenset(
    {"api_use", "sessions", "sign_in_tries", "heartbeats", "live_events", "used_links", "alembic_version"}
)
REFUSED = TRACES | {"notices_refused", "alarms", "alarm_deliveries", "cases", "case_events"}
_numbers = itertools.count(1)


@dataclass
class SigningAlipay(FakeAlipay):
    """A fake Alipay whose notifications are read by the real reader, with a real account."""

    account: Account | None = None

    def read_notice(self, fields: Mapping[str, str], currency: str) -> Notice | BadNotice:
        """Verified and read as in production."""
        assert self.account is not None
        return read_notice(self.account, fields, currency)


@get("/be/{buyer_id:str}", opt={"exclude_from_csrf": True})
async def become_buyer(request: Request[Any, Any, Any], buyer_id: FromPath[str]) -> Response[str]:
    """Stands for the wallet's authorization: from now on this browser is the buyer."""
    remember_buyer(request.session, request.query_params["account"], buyer_id)
    return Response("you are")


@get("/staff-is/{staff_id:str}", opt={"exclude_from_csrf": True})
async def become_staff(request: Request[Any, Any, Any], staff_id: FromPath[str]) -> Response[str]:
    """Stands for the sign-in."""
    request.session["staff_id"] = staff_id
    return Response("signed in")


class Browser:
    """A browser with its own cookies; sends its token with each form, and follows nothing by itself."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        """Open a page."""
        return await self.http.get(path, params=dict(query or {}) or None)

    async def post(self, path: str, form: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form."""
        if "saoma_csrf" not in self.http.cookies:
            await self.http.get("/sign-in")
        headers = {"X-CSRF-Token": self.http.cookies["saoma_csrf"], **more.pop("headers", {})}
        return await self.http.post(path, data=dict(form or {}), headers=headers, **more)


@dataclass
class World:
    """The deployment, its two merchants, and the ids of one thing of each kind of the first one's."""

    house: Deployment
    ours: Shop
    theirs: Shop
    restaurant: Restaurant
    account: Account
    ids: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)

    @property
    def menu(self) -> Menu:
        """Our menu."""
        return self.restaurant.menu

    # --- people ------------------------------------------------------------------------------------------------------

    async def person(self, at: Shop | None, *roles: Role, store_id: str = "") -> Staff:
        """Somebody who works there."""
        return await identity.staff(
            self.house.rooms.db, at, *roles, name="Spy" if at is self.theirs else f"{MARK} Mei", store_id=store_id
        )

    @asynccontextmanager
    async def browser(self, staff: Staff | None = None, buyer: str = "") -> AsyncIterator[Browser]:
        """A browser, signed in as that person or in that buyer's wallet."""
        transport = httpx.ASGITransport(cast(Any, self.house.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://saoma.test", timeout=30) as http:
            if staff is not None:
                await http.get(f"/staff-is/{staff.id}")
            if buyer:
                await http.get(f"/be/{buyer}?account={self.ours.account_id}")
            yield Browser(http)

    # --- notifications -----------------------------------------------------------------------------------------------

    def genuine(self, payment: Payment, **changes: str) -> dict[str, str]:
        """What Alipay would tell us of a paid trade, not signed yet."""
        return {
            "notify_id": f"n{next(_numbers):012d}",
            "notify_time": "2026-03-02 12:00:05",
            "notify_type": "trade_status_sync",
            "out_trade_no": payment.order_number,
            "trade_no": payment.trade_number,
            "trade_status": "TRADE_SUCCESS",
            "total_fee": payment.money.text,
            "currency": payment.currency,
            "seller_id": self.account.partner,
            "buyer_id": ANNA,
            "subject": f"{MARK} 面馆",
        } | changes

    def signed(self, fields: Mapping[str, str], key: str = "") -> dict[str, str]:
        """The fields with the signature of whoever holds `key`; Alipay's if none is given."""
        text = string_to_sign({name: value for name, value in fields.items() if name not in ("sign", "sign_type")})
        sign = md5_signatory(key or self.account.md5_key).sign(text.encode())
        return {**fields, "sign": sign, "sign_type": "MD5"}

    async def notify(self, body: bytes, kind: str = f"{FORM}; charset=utf-8", account_id: str = "") -> httpx.Response:
        """Post to the real door."""
        where = f"/alipay/notify/{account_id or self.ours.account_id}"
        return await self.house.http.post(where, content=body, headers={"Content-Type": kind} if kind else {})

    async def waiting(self, key: str = "") -> Payment:
        """A page payment that waits for its buyer."""
        till = await self.house.program(at=self.ours)
        wish = barcode(method="wallet_page", payment_code=None, buyer_id=ANNA, reference=key or f"w{next(_numbers)}")
        answer = await till.post("/payments", wish)
        assert answer.status_code == 202, answer.text
        return await self.payment(answer.json()["id"])

    async def payment(self, payment_id: str) -> Payment:
        """As its row stands."""
        return await self.house.rooms.payments.get(payment_id)

    # --- the state of everything -------------------------------------------------------------------------------------

    async def state(self, besides: frozenset[str] = TRACES) -> dict[str, str]:
        """A checksum of every table, besides those."""
        async with self.house.rooms.db.reading() as rows:
            if not self.tables:
                sql = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
                self.tables = [row.name for row in await rows.rows(_Name, sql)]
            wanted = [name for name in self.tables if name not in besides]
            parts = [_SUM.format(table=name, less=_LESS.get(name, "")) for name in wanted]
            found = await rows.rows(_Checksum, " UNION ALL ".join(parts))
        return {row.name: row.digest for row in found}


#: What a look alone may move.
_LESS = {"api_keys": "- 'last_used_at'"}
_SUM = (
    "SELECT '{table}' AS name, count(*) || ' ' || "
    "coalesce(sum(hashtextextended((to_jsonb(t) {less})::text, 0)), 0) AS digest FROM {table} AS t"
)


class _Name(msgspec.Struct, frozen=True):
    name: str


class _Checksum(msgspec.Struct, frozen=True):
    name: str
    digest: str


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The tables whose content differs."""
    return [name for name in before if before[name] != after.get(name)]


def faceless(text: str) -> str:
    """An answer without what differs between two equal refusals: ids, tokens, the address asked for."""
    text = re.sub(r"[a-z]{3}_[0-9a-z]{25}|req_[0-9a-z]+", "ID", text)
    return re.sub(r"[0-9a-f]{32,}", "TOKEN", text)


@asynccontextmanager
async def world(database_url: str, folder: Path, clock: MovableClock) -> AsyncIterator[World]:
    """Everything, and two merchants in it."""
    async with deployment(database_url, clock, folder, more=[become_buyer, become_staff], screens=SCREENS) as house:
        db = house.rooms.db
        ours = house.shop
        async with db.reading() as rows:
            account = await model.account(rows, house.rooms.seal, ours.account_id)
        house.alipay = SigningAlipay(clock, account=account)
        house.rooms.gateways[ours.account_id] = house.alipay
        theirs = await identity.shop(db, name="Burrito Bar", account_id=ours.account_id)
        menu = await food.noodle_house_menu(db, ours.store.id)
        await food.noodle_house_menu(db, theirs.store.id)
        async with db.transaction() as tx:
            tables = [await add_table(tx, ours.store.id, f"{MARK} {n}", clock.now()) for n in range(1, 5)]
            await add_table(tx, theirs.store.id, "B1", clock.now())
        rooms = house.rooms
        restaurant = Restaurant(db, clock, ours, menu, tables, house.alipay, rooms.payments, rooms.checkout)
        made = World(house, ours, theirs, restaurant, account)
        await furnish(made)
        yield made


async def furnish(of: World) -> None:
    """One of everything, all of it the first merchant's."""
    house, rooms, shop, ids = of.house, of.house.rooms, of.ours, of.ids
    dining, clock = of.restaurant, of.house.clock
    till = await house.program(at=shop)
    paid = await till.pays(subject=f"{MARK} noodles", reference=f"{MARK}-1")
    refund = (await till.post(f"/payments/{paid['id']}/refunds", {"amount": "1.00", "reason": MARK})).json()
    hook = await till.post("/webhooks", {"url": f"https://{MARK.lower()}.example/in", "events": ["payment.succeeded"]})
    told = await till.pays(subject=f"{MARK} tea")
    deliveries = (await till.get(f"/webhooks/{hook.json()['id']}/deliveries")).json()["items"]
    device = (await till.post("/terminals", {"store": shop.store.id, "name": f"{MARK} till"})).json()
    ids |= {
        "api_payment": told["id"],
        "refund": refund["id"],
        "webhook": hook.json()["id"],
        "delivery": deliveries[0]["id"],
        "terminal": device["id"],
        "key": till.key.id,
        "merchant": shop.merchant.id,
        "store": shop.store.id,
        "account": shop.account_id,
    }
    owner = await of.person(shop, Role.OWNER)
    ids |= {"person": (await of.person(shop, Role.CASHIER)).id, "owner": owner.id}
    # A table where something is cooked, something is chosen, and something is paid.
    sitting, anna = await dining.sit(ANNA, 0, MARK)
    lines = await dining.eats(sitting, anna, "tea", "plain")
    async with rooms.db.transaction() as tx:
        basket = await ordering.add_line(
            tx, sitting.tab_id, dining.dish("tea").id, [], 1, anna.id, "", "basket of anna"
        )
        staffs = await ordering.add_line(tx, sitting.tab_id, dining.dish("tea").id, [], 1, "", "", "of staff")
        off = await put(
            tx,
            sitting.tab_id,
            kind=Kind.MANUAL,
            shares={staffs.id: Money.parse("0.10", "USD")},
            name=MARK,
            key="off",
            by=owner.id,
        )
    at_table = await rooms.checkout.pay_in_wallet(
        shop.store.id, ANNA, Money.parse("2.00", "USD"), MARK, "sitting", sitting.id, _mine(lines[0], anna.id), "anna 1"
    )
    settled = await _arrives(of, at_table)
    assert settled.status is Status.SUCCEEDED
    held = await rooms.checkout.pay_in_wallet(
        shop.store.id, ANNA, Money.parse("6.00", "USD"), MARK, "sitting", sitting.id, _mine(lines[1], anna.id), "anna 2"
    )
    async with rooms.db.transaction() as tx:
        now = rooms.clock.now()
        order = await counter.begin(tx, shop.store.id, Channel.COUNTER, "counter of anna", owner.id, now)
        touched = await counter.add(tx, order.id, dining.dish("tea").id, [], 1, MARK, "tea", now)
    at_counter = await rooms.checkout.take_by_staff(
        *(shop.store.id, "", owner, Method.CASH, touched.money, MARK, COUNTER, order.id, {}, "cash of anna")
    )
    ids |= {
        "counter_order": order.id,
        "counter_line": touched.id,
        "counter_payment": at_counter.id,
        "sitting": sitting.id,
        "tab": sitting.tab_id,
        "sent_line": lines[0],
        "basket_line": basket.id,
        "staff_line": staffs.id,
        "discount": off.id,
        "table_payment": settled.id,
        "held_payment": held.id,
        "table": dining.tables[1].id,
        "guest": anna.id,
        "table_code": dining.tables[0].code,
        "section": of.menu.sections[1].id,
        "item": dining.dish("tea").id,
        "dish": dining.dish("plain").id,
    }
    async with rooms.db.transaction() as tx:
        shift = await shifts.begin(tx, clock, owner, shop.store, "", Money.parse("50.00", "USD"))
    ids |= {"shift": shift.id}
    # An order taken offline that waits for a person.
    async with rooms.db.transaction() as tx:
        await offline.register(tx, shop.store.id, "dev_of_anna", "", 1, rooms.clock.now())
    line = {"item": "itm_gone", "name": MARK, "note": MARK, "unit": 100}
    sent = {"device": "dev_of_anna", "seq": 1, "key": "of_anna_1", "kind": "table", "place_name": MARK, "label": MARK}
    body = json.dumps(sent | {"taken_at": rooms.clock.now().isoformat(), "lines": [line]}).encode()
    kept = await offline.receive(
        rooms.db, rooms.clock, {"table": TableOrders()}, shop.store.id, owner, offline.read(body)
    )
    ids |= {"offline_order": kept.id}
    # An order that waits for a courier.
    async with rooms.db.transaction() as tx:
        near = draft(name=f"{MARK} near", name_zh="", shape=circle(1500), currency="USD", fee="3.00")
        zone_id, now = await add_zone(tx, shop.store.id, near), rooms.clock.now()
        quote = await must_quote(tx, shop.store.id, zone_id, Money.parse("20.00", "USD"))
        whom = contact(MARK, "+65 9123 4567")
        brought = await bringing.begin(
            *(tx, "elsewhere", MARK, shop.store.id, address(f"1 {MARK} Road"), whom, quote, now, now), label=MARK
        )
    ids |= {"zone": zone_id, "brought": brought.id}
    # An offer with codes to hand out.
    voucher = Offer(id="", store_id=shop.store.id, name=MARK, mechanism=Mechanism.AMOUNT, amount=100, needs_coupon=True)
    async with rooms.db.transaction() as tx:
        voucher = await store_offer(tx, voucher, rooms.clock.now())
        batch = await make_batch(tx, shop.store.id, voucher.id, 2, rooms.clock.now())
        code = (await codes_of(tx, voucher.id, batch))[0].code
        ids |= {"offer": voucher.id, "batch": batch, "coupon": code}
        await parts_of_day.put(tx, shop.store.id, [Daypart(id="", name=MARK, starts=420, ends=660)])
        ids |= {"part": (await parts_of_day.of(tx, shop.store.id))[0].id, "free_table": f"table:{dining.tables[3].id}"}
    # An order made ahead, promised and paid.
    async with rooms.db.transaction() as tx:
        await offers.set_up(tx, shop.store.id)
        await offers.set_hours(tx, shop.store.id, [Hours(day, 0, 24 * 60) for day in range(7)])
        await offers.change(tx, shop.store.id, {"takes": True, "pay": "choice"})
        ahead = await offers.offer_of_store(tx, shop.store.id)
        made = await orders.begin(tx, ahead, MARK, Mode.PICK_UP, now)
        await orders.add(tx, made.id, dining.dish("tea").id, [], 1, MARK, "ahead", now, now)
        at = await slipping.soonest_for(tx, made, now)
        assert at is not None
        whose = {"name": MARK, "phone": "13800000000", "note": MARK, "buyer_id": ANNA}
        wish = orders.Wish(mode=Mode.PICK_UP, asap=True, slot_at=at, pay=Pay.LATER, **whose)
        await orders.write_down(tx, ahead, made.id, wish, now)
        await orders.promise(tx, made.id, now)
    owed = Money.parse("2.00", "USD")
    cash = await rooms.checkout.take_by_staff(
        *(shop.store.id, "", owner, Method.CASH, owed, MARK, ONLINE, made.id, {}, "cash ahead")
    )
    ids |= {"ahead": made.id, "ahead_payment": cash.id}
    # Money that came by a printed code, a refund that waits for a second person, and a payment nobody knows the end of.
    code = await rooms.payments.codes.create(_code(of), owner.id)
    number = of.house.alipay.pays_at_counter(code.id, Money.parse("7.77", "USD"))
    trade = of.house.alipay.trades[number]
    extra = msgspec.json.encode({"code": code.id}).decode()
    arrived = of.signed(
        {
            **of.genuine(settled, out_trade_no=number, trade_no=trade.trade_number, total_fee="7.77"),
            "extra_common_param": extra,
            "passback_parameters": extra,
        }
    )
    judged = await rooms.payments.notified(shop.account_id, arrived)
    assert judged.accepted, judged.why
    born = await rooms.payments.of_order(shop.account_id, number)
    assert born is not None
    cashier = await of.person(shop, Role.CASHIER)
    waits = await rooms.payments.refund(
        settled.id, Money.parse("0.50", "USD"), MARK, cashier.id, "by cashier", [], Money.parse("0", "USD")
    )
    of.house.alipay.buyer = "thinks"
    open_one = await till.pays(subject=f"{MARK} stuck", reference=f"{MARK}-2")
    ids |= {"code": code.id, "arrival": born.id, "waiting_refund": waits.id, "open_payment": open_one["id"]}
    stuck = await till.pays(subject=f"{MARK} stuck", reference=f"{MARK}-3")
    of.house.alipay.fails("cancel", *["silence_before"] * 100)
    await rooms.payments.give_up(stuck["id"], "stf_1")
    for _ in range(60):
        payment = await of.payment(stuck["id"])
        if payment.due_at is None:
            break
        clock.advance(max(payment.due_at - clock.now(), timedelta()))
        await drive_due(rooms.db, rooms.payments.works(), clock)
    assert payment.status is Status.NEEDS_ATTENTION
    of.house.alipay.faults.clear()
    of.house.alipay.buyer = "pays"
    async with rooms.db.reading() as rows:
        ids["case"] = str(await rows.value("SELECT id FROM cases WHERE subject_id = %(id)s", {"id": stuck["id"]}))
    ids["stuck_payment"] = stuck["id"]


def _mine(line_id: str, guest_id: str) -> dict[str, Any]:
    return {"choice": "mine", "guest_id": guest_id, "lines": [line_id]}


async def _arrives(of: World, payment: Payment) -> Payment:
    of.house.alipay.buyer_pays(payment.order_number)
    payment = await of.payment(payment.id)
    judged = await of.house.rooms.payments.notified(payment.account_id, of.signed(of.genuine(payment)))
    assert judged.accepted, judged.why
    return await of.payment(payment.id)


def _code(of: World) -> NewCode:
    shop = of.ours
    told = SecondaryMerchant(
        id=shop.merchant.secondary_id,
        name=shop.merchant.name,
        industry="5812",
        store_id=shop.store.id,
        store_name=shop.store.name,
    )
    return NewCode(
        merchant_id=shop.merchant.id,
        store_id=shop.store.id,
        account_id=shop.account_id,
        label=f"{MARK} counter",
        currency="USD",
        shop=told,
        country="SG",
        place="1 Harbour Road",
    )


async def stranger(of: World) -> Program:
    """A program of the second merchant's that may do everything there."""
    return await of.house.program(at=of.theirs)
