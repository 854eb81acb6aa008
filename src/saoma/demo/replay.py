"""`saoma replay`: a real restaurant's orders, played through the running demo as phones, a cashier and wallets would.

Everything is pressed over HTTP with keys that never change, so any process may die at any moment, this one too: what
was done is found done, what was half done is finished, nothing is done twice. The database is only read, to see where
a broken run stopped and what the books say at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from saoma.demo.cast import DemoFile, read_demo
from saoma.demo.orders import CURRENCY, Order, fingerprint, read_orders
from saoma.demo.people import Cashier, Diner, Gone, PlayedWrong, Wallets, patiently
from saoma.demo.wishes import Wishes
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total

#: The restaurant of the demo where orders are replayed.
REPLAYED = "burritos"
#: How long one order may take before the replay gives it up, whatever dies meanwhile.
PATIENCE_SECONDS = 600


def run_replay(*, file: Path, data_dir: Path, at_once: int, only: int) -> int:
    """Play the file; 0 when every order is paid and the books agree with it. Raises `Invalid` for a wrong file."""
    demo = read_demo(data_dir.resolve())
    if demo is None:
        raise Invalid(f"no demo has run in {data_dir}: start one with  saoma demo --data-dir {data_dir}")
    orders = read_orders(file)
    chosen = orders[:only] if only else orders
    return asyncio.run(_Replay(demo, fingerprint(file), at_once).run(chosen))


class _Known(msgspec.Struct):
    """What an earlier run left of one order."""

    number: str
    code: str
    sitting_id: str
    status: str
    owed: int
    paid: int


class _Count(msgspec.Struct):
    method: str
    status: str
    payments: int
    amount: int


class _Sum(msgspec.Struct):
    account: str
    minor: int


@dataclass(frozen=True)
class _Seat:
    """One table of the restaurant, used by one order at a time."""

    code: str
    name: str


class _Replay:
    def __init__(self, demo: DemoFile, mark: str, at_once: int) -> None:
        self._demo = demo
        self._mark = mark
        self._at_once = at_once
        self._console = Console(highlight=False)
        merchant = next(each for each in demo.merchants if each["key"] == REPLAYED)
        self._store_id: str = merchant["store_id"]
        self._merchant_id: str = merchant["id"]
        self._wishes = Wishes(self._store_id)
        self._known: dict[str, _Known] = {}
        self._cashier: Cashier

    async def run(self, orders: Sequence[Order]) -> int:
        """Play `orders`, print what the books say, and tell whether they agree."""
        db = await Database.open(self._demo.database_url, max_size=self._at_once + 2)
        staff = next(
            each for each in self._demo.staff if each.get("store_id") == self._store_id and each["role"] == "owner"
        )
        self._cashier = Cashier(self._demo.app_url, staff["login"], staff["password"])
        try:
            if await self._wishes.fit(db, list(orders), self._import_menu):
                self._console.print("The menu was built from the orders")
            self._known = {each.number: each for each in await self._left_behind(db)}
            todo = [order for order in orders if not self._is_done(order)]
            if len(todo) < len(orders):
                self._console.print(f"{len(orders) - len(todo)} of {len(orders)} orders were played before")
            failed = await self._play(db, todo)
            agrees = await self._print_books(db, orders)
            for number, why in failed:
                self._console.print(f"[red]order {number}: {why}[/red]")
            return 0 if agrees and not failed else 1
        finally:
            await self._cashier.close()
            await db.close()

    async def _import_menu(self, menu_json: str) -> None:
        await patiently(lambda: self._cashier.import_menu(menu_json))

    async def _left_behind(self, db: Database) -> list[_Known]:
        async with db.reading() as rows:
            return await rows.rows(
                _Known,
                """
                SELECT split_part(split_part(l.key, ':', 2), '-', 2) AS number, t.code, s.id AS sitting_id, s.status,
                       sum(l.amount) FILTER (WHERE l.status <> 'void')::bigint AS owed,
                       coalesce((SELECT sum(b.amount) FROM bill_shares b
                                 WHERE b.sitting_id = s.id AND b.state = 'paid'), 0)::bigint AS paid
                FROM tab_lines l JOIN sittings s ON s.tab_id = l.tab_id JOIN dining_tables t ON t.id = s.table_id
                WHERE l.store_id = %(store)s AND split_part(l.key, ':', 2) LIKE %(mark)s
                GROUP BY 1, 2, 3, 4
                """,
                {"store": self._store_id, "mark": f"{self._mark}-%"},
            )

    def _is_done(self, order: Order) -> bool:
        known = self._known.get(order.number)
        return known is not None and known.status != "open" and known.paid == order.total.minor

    async def _play(self, db: Database, todo: Sequence[Order]) -> list[tuple[str, str]]:
        tables = [
            _Seat(each["code"], each["table"]) for each in self._demo.tables if each["store_id"] == self._store_id
        ]
        if len(tables) < self._at_once:
            raise Invalid(f"the restaurant has {len(tables)} tables: play at most so many orders at once")
        # Half-played orders go back to their own table, so they are played first, each by that table's player.
        half = {order.number: self._known[order.number].code for order in todo if order.number in self._known}
        shares: list[list[_Seat]] = [tables[i :: self._at_once] for i in range(self._at_once)]
        queue = [order for order in todo if order.number not in half]
        queue.reverse()
        failed: list[tuple[str, str]] = []
        columns = (
            TextColumn("Playing orders"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            bar = progress.add_task("orders", total=len(todo))

            async def player(number: int) -> None:
                people = await self._people(number, db)
                seats = {seat.code: seat for seat in shares[number]}
                mine = [order for order in todo if half.get(order.number) in seats]
                turn = 0
                while mine or queue:
                    order = mine.pop() if mine else queue.pop()
                    seat = seats.get(half.get(order.number, "")) or list(seats.values())[turn % len(seats)]
                    turn += 1
                    try:
                        async with asyncio.timeout(PATIENCE_SECONDS):
                            await self._persist(people, order, seat)
                    except (PlayedWrong, TimeoutError) as why:
                        failed.append((order.number, str(why) or "took too long"))
                        # Its dishes may still be on that table: nobody else is seated there.
                        seats.pop(seat.code, None)
                        if not seats:
                            break
                    progress.advance(bar)
                await people.close()

            await asyncio.gather(*(player(number) for number in range(self._at_once)))
        return failed

    async def _people(self, number: int, db: Database) -> _People:
        wallets = Wallets(self._demo.sandbox_url)
        buyer = f"replay{number}"
        await patiently(lambda: wallets.add_buyer(buyer))
        return _People(Diner(self._demo.app_url, self._demo.sandbox_url, buyer), self._cashier, wallets, db)

    async def _persist(self, people: _People, order: Order, seat: _Seat) -> None:
        """Play one order to its end, beginning again wherever somebody died."""
        await patiently(lambda: self._play_one(people, order, seat))

    async def _play_one(self, people: _People, order: Order, seat: _Seat) -> None:
        """Scan, order, send, pay, leave. Each press has a key of its own that never changes."""
        diner, mark = people.diner, f"{self._mark}-{order.number}"
        known = self._known.get(order.number)
        if known is None or known.status == "open":
            await diner.scan(seat.code)
            if known is None or known.owed < order.total.minor or not await people.is_paid(mark):
                for number, line in enumerate(order.lines):
                    item, options, note = self._wishes.of(line)
                    await diner.add(seat.code, item.id, options, line.quantity, note, f"{mark}-{number}")
                await diner.send(seat.code)
        if int(order.number) % 2 if order.number.isdecimal() else len(order.lines) % 2:
            await people.pay_in_wallet(seat.code, mark, order.total)
        else:
            await people.pay_at_till(seat.code, mark, order.total)
        await people.leave(seat.code, mark)

    async def _print_books(self, db: Database, orders: Sequence[Order]) -> bool:
        async with db.reading() as rows:
            known = {each.number: each for each in await self._left_behind(db)}
            payments = await rows.rows(
                _Count,
                "SELECT method, status, count(*) AS payments, sum(amount)::bigint AS amount FROM payments"
                " WHERE merchant_id = %(merchant)s GROUP BY 1, 2 ORDER BY 1, 2",
                {"merchant": self._merchant_id},
            )
            books = await rows.rows(
                _Sum,
                """
                SELECT account, sum(minor)::bigint AS minor FROM (
                    SELECT destination AS account, amount AS minor FROM postings WHERE merchant_id = %(merchant)s
                    UNION ALL SELECT source, -amount FROM postings WHERE merchant_id = %(merchant)s
                ) AS moves GROUP BY account ORDER BY account
                """,
                {"merchant": self._merchant_id},
            )
        played = [order for order in orders if order.number in known]
        lines = sum(len(order.lines) for order in played)
        due = total((order.total for order in orders), CURRENCY)
        paid = Money(sum(known[order.number].paid for order in played), CURRENCY)
        sales = Money(-sum(each.minor for each in books if each.account == "sales"), CURRENCY)
        balanced = sum(each.minor for each in books) == 0
        table = Table(title="What was played", show_header=False)
        for what, figure in (
            ("orders", f"{len(played):,} of {len(orders):,}"),
            ("order lines", f"{lines:,}"),
            ("the file's lines sum to", f"{due.decimal:,} {CURRENCY}"),
            ("paid by these orders", f"{paid.decimal:,} {CURRENCY}"),
        ):
            table.add_row(what, figure)
        self._console.print(table)
        table = Table("method", "state", "payments", "amount", title="Payments of this restaurant")
        for row in payments:
            table.add_row(row.method, row.status, f"{row.payments:,}", f"{Money(row.amount, CURRENCY).decimal:,}")
        self._console.print(table)
        table = Table("account", "balance", title="Its ledger (in minus out)")
        for book in books:
            table.add_row(book.account, f"{Money(book.minor, CURRENCY).decimal:,}")
        table.add_row("debits minus credits", f"{Money(sum(each.minor for each in books), CURRENCY).decimal:,}")
        self._console.print(table)
        done = all(self._is_paid(known.get(order.number), order) for order in orders)
        verdict = done and balanced and paid == due
        colour, word = ("green", "agree") if verdict else ("red", "DO NOT AGREE")
        self._console.print(f"[{colour}]sales {sales.decimal:,} {CURRENCY}: the file and the books {word}[/{colour}]")
        return verdict

    @staticmethod
    def _is_paid(known: _Known | None, order: Order) -> bool:
        return known is not None and known.owed == known.paid == order.total.minor


class _Payment(msgspec.Struct):
    id: str
    order_number: str
    status: str
    amount: int
    trade_number: str
    code: str


class _People:
    """One diner and one wallet that play together with the cashier of all, and what they can see of the books."""

    def __init__(self, diner: Diner, cashier: Cashier, wallets: Wallets, db: Database) -> None:
        self.diner = diner
        self._cashier = cashier
        self._wallets = wallets
        self._db = db

    async def close(self) -> None:
        await self.diner.close()
        await self._wallets.close()

    async def _payments(self, mark: str) -> list[_Payment]:
        async with self._db.reading() as rows:
            return await rows.rows(
                _Payment,
                "SELECT id, order_number, status, amount, trade_number, code FROM payments"
                " WHERE split_part(key, ':', 2) LIKE %(mark)s ORDER BY created_at",
                {"mark": f"{mark}-%"},
            )

    async def is_paid(self, mark: str) -> bool:
        return any(payment.status == "succeeded" for payment in await self._payments(mark))

    async def _settled(self, mark: str, tries: int) -> _Payment | None:
        """The payment under way or succeeded, after waiting while it is open; None when a new one is due."""
        while True:
            found = await self._payments(mark)
            if not found or found[-1].status in ("failed", "cancelled"):
                return None
            last = found[-1]
            if last.status in ("succeeded", "needs_attention"):
                return last
            if tries <= 0:
                return last
            tries -= 1
            await asyncio.sleep(0.05)

    async def pay_in_wallet(self, code: str, mark: str, amount: Money) -> None:
        """Pay the whole bill as the published steps say: create, tradePay, confirm, notification."""
        for attempt in range(8):
            payment = await self._settled(mark, 0)
            if payment is None:
                await self.diner.pay_whole(code, amount, f"{mark}-w{attempt}-{len(await self._payments(mark))}")
                payment = await self._settled(mark, 0)
            while payment is not None and payment.status in ("created", "pending", "cancelling"):
                if payment.trade_number and await self._wallets.confirm(payment.order_number):
                    await self.diner.report(payment.id, "9000")
                payment = await self._settled(mark, 10)
            if payment is not None and payment.status == "succeeded":
                return
            if payment is not None:
                raise PlayedWrong(f"payment {payment.id} needs attention")
        raise PlayedWrong(f"eight payments in the wallet came to nothing: {await self._said(mark)}")

    async def pay_at_till(self, code: str, mark: str, amount: Money) -> None:
        """Show a payment code; the cashier scans it."""
        for attempt in range(8):
            payment = await self._settled(mark, 0)
            if payment is None:
                bill = await self._open_bill(code)
                payment_code = await self._wallets.payment_code(self.diner.buyer)
                key = f"{mark}-b{attempt}-{len(await self._payments(mark))}"
                await self._cashier.scan(bill, payment_code, amount, key)
            payment = await self._settled(mark, 4000)
            if payment is not None and payment.status == "succeeded":
                return
            if payment is not None:
                raise PlayedWrong(f"payment {payment.id} is {payment.status}")
        raise PlayedWrong(f"eight scans at the till came to nothing: {await self._said(mark)}")

    async def _said(self, mark: str) -> str:
        return ", ".join(f"{payment.status} {payment.code}" for payment in await self._payments(mark))

    async def _open_bill(self, code: str) -> str:
        async with self._db.reading() as rows:
            found = await rows.value(
                "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id"
                " WHERE t.code = %(code)s AND s.status = 'open'",
                {"code": code},
            )
        if found is None:
            raise Gone
        return str(found)

    async def leave(self, code: str, mark: str) -> None:
        """The cashier closes the bill, so that the next scan begins a new one."""
        async with self._db.reading() as rows:
            sitting = await rows.value(
                "SELECT s.id FROM sittings s JOIN tab_lines l ON l.tab_id = s.tab_id"
                " WHERE split_part(l.key, ':', 2) LIKE %(mark)s AND s.status = 'open' LIMIT 1",
                {"mark": f"{mark}-%"},
            )
        if sitting is not None:
            await self._cashier.close_bill(str(sitting))
