"""Paying inside the wallet, page by page: what the phone sees, who may see it, and that the phone decides nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from saoma.checkout.receipt import receipt_path
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from tests.checkout import make
from tests.identity import make as identity
from tests.identity import web


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> make.House:
    """A shop in front of a fake Alipay."""
    return await make.house(database, clock)


@pytest.fixture
async def phone(house: make.House) -> AsyncIterator[web.Browser]:
    """The diner's phone, inside the wallet."""
    async with make.people(house) as (phone, _, _):
        yield phone


def shows(page: str) -> str:
    found = re.search(r'data-shows="(\w+)"', page)
    assert found, page
    return found[1]


def trade_on(page: str) -> str:
    found = re.search(r'data-trade="(\d*)"', page)
    assert found
    return found[1]


async def test_the_trade_is_made_by_the_server_and_its_number_is_on_the_page(
    house: make.House, phone: web.Browser
) -> None:
    payment = await house.wallet_payment()
    assert house.alipay.count("open") == 1
    charge = house.alipay.calls[0][1]
    assert (charge.buyer_id, charge.amount, charge.shop.store_id) == (
        make.BUYER,
        Money(3650, "USD"),
        house.shop.store.id,
    )
    answer = await phone.get(f"/pay/{payment.id}")
    assert answer.status_code == 200
    assert shows(answer.text) == "ready"
    assert trade_on(answer.text) == payment.trade_number != ""
    words = web.text_of(answer.text)
    assert "Pay $36.50" in words
    assert "2 × Beef noodles" in words
    assert answer.headers["cache-control"] == "no-store"


async def test_the_page_is_there_in_chinese(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    words = web.text_of((await phone.get(f"/pay/{payment.id}?lang=zh")).text)
    assert "支付 US$36.50" in words
    assert "牛肉面" in words
    assert "5号桌" in words


async def test_the_wallets_cashier_opens_by_itself_only_when_asked_and_only_before_a_report(
    house: make.House, phone: web.Browser
) -> None:
    payment = await house.wallet_payment()
    assert "data-begin" not in (await phone.get(f"/pay/{payment.id}")).text
    assert "data-begin" in (await phone.get(f"/pay/{payment.id}?go=1")).text
    await phone.post(f"/pay/{payment.id}/reported", {"result_code": "6001"})
    assert "data-begin" not in (await phone.get(f"/pay/{payment.id}?go=1")).text


@pytest.mark.parametrize("code", ["9000", "8000", "6004", "4000", "6001", "6002", "99", "", "paid", "<script>"])
async def test_a_phone_that_claims_anything_books_nothing(house: make.House, phone: web.Browser, code: str) -> None:
    payment = await house.wallet_payment()
    answer = await phone.post(f"/pay/{payment.id}/reported", {"result_code": code})
    assert answer.status_code == 200
    assert shows(answer.text) in ("confirming", "pay_again")
    assert house.alipay.count("query") == 1
    assert (await house.payments.get(payment.id)).status is Status.PENDING


async def test_after_the_report_alipay_is_asked_and_the_page_says_paid(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    house.alipay.buyer_pays(payment.order_number)
    await phone.post(f"/pay/{payment.id}/reported", {"result_code": "9000"})
    page = (await phone.get(f"/pay/{payment.id}/state")).text
    assert shows(page) == "paid"
    assert 'data-sound="paid"' in page
    assert f'href="/receipt/{payment.id}"' in page
    assert "hx-get" not in page


async def test_a_phone_that_reports_a_cancel_but_has_paid_is_shown_as_paid(
    house: make.House, phone: web.Browser
) -> None:
    payment = await house.wallet_payment()
    house.alipay.buyer_pays(payment.order_number)
    await phone.post(f"/pay/{payment.id}/reported", {"result_code": "6001"})
    assert shows((await phone.get(f"/pay/{payment.id}")).text) == "paid"


@pytest.mark.parametrize("code", ["6001", "6002", "4000"])
async def test_paying_again_after_going_back_uses_the_same_trade(
    house: make.House, phone: web.Browser, code: str
) -> None:
    payment = await house.wallet_payment()
    answer = await phone.post(f"/pay/{payment.id}/reported", {"result_code": code})
    assert shows(answer.text) == "pay_again"
    assert trade_on(answer.text) == payment.trade_number
    assert "Not paid yet. No money was taken." in web.text_of(answer.text)
    assert house.alipay.count("open") == 1


async def test_after_a_closed_trade_paying_again_makes_one_new_payment(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    house.alipay.expire(payment.order_number)
    await house.payments.drive(payment.id)
    page = (await phone.get(f"/pay/{payment.id}")).text
    assert shows(page) == "not_paid"
    assert 'data-sound="failed"' in page
    first = await phone.post(f"/pay/{payment.id}/again")
    second = await phone.post(f"/pay/{payment.id}/again")
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"] != f"/pay/{payment.id}"
    new = await house.payments.get(first.headers["location"].rpartition("/")[2])
    assert new.order_number != payment.order_number
    assert (new.money, new.payable_id, new.part) == (payment.money, payment.payable_id, payment.part)
    assert shows((await phone.get(f"/pay/{new.id}")).text) == "ready"


async def test_nobody_pays_again_what_is_still_open_or_paid(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    assert (await phone.post(f"/pay/{payment.id}/again")).status_code == 409
    house.alipay.buyer_pays(payment.order_number)
    await house.payments.drive(payment.id)
    assert (await phone.post(f"/pay/{payment.id}/again")).status_code == 409
    assert house.alipay.count("open") == 1


async def test_paying_again_is_refused_when_somebody_else_has_taken_the_bill(
    house: make.House, phone: web.Browser
) -> None:
    bill = await house.bill()
    payment = await house.wallet_payment(bill=bill)
    house.alipay.expire(payment.order_number)
    await house.payments.drive(payment.id)
    await house.wallet_payment(bill=bill, buyer_id="2088000000000002", key="the other guest")
    assert (await phone.post(f"/pay/{payment.id}/again")).status_code == 409


async def test_an_unclear_create_shows_getting_ready_and_then_the_button(house: make.House, phone: web.Browser) -> None:
    house.alipay.fails("open", "silence_before")
    payment = await house.wallet_payment()
    page = (await phone.get(f"/pay/{payment.id}")).text
    assert shows(page) == "preparing"
    assert "data-pay-now" not in page
    await house.pass_time(payment.patience.first_query.total_seconds())
    assert shows((await phone.get(f"/pay/{payment.id}/state")).text) == "ready"


async def test_giving_up_says_that_money_goes_back_if_it_was_taken(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    house.alipay.fails("cancel", "silence_after")
    await house.payments.give_up(payment.id, by="stf_1")
    page = (await phone.get(f"/pay/{payment.id}")).text
    assert shows(page) == "stopping"
    assert "it goes back to you" in web.text_of(page)
    assert "data-pay-now" not in page


async def test_a_payment_that_needs_a_person_sends_the_customer_to_the_staff(
    house: make.House, phone: web.Browser
) -> None:
    payment = await house.wallet_payment()
    house.alipay.trades[payment.order_number].amount = Money(99, "USD")
    house.alipay.buyer_pays(payment.order_number)
    await house.payments.drive(payment.id)
    page = (await phone.get(f"/pay/{payment.id}")).text
    assert shows(page) == "ask_staff"
    assert "Don't pay again" in web.text_of(page).replace("&#39;", "'")


async def test_one_key_makes_one_payment(house: make.House) -> None:
    bill = await house.bill()
    first = await house.wallet_payment(bill=bill, key="one press")
    second = await house.wallet_payment(bill=bill, key="one press")
    assert first.id == second.id
    with pytest.raises(Conflict):
        await house.wallet_payment(bill=bill, key="one press", minor=100)


async def test_nobody_pays_without_being_known_or_without_an_amount(house: make.House) -> None:
    with pytest.raises(Invalid):
        await house.wallet_payment(buyer_id="")
    for minor in (0, -5):
        with pytest.raises(Invalid):
            await house.checkout.pay_in_wallet(
                house.shop.store.id, make.BUYER, Money(minor, "USD"), "Table 5", "bill", "bill_1", {}, "key"
            )


# --- who may see it ------------------------------------------------------------------------------------------------

PATHS = ("/pay/{}", "/pay/{}/state", "/receipt/{}")


async def test_seeing_anothers_payment_its_id_opens_nothing(house: make.House) -> None:
    payment = await house.wallet_payment()
    async with make.people(house) as (_, _, stranger):
        for path in PATHS:
            assert (await stranger.get(path.format(payment.id))).status_code == 404
        await house.hold_phone(stranger, "2088000000000002")
        for path in PATHS:
            answer = await stranger.get(path.format(payment.id))
            assert answer.status_code == 404
            assert "36.50" not in answer.text
        for path in ("/pay/{}/reported", "/pay/{}/again"):
            assert (await stranger.post(path.format(payment.id), {"result_code": "9000"})).status_code == 404
    assert house.alipay.count("query") == 0


async def test_seeing_anothers_payment_a_buyer_of_another_account_is_another(house: make.House) -> None:
    payment = await house.wallet_payment()
    async with make.people(house) as (_, _, stranger):
        await stranger.client.post("/session", json={"buyers": {"acc_other": make.BUYER}, "buyer_id": make.BUYER})
        assert (await stranger.get(f"/pay/{payment.id}")).status_code == 404


async def test_a_payment_nobody_has_is_not_found_like_one_of_another(house: make.House, phone: web.Browser) -> None:
    hidden = await house.wallet_payment(buyer_id="2088000000000002")
    for payment_id in ("nonsense", "pay_" + "0" * 25, "sto_" + "0" * 25, hidden.id):
        assert (await phone.get(f"/pay/{payment_id}")).status_code == 404


async def test_a_payment_without_a_buyer_belongs_to_no_phone(house: make.House, phone: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    assert payment.buyer_id == ""
    await phone.client.post("/session", json={"buyers": {house.shop.account_id: ""}, "buyer_id": ""})
    assert (await phone.get(f"/pay/{payment.id}")).status_code == 404
    with pytest.raises(NotFound):
        await house.checkout.for_payer(payment.id, {})


async def test_csrf_a_report_from_another_site_is_refused(house: make.House, phone: web.Browser) -> None:
    payment = await house.wallet_payment()
    for path in ("reported", "again"):
        forged = await phone.client.post(f"/pay/{payment.id}/{path}", data={"result_code": "9000"})
        assert forged.status_code == 403
    assert house.alipay.count("query") == 0


async def test_a_phone_that_reports_without_end_is_kept_from_asking_without_end(
    house: make.House, phone: web.Browser
) -> None:
    payment = await house.wallet_payment()
    for _ in range(35):
        house.clock.advance(payment.patience.gap / 2)
        await phone.post(f"/pay/{payment.id}/reported", {"result_code": "9000"})
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM wallet_reports") == 30


# --- receipts ------------------------------------------------------------------------------------------------------


async def paid(house: make.House, **changes: Any) -> Any:
    payment = await house.wallet_payment(**changes)
    house.alipay.buyer_pays(payment.order_number)
    return await house.payments.drive(payment.id)


async def test_the_receipt_tells_all_and_masks_the_buyer(house: make.House, phone: web.Browser) -> None:
    payment = await paid(house)
    answer = await phone.get(f"/receipt/{payment.id}")
    words = web.text_of(answer.text)
    for said in ("Noodle House", "1 Harbour Road", "2 × Beef noodles", "no coriander", "$36.50", "ali***@example.com"):
        assert said in words, said
    assert payment.order_number in words
    assert payment.trade_number in words
    assert "12:00" in words, "in the store's zone"
    assert make.BUYER not in words


async def test_the_receipt_shows_what_went_back_and_what_was_kept(house: make.House, phone: web.Browser) -> None:
    payment = await paid(house)
    await house.payments.refund(payment.id, Money(1050, "USD"), "No tea left", "stf_1", "key")
    words = web.text_of((await phone.get(f"/receipt/{payment.id}")).text)
    assert "Given back" in words
    assert "No tea left" in words
    assert "−$10.50" in words
    assert "$26.00" in words


async def test_the_merchants_staff_see_a_receipt_and_others_staff_do_not(house: make.House) -> None:
    payment = await paid(house)
    other = await identity.shop(house.db, name="Burrito Bar")
    async with make.people(house) as (_, till, stranger):
        answer = await till.get(f"/receipt/{payment.id}")
        assert answer.status_code == 200
        for staff in (
            await house.cashier(Role.OWNER, at=other),
            await house.cashier(Role.KITCHEN),
            await house.cashier(Role.WAITER),
        ):
            await house.sign_in(stranger, staff)
            assert (await stranger.get(f"/receipt/{payment.id}")).status_code == 404, staff.roles


async def test_the_code_on_the_till_opens_this_receipt_and_no_other(house: make.House) -> None:
    payment, other = await paid(house), await paid(house)
    async with make.people(house) as (_, till, stranger):
        assert (
            "QR" in (await till.get(f"/receipt/{payment.id}")).text
            or "<svg" in (await till.get(f"/receipt/{payment.id}")).text
        )
        path = receipt_path(identity.seal(), payment.id)
        assert (await stranger.get(path)).status_code == 200
        key = path.partition("?k=")[2]
        assert (await stranger.get(f"/receipt/{other.id}?k={key}")).status_code == 404
        assert (await stranger.get(f"/receipt/{payment.id}?k={key[:-3]}AAA")).status_code == 404
        assert (await stranger.get(f"/pay/{payment.id}?k={key}")).status_code == 404


async def test_there_is_no_receipt_by_code_before_the_money_is_there(house: make.House) -> None:
    payment = await house.wallet_payment()
    async with make.people(house) as (_, _, stranger):
        assert (await stranger.get(receipt_path(identity.seal(), payment.id))).status_code == 404
