"""Practice on every screen that takes orders or money: the real shop's rows stay what they were, to the letter.

A code that is not the practice customer's is charged nowhere, and all that was pressed is cleared by night."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from saoma.food.menus.menu import menu
from saoma.gateway import PRACTICE_ACCOUNT
from saoma.identity import model
from saoma.identity.guards import TERMINAL_COOKIE, token_hash
from saoma.kit.due import drive_due
from saoma.restaurant.tables import add_table
from tests.gateway.house import House, Shop
from tests.gateway.practice import coach, fingerprints, post, told, value
from tests.gateway.test_practice_clearing import sell
from tests.identity.web import text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: The payment code of a real customer, who happens to stand there.
REAL = "280000000000000007"


@dataclass
class Practice:
    """Somebody in practice, and the real shop as it was when they began."""

    house: House
    shop: Shop
    #: The first lesson's bill, where it is on the till.
    bill: str
    store_id: str
    dishes: dict[str, str]
    ids: tuple[str, ...]
    before: dict[str, str]
    heard: int

    async def press(self, path: str, status: int = 200, **data: str) -> Any:
        """Send a form, and be answered as expected; a redirect counts as what it leads to."""
        answer = await post(self.shop, path, **data)
        assert answer.status_code == status, f"{path}: {answer.status_code} {text_of(answer.text)}"
        return answer

    async def sees(self, path: str) -> str:
        """A page; it wears the band."""
        answer = await self.shop.browser.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {text_of(answer.text)}"
        assert 'data-testid="practice-band"' in answer.text, path
        return str(answer.text)

    async def lines(self, path: str) -> list[str]:
        """The dishes of a bill or an order, by their ids."""
        column, table = ("tab_id", "sittings") if path.startswith("/till") else ("tab_id", "counter_orders")
        found = await value(
            self.house,
            f"SELECT array_agg(l.id ORDER BY l.id) FROM tab_lines l JOIN {table} x ON x.{column} = l.tab_id"
            f" WHERE x.id = '{path.rpartition('/')[2]}' AND l.status <> 'void'",
        )
        return list(found)

    async def nothing_real_changed(self) -> None:
        """The real shop is as it was; what was paid, was paid to practice."""
        assert await fingerprints(self.house, *self.ids) == self.before
        assert await told(self.house, self.shop.store.id) == self.heard, "no screen of the shop has heard of it"
        elsewhere = f"SELECT count(*) FROM payments WHERE account_id <> '{PRACTICE_ACCOUNT}'"
        assert await value(self.house, elsewhere) == 0
        foreign = "SELECT count(*) FROM {} WHERE NOT merchant_id ^@ 'mpr_'"
        for table in ("payments", "refunds", "postings"):
            assert await value(self.house, foreign.format(table)) == 0, table

    async def is_cleared(self) -> None:
        """Nobody goes on with it: some nights later it is gone, and the shop has taken nothing."""
        await self.press("/practice/leave", 303)
        for path in ("/till/takings", "/counter/today"):
            page = text_of((await self.shop.browser.get(f"{path}?lang=en")).text)
            assert "Nothing was taken on this day" in page or "Nothing was sold today yet" in page, page
        for _ in range(9):
            await self.house.move_to(self.house.clock.now() + timedelta(days=1))
            await drive_due(self.house.rooms.db, self.house.rooms.watch.works(), self.house.clock)
            await self.house.work()
        assert await value(self.house, "SELECT count(*) FROM stores WHERE merchant_id ^@ 'mpr_'") == 0
        assert await fingerprints(self.house, *self.ids) == self.before


async def begun(house: House, lesson: str = "wrong_code") -> Practice:
    """A shop with guests at a table, and its manager in a lesson."""
    shop = house.shops["MD5"]
    ids = (shop.store.id, shop.merchant.id, *await sell(house, shop))
    before, heard = await fingerprints(house, *ids), await told(house, shop.store.id)
    bill = (await post(shop, f"/practice/lessons/{lesson}/begin")).headers["location"]
    store_id = await value(house, "SELECT store_id FROM practice_runs")
    async with house.rooms.db.reading() as rows:
        card = await menu(rows, store_id)
    dishes = {item.code: item.id for section in card.sections for item in section.items}
    return Practice(house, shop, bill, store_id, dishes, ids, before, heard)


async def test_the_waiters_pad_discounts_voids_moves_and_the_tablet_touch_nothing_real_in_practice(
    practising: House,
) -> None:
    at = await begun(practising)
    async with practising.rooms.db.transaction() as tx:
        tables = [await add_table(tx, at.store_id, name, practising.clock.now()) for name in ("8", "9", "10")]

    async def seats(number: int, *codes: str) -> str:
        opened = await at.press(f"/till/tables/{tables[number].id}/open", 303)
        path = str(opened.headers["location"]).removesuffix("/order")
        await at.sees(f"{path}/order")
        await at.press(f"{path}/seats", 303, known="0")
        for code in codes:
            await at.press(f"{path}/lines", 303, item=at.dishes[code], key=f"{path} {code}")
        await at.press(f"{path}/send", 303)
        return path

    bill, other = await seats(0, "noodles", "dumplings", "tea"), await seats(1, "rolls")
    await at.press(f"{bill}/ask", 303, asked="yes")
    for pane in ("discount", "void", "move"):
        await at.sees(f"{bill}/{pane}")
    await at.press(f"{bill}/discount", 303, off="percent", typed="10", reason="Regular guest", key="d")
    tea = (await at.lines(bill))[-1]
    await at.press(f"{bill}/void", 303, line=tea, reason="Entered by mistake", key="v")
    await at.press(f"{other}/move", 303, to=f"table:{tables[2].id}")
    await at.press(f"{other}/move", 303, to=f"bill:{bill.rpartition('/')[2]}")
    assert len(await at.lines(bill)) == 3, "one was struck, one came from the other table"
    await at.nothing_real_changed()

    # Half in cash, then a code to scan that nobody scans; the tablet takes no real customer's code.
    half = await at.press(f"{bill}/taken", method="cash", ways="2", key="c")
    assert 'data-testid="by-hand"' in half.text
    shown = await at.press(f"{bill}/code", typed="1.00", key="q")
    payment = re.search(r'data-payment="(\w+)"', shown.text)
    assert payment is not None and 'data-testid="order-code"' in shown.text
    await at.press(f"/till-payments/{payment[1]}/give-up", 303)
    tablet = bill.replace("/till/", "/tablet/")
    await at.sees("/tablet")
    asks = await at.sees(f"{tablet}?how=whole&tip=0&lang=en")
    due = re.search(r'name="shown" value="(\d+)"', asks)
    assert due is not None
    answers = {"how": "whole", "tip": "0", "shown": due[1]}
    refused = await at.press(f"{tablet}/pay", 422, payment_code=REAL, key="t", **answers)
    assert "not the practice customer" in text_of(refused.text)
    paid = await at.press(f"{tablet}/pay", 303, payment_code=(await customer(at)), key="u", **answers)
    assert 'data-shows="paid"' in await at.sees(paid.headers["location"])
    await at.nothing_real_changed()
    assert (await coach(at.shop))[0] == "going", "the lesson is about another table"
    await at.is_cleared()


async def customer(at: Practice) -> str:
    """The code on the practice customer's phone, who is asked for the right one first."""
    await post(at.shop, "/practice/do", what="say", word="open_pay")
    return (await coach(at.shop))[2]


async def test_the_counter_its_refunds_and_the_kiosk_touch_nothing_real_in_practice(practising: House) -> None:
    at = await begun(practising)
    code = await customer(at)
    await at.sees("/counter")
    await at.press("/counter/lines", 303, item=at.dishes["noodles"], key="1", order_key="mine")
    order = (await at.press("/counter/lines", 303, item=at.dishes["tea"], key="2", order_key="mine")).headers[
        "location"
    ]
    refused = await at.press("/counter/scan", 422, payment_code=REAL, key="3", order_key="mine")
    assert "not the practice customer" in text_of(refused.text)
    taken = await at.press("/counter/scan", payment_code=code, key="4", order_key="mine")
    payment = re.search(r'data-payment="(\w+)" data-shows="paid"', taken.text)
    assert payment is not None, text_of(taken.text)
    for page in ("/counter/display", "/counter/today", "/kitchen", order):
        await at.sees(page)
    tea = (await at.lines(order))[-1]
    back = f"{order}/payments/{payment[1]}/refund"
    await at.press(back, 303, line=tea, reason="cold", stop="on", key="5")
    assert await value(practising, "SELECT sum(refunded) FROM payments") == 300
    await at.press("/counter/lines", 303, item=at.dishes["rolls"], key="6", order_key="next")
    await at.press("/counter/lines", 303, item=at.dishes["rolls"], key="7", order_key="third")
    second, third = await value(
        practising, "SELECT array_agg(id ORDER BY sequence) FROM counter_orders WHERE status = 'building'"
    )
    cash = await at.press(f"/counter/orders/{second}/taken", method="cash", given="10", key="8")
    assert 'data-testid="by-hand"' in cash.text
    await at.press(f"/counter/orders/{third}/cancel", 303)
    await at.nothing_real_changed()

    await at.press("/kiosk/open", 303)
    await at.sees("/kiosk")
    kiosk = (await at.press("/kiosk/begin", 303, where="here", key="k")).headers["location"]
    await at.press(f"{kiosk}/lines", 303, item=at.dishes["noodles"], key="l")
    await at.sees(f"{kiosk}/basket")
    refused = await at.press(f"{kiosk}/scan", 422, payment_code=REAL, key="m")
    assert "not the practice customer" in text_of(refused.text)
    await at.press(f"{kiosk}/code", 303, key="n")
    shown = await at.sees(f"{kiosk}/payment")
    stop = re.search(r'action="(/kiosk/\S+/stop)"', shown)
    assert stop is not None and 'data-testid="order-code"' in shown
    await at.press(stop[1], 303)
    await at.press(f"{kiosk}/scan", 303, payment_code=code, key="o")
    assert 'data-shows="paid"' in await at.sees(f"{kiosk}/payment")
    await at.nothing_real_changed()
    await at.is_cleared()


async def test_a_paired_kiosk_on_which_somebody_practises_is_a_practice_kiosk(practising: House) -> None:
    at = await begun(practising)
    async with practising.rooms.db.transaction() as tx:
        terminal = await model.add_terminal(tx, at.shop.store.id, name="Kiosk 1", kind="kiosk")
        await tx.run(
            "UPDATE terminals SET token_hash = %(hash)s, paired_at = %(now)s WHERE id = %(id)s",
            {"id": terminal.id, "hash": token_hash("secret"), "now": practising.clock.now()},
        )
    at.before = await fingerprints(practising, *at.ids)
    at.shop.browser.cookies.set(TERMINAL_COOKIE, f"{terminal.id}.secret")
    await at.sees("/kiosk")
    kiosk = (await at.press("/kiosk/begin", 303, where="here", key="k")).headers["location"]
    await at.press(f"{kiosk}/lines", 303, item=at.dishes["noodles"], key="l")
    await at.press(f"{kiosk}/scan", 303, payment_code=await customer(at), key="m")
    assert 'data-shows="paid"' in await at.sees(f"{kiosk}/payment")
    await at.nothing_real_changed()
