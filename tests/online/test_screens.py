"""The pages of ordering ahead, as phones and staff see them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.online.visits import path_of
from tests.online import web
from tests.online.make import ANNA, House, house


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def test_a_phone_outside_the_wallet_orders_and_pays_at_the_shop(of: House) -> None:
    server, offer = web.app(of), await of.offer()
    root = path_of(offer.code)
    async with web.browser(of, server) as phone, web.browser(of, server) as till:
        menu = await phone.get(root)
        assert "Jasmine tea" in menu and "As soon as possible, about" in menu
        tea = {"item": of.dish("tea").id, "quantity": "2", **web.fields(menu)}
        for _ in range(2):
            assert (await phone.post(f"{root}/add", tea)).status_code == 303
        page = await phone.get(f"{root}/place")
        assert page.count("Jasmine tea") == 1 and "4.00" in page
        assert "If nobody comes, the order ends and the money is not given back." in page
        said = {**web.fields(page), "pay": "later", "name": "", "phone": "13800000000"}
        refused = await phone.post(f"{root}/place", said)
        assert refused.status_code == 422 and "Write a name" in refused.text and "13800000000" in refused.text
        placed = await phone.post(f"{root}/place", said | {"name": "Li Lei"})
        where = placed.headers["location"]
        assert "/o/" in where
        again = await phone.post(f"{root}/place", said | {"name": "Li Lei"})
        assert again.headers["location"] == root, "the basket is empty: nothing is ordered twice"
        shown = await phone.get(where)
        assert 'data-stage="received"' in shown and "P1" in shown and "To pay: " in shown
        await of.later(hours=1)
        assert 'data-stage="cooking"' in await phone.get(where)
        await phone.post(f"{where}/here")
        await till.get(f"/staff-is/{of.cashier.id}")
        inbox = await till.get("/online")
        assert "Li Lei" in inbox and "Here" in inbox and 'data-testid="collected"' not in inbox
        order_id = re.findall(r'id="(onl_\w+)"', inbox)[0]
        early = await till.post(f"/online/{order_id}/collected")
        assert early.status_code == 409 and "Take the money first" in early.text
        cash = {**web.fields(inbox), "method": "cash", "given": "5.00"}
        taken = await till.post(f"/online/{order_id}/taken", cash)
        assert taken.status_code in (200, 201) and "1.00" in taken.text
        assert (await till.post(f"/online/{order_id}/collected")).status_code == 303
        assert 'data-stage="collected"' in await phone.get(where)
    assert await of.broken_rules() == []


async def test_a_wallet_pays_ahead_and_the_page_is_there_in_chinese(of: House) -> None:
    server, offer = web.app(of), await of.offer()
    root = path_of(offer.code)
    async with web.browser(of, server, agent=web.ALIPAY, lang="zh") as phone:
        await phone.get(f"/buyer-is/{ANNA}/{of.shop.account_id}")
        menu = await phone.get(root)
        await phone.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(menu)})
        when = await phone.get(f"{root}/when")
        slot = re.findall(r'name="slot" value="([^"]+)"', when)[2]
        await phone.post(f"{root}/when", {"mode": "eat_here", "slot": slot, "back": "place"})
        page = await phone.get(f"{root}/place")
        assert "堂食" in page and "保留 30 分钟" in page
        said = {**web.fields(page), "pay": "ahead", "name": "小艾", "phone": "13800000000"}
        paying = await phone.post(f"{root}/place", said)
        assert paying.headers["location"].startswith("/pay/pay_")
        payment = await of.payments.get(paying.headers["location"][5:].partition("?")[0])
        await of.money_arrives(payment)
        menu = await phone.get(root)
        where = re.findall(rf'href="({root}/o/[^"]+)"', menu)[0]
        assert "已接单" in await phone.get(where)
        off = await phone.post(f"{where}/cancel")
        assert off.status_code == 303
        assert 'data-stage="cancelled"' in await phone.get(where)
        await of.clock_works()
        assert (await of.payments.get(payment.id)).refunded == payment.amount
    assert await of.broken_rules() == []


async def test_what_cannot_be_done_is_refused_in_words(of: House) -> None:
    server, offer = web.app(of), await of.offer()
    root = path_of(offer.code)
    async with web.browser(of, server) as phone:
        await phone.get("/order/nosuchcode", status=404)
        await phone.get(f"{root}/o/nosuchorder", status=404)
        menu = await phone.get(root)
        await phone.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(menu)})
        page = await phone.get(f"{root}/place")
        said = {**web.fields(page), "pay": "later", "name": "Li", "phone": "13800000000"}
        changed = await phone.post(f"{root}/place", said | {"shown": "1"})
        assert changed.status_code == 409 and "Check the amount" in changed.text
        await of.offers(takes=False)
        off = await phone.post(f"{root}/place", said)
        assert off.status_code == 409


async def test_the_office_switches_it_on_and_says_what_is_wrong(of: House) -> None:
    from saoma.identity.roles import Role
    from tests.identity import make as identity

    owner = await identity.staff(of.db, of.shop, Role.OWNER, name="Owner")
    async with web.browser(of, web.app(of)) as office:
        await office.get(f"/staff-is/{owner.id}")
        page = await office.get("/office/online")
        assert 'value="11:00' not in page and "08:00-22:00" in page and "/order/" in page
        form = {f"hours-{day}": "11:00-14:00" for day in range(7)} | {
            "takes": "on",
            "pick_up": "on",
            "pay": "ahead",
            "every_minutes": "20",
            "counts": "minutes",
            "capacity": "40",
            "lead_minutes": "25",
            "days_ahead": "0",
            "hold_minutes": "20",
            "no_show": "refunded",
        }
        wrong = await office.post("/office/online", form | {"hours-3": "noon"})
        assert wrong.status_code == 422 and "noon" in wrong.text and 'value="40"' in wrong.text
        assert (await of.offer()).capacity == 4
        assert (await office.post("/office/online", form)).status_code == 303
        offer = await of.offer()
        assert (offer.capacity, offer.counts, offer.pay, offer.eat_here) == (40, "minutes", "ahead", False)
        assert [span.closes for span in offer.hours] == [840] * 7
        await office.post("/office/online/today", {"closed": "yes"})
        assert (await of.offer()).closed_on == of.clock.now().date()
        assert "Order ahead" in await office.get("/office/online/print")


async def test_late_people_keep_their_food_and_nobody_is_given_up_early(of: House) -> None:
    order = await of.paid("tea")
    async with web.browser(of, web.app(of)) as till:
        await till.get(f"/staff-is/{of.cashier.id}")
        early = await till.post(f"/online/{order.id}/no-show")
        assert early.status_code == 409 and "has not begun" in early.text
        await till.post(f"/online/{order.id}/make")
        kept = await till.post(f"/online/{order.id}/no-show")
        assert kept.status_code == 409 and "The food is kept until" in kept.text
        of.clock.advance(timedelta(hours=2))
        assert (await till.post(f"/online/{order.id}/no-show")).status_code == 303
        assert (await of.again(order)).status == "no_show"


async def used_up(of: House, what: str, tries: int) -> None:
    """So many orders came from there within the hour."""
    async with of.db.transaction() as tx:
        await tx.run(
            "INSERT INTO sign_in_tries (key, tries, window_ends_at) VALUES (%(key)s, %(tries)s, %(ends)s)"
            " ON CONFLICT (key) DO UPDATE SET tries = excluded.tries, window_ends_at = excluded.window_ends_at",
            {"key": f"ahead:{what}", "tries": tries, "ends": of.clock.now() + timedelta(minutes=25)},
        )


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_an_address_that_begins_too_many_orders_is_told_when_to_try_again(of: House, lang: str) -> None:
    server, root = web.app(of), path_of((await of.offer()).code)
    await used_up(of, "address:127.0.0.1", 200)
    async with web.browser(of, server, lang=lang) as stranger, web.browser(of, server, agent=web.ALIPAY) as anna:
        menu = await stranger.get(root)
        tea = {"item": of.dish("tea").id, **web.fields(menu)}
        refused = await stranger.post(f"{root}/add", tea)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1500"
        assert ("Try again in 25 min" if lang == "en" else "请 25 分钟后再试") in refused.text
        await anna.get(f"/buyer-is/{ANNA}/{of.shop.account_id}")
        assert (await anna.post(f"{root}/add", tea)).status_code == 303, "whom Alipay has named is not a stranger"
        of.clock.advance(timedelta(minutes=26))
        assert (await stranger.post(f"{root}/add", tea)).status_code == 303


async def test_one_browser_orders_twice_without_paying_whatever_numbers_it_gives(of: House) -> None:
    server, root = web.app(of), path_of((await of.offer()).code)
    async with web.browser(of, server) as phone:
        for number in range(3):
            menu = await phone.get(root)
            await phone.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(menu)})
            page = await phone.get(f"{root}/place")
            said = {**web.fields(page), "pay": "later", "name": "Li", "phone": f"1380000000{number}"}
            placed = await phone.post(f"{root}/place", said)
            assert placed.status_code == (303 if number < 2 else 409)
        assert "not paid yet" in placed.text and "13800000002" in placed.text
    await used_up(of, "unpaid:address:127.0.0.1", 20)
    async with web.browser(of, server, lang="zh") as other:
        menu = await other.get(root)
        await other.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(menu)})
        said = {**web.fields(await other.get(f"{root}/place")), "pay": "later", "name": "Wu", "phone": "13900000000"}
        refused = await other.post(f"{root}/place", said)
        assert refused.status_code == 429 and "请 25 分钟后再试" in refused.text and "Wu" in refused.text
    assert await of.broken_rules() == []
