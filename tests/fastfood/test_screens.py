"""The counter and the board over HTTP: an order by touch, by typing and by scanning, in all its ends."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saoma.checkout.printing import KnownPrinter, set_printer
from saoma.food.orders.calling import Called
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database, Rows
from saoma.kit.due import drive_due
from tests.checkout.printer import printer, prints
from tests.fastfood.make import CODE, Browser, House, app, browser, fields, house
from tests.identity import make as identity


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def chosen(shop: House, at: Browser, *codes: str) -> str:
    """A new page on which these dishes were touched; what stands beside them then."""
    page = await at.get("/counter")
    form = fields(page, "order_key", "key")
    html = page
    for number, code in enumerate(codes):
        dish = {"item": shop.dish(code).id, "key": f"{form['key']}{number}", "order_key": form["order_key"]}
        if code == "beef":
            dish["option-size"] = shop.dish("beef").groups[0].options[0].id
        answer = await at.post("/counter/lines", dish)
        assert answer.status_code == 200, answer.text
        html = answer.text
    return html


async def test_a_cashier_takes_an_order_and_the_money_and_hands_it_over(shop: House) -> None:
    async def made_ahead(_: Rows, store_id: str) -> list[Called]:
        return [Called(id="onl_1", label="P3", ready=False, since=shop.clock.now())] if store_id else []

    async with browser(shop, app(shop, board_calls={"ahead": made_ahead})) as at:
        html = await chosen(shop, at, "beef", "tea")
        assert "Order 1" in html and "$11.50" in html
        paid = (await at.post("/counter/scan", fields(html, "order_key", "key", "shown") | {"payment_code": CODE})).text
        assert 'data-shows="paid"' in paid and "The kitchen has the order" in paid and "/receipt/pay_" in paid
        assert 'data-number="1"' in await at.get("/counter/waiting", htmx=True)
        board = await at.get(f"/board/{shop.store_id}")
        assert 'data-testid="board-making">1<' in board.replace("\n", "") and "Beef noodles" in board
        assert 'data-testid="board-making">P3<' in board.replace("\n", ""), "another room's orders are called, too"
        order_id = re.search(r"/counter/orders/(ctr_\w+)", paid)
        assert order_id
        await at.post(f"/counter/orders/{order_id[1]}/ready")
        assert 'data-testid="board-ready"' in await at.get(f"/board/{shop.store_id}", htmx=True)
        after = await at.post(f"/counter/orders/{order_id[1]}/collected")
        assert 'data-number="1"' not in after.text
        assert "New order" in await at.get("/counter")


async def test_typing_a_dishs_code_adds_it_and_a_payment_code_pays_without_a_mouse(shop: House) -> None:
    async with browser(shop) as at:
        form = fields(await at.get("/counter"), "order_key", "key", "shown")
        none_yet = await at.post("/counter/scan", form | {"payment_code": CODE})
        assert "Choose dishes first" in none_yet.text
        assert fields(none_yet.text, "order_key")["order_key"] == form["order_key"]
        added = (await at.post("/counter/scan", form | {"payment_code": "TEA"})).text
        assert "Jasmine tea" in added and 'data-testid="order-line"' in added
        wrong = await at.post("/counter/scan", fields(added, "order_key", "key", "shown") | {"payment_code": "BEEF"})
        assert "choose at least 1" in wrong.text
        form = fields(added, "order_key", "key", "shown")
        assert 'data-shows="paid"' in (await at.post("/counter/scan", form | {"payment_code": CODE})).text


async def test_a_repeated_scan_shows_the_same_payment_and_a_changed_amount_takes_nothing(shop: House) -> None:
    async with browser(shop) as at:
        html = await chosen(shop, at, "tea")
        form = fields(html, "order_key", "key", "shown") | {"payment_code": CODE}
        stale = await at.post("/counter/scan", form | {"shown": "100"})
        assert "changed meanwhile" in stale.text
        first, second = await at.post("/counter/scan", form), await at.post("/counter/scan", form)
        payments = [re.search(r'data-payment="(\w+)"', answer.text) for answer in (first, second)]
        assert payments[0] and payments[1] and payments[0][1] == payments[1][1]
    assert shop.alipay.count("open") == 1


async def test_unknown_shows_the_countdown_and_do_not_hand_over_until_the_money_is_certain(shop: House) -> None:
    shop.alipay.buyer = "thinks"
    async with browser(shop) as at:
        html = await chosen(shop, at, "tea")
        form = fields(html, "order_key", "key", "shown") | {"payment_code": CODE}
        waiting = (await at.post("/counter/scan", form)).text
        assert "Do not hand over goods yet" in waiting and "data-countdown" in waiting
        assert (await at.post("/counter/scan", form | {"key": "another"})).text.count("being paid") >= 1
        (order,) = await _orders(shop)
        (payment,) = await shop.payments.of_payable("counter_order", order)
        shop.alipay.buyer_pays(payment.order_number)
        shop.clock.advance(timedelta(seconds=6))
        await drive_due(shop.db, shop.payments.works(), shop.clock)
        pane = await at.get(f"/counter/orders/{order}/payments/{payment.id}")
        assert 'data-shows="paid"' in pane and 'data-testid="called"' in pane
        assert "The kitchen has the order" in pane and "hand over" not in pane, "there is nothing to hand over yet"


async def test_cash_gives_change_and_the_kitchen_has_the_order(shop: House) -> None:
    async with browser(shop) as at:
        html = await chosen(shop, at, "tea")
        (order,) = await _orders(shop)
        form = fields(html, "key", "shown") | {"method": "cash", "given": "5.00"}
        paid = (await at.post(f"/counter/orders/{order}/taken", form)).text
        assert "$3.00" in paid and "The kitchen has the order" in paid


async def test_cash_at_the_counter_opens_its_drawer_once(shop: House) -> None:
    async with printer() as (address, jobs), browser(shop) as at:
        under = KnownPrinter(
            store_id=shop.store_id, terminal_id="", address=address, millimetres=80, letters="gbk", has_drawer=True
        )
        async with shop.db.transaction() as tx:
            await set_printer(tx, under, loopback=True)
        html = await chosen(shop, at, "tea")
        (order,) = await _orders(shop)
        form = fields(html, "key", "shown") | {"method": "cash", "given": "5.00"}
        for _ in range(2):
            assert "The kitchen has the order" in (await at.post(f"/counter/orders/{order}/taken", form)).text
        assert prints(await jobs.get()).pulses == 1 and jobs.empty()


async def test_the_customers_screen_shows_the_dishes_the_code_to_scan_and_then_the_number(shop: House) -> None:
    async with browser(shop) as at:
        assert "display-welcome" in await at.get("/counter/display")
        html = await chosen(shop, at, "beef", "tea")
        shown = await at.get("/counter/display", htmx=True)
        assert shown.count('data-testid="display-line"') == 2 and "$11.50" in shown
        (order,) = await _orders(shop)
        await at.post(f"/counter/orders/{order}/code", fields(html, "key", "shown"))
        assert 'data-testid="display-code"' in await at.get("/counter/display", htmx=True)
        (payment,) = await shop.payments.of_payable("counter_order", order)
        shop.alipay.buyer_pays(payment.order_number)
        await shop.payments.notified(payment.account_id, shop.alipay.outbox.pop())
        paid = await at.get("/counter/display", htmx=True)
        assert 'data-testid="display-number"' in paid and "display-line" not in paid
        shop.clock.advance(timedelta(minutes=3))
        assert "display-welcome" in await at.get("/counter/display", htmx=True)
    colleague = await identity.staff(shop.db, shop.shop, Role.CASHIER)
    await shop.begin("tea")
    async with browser(shop, staff=colleague) as other:
        assert "display-welcome" in await other.get("/counter/display")


async def test_everything_is_there_in_chinese(shop: House) -> None:
    async with browser(shop) as at:
        await chosen(shop, at, "tea")
        page = await at.get("/counter", lang="zh")
        board = await at.get(f"/board/{shop.store_id}", lang="zh")
    assert "新订单" in page and "茉莉花茶" in page and "未付款" not in board
    assert "请取餐" in board and "此刻热卖" in board


async def test_another_shops_cashier_finds_no_order_and_a_waiter_takes_no_money(shop: House) -> None:
    order = await shop.begin("tea")
    other = await identity.shop(shop.db, name="Burrito Bar")
    spy = await identity.staff(shop.db, other, Role.MANAGER, name="Spy")
    async with browser(shop, staff=spy) as at:
        for path in ("", "/next", "/payments/pay_none"):
            assert (await at.client.get(f"/counter/orders/{order.id}{path}")).status_code == 404
        for path in ("cancel", "ready", "collected", "code", "taken", "channel"):
            assert (await at.post(f"/counter/orders/{order.id}/{path}", {"method": "cash"})).status_code == 404
    waiter = await identity.staff(shop.db, shop.shop, Role.WAITER)
    async with browser(shop, staff=waiter) as at:
        page = await at.get(f"/counter/orders/{order.id}")
        assert 'data-testid="charge"' not in page and "Jasmine tea" in page
        assert (await at.post(f"/counter/orders/{order.id}/taken", {"method": "cash"})).status_code == 403


async def _orders(shop: House) -> list[str]:
    async with shop.db.reading() as rows:
        cursor = await rows.connection.execute("SELECT id FROM counter_orders ORDER BY opened_at, id")
        return [row["id"] for row in await cursor.fetchall()]
