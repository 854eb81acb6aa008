"""Receipts on paper over HTTP: files, printers in and out of reach, copies that say so, refunds' own receipts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from saoma.checkout.printing import PORTS, checked
from saoma.gateway import Method
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.payments.model import Payment
from tests.checkout import make
from tests.checkout.printer import printer, prints
from tests.identity import web


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> make.House:
    """A shop in front of a fake Alipay."""
    return await make.house(database, clock)


@pytest.fixture
async def till(house: make.House) -> AsyncIterator[web.Browser]:
    """A till with a manager at it."""
    async with web.browsers(house.server(), 1) as (browser,):
        await house.sign_in(browser, await house.cashier(Role.MANAGER))
        yield browser


async def cash(house: make.House, staff: Staff, minor: int = 3650, given: int = 4000) -> Payment:
    """Cash that a cashier has taken."""
    bill = await house.bill(minor)
    return await house.checkout.take_by_staff(
        house.shop.store.id, "", staff, Method.CASH, Money(minor, "USD"), "Table 5", "bill", bill, {}, bill,
        given=Money(given, "USD"),
    )  # fmt: skip


async def knows_printer(till: web.Browser, address: str, **changes: str) -> None:
    """A manager writes down where the printer is."""
    form = {"address": address, "millimetres": "80", "letters": "gbk", "has_drawer": "on"} | changes
    answer = await till.post("/till/printer", form)
    assert answer.status_code == 303, answer.text


async def test_a_receipt_is_printed_once_and_what_comes_after_says_copy(house: make.House, till: web.Browser) -> None:
    payment = await cash(house, await house.cashier())
    async with printer() as (address, jobs):
        await knows_printer(till, address)
        assert 'data-testid="paper-printer"' in (await till.get(f"/receipt/{payment.id}")).text
        for _ in range(3):
            answer = await till.post(f"/receipt/{payment.id}/paper", {"how": "printer"})
            assert answer.status_code == 303, answer.text
    first, second, third = [prints(await asyncio.wait_for(jobs.get(), 5)) for _ in range(3)]
    assert "COPY" not in first.text and "COPY 1" in second.text and "COPY 2" in third.text
    assert (first.pulses, second.pulses) == (1, 0), "a copy opens no drawer"
    assert "Beef noodles" in first.text and "$40.00" in first.text and "$3.50" in first.text
    assert first.codes and f"/receipt/{payment.id}?k=" in first.codes[0]
    words = web.text_of((await till.get(f"/receipt/{payment.id}")).text)
    assert "COPY 3" in words


async def test_a_printer_out_of_reach_says_so_and_loses_nothing(house: make.House, till: web.Browser) -> None:
    payment = await cash(house, await house.cashier())
    async with printer() as (address, _):
        pass
    await knows_printer(till, address)
    answer = await till.post(f"/receipt/{payment.id}/paper?lang=zh", {"how": "printer"})
    assert answer.status_code == 503 and address in answer.text and "不会丢失" in web.text_of(answer.text)
    assert "牛肉面" in answer.text, "the receipt is still there"
    file = await till.post(f"/receipt/{payment.id}/paper", {"how": "escpos", "width": "58"})
    assert "COPY" not in prints(file.content).text, "nothing came out before, so this is the original"


async def test_staff_and_customers_take_the_receipt_along_as_a_file(house: make.House, till: web.Browser) -> None:
    payment = await cash(house, await house.cashier())
    page = (await till.get(f"/receipt/{payment.id}")).text
    share = re.search(r"/receipt/pay_\w+\?k=[\w.~%-]+", page)
    assert share is None, "the address is in the code only"
    for how in ("pdf", "escpos"):
        answer = await till.post(f"/receipt/{payment.id}/paper", {"how": how})
        assert "attachment" in answer.headers["content-disposition"]
        assert answer.content.startswith(b"%PDF-" if how == "pdf" else b"\x1b@")
    assert (await till.post(f"/receipt/{payment.id}/paper", {"how": "fax"})).status_code == 422
    mine = await house.wallet_payment()
    assert (await till.get(f"/receipt/{mine.id}/pdf")).status_code == 404, "not paid yet"
    house.alipay.buyer_pays(mine.order_number)
    await house.payments.drive(mine.id)
    async with make.people(house) as (phone, _, stranger):
        kept = await phone.get(f"/receipt/{mine.id}/pdf")
        assert kept.headers["content-type"] == "application/pdf" and kept.content.startswith(b"%PDF-")
        assert (await stranger.get(f"/receipt/{mine.id}/pdf")).status_code == 404
        assert (await stranger.post(f"/receipt/{mine.id}/paper", {"how": "pdf"})).status_code in (303, 401)


async def test_what_is_given_back_has_a_receipt_of_its_own(house: make.House, till: web.Browser) -> None:
    payment = await cash(house, await house.cashier())
    refund = await house.payments.refund(payment.id, Money(1050, "USD"), "No tea left", "stf_1", "key")
    page = (await till.get(f"/receipt/{payment.id}")).text
    assert f"refund={refund.id}" in page
    words = web.text_of((await till.get(f"/receipt/{payment.id}?refund={refund.id}")).text)
    assert "$10.50" in words and "No tea left" in words and refund.refund_number in words
    out = [
        prints((await till.post(f"/receipt/{payment.id}/paper", {"how": "escpos", "refund": refund.id})).content)
        for _ in range(2)
    ]
    assert "Refund" in out[0].text and out[0].pulses == 1 and "COPY 1" in out[1].text
    assert (await till.get(f"/receipt/{payment.id}?refund=ref_none")).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "8.8.8.8",
        "printer.local",
        "192.168.1.5:6379",
        "192.168.1.5:９１００",
        "::1",
        "0.0.0.0",
    ],
)
def test_nobody_makes_the_server_knock_anywhere_else(address: str) -> None:
    with pytest.raises(Invalid):
        checked(address, loopback=False)


def test_an_address_is_kept_with_its_port() -> None:
    assert checked(" 192.168.1.50 ", loopback=False) == f"192.168.1.50:{PORTS.start}"
    assert checked("10.0.0.7:9101", loopback=False) == "10.0.0.7:9101"


async def test_only_a_manager_says_where_the_printer_is(house: make.House) -> None:
    async with make.people(house) as (_, cashier, _):
        assert (await cashier.post("/till/printer", {"address": "10.0.0.7"})).status_code == 403
