"""The kiosk over HTTP: ordering alone, the three ways to pay, and everything people do to a screen nobody watches."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import msgspec
import pytest

from saoma.checkout import copies
from saoma.checkout.printing import KnownPrinter, set_printer
from saoma.fastfood import counter, forgotten
from saoma.fastfood.model import Channel, OrderStatus
from saoma.food.kitchen import tickets as kitchen
from saoma.food.menus.menu import set_sold_out
from saoma.identity import model
from saoma.identity.guards import TERMINAL_COOKIE, token_hash
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.marketing import coupons
from saoma.marketing.model import Mechanism, Offer
from saoma.marketing.offers import store_offer
from tests.checkout.printer import printer, prints
from tests.fastfood.make import CODE, Browser, House, app, browser, fields, house, kiosk


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def begun(at: Browser, where: str = "here") -> str:
    """The path of an order that a first touch began."""
    key = fields(await at.get("/kiosk"), "key")
    answer = await at.post("/kiosk/begin", key | {"where": where})
    return answer.headers["location"]


async def chooses(shop: House, at: Browser, root: str, *codes: str) -> None:
    """Open each dish and put it into the order."""
    for code in codes:
        item = shop.dish(code)
        form = fields(await at.get(f"{root}/dishes/{item.id}"), "key", "item")
        if code == "beef":
            form["option-size"] = item.groups[0].options[0].id
        answer = await at.post(f"{root}/lines", form)
        assert answer.status_code == 303, answer.text


async def goes(at: Browser, root: str, way: str, **more: str) -> str:
    """Press one of the ways to pay; the screen after it."""
    form = fields(await at.get(f"{root}/pay"), "shown") | {"key": f"{way} {root}"} | more
    answer = await at.post(f"{root}/{way}", form)
    return await at.get(answer.headers["location"]) if answer.status_code == 303 else answer.text


def order_id(root: str) -> str:
    return root.rpartition("/")[2]


async def stands(shop: House, root: str) -> OrderStatus:
    """Where the money of an order stands."""
    async with shop.db.reading() as rows:
        return (await counter.order(rows, order_id(root))).status


async def cooks(shop: House) -> list[kitchen.Ticket]:
    """What the kitchen has."""
    async with shop.db.reading() as rows:
        return await kitchen.tickets(rows, shop.store_id)


async def test_a_customer_orders_alone_holds_the_code_to_the_scanner_and_gets_a_number_and_a_receipt(
    shop: House,
) -> None:
    async with kiosk(shop) as at:
        root = await begun(at, "to_go")
        await chooses(shop, at, root, "beef", "tea")
        basket = await at.get(f"{root}/basket")
        assert "$11.50" in basket and "Regular" in basket
        assert not await cooks(shop), "nothing is cooked before it is paid"
        paid = await goes(at, root, "scan", payment_code=CODE)
        assert 'data-shows="paid"' in paid and 'data-testid="kiosk-number">1<' in paid.replace("\n", "")
        link = re.search(r'data-address="http://shop.test(/receipt/[^"]+)"', paid)
        assert link and "k=" in link[1]
        (ticket,) = await cooks(shop)
        assert ticket.to_go and ticket.label == "#1"
        assert "/till" not in paid and "/counter" not in paid, "no way to the staff's screens"


async def test_a_code_on_the_screen_is_scanned_and_paid(shop: House) -> None:
    async with kiosk(shop) as at:
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        waiting = await goes(at, root, "code")
        assert 'data-shows="waiting"' in waiting and 'data-testid="order-code"' in waiting
        (payment,) = await shop.payments.of_payable("counter_order", order_id(root))
        shop.alipay.buyer_pays(payment.order_number)
        await shop.payments.nudge(payment.id)
        assert 'data-shows="paid"' in await at.get(f"{root}/payment", htmx=True)
        assert len(await cooks(shop)) == 1


async def test_pay_pressed_twice_or_both_ways_or_after_a_killed_browser_takes_the_money_once(shop: House) -> None:
    server = app(shop)
    async with kiosk(shop, server) as at:
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        form = fields(await at.get(f"{root}/pay"), "shown")
        presses = [at.post(f"{root}/scan", form | {"key": "k", "payment_code": CODE}) for _ in range(3)]
        presses += [at.post(f"{root}/code", form | {"key": "c"})]
        await asyncio.gather(*presses)
        # The browser is killed and opened again where it was: the same order, the same payment.
        assert (await at.post(f"{root}/scan", form | {"key": "new", "payment_code": CODE})).status_code == 303
        again = await at.client.get(f"{root}/pay")
        assert again.status_code == 303 and again.headers["location"].endswith("/payment")
        payments = await shop.payments.of_payable("counter_order", order_id(root))
        assert len([one for one in payments if one.open or one.paid_at]) == 1
    assert await shop.broken_rules() == {}


async def test_a_first_touch_and_a_dish_touched_twice_count_once(shop: House) -> None:
    async with kiosk(shop) as at:
        key = fields(await at.get("/kiosk"), "key")
        both = await asyncio.gather(*(at.post("/kiosk/begin", key) for _ in range(2)))
        roots = {answer.headers["location"] for answer in both}
        assert len(roots) == 1
        root = roots.pop()
        form = fields(await at.get(f"{root}/dishes/{shop.dish('tea').id}"), "key", "item")
        await asyncio.gather(*(at.post(f"{root}/lines", form) for _ in range(3)))
        assert (await at.get(f"{root}/basket")).count('data-testid="kiosk-line"') == 1


async def test_an_order_left_for_the_counter_is_paid_there_and_cooked_then_only(shop: House) -> None:
    async with kiosk(shop) as at, browser(shop) as till:
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        dish = re.search(rf"{root}/lines/[^\"]+", await at.get(f"{root}/basket"))
        assert dish is not None
        assert 'data-testid="open-order"' not in await till.get("/counter/waiting", htmx=True), "still the kiosk's"
        number = await goes(at, root, "at-counter")
        assert "say this number" in number and 'data-testid="kiosk-number">1<' in number.replace("\n", "")
        assert 'data-number="1"' in await till.get("/counter/waiting", htmx=True)
        assert not await cooks(shop)
        # The kiosk has let go of it: nothing there changes it any more, and its "start over" gives nothing up.
        await at.post(f"{root}/cancel")
        for path, form in ((dish[0], {"quantity": "0"}), (f"{root}/where", {"where": "to_go"})):
            assert (await at.post(path, form)).headers.get("location", "").endswith("/at-counter")
        assert (await at.client.get(root)).headers["location"].endswith("/at-counter")
        html = await till.get(f"/counter/orders/{order_id(root)}")
        form = fields(html, "order_key", "key", "shown") | {"payment_code": CODE}
        assert 'data-shows="paid"' in (await till.post("/counter/scan", form)).text
        assert len(await cooks(shop)) == 1


async def test_who_walks_away_leaves_nothing_behind(shop: House, clock: MovableClock) -> None:
    works = forgotten.works(shop.db, clock)
    async with kiosk(shop) as at:
        left, waits, at_counter = await begun(at), await begun(at), await begun(at)
        for root in (left, waits, at_counter):
            await chooses(shop, at, root, "tea")
        await goes(at, at_counter, "at-counter")
        clock.advance(timedelta(minutes=4))
        await chooses(shop, at, waits, "tea")
        clock.advance(timedelta(minutes=2))
        await drive_due(shop.db, works, clock)
        assert await stands(shop, left) is OrderStatus.CANCELLED
        assert await stands(shop, waits) is OrderStatus.BUILDING, "somebody touched it a moment ago"
        assert await stands(shop, at_counter) is OrderStatus.BUILDING
        clock.advance(timedelta(hours=1))
        await drive_due(shop.db, works, clock)
        assert await stands(shop, at_counter) is OrderStatus.CANCELLED
        gone = await at.client.get(left)
        assert gone.headers["location"] == "/kiosk", "a killed browser that comes back begins anew"


async def test_a_payment_that_nobody_makes_is_undone_and_the_order_given_up(shop: House, clock: MovableClock) -> None:
    async with kiosk(shop) as at:
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        await goes(at, root, "code")
        assert (await at.post(f"{root}/cancel")).headers["location"].endswith("/payment"), "money may be on its way"
        (payment,) = await shop.payments.of_payable("counter_order", order_id(root))
        await at.post(f"{root}/payments/{payment.id}/stop")
        assert "No money was taken" in await at.get(f"{root}/payment")
        assert "/kiosk?lang=" in (await at.post(f"{root}/cancel")).headers["location"]
        assert await stands(shop, root) is OrderStatus.CANCELLED


async def test_a_dish_that_sells_out_meanwhile_is_said_in_the_basket_and_never_sold(shop: House) -> None:
    async with kiosk(shop) as at:
        root = await begun(at)
        await chooses(shop, at, root, "tea", "plain")
        form = fields(await at.get(f"{root}/pay"), "shown")
        async with shop.db.transaction() as tx:
            await set_sold_out(tx, shop.dish("tea").id, sold_out=True)
        assert 'class="off"' in await at.get(f"{root}?section={shop.menu.sections[-1].id}", htmx=True)
        refused = await at.post(f"{root}/scan", form | {"key": "k", "payment_code": CODE})
        assert "sold out" in refused.text and 'data-testid="gone"' in refused.text and shop.alipay.count("open") == 0


async def test_a_kiosk_knows_its_own_orders_and_no_staff(shop: House) -> None:
    server = app(shop)
    async with kiosk(shop, server) as one, kiosk(shop, server) as other, browser(shop, server) as staff:
        root = await begun(one)
        assert (await other.client.get(root)).status_code == 404
        assert (await staff.client.get(root)).status_code == 404
        assert (await staff.client.get("/kiosk")).headers["location"] == "/kiosk/open"
        for path in ("/counter", "/till-payments/pay_1", "/kitchen"):
            assert (await one.client.get(path)).headers["location"].startswith("/sign-in"), "the person is signed out"


async def test_a_paired_kiosk_needs_nobody_and_prints_its_receipt_once(shop: House) -> None:
    async with shop.db.transaction() as tx:
        device = await model.add_terminal(tx, shop.store_id, name="By the door", kind="kiosk")
        await tx.run(
            "UPDATE terminals SET token_hash = %(hash)s, paired_at = now() WHERE id = %(id)s",
            {"id": device.id, "hash": token_hash("secret")},
        )
    async with printer() as (address, jobs), browser(shop) as at:
        async with shop.db.transaction() as tx:
            known = KnownPrinter(
                store_id=shop.store_id,
                terminal_id=device.id,
                address=address,
                millimetres=80,
                letters="cp858",
                has_drawer=True,
            )
            await set_printer(tx, known, loopback=True)
        at.client.cookies.clear()
        at.client.cookies.set(TERMINAL_COOKIE, f"{device.id}.secret")
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        paid = await goes(at, root, "scan", payment_code=CODE)
        asks = re.search(r'hx-post="([^"]+/print)"', paid)
        assert asks
        for _ in range(2):
            assert "printed below" in (await at.post(asks[1])).text
        (payment,) = await shop.payments.of_payable("counter_order", order_id(root))
        async with shop.db.reading() as rows:
            assert await copies.printed(rows, payment.id) == 1
            order = await counter.order(rows, order_id(root))
        slip = prints(await jobs.get())
        assert jobs.empty() and "Order 1" in slip.text and slip.pulses == 0, "nobody's drawer opens for a customer"
        assert payment.terminal_id == device.id and order.channel is Channel.KIOSK


async def test_two_kiosks_at_once_never_share_a_number(shop: House) -> None:
    server = app(shop)
    async with kiosk(shop, server) as one, kiosk(shop, server) as other:
        roots = await asyncio.gather(begun(one), begun(other), begun(one), begun(other))
    async with shop.db.reading() as rows:
        numbers = [(await counter.order(rows, order_id(root))).number for root in roots]
    assert sorted(numbers) == [1, 2, 3, 4]


async def test_a_coupon_lowers_the_order_and_one_that_costs_nothing_goes_to_the_kitchen_once(shop: House) -> None:
    wish = {"id": "", "store_id": shop.store_id, "name": "Two off", "mechanism": Mechanism.AMOUNT, "amount": 200}
    async with shop.db.transaction() as tx:
        offer = await store_offer(tx, msgspec.convert(wish | {"needs_coupon": True}, Offer), shop.clock.now(), "mei")
        batch = await coupons.make_batch(tx, shop.store_id, offer.id, 1, shop.clock.now())
        code = (await coupons.codes(tx, offer.id, batch))[0].code
    async with kiosk(shop) as at:
        root = await begun(at)
        await chooses(shop, at, root, "tea")
        wrong = await at.post(f"{root}/coupon", {"coupon": "NOSUCHCODE"})
        assert 'data-testid="refusal"' in wrong.text
        assert (await at.post(f"{root}/coupon", {"coupon": code})).status_code == 303
        basket = await at.get(f"{root}/basket")
        assert 'data-testid="kiosk-discounts"' in basket and 'data-testid="order-free"' in basket
        for _ in range(2):
            assert (await at.post(f"{root}/free")).status_code == 303
        done = await at.get(f"{root}/payment")
        assert 'data-testid="free"' in done and 'data-testid="kiosk-number">1<' in done.replace("\n", "")
        assert len(await cooks(shop)) == 1
    assert await shop.broken_rules() == {}
