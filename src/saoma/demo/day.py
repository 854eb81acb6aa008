"""`saoma replay --day`: a real restaurant's orders as one day with every channel at once, and the books at its end.

Tables split and tip, kiosks and counters take codes and cash, orders come ahead and are brought, dishes sell out and
money goes back. At the end every order is compared with what its file says, line by line, payment by payment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from saoma.app import AUDIT_RULES
from saoma.demo import day_people
from saoma.demo.cast import DemoFile, read_demo
from saoma.demo.day_people import Declined, Kiosk, Scene
from saoma.demo.day_plan import Channel, Visit, Way, plan
from saoma.demo.orders import CURRENCY, fingerprint, read_orders
from saoma.demo.people import Cashier, Diner, PlayedWrong, Staff, Wallets, patiently
from saoma.demo.replay import REPLAYED
from saoma.demo.wishes import Wishes
from saoma.kit.clock import SystemClock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, SaomaError
from saoma.kit.money import Money
from saoma.payments.audit import audited

_LINES = """
SELECT l.id, l.amount, l.discount, l.quantity, l.status, l.round, l.tab_id FROM tab_lines l
WHERE l.tab_id = (SELECT tab_id FROM {table} WHERE id = %(id)s) AND l.status <> 'void'
"""
_TABLES = {"sitting": "sittings", "counter_order": "counter_orders", "online_order": "online_orders"}
#: Most phones that one player holds: a bill is split by so many at most.
_PHONES = 4


def run_day(*, file: Path, data_dir: Path, at_once: int, only: int, seed: int) -> int:
    """Play the day; 0 when every order is paid, made once, and the books close. Raises `Invalid` for a wrong file."""
    demo = read_demo(data_dir.resolve())
    if demo is None:
        raise Invalid(f"no demo has run in {data_dir}: start one with  saoma demo --data-dir {data_dir}")
    orders = read_orders(file)
    day = plan(orders[:only] if only else orders, seed)
    return asyncio.run(_Day(demo, f"{fingerprint(file)}d{seed}", at_once).run(day))


class _Line(msgspec.Struct):
    id: str
    amount: int
    discount: int
    quantity: int
    status: str
    round: int | None
    tab_id: str


class _Delivery(msgspec.Struct):
    id: str
    code: str


class _Done(msgspec.Struct, frozen=True):
    """One order that was played: what was paid for, and what went back of it."""

    visit: Visit
    kind: str
    id: str
    refunded: int


class _Day:
    def __init__(self, demo: DemoFile, mark: str, at_once: int) -> None:
        self._demo = demo
        self._mark = mark
        self._console = Console(highlight=False)
        self._store_id: str = next(one["store_id"] for one in demo.merchants if one["key"] == REPLAYED)
        self._tables = [one["code"] for one in demo.tables if one["store_id"] == self._store_id]
        self._at_once = min(at_once, len(self._tables))
        self._met_sold_out = 0
        self._declined: Counter[Channel] = Counter()
        self._one_way = asyncio.Lock()
        self._courier: Staff

    def _who(self, role: str) -> tuple[str, str]:
        mine = [one for one in self._demo.staff if one.get("store_id") == self._store_id and one["role"] == role]
        if not mine:
            raise Invalid(f"this demo has nobody of the role {role}: start it anew with  saoma demo --fresh")
        one = mine[0]
        return one["login"], one["password"]

    async def run(self, day: Sequence[Visit]) -> int:
        """Play every visit, a few at once, then look into the books."""
        db = await Database.open(self._demo.database_url, max_size=self._at_once + 4)
        owner = Cashier(self._demo.app_url, *self._who("owner"))
        cook = Staff(self._demo.app_url, *self._who("kitchen"))
        self._courier = Staff(self._demo.app_url, *self._who("courier"))
        wishes = Wishes(self._store_id)
        scene = Scene(db, self._store_id, owner, cook, Wallets(self._demo.sandbox_url), wishes)
        failed: list[str] = []
        done: list[_Done] = []
        try:
            await wishes.fit(db, [visit.order for visit in day], owner.import_menu)
            queue, signing_in = list(reversed(day)), asyncio.Lock()
            with Progress(console=self._console) as progress:
                bar = progress.add_task("visits", total=len(day))

                async def player(number: int) -> None:
                    phones = [
                        Diner(self._demo.app_url, self._demo.sandbox_url, f"day{number}x{phone}")
                        for phone in range(_PHONES)
                    ]
                    kiosk = Kiosk(self._demo.app_url, *self._who("owner"))
                    try:
                        # Many who sign in as one person at one moment look like somebody who guesses.
                        async with signing_in:
                            await kiosk.open()
                        for phone in phones:
                            await scene.wallets.add_buyer(phone.buyer)
                        while queue:
                            visit = queue.pop()
                            try:
                                done.append(await self._play(scene, visit, phones, kiosk, self._tables[number]))
                            except (SaomaError, TimeoutError) as why:
                                failed.append(f"order {visit.order.number} ({visit.channel}, {visit.way}): {why!r}")
                            progress.advance(bar)
                    finally:
                        await kiosk.close()
                        for phone in phones:
                            await phone.close()

                await asyncio.gather(*(player(number) for number in range(self._at_once)))
            faults = [fault for one in done for fault in await self._compare(scene, one)]
            faults += await self._audit(db)
            sums = {}
            for one in done:
                paid = [each for each in await scene.payments(one.kind, one.id) if each.status == "succeeded"]
                sums[one.id] = (sum(each.amount for each in paid), sum(each.tip for each in paid))
            self._print(done, sums)
            for line in (*failed, *faults):
                self._console.print(f"[red]{line}[/red]", soft_wrap=True)
            closes = not failed and not faults and len(done) == len(day)
            self._console.print("[green]the books close[/green]" if closes else "[red]the books DO NOT close[/red]")
            return 0 if closes else 1
        finally:
            for each in (owner, cook, self._courier, scene.wallets):
                await each.close()
            await db.close()

    async def _play(self, scene: Scene, visit: Visit, phones: list[Diner], kiosk: Kiosk, table: str) -> _Done:
        mark = f"{self._mark}-{visit.order.number}"
        if visit.meets_sold_out:
            await patiently(lambda: self._meet_sold_out(scene, visit, phones[0], table, f"{mark}-gone"))
        found = ("", "")

        async def once() -> None:
            nonlocal found
            found = await self._order(scene, visit, phones, kiosk, table, mark)

        try:
            async with asyncio.timeout(180):
                await patiently(once)
        except Declined:
            self._declined[visit.channel] += 1
            # What was chosen in vain would still be in this phone's basket.
            await phones[0].close()
            phones[0] = Diner(self._demo.app_url, self._demo.sandbox_url, phones[0].buyer)
            visit = replace(visit, channel=Channel.COUNTER, way=Way.CASH)
            await patiently(once)
        kind, id = found
        refunded = await self._give_back(scene, visit, kind, id, mark) if visit.refunded else 0
        if not (refunded and kind == "online_order"):
            await patiently(lambda: self._cook(scene, kind, id))
        if kind == "sitting":
            await scene.staff.press(f"/till/bills/{id}/close")
        return _Done(visit, kind, id, refunded)

    async def _meet_sold_out(self, scene: Scene, visit: Visit, phone: Diner, table: str, key: str) -> None:
        """A dish sells out under a guest's finger: it can't be chosen. Then it is back."""
        item, options, _ = scene.wishes.of(visit.order.lines[0])
        async with scene.menu_turn.alone():
            await phone.scan(table)
            await scene.cook.press(f"/kitchen/items/{item.id}/sold-out", [("sold_out", "yes")])
            form = [("item", item.id), ("quantity", "1"), ("key", key), *day_people.options_form(options)]
            await phone.press(f"/t/{table}/add", form, good=(200, 400, 409))
            await scene.cook.press(f"/kitchen/items/{item.id}/sold-out", [("sold_out", "no")])
            async with scene.db.reading() as rows:
                taken = await rows.value(
                    "SELECT count(*) FROM tab_lines WHERE split_part(key, ':', 2) = %(key)s", {"key": key}
                )
        if taken:
            raise PlayedWrong("a dish that had sold out was sold")
        self._met_sold_out += 1

    async def _give_back(self, scene: Scene, visit: Visit, kind: str, id: str, mark: str) -> int:
        """A dollar of what was paid goes back with a reason; an order ahead is called off and all of it goes back."""
        paid = [one for one in await scene.payments(kind, id) if one.status == "succeeded"]
        back = sum(one.amount for one in paid) if kind == "online_order" else min(100, paid[0].amount - paid[0].tip)
        if kind == "online_order":
            await scene.staff.press(f"/online/{id}/call-off", [("reason", "The customer rang"), ("key", f"{mark}-r")])
        else:
            root = f"/till/bills/{id}" if kind == "sitting" else f"/counter/orders/{id}"
            form = [("typed", f"{back / 100:.2f}"), ("reason", "It was cold"), ("key", f"{mark}-r")]
            await scene.staff.press(f"{root}/payments/{paid[0].id}/refund", form)
        for _ in range(1200):
            async with scene.db.reading() as rows:
                gone = await rows.value(
                    "SELECT coalesce(sum(r.amount), 0)::bigint FROM refunds r JOIN payments p ON p.id = r.payment_id"
                    " WHERE p.payable_kind = %(kind)s AND p.payable_id = %(id)s AND r.status = 'succeeded'",
                    {"kind": kind, "id": id},
                )
            if gone == back:
                return back
            await asyncio.sleep(0.05)
        raise PlayedWrong(f"{back} cents never went back")

    async def _cook(self, scene: Scene, kind: str, id: str) -> None:
        """The kitchen makes it, and somebody hands it over."""
        if kind == "online_order":
            await scene.staff.press(f"/online/{id}/make")
        for tab, number in sorted({(line.tab_id, line.round or 0) for line in await self._lines(scene, kind, id)}):
            for seen in ("sent", "cooking"):
                await scene.cook.press(f"/kitchen/tickets/{tab}/{number}/bump", [("seen", seen)])
            if kind == "sitting":
                await scene.cook.press(f"/kitchen/tabs/{tab}/serve")
        if kind == "counter_order":
            await scene.staff.press(f"/counter/orders/{id}/collected")
        elif kind == "online_order" and not await self._brought(scene, id):
            await scene.staff.press(f"/online/{id}/collected")

    async def _brought(self, scene: Scene, order: str) -> bool:
        """The courier's way, where the order is one to bring."""
        async with scene.db.reading() as rows:
            found = await rows.maybe(
                _Delivery, "SELECT id, code FROM deliveries WHERE order_id = %(order)s", {"order": order}
            )
        if found is None:
            return False
        login, _ = self._who("courier")
        courier = await scene.find("SELECT id FROM staff WHERE login = %(login)s", login=login)
        # One courier carries only so many at once.
        async with self._one_way:
            await scene.staff.press(f"/deliveries/{found.id}/assign", [("courier", courier)])
            await self._courier.press(f"/courier/{found.id}/picked-up")
            await self._courier.press(f"/courier/{found.id}/delivered", [("code", found.code)])
        return True

    async def _lines(self, scene: Scene, kind: str, id: str) -> list[_Line]:
        async with scene.db.reading() as rows:
            return await rows.rows(_Line, _LINES.format(table=_TABLES[kind]), {"id": id})

    async def _order(
        self, scene: Scene, visit: Visit, phones: list[Diner], kiosk: Kiosk, table: str, mark: str
    ) -> tuple[str, str]:
        async with scene.menu_turn.reading():
            match visit.channel:
                case Channel.TABLE:
                    return await day_people.at_table(scene, phones, table, visit, mark)
                case Channel.COUNTER:
                    return await day_people.at_counter(scene, phones[0].buyer, visit, mark)
                case Channel.KIOSK:
                    return await day_people.at_kiosk(scene, kiosk, phones[0].buyer, visit, mark)
                case Channel.PREORDER | Channel.DELIVERY:
                    code = await scene.find(
                        "SELECT code FROM online_stores WHERE store_id = %(store)s", store=scene.store_id
                    )
                    zone = ""
                    if visit.channel is Channel.DELIVERY:
                        zone = await scene.find(
                            "SELECT id FROM delivery_zones WHERE store_id = %(store)s AND NOT retired"
                            " ORDER BY fee, id LIMIT 1",
                            store=scene.store_id,
                        )
                    return await day_people.ahead(scene, phones[0], code, visit, mark, zone)

    # -- the books ---------------------------------------------------------------------------------------------------

    async def _compare(self, scene: Scene, done: _Done) -> list[str]:
        """What differs between one order of the file and what the books say of it."""
        visit, who = done.visit, f"order {done.visit.order.number} ({done.visit.channel}, {done.visit.way})"
        paid = [one for one in await scene.payments(done.kind, done.id) if one.status == "succeeded"]
        money, tips = sum(one.amount for one in paid), sum(one.tip for one in paid)
        if done.kind == "online_order" and done.refunded:
            return [] if money == done.refunded else [f"{who}: paid {money}, given back {done.refunded}"]
        lines = await self._lines(scene, done.kind, done.id)
        faults = []
        ordered = sum(line.amount for line in lines)
        due = ordered - sum(line.discount for line in lines) + await self._fee(scene, done)
        if ordered != visit.order.total.minor:
            faults.append(f"{who}: ordered {ordered}, the file says {visit.order.total.minor}")
        if money - tips != due:
            faults.append(f"{who}: paid {money - tips} of {due}, tips {tips}")
        if sum(line.quantity for line in lines) != sum(line.quantity for line in visit.order.lines):
            faults.append(f"{who}: other dishes than the file's")
        if any(line.status != "served" for line in lines):
            faults.append(f"{who}: {', '.join(sorted({line.status for line in lines}))} at the end of the day")
        return faults

    async def _fee(self, scene: Scene, done: _Done) -> int:
        if done.kind != "online_order":
            return 0
        async with scene.db.reading() as rows:
            return int(await rows.value("SELECT fee FROM online_orders WHERE id = %(id)s", {"id": done.id}))

    async def _audit(self, db: Database) -> list[str]:
        """Every rule of the books, asked of the whole database."""
        async with db.transaction() as tx:
            return [
                f"the books: {rule}: {fault.id} {fault.detail}"
                async for rule, found in audited(tx, SystemClock().now(), AUDIT_RULES)
                async for fault in found
            ]

    def _print(self, done: Sequence[_Done], sums: dict[str, tuple[int, int]]) -> None:
        table = Table("channel", "orders", "dishes", "paid", "tips", title="The day")
        for channel in Channel:
            mine = [one for one in done if one.visit.channel is channel]
            dishes = sum(line.quantity for one in mine for line in one.visit.order.lines)
            paid, tips = (sum(sums[one.id][part] for one in mine) for part in (0, 1))
            table.add_row(
                channel, f"{len(mine):,}", f"{dishes:,}", str(Money(paid, CURRENCY)), str(Money(tips, CURRENCY))
            )
        self._console.print(table)
        ways = Counter(one.visit.way for one in done)
        self._console.print("paid by " + ", ".join(f"{way} {count}" for way, count in sorted(ways.items())))
        back = [one.refunded for one in done if one.refunded]
        self._console.print(
            f"{len(back)} orders with money back ({Money(sum(back), CURRENCY)}), {self._met_sold_out} met a dish that"
            f" had sold out, {sum(self._declined.values())} could not be had ahead and were ordered at the counter"
        )
