"""The people of a day with every channel: who orders and pays where, each as their own screens and forms let them.

Every press has a key made of the order's number, so that one made again after nobody answered changes nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import unescape

import msgspec

from saoma.demo.day_plan import Visit, Way
from saoma.demo.people import Browser, Diner, Gone, PlayedWrong, Staff, Wallets
from saoma.demo.wishes import Wishes
from saoma.kit.db import Database

#: How often a payment under way is looked at, and how many looks it gets.
_LOOK_SECONDS, _LOOKS = 0.05, 1200
#: A refusal is an answer, too: the customer orders at the counter instead.
_ANY = (200, 204, 303, 400, 409)
_TYPED = re.compile(r'name="(amount|shown|slot)" value="([^"]*)"')
_PAYMENTS = """
SELECT id, order_number, method, status, trade_number, amount, coalesce((part->>'tip')::bigint, 0) AS tip
FROM payments WHERE payable_kind = %(kind)s AND payable_id = %(id)s ORDER BY created_at, id
"""
_ONE = """
SELECT id, order_number, method, status, trade_number, amount, coalesce((part->>'tip')::bigint, 0) AS tip
FROM payments WHERE id = %(id)s
"""


class Paid(msgspec.Struct, frozen=True):
    """A payment as the books know it; amounts in minor units, the tip is part of the amount."""

    id: str
    order_number: str
    method: str
    status: str
    trade_number: str
    amount: int
    tip: int


class Declined(PlayedWrong):
    """The shop can't take this order this way now, such as a full kitchen; the customer orders at the counter."""


class MenuTurn:
    """Many order at once, but nobody while one finds a dish sold out: the day has one menu for all."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._ordering = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """While somebody orders."""
        async with self._changed:
            self._ordering += 1
        try:
            yield
        finally:
            async with self._changed:
                self._ordering -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While nobody else does."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._ordering)
            yield


class Scene:
    """What every player has at hand: the running house, the store's staff, the menu, the books to look at."""

    def __init__(
        self, db: Database, store_id: str, staff: Staff, cook: Staff, wallets: Wallets, wishes: Wishes
    ) -> None:
        self.db = db
        self.store_id = store_id
        self.staff = staff
        self.cook = cook
        self.wallets = wallets
        self.wishes = wishes
        #: Nobody orders while one of the players finds a dish sold out: the day has one menu for all.
        self.menu_turn = MenuTurn()

    async def payments(self, kind: str, id: str) -> list[Paid]:
        """Every payment of one bill or order."""
        async with self.db.reading() as rows:
            return await rows.rows(Paid, _PAYMENTS, {"kind": kind, "id": id})

    async def find(self, sql: str, **values: str) -> str:
        """One id from the books. Raises `Gone` while there is none."""
        async with self.db.reading() as rows:
            found = await rows.value(sql, values)
        if found is None:
            raise Gone(sql)
        return str(found)

    async def wait(self, payment_id: str) -> Paid:
        """The payment once it is over. Raises `Gone` when that takes too long."""
        for _ in range(_LOOKS):
            async with self.db.reading() as rows:
                seen = await rows.one(Paid, _ONE, {"id": payment_id})
            if seen.status not in ("created", "pending", "cancelling"):
                return seen
            await asyncio.sleep(_LOOK_SECONDS)
        raise Gone(f"payment {payment_id} stays open")

    async def say_yes(self, phone: Diner, payment_id: str) -> None:
        """The wallet's yes to a payment on its own phone, and what the page reports then."""
        for _ in range(_LOOKS):
            async with self.db.reading() as rows:
                seen = await rows.one(Paid, _ONE, {"id": payment_id})
            if seen.status not in ("created", "pending", "cancelling"):
                return
            if seen.trade_number and await self.wallets.act(seen.order_number, "pay", phone.buyer):
                await phone.report(payment_id, "9000")
                await self.wait(payment_id)
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise Gone(f"payment {payment_id} stays open")

    async def scan_code(self, kind: str, id: str, buyer: str) -> None:
        """A customer scans the code on a screen and pays."""
        for paid in await self.payments(kind, id):
            if paid.status in ("created", "pending") and paid.method == "order_code":
                await self.wallets.act(paid.order_number, "scan", buyer)
                await self.wallets.act(paid.order_number, "pay", buyer)
                await self.wait(paid.id)


def typed(html: str, name: str) -> str:
    """The value of a hidden field of a form."""
    return next((unescape(value) for found, value in _TYPED.findall(html) if found == name), "")


def options_form(options: Sequence[str]) -> list[tuple[str, str]]:
    """The choices of a dish as a form sends them."""
    return [(f"option-{number}", option) for number, option in enumerate(options)]


async def at_table(scene: Scene, phones: Sequence[Diner], code: str, visit: Visit, mark: str) -> tuple[str, str]:
    """A party at a table: scan, choose, send, pay as planned. The kind and id of what was paid."""
    host = phones[0]
    await host.scan(code)
    for number, line in enumerate(visit.order.lines):
        item, options, note = scene.wishes.of(line)
        await host.add(code, item.id, options, line.quantity, note, f"{mark}-{number}")
    await host.send(code)
    sitting = await scene.find(
        "SELECT s.id FROM sittings s JOIN tab_lines l ON l.tab_id = s.tab_id"
        " WHERE split_part(l.key, ':', 2) LIKE %(mark)s AND l.status <> 'basket' ORDER BY s.opened_at DESC LIMIT 1",
        mark=f"{mark}-%",
    )
    match visit.way:
        case Way.SPLIT:
            for number, phone in enumerate(phones[: visit.people]):
                await phone.scan(code)
                await _pay_part(scene, phone, code, f"{mark}-p{number}", ("even", visit.people), visit.tip)
            # Who came late finds the last cent.
            await _pay_part(scene, host, code, f"{mark}-rest", ("whole", 1), 0)
        case Way.WALLET:
            await _pay_part(scene, host, code, f"{mark}-w", ("whole", 1), visit.tip)
        case Way.TWO_METHODS:
            half = max(1, visit.order.total.minor // 2)
            form = [("typed", f"{half / 100:.2f}"), ("method", "cash"), ("key", f"{mark}-c")]
            await scene.staff.press(f"/till/bills/{sitting}/taken", form)
            await _pay_part(scene, host, code, f"{mark}-w", ("whole", 1), 0)
        case Way.CASH:
            form = [("method", "cash"), ("key", f"{mark}-c")]
            await scene.staff.press(f"/till/bills/{sitting}/taken", form)
        case _:
            scanned = [("payment_code", await scene.wallets.payment_code(host.buyer)), ("key", f"{mark}-b")]
            await scene.staff.press(f"/till/bills/{sitting}/pay", scanned)
            for paid in await scene.payments("sitting", sitting):
                await scene.wait(paid.id)
    return "sitting", sitting


async def _pay_part(scene: Scene, phone: Diner, code: str, key: str, choice: tuple[str, int], tip: int) -> None:
    """What the phone's own page says this part comes to, paid in its wallet; nothing when nothing is left of it."""
    asked = f"choice={choice[0]}&people={choice[1]}&tip={tip or ''}"
    amount = typed(await phone.look(f"/t/{code}/ways?{asked}"), "amount")
    if amount in ("", "0"):
        return
    form = [("choice", choice[0]), ("ways", str(choice[1])), ("tip", str(tip or "")), ("amount", amount), ("key", key)]
    where, text = await phone.press(f"/t/{code}/pay", [*form, ("sheet", "ways")])
    if not where.startswith("/pay/"):
        raise PlayedWrong(f"a part was refused: {' '.join(re.sub('<[^>]+>', ' ', text).split())[:200]}")
    await scene.say_yes(phone, where.removeprefix("/pay/").partition("?")[0])


async def at_counter(scene: Scene, buyer: str, visit: Visit, mark: str) -> tuple[str, str]:
    """Somebody at the counter: the cashier touches the dishes and takes the money."""
    for number, line in enumerate(visit.order.lines):
        item, options, note = scene.wishes.of(line)
        form = [("order_key", mark), ("item", item.id), ("quantity", str(line.quantity)), ("note", note)]
        form += [
            ("channel", "takeaway" if number % 2 else "counter"),
            ("key", f"{mark}-{number}"),
            *options_form(options),
        ]
        await scene.staff.press("/counter/lines", form)
    order = await scene.find(
        "SELECT id FROM counter_orders WHERE store_id = %(store)s AND key = %(key)s", store=scene.store_id, key=mark
    )
    await _take_at_counter(scene, order, buyer, visit.way, mark)
    return "counter_order", order


async def _take_at_counter(scene: Scene, order: str, buyer: str, way: Way, mark: str) -> None:
    root = f"/counter/orders/{order}"
    if way is Way.BARCODE:
        form = [("order_key", mark), ("payment_code", await scene.wallets.payment_code(buyer)), ("key", f"{mark}-b")]
        await scene.staff.press("/counter/scan", form)
        for paid in await scene.payments("counter_order", order):
            await scene.wait(paid.id)
    elif way is Way.ORDER_CODE:
        await scene.staff.press(f"{root}/code", [("key", f"{mark}-o")])
        await scene.scan_code("counter_order", order, buyer)
    else:
        await scene.staff.press(f"{root}/taken", [("method", "cash"), ("key", f"{mark}-c")])


async def at_kiosk(scene: Scene, kiosk: Kiosk, buyer: str, visit: Visit, mark: str) -> tuple[str, str]:
    """Somebody alone at a kiosk."""
    root = await kiosk.press("/kiosk/begin", [("key", mark), ("where", "here")])
    for number, line in enumerate(visit.order.lines):
        item, options, _ = scene.wishes.of(line)
        form = [
            ("item", item.id),
            ("quantity", str(line.quantity)),
            ("key", f"{mark}-{number}"),
            *options_form(options),
        ]
        await kiosk.press(f"{root}/lines", form)
    order = root.rpartition("/")[2]
    if visit.way is Way.BARCODE:
        code = await scene.wallets.payment_code(buyer)
        await kiosk.press(f"{root}/scan", [("payment_code", code), ("key", f"{mark}-b")])
        for paid in await scene.payments("counter_order", order):
            await scene.wait(paid.id)
    elif visit.way is Way.ORDER_CODE:
        await kiosk.press(f"{root}/code", [("key", f"{mark}-o")])
        await scene.scan_code("counter_order", order, buyer)
    else:
        await kiosk.press(f"{root}/at-counter", [("key", f"{mark}-l")])
        await _take_at_counter(scene, order, buyer, Way.CASH, mark)
    return "counter_order", order


class Kiosk:
    """A device that a member of staff has opened to customers."""

    def __init__(self, app_url: str, login: str, password: str) -> None:
        self._browser = Browser(app_url)
        self._who = [("login", login), ("password", password)]

    async def open(self) -> None:
        """Sign in once, and hand the device over."""
        await self._browser.ask("GET", "/sign-in")
        await self._browser.press("/sign-in", self._who)
        status, _, text = await self._browser.press("/kiosk/open", [])
        if status != 303:
            raise PlayedWrong(f"opening the kiosk answered {status}: {text[:200]}")

    async def press(self, path: str, form: Sequence[tuple[str, str]]) -> str:
        """Touch something; the screen that comes next."""
        status, headers, text = await self._browser.ask("POST", path, form=form, headers=self._browser.headers())
        if status != 303:
            words = " ".join(re.sub("<[^>]+>", " ", text).split())[:300]
            raise PlayedWrong(f"{path} answered {status}: {words}")
        return headers["Location"].partition("?")[0]

    async def close(self) -> None:
        """Switch it off."""
        await self._browser.close()


async def ahead(scene: Scene, phone: Diner, code: str, visit: Visit, mark: str, zone: str = "") -> tuple[str, str]:
    """Somebody orders from home: to collect, or with `zone` to have it brought. Paid in the wallet at once."""
    root = f"/order/{code}"
    await phone.open(root)
    await phone.press(f"{root}/when", [("mode", "bring" if zone else "pick_up"), ("slot", "")])
    for number, line in enumerate(visit.order.lines):
        item, options, note = scene.wishes.of(line)
        form = [("item", item.id), ("quantity", str(line.quantity)), ("note", note), ("key", f"{mark}-{number}")]
        await phone.press(f"{root}/add", [*form, *options_form(options)])
    if zone:
        form = [
            ("zone", zone),
            ("street", "1 Orchard Road"),
            ("door", "#02-01"),
            ("name", "Amy"),
            ("phone", "+65 8123 4567"),
        ]
        where, text = await phone.press(f"{root}/bring", form, _ANY)
        if not where.endswith("/place"):
            raise Declined(f"the address was refused: {' '.join(re.sub('<[^>]+>', ' ', text).split())[:200]}")
    shown = await phone.look(f"{root}/place")
    form = [
        ("shown", typed(shown, "shown")),
        ("slot", typed(shown, "slot")),
        ("name", "Amy"),
        ("phone", "+65 8123 4567"),
    ]
    where, text = await phone.press(f"{root}/place", [*form, ("pay", "ahead"), ("key", f"{mark}-w")], _ANY)
    if not where.startswith("/pay/"):
        raise Declined(f"the order was refused: {' '.join(re.sub('<[^>]+>', ' ', text).split())[:300]}")
    payment_id = where.removeprefix("/pay/").partition("?")[0]
    await scene.say_yes(phone, payment_id)
    return "online_order", await scene.find("SELECT payable_id FROM payments WHERE id = %(id)s", id=payment_id)
