"""The bill that lies on the table before it is paid: what it says in both languages, on a page and on a printer."""

from __future__ import annotations

import re

import pytest

from saoma.checkout.printing import KnownPrinter, set_printer
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.restaurant.bill import Whole
from saoma.restaurant.screens import till_printing
from tests.checkout.printer import printer, prints
from tests.restaurant import make
from tests.restaurant.make import ANNA, BEN, Restaurant, app, fresh, restaurant, till
from tests.restaurant.test_till import dinner


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


def paper(html: str) -> str:
    """The words of the slip on a page."""
    slip = re.search(r'data-testid="paper">(.*?)</dl>\s*<p', html, re.S)
    assert slip
    return " ".join(re.sub("<[^>]+>", " ", slip[1]).split())


async def test_the_bill_on_the_table_is_no_receipt_and_says_what_is_ordered_taken_off_paid_and_left(
    house: Restaurant,
) -> None:
    sitting = await dinner(house)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, ben, "beef", "tea")
    path = f"/till/bills/{sitting.id}"
    async with till(app(house, more=[till_printing.router]), house, Role.MANAGER) as manager:
        assert make.testids((await manager.get(path)).text, "to-paper") == 1
        tea = next(one for one in (await house.bill(sitting)).dishes if one.amount.minor == 200)
        off = {"key": fresh(), "off": "percent", "typed": "50", "reason": "Regular guest", "line": tea.line_id}
        assert (await manager.post(f"{path}/discount", off)).status_code == 200
        before = paper((await manager.get(f"{path}/paper", lang="en")).text)
        bill = await house.bill(sitting)
        assert "NOT A RECEIPT" in before and "2 × Jasmine tea $4.00" in before
        assert before.endswith(f"To pay ${bill.left.decimal}") and "−$1.00" in before
        cash = {"key": fresh(), "shown": "500", "typed": "5.00", "method": "cash", "given": "5.00"}
        taken = await manager.post(f"{path}/taken", cash)
        assert make.testids(taken.text, "by-hand") == 1, taken.text[:1500]
        await house.pays(sitting, Whole(), ANNA)
        after = paper((await manager.get(f"{path}/paper?in=zh")).text)
        assert "账单 · 非收据" in after and "已支付 −US$5.00" in after and "正在付款" in after
        assert after.endswith("还需支付 US$0.00")
        async with house.db.reading() as rows:
            assert await rows.value("SELECT count(*) FROM drawer_entries") == 1, "paper counts no money"


@pytest.mark.parametrize("width", [80, 58])
async def test_a_waiters_bill_comes_out_of_the_printer_without_opening_the_drawer(
    house: Restaurant, width: int
) -> None:
    sitting = await dinner(house)
    path = f"/till/bills/{sitting.id}/paper"
    async with (
        printer() as (address, jobs),
        till(app(house, more=[till_printing.router]), house, Role.WAITER) as waiter,
    ):
        none = await waiter.post(path, {"how": "printer", "in": "zh"})
        assert none.status_code == 422 and "no receipt printer" in none.text
        wanted = KnownPrinter(
            store_id=house.store_id, terminal_id="", address=address, millimetres=width, letters="gbk", has_drawer=True
        )
        async with house.db.transaction() as tx:
            await set_printer(tx, wanted, loopback=True)
        for _ in range(2):
            assert (await waiter.post(path, {"how": "printer", "in": "zh"})).status_code == 303
        out = prints(await jobs.get())
        assert prints(await jobs.get()).text == out.text
        assert (out.cuts, out.pulses) == (1, 0) and max(out.widths) <= (48 if width == 80 else 32)
        assert "非收据" in out.text and "$17.50" in out.text
        for how, begin in (("pdf", b"%PDF"), ("escpos", b"\x1b@")):
            assert (await waiter.post(path, {"how": how, "width": str(width)})).content.startswith(begin)
    async with house.db.reading() as rows:
        noted = await rows.value("SELECT count(*) FROM audit WHERE what = 'printed_bill'")
    assert noted == 4


async def test_a_bill_of_another_shop_and_an_empty_one_are_not_printed(house: Restaurant) -> None:
    empty = (await house.sit(ANNA))[0]
    async with till(app(house, more=[till_printing.router]), house) as cashier:
        assert (await cashier.get(f"/till/bills/{empty.id}/paper")).status_code == 409
        assert (await cashier.get("/till/bills/sit_nothing/paper")).status_code == 404
