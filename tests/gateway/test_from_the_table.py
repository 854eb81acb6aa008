"""The same outcomes where people meet them: a table's bill, the cashier's own till, a diner's phone in the wallet.

Every screen is the real one over HTTP, the authorization and the trades are the sandbox's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from saoma.alipay.signing import SignType
from saoma.payments.lifecycle import Status
from saoma.restaurant.model import Sitting
from saoma.restaurant.tables import add_table
from tests.food import make as food
from tests.gateway import make
from tests.gateway.alipay import PAY
from tests.gateway.house import House, Shop, Watched
from tests.identity.make import Shop as Place
from tests.identity.web import ALIPAY, text_of
from tests.restaurant.make import Restaurant, form_value

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOTAL = "$15.50"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def noodles(one_house: House) -> AsyncIterator[tuple[Shop, Restaurant]]:
    """A shop with a menu and tables."""
    shop = await one_house.open_shop("Noodles", await make.account(one_house.alipay, SignType.RSA2))
    rooms = one_house.rooms
    menu = await food.noodle_house_menu(rooms.db, shop.store.id)
    async with rooms.db.transaction() as tx:
        tables = [await add_table(tx, shop.store.id, str(number), one_house.clock.now()) for number in range(1, 9)]
    place = Place(shop.account_id, shop.merchant, shop.store)
    nobody: Any = None
    yield (
        shop,
        Restaurant(rooms.db, one_house.clock, place, menu, tables, nobody, rooms.payments, rooms.checkout),
    )


@pytest.fixture
def shop(noodles: tuple[Shop, Restaurant], house: House) -> Shop:
    """The shop, at the beginning of a test."""
    return noodles[0]


_next_table = iter(range(8))


@pytest_asyncio.fixture(loop_scope="session")
async def dinner(noodles: tuple[Shop, Restaurant], house: House) -> Sitting:
    """Anna and Ben have eaten; they owe 15.50 USD."""
    _, restaurant = noodles
    sitting, anna = await restaurant.sit(None, table=next(_next_table))
    await restaurant.eats(sitting, anna, "beef", "plain")
    return sitting


class Cashier:
    """The cashier's browser at the till."""

    def __init__(self, house: House, shop: Shop, sitting: Sitting) -> None:
        self.house = house
        self.shop = shop
        self.path = f"/till/bills/{sitting.id}"

    async def sees(self, lang: str = "en") -> str:
        """The bill's pane."""
        answer = await self.shop.browser.get(self.path, headers={"HX-Request": "true", "Accept-Language": lang})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def form(self) -> dict[str, str]:
        """What the till would send without a hand on it."""
        found = re.search(r'<form id="take".*?</form>', await self.sees(), re.S)
        assert found
        return {name: form_value(found[0], name) for name in ("key", "shown")}

    async def send(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Send a form as htmx does."""
        head = {"HX-Request": "true", "X-CSRF-Token": self.shop.browser.cookies["saoma_csrf"]}
        return await self.shop.browser.post(path, data=form, headers=head)

    async def scans(self, code: str, **more: str) -> tuple[str, Watched]:
        """Scan a payment code; what the pane shows, and the payment."""
        answer = await self.send(f"{self.path}/pay", {**await self.form(), "payment_code": code, **more})
        found = re.search(r'data-payment="(\w+)" data-shows="(\w+)"', answer.text)
        assert found, answer.text
        payment = await self.house.rooms.payments.get(found[1])
        opened_at = payment.opened_at or self.house.clock.now()
        return found[2], Watched(self.house, self.shop, payment.id, payment.order_number, opened_at)


@pytest.fixture
def cashier(house: House, shop: Shop, dinner: Sitting) -> Cashier:
    return Cashier(house, shop, dinner)


async def test_a_table_pays_at_the_till_and_its_bill_is_settled(house: House, cashier: Cashier) -> None:
    assert TOTAL in await cashier.sees()
    shows, watched = await cashier.scans(await house.alipay.code())
    assert shows == "paid"
    assert "Paid in full" in await cashier.sees()
    payment = await watched.payment()
    assert (payment.status, payment.policy, payment.money.text) == (Status.SUCCEEDED, "barcode", "15.50")
    (call,) = await house.alipay.calls(watched.number)
    assert "海港路店" in call["request"]["extend_info"] or "Harbour Road" in call["request"]["extend_info"]
    await house.assert_books_agree(cashier.shop)


async def test_a_refused_code_leaves_the_bill_open_and_a_thinking_customer_holds_it(
    house: House, cashier: Cashier
) -> None:
    shows, _ = await cashier.scans(await house.alipay.code(ending="93"))
    assert shows == "not_paid"
    assert TOTAL in await cashier.sees(), "the bill is free for another try"
    shows, thinking = await cashier.scans(await house.alipay.code("pia"))
    assert shows == "waiting"
    form = {"key": "another till", "shown": "1550", "payment_code": await house.alipay.code()}
    second = await cashier.send(f"{cashier.path}/pay", form)
    assert 'data-shows="paid"' not in second.text, "what one customer is paying nobody else may pay"
    await thinking.follow()
    assert await thinking.status() is Status.CANCELLED
    shows, _ = await cashier.scans(await house.alipay.code())
    assert shows == "paid"
    await house.assert_books_agree(cashier.shop)


async def test_enter_pressed_twice_charges_once_whatever_alipay_says(house: House, cashier: Cashier) -> None:
    await house.alipay.fails(PAY, "silence_after")
    form = {**await cashier.form(), "payment_code": await house.alipay.code()}
    panes = [(await cashier.send(f"{cashier.path}/pay", form)).text for _ in range(3)]
    payments = {re.search(r'data-payment="(\w+)"', pane)[1] for pane in panes}  # type: ignore[index]
    assert len(payments) == 1
    payment = await house.rooms.payments.get(payments.pop())
    watched = Watched(house, cashier.shop, payment.id, payment.order_number, house.clock.now())
    await watched.follow()
    assert [said.what for said in watched.calls] == ["pay", "query"]
    await house.assert_books_agree(cashier.shop)


async def test_a_manager_gives_a_dish_back_and_then_the_rest(house: House, cashier: Cashier) -> None:
    _, watched = await cashier.scans(await house.alipay.code())
    path = f"{cashier.path}/payments/{watched.id}/refund"
    assert (await cashier.send(path, {"typed": "5.50", "reason": "cold soup", "key": "r1"})).status_code == 200
    assert (await cashier.send(path, {"typed": "5.50", "reason": "cold soup", "key": "r1"})).status_code == 200
    assert (await watched.payment()).money_refunded.text == "5.50", "pressed twice, given once"
    too_much = await cashier.send(path, {"typed": "10.01", "reason": "all of it", "key": "r2"})
    assert "That is more than what is left of this payment." in too_much.text
    await cashier.send(path, {"typed": "", "reason": "all of it", "key": "r3"})
    assert (await watched.payment()).money_refunded.text == "15.50"
    trade = (await house.alipay.trades(cashier.shop.account.partner))[watched.number]
    assert (trade["status"], trade["refunded"]) == ("TRADE_CLOSED", "15.50")
    await house.assert_books_agree(cashier.shop)


# --- the diner's phone ----------------------------------------------------------------------------------------------


class Phone:
    """A phone inside the wallet, which belongs to one buyer."""

    def __init__(self, house: House, client: httpx.AsyncClient, buyer: str) -> None:
        self.house = house
        self.client = client
        self.buyer = buyer

    async def follows(self, answer: httpx.Response) -> httpx.Response:
        """Go where redirects lead: to the authorization as this buyer, and back to the house wherever it is served."""
        for _ in range(8):
            if answer.status_code not in (302, 303):
                return answer
            there = answer.headers["location"]
            if "publicAppAuthorize" in there:
                there += f"&wallet_buyer={self.buyer}"
            elif there.startswith(self.house.box.url):
                parts = urlsplit(there)
                there = f"{parts.path}?{parts.query}"
            answer = await self.client.get(there)
        raise AssertionError("in circles")

    async def opens(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.follows(await self.client.get(path))

    async def sends(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Press a button."""
        token = self.client.cookies["saoma_csrf"]
        return await self.follows(await self.client.post(path, data={"_csrf_token": token, **form}))


@pytest_asyncio.fixture(loop_scope="session")
async def phone(house: House) -> AsyncIterator[Phone]:
    """Anna's."""
    async with httpx.AsyncClient(base_url=house.url, headers={"User-Agent": ALIPAY}, verify=False) as client:
        yield Phone(house, client, "anna")


async def begins_to_pay(phone: Phone, noodles: tuple[Shop, Restaurant], sitting: Sitting) -> Watched:
    """Scan the table, order tea, press pay."""
    shop, restaurant = noodles
    code = next(table.code for table in restaurant.tables if table.id == sitting.table_id)
    table = await phone.opens(f"/t/{code}")
    assert table.status_code == 200, table.text
    bill = await phone.opens(f"/t/{code}/bill")
    key, amount = form_value(bill.text, "key"), form_value(bill.text, "amount")
    page = await phone.sends(f"/t/{code}/pay", {"choice": "whole", "key": key, "amount": amount})
    assert page.status_code == 200, page.text
    (payment,) = await phone.house.rooms.payments.of_payable("sitting", sitting.id)
    assert page.url.path == f"/pay/{payment.id}"
    opened_at = payment.opened_at or phone.house.clock.now()
    # a phone's report is followed up in the background, at no certain moment
    return Watched(phone.house, shop, payment.id, payment.order_number, opened_at, attentive=False)


async def words(phone: Phone, watched: Watched, lang: str = "en") -> str:
    """What the pay page says now."""
    answer = await phone.opens(f"/pay/{watched.id}/state?lang={lang}")
    assert answer.status_code == 200
    return text_of(answer.text)


async def test_a_diner_signs_in_silently_pays_in_the_wallet_and_reads_the_success(
    house: House, noodles: tuple[Shop, Restaurant], dinner: Sitting, phone: Phone
) -> None:
    watched = await begins_to_pay(phone, noodles, dinner)
    payment = await watched.payment()
    assert payment.buyer_id == await house.alipay.user_id("anna")
    assert "Pay $15.50" in await words(phone, watched)
    await house.alipay.pays(watched.number)
    confirming = await phone.sends(f"/pay/{watched.id}/reported", {"result_code": "9000"})
    assert "Confirming" in confirming.text
    for _ in range(500):
        if await watched.status() is Status.SUCCEEDED:
            break
        await asyncio.sleep(0.01)
    assert "Paid. Thank you!" in await words(phone, watched)
    assert "支付成功，谢谢！" in await words(phone, watched, "zh")
    receipt = await phone.opens(f"/receipt/{watched.id}")
    assert receipt.status_code == 200
    assert "15.50" in receipt.text
    await house.assert_books_agree(watched.shop)


async def test_a_phone_that_claims_to_have_paid_is_asked_about_and_not_believed(
    house: House, noodles: tuple[Shop, Restaurant], dinner: Sitting, phone: Phone
) -> None:
    watched = await begins_to_pay(phone, noodles, dinner)
    await phone.sends(f"/pay/{watched.id}/reported", {"result_code": "9000"})
    await watched.follow(until=20)
    assert await watched.status() is Status.PENDING
    assert "Paid. Thank you!" not in await words(phone, watched)
    await house.alipay.refuses(watched.number)
    await watched.follow()
    assert "This payment was ended. No money was taken." in await words(phone, watched)
    assert "没有扣款" in await words(phone, watched, "zh")
    await house.assert_books_agree(watched.shop)


async def test_a_diner_who_lets_go_frees_the_bill(
    house: House, noodles: tuple[Shop, Restaurant], dinner: Sitting, phone: Phone
) -> None:
    watched = await begins_to_pay(phone, noodles, dinner)
    code = next(table.code for table in noodles[1].tables if table.id == dinner.table_id)
    bill = await phone.sends(f"/t/{code}/payments/{watched.id}/let-go", {})
    assert bill.status_code == 200
    assert await watched.status() is Status.CANCELLED
    await house.alipay.control("POST", f"trades/{watched.number}/pay", status=409)
    assert TOTAL in (await phone.opens(f"/t/{code}/bill")).text
    await house.assert_books_agree(watched.shop)
