"""Shifts over HTTP and in the book: opened with a float, counted blind, and never off by a cent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from saoma.checkout import shifts
from saoma.checkout.cash import denominations
from saoma.checkout.checkout import Checkout
from saoma.checkout.shifts import Shift, Unexplained
from saoma.gateway import Method
from saoma.identity import model
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.payments.by_staff import takings
from saoma.payments.model import Payment
from tests.checkout import make
from tests.checkout.printer import printer, prints
from tests.checkout.test_receipts import cash, knows_printer
from tests.identity import make as identity
from tests.identity import web


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> make.House:
    """A shop in front of a fake Alipay."""
    return await make.house(database, clock)


@pytest.fixture
async def mei(house: make.House) -> Staff:
    """A cashier."""
    return await identity.staff(house.db, house.shop, name="Mei")


@pytest.fixture
async def till(house: make.House, mei: Staff) -> AsyncIterator[web.Browser]:
    """A till that isn't paired, with Mei at it."""
    async with web.browsers(house.server(), 1) as (browser,):
        await house.sign_in(browser, mei)
        yield browser


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def pieces(amount: Money) -> dict[int, int]:
    """A pile worth so much."""
    pile, left = {}, amount.minor
    for piece in denominations(amount.currency):
        pile[piece.minor], left = divmod(left, piece.minor)
    return pile


def form(amount: Money, **more: str) -> dict[str, str]:
    """The pile as a form says it."""
    return {f"count_{minor}": str(count) for minor, count in pieces(amount).items()} | more


async def opened(house: make.House, who: Staff, terminal_id: str = "", float_: str = "100.00") -> Shift:
    async with house.db.transaction() as tx:
        return await shifts.begin(tx, house.clock, who, house.shop.store, terminal_id, usd(float_))


async def closed(house: make.House, who: Staff, shift: Shift, found: Money, why: str = "") -> Shift:
    async with house.db.transaction() as tx:
        return await shifts.close(tx, house.clock, who, shift.id, pieces(found), why)


async def expected(house: make.House, shift: Shift) -> Money:
    async with house.db.reading() as rows:
        return shifts.drawer_of(shift, await shifts.entries(rows, shift.id)).expected


async def sold(house: make.House, who: Staff, terminal_id: str, minor: int, method: Method = Method.CASH) -> Payment:
    bill = await house.bill(minor)
    return await house.checkout.take_by_staff(
        house.shop.store.id, terminal_id, who, method, Money(minor, "USD"), "T", "bill", bill, {}, bill, reference="x"
    )


async def test_tills_that_do_not_add_up_are_told_and_explained_by_name(
    house: make.House, till: web.Browser, mei: Staff
) -> None:
    assert (await till.post("/till/shift/open", form(usd("100.00")))).status_code == 303
    await cash(house, mei, 3650, 4000)
    page = (await till.get("/till/shift")).text
    assert "$136.50" not in page, "who knows the sum before counting counts to it"
    async with house.db.reading() as rows:
        shift = await shifts.open_at(rows, house.shop.store.id, "")
    assert shift is not None
    move = {"kind": "pay_out", "amount": "20", "reason": "vegetables", "key": "one"}
    for _ in range(2):
        assert (await till.post(f"/till/shifts/{shift.id}/cash", move)).status_code == 303, "a repeat does it once"
    short = await till.post(f"/till/shifts/{shift.id}/close", form(usd("115.50")))
    words = web.text_of(short.text)
    assert short.status_code == 200 and "$116.50" in words and "−$1.00" in words and "Missing" in words
    silent = await till.post(f"/till/shifts/{shift.id}/close", form(usd("115.50"), seen="-1.00", explanation="  "))
    assert 'data-testid="difference"' in silent.text, "nobody said why"
    other = form(usd("114.50"), seen="-1.00", explanation="a dollar fell down")
    about = await till.post(f"/till/shifts/{shift.id}/close", other)
    assert 'data-testid="difference"' in about.text and "−$2.00" in about.text, "words about another sum"
    why = form(usd("115.50"), seen="-1.00", explanation="a dollar fell behind the stove")
    assert (await till.post(f"/till/shifts/{shift.id}/close", why)).status_code == 303
    report = web.text_of((await till.get(f"/till/shifts/{shift.id}")).text)
    for said in ("$116.50", "$115.50", "−$1.00", "Mei: a dollar fell behind the stove", "vegetables", "1 × Cash"):
        assert said in report, said
    assert (await till.post(f"/till/shifts/{shift.id}/close", why)).status_code == 409, "it is over"
    async with web.browsers(house.server(), 1) as (boss,):
        await house.sign_in(boss, await house.cashier(Role.MANAGER))
        listed = web.text_of((await boss.get("/till/shifts")).text)
        assert "Mei" in listed and "Missing −$1.00" in listed and "fell behind the stove" in listed
        assert "短款" in web.text_of((await boss.get("/till/shifts?lang=zh")).text)
    assert (await till.get("/till/shifts")).status_code == 403, "a cashier looks after one drawer"


async def test_whatever_happens_at_two_drawers_no_cent_is_lost_between_them(house: make.House, mei: Staff) -> None:
    async with house.db.transaction() as tx:
        two = (await model.add_terminal(tx, house.shop.store.id, name="Till 2")).id
    boss, chance = await house.cashier(Role.OWNER), random.Random(20261121)
    running: dict[str, Shift] = {}
    taken: list[Payment] = []
    done: list[Shift] = []
    for step in range(60):
        place = chance.choice(["", two])
        here = running.get(place)
        match chance.choice(["sell", "sell", "sell", "card", "refund", "move", "shift"]):
            case "sell" | "card" as what:
                method = Method.CASH if what == "sell" else Method.CARD_TERMINAL
                taken.append(await sold(house, mei, place, chance.randrange(1, 9000), method))
            case "refund" if taken:
                payment = await house.payments.get(chance.choice(taken).id)
                if payment.money_refundable:
                    part = Money(chance.randrange(1, payment.money_refundable.minor + 1), "USD")
                    await house.checkout.give_back(payment, part, "cold", boss, f"r{step}", [], place)
            case "move" if here:
                kind = chance.choice(["pay_in", "pay_out"])
                async with house.db.transaction() as tx:
                    most = shifts.drawer_of(here, await shifts.entries(tx, here.id)).expected.minor
                    if kind == "pay_in" or most > 0:
                        minor = chance.randrange(1, 5000) if kind == "pay_in" else max(most // 2, 1)
                        amount = Money(minor, "USD")
                        await shifts.put(tx, house.clock, mei, here.id, kind, amount, "change", f"m{step}")
            case "shift" if here:
                must = await expected(house, here)
                if must.minor >= 0:
                    done.append(await closed(house, mei, here, must))
                    del running[place]
            case "shift":
                running[place] = await opened(house, mei, place, f"{chance.randrange(0, 300)}.00")
    assert len(done) >= 3
    async with house.db.reading() as rows:
        for shift in [*done, *running.values()]:
            book = await shifts.entries(rows, shift.id)
            drawer = shifts.drawer_of(shift, book)
            by_hand = shift.float_amount
            for each in book:
                if each.method == "cash":
                    by_hand += each.amount if each.kind in ("sale", "pay_in") else -each.amount
            assert drawer.expected.minor == by_hand
            assert shift.closing is None or shift.closing.expected == drawer.expected
        entered = await rows.value(
            "SELECT sum(CASE kind WHEN 'sale' THEN amount ELSE -amount END) FROM drawer_entries"
            " WHERE method = 'cash' AND kind IN ('sale', 'refund')"
        )
        day = timedelta(days=1)
        now = house.clock.now()
        took = await takings(rows, house.shop.store.id, now - day, now + day)
        (in_cash,) = [one for one in took if one.method == "cash"]
    assert entered == in_cash.taken - in_cash.given_back, "the drawers' books are the ledger's cash"


async def test_a_sale_in_the_second_of_the_close_is_in_one_shift_or_outside_never_lost(
    house: make.House, mei: Staff
) -> None:
    shift = await opened(house, mei)

    async def end() -> Shift:
        while True:
            try:
                return await closed(house, mei, shift, await expected(house, shift))
            except Unexplained:
                continue

    ended, _ = await asyncio.gather(end(), asyncio.gather(*(sold(house, mei, "", 100 + n) for n in range(12))))
    async with house.db.reading() as rows:
        inside = shifts.drawer_of(shift, await shifts.entries(rows, shift.id))
        outside = await shifts.outside(rows, house.shop.store.id, house.clock.now() - timedelta(days=1))
    assert ended.closing is not None and ended.closing.expected == inside.expected, "nothing slipped in after the count"
    assert inside.sales.minor + sum(one.amount for one in outside) == sum(100 + n for n in range(12))


async def test_a_close_waits_for_the_sale_that_is_being_written(house: make.House, mei: Staff) -> None:
    payment = await house.wallet_payment()
    house.alipay.buyer_pays(payment.order_number)
    in_cash = msgspec.structs.replace(await house.payments.drive(payment.id), method=Method.CASH)
    shift = await opened(house, mei)
    async with house.db.transaction() as tx:
        await shifts.Drawers(house.clock).payment_moved(tx, in_cash)
        ending = asyncio.create_task(closed(house, mei, shift, usd("136.50")))
        await asyncio.wait([ending], timeout=0.2)
        assert not ending.done(), "the drawer is not summed up while money goes into it"
    end = (await ending).closing
    assert end is not None and end.expected == usd("136.50")


async def test_a_sale_that_comes_while_the_drawer_is_closed_is_not_in_the_closed_shift(
    house: make.House, mei: Staff
) -> None:
    payment = await house.wallet_payment()
    house.alipay.buyer_pays(payment.order_number)
    in_cash = msgspec.structs.replace(await house.payments.drive(payment.id), method=Method.CASH)
    shift = await opened(house, mei)

    async def sells() -> None:
        async with house.db.transaction() as tx:
            await shifts.Drawers(house.clock).payment_moved(tx, in_cash)

    async with house.db.transaction() as tx:
        await shifts.close(tx, house.clock, mei, shift.id, pieces(usd("100.00")))
        selling = asyncio.create_task(sells())
        await asyncio.wait([selling], timeout=0.2)
    await selling
    assert await expected(house, shift) == usd("100.00"), "what was counted stays what was counted"
    async with house.db.reading() as rows:
        (outside,) = await shifts.outside(rows, house.shop.store.id, shift.opened_at)
    assert outside.payment_id == payment.id


async def test_cash_goes_back_out_of_the_drawer_where_the_customer_stands(house: make.House, mei: Staff) -> None:
    async with house.db.transaction() as tx:
        two = (await model.add_terminal(tx, house.shop.store.id, name="Till 2")).id
    boss = await house.cashier(Role.OWNER)
    first, second = await opened(house, mei), await opened(house, boss, two)
    payment = await sold(house, mei, "", 3000)
    await house.checkout.give_back(payment, usd("10.00"), "cold", boss, "k1", [], two)
    assert (await expected(house, first), await expected(house, second)) == (usd("130.00"), usd("90.00"))
    await house.payments.refund(payment.id, usd("1.00"), "cold", mei.id, "k2")
    assert await expected(house, first) == usd("129.00"), "nobody said where: out of the asker's own drawer"


async def test_where_cash_needs_a_shift_none_is_taken_without_and_cards_go_on(house: make.House, mei: Staff) -> None:
    house.checkout = Checkout(house.payments, house.db, house.clock, {"bill": make.bill_lines}, needs_shift=True)
    with pytest.raises(Conflict, match="Nobody has opened a shift"):
        await sold(house, mei, "", 100)
    await sold(house, mei, "", 100, Method.CARD_TERMINAL)
    await opened(house, mei)
    payment = await sold(house, mei, "", 100)
    with pytest.raises(Conflict, match="A shift is open at this till already"):
        await opened(house, mei)
    async with house.db.reading() as rows:
        shift = await shifts.open_at(rows, house.shop.store.id, "")
    assert shift is not None
    await closed(house, mei, shift, usd("101.00"))
    with pytest.raises(Conflict, match="Nobody has opened a shift"):
        await house.checkout.give_back(payment, usd("1.00"), "cold", await house.cashier(Role.OWNER), "k", [], "")


async def test_cash_without_a_shift_and_a_forgotten_shift_are_shown_to_the_manager(
    house: make.House, till: web.Browser, mei: Staff
) -> None:
    await sold(house, mei, "", 700)
    shift = await opened(house, mei)
    house.clock.advance(timedelta(hours=19))
    assert 'data-testid="forgotten"' in (await till.get("/till/shift")).text
    async with web.browsers(house.server(), 1) as (boss,):
        await house.sign_in(boss, await house.cashier(Role.MANAGER))
        page = (await boss.get("/till/shifts")).text
        assert 'data-testid="loose"' in page and "$7.00" in page and "Not closed" in page
        answer = await boss.post(f"/till/shifts/{shift.id}/close", form(usd("100.00")))
        assert answer.status_code == 303, "somebody else may count a forgotten drawer"
        assert "It adds up" in web.text_of((await boss.get("/till/shifts")).text)


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        ({"kind": "pay_out", "amount": "5", "reason": " "}, "Write what the money is for"),
        ({"kind": "pay_out", "amount": "100.01", "reason": "bank"}, "more than there can be"),
        ({"kind": "pay_in", "amount": "-5", "reason": "bank"}, "above zero"),
        ({"kind": "steal", "amount": "5", "reason": "bank"}, "in or out"),
        ({"kind": "pay_in", "amount": "a lot", "reason": "bank"}, "is not an amount"),
    ],
)
async def test_cash_that_can_not_be_put_in_or_out_says_why(
    house: make.House, till: web.Browser, mei: Staff, move: dict[str, str], sentence: str
) -> None:
    shift = await opened(house, mei)
    answer = await till.post(f"/till/shifts/{shift.id}/cash", move)
    assert sentence in web.text_of(answer.text)
    assert await expected(house, shift) == usd("100.00")


async def test_a_report_is_a_file_or_comes_out_of_the_printer(house: make.House, mei: Staff, till: web.Browser) -> None:
    shift = await opened(house, mei)
    await sold(house, mei, "", 4200)
    await closed(house, mei, shift, usd("142.00"))
    path = f"/till/shifts/{shift.id}/paper"
    assert (await till.post(path, {"how": "pdf"})).content.startswith(b"%PDF-")
    narrow = prints((await till.post(f"{path}?lang=zh", {"how": "escpos", "width": "58"})).content)
    assert "交班报表" in narrow.text and "账款相符" in narrow.text and narrow.pulses == 0
    assert "no receipt printer" in web.text_of((await till.post(path, {"how": "printer"})).text)
    async with printer() as (address, jobs), web.browsers(house.server(), 1) as (boss,):
        await house.sign_in(boss, await house.cashier(Role.MANAGER))
        await knows_printer(boss, address, letters="cp858")
        assert (await till.post(f"{path}?lang=zh", {"how": "printer"})).status_code == 303
        out = prints(await asyncio.wait_for(jobs.get(), 5))
        assert "It adds up" in out.text and "1 × $100.00" in out.text, "in English: this printer has no Chinese"
