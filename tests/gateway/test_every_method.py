"""The methods beside the scanned code and the wallet's page, at the local Alipay: order codes, printed codes, midnight.

Midnight is reached by moving both clocks: from 00:15 Beijing time on only a refund undoes yesterday's payment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from saoma.gateway import CodeMove, Method, SecondaryMerchant
from saoma.identity.roles import refund_limit
from saoma.kit.clock import beijing
from saoma.kit.money import Money
from saoma.payments.arrivals import waiting_at
from saoma.payments.codes import CodeStatus, MerchantCode, NewCode
from saoma.payments.happenings import Ruling
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.patience import cancel_window_ends
from tests.gateway.alipay import CANCEL, PRECREATE
from tests.gateway.house import House, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: The first question, every five seconds for a minute, then every fifteen; the code is good for five minutes.
LOOKS = [float(moment) for moment in (*range(5, 65, 5), *range(75, 300, 15))]


@pytest.fixture(params=["MD5", "RSA2"])
def shop(request: pytest.FixtureRequest, house: House) -> Shop:
    """A shop by each kind of key."""
    return house.shops[str(request.param)]


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


# --- order codes ------------------------------------------------------------------------------------------------------


async def show_code(house: House, shop: Shop, amount: str = "36.50") -> Watched:
    """A cashier shows an order code."""
    bill = await house.bill(usd(amount).minor)
    await house.meet()
    payment = await house.rooms.checkout.pay_by_order_code(
        shop.store.id, "", shop.staff, usd(amount), "Table 5", "bill", bill, {}, bill
    )
    watched = Watched(house, shop, payment.id, payment.order_number, payment.opened_at or house.clock.now())
    await watched.listen()
    return watched


async def test_a_code_on_the_till_is_scanned_and_paid(house: House, shop: Shop) -> None:
    watched = await show_code(house, shop)
    shows, _ = await watched.panel()
    assert shows == "waiting"
    assert (await watched.payment()).qr_code.startswith("http")
    await house.alipay.control("POST", f"trades/{watched.number}/pay", {"buyer_id": "anna"})
    await watched.follow()
    assert (await watched.panel())[0] == "paid"
    assert watched.heard() == ["precreate: SUCCESS", "query: SUCCESS TRADE_SUCCESS"]
    await house.assert_books_agree(shop)


async def test_a_code_nobody_scans_is_followed_as_published_and_cancelled_at_its_end(house: House, shop: Shop) -> None:
    watched = await show_code(house, shop)
    payment = await watched.follow()
    assert payment.status is Status.CANCELLED
    assert watched.times("query")[: len(LOOKS)] == LOOKS
    assert watched.times("cancel") == [300.0]
    await house.assert_books_agree(shop)


async def test_an_order_code_that_got_no_answer_is_asked_for_again_and_shown(house: House, shop: Shop) -> None:
    await house.alipay.fails(PRECREATE, "system_error_before")
    watched = await show_code(house, shop)
    assert (await watched.payment()).qr_code == ""
    await watched.follow(until=6)
    assert (await watched.payment()).qr_code.startswith("http")
    await house.alipay.control("POST", f"trades/{watched.number}/pay", {"buyer_id": "anna"})
    await watched.follow()
    assert await watched.status() is Status.SUCCEEDED
    await house.assert_books_agree(shop)


# --- printed codes ----------------------------------------------------------------------------------------------------


async def print_code(house: House, shop: Shop, label: str) -> MerchantCode:
    """The office makes a code for one counter."""
    of = SecondaryMerchant(
        id=shop.merchant.secondary_id,
        name=shop.merchant.name,
        industry=shop.merchant.industry,
        store_id=shop.store.id,
        store_name=shop.store.name,
    )
    new = NewCode(
        merchant_id=shop.merchant.id,
        store_id=shop.store.id,
        account_id=shop.account_id,
        label=label,
        currency="USD",
        shop=of,
        country="SG",
        place=shop.store.address,
    )
    return await house.rooms.payments.codes.create(new, shop.staff.id)


async def pay_at_counter(house: House, code: MerchantCode, amount: str, status: int = 200) -> str:
    """Anna scans the printed code and types an amount; Alipay's own order number."""
    token = code.address.rpartition("/")[2]
    typed = {"buyer_id": "anna", "amount": amount}
    return str((await house.alipay.control("POST", f"shop-codes/{token}/pay", typed, status)).get("out_trade_no"))


async def carry(house: House, shop: Shop, number: str, count: int = 1) -> list[str]:
    """Carry the letters about one order to the real door."""
    letters = (await house.box.of(number, count))[-1:]
    return [await house.post(shop.account_id, letter.body, letter.kind) for letter in letters]


async def test_a_typed_amount_is_a_payment_that_is_born_here_and_given_back(house: House, shop: Shop) -> None:
    code = await print_code(house, shop, "Counter 1")
    assert code.status is CodeStatus.ACTIVE
    number = await pay_at_counter(house, code, "7.77")
    assert await carry(house, shop, number) == ["success"]
    assert await carry(house, shop, number) == ["success"]
    payment = await house.rooms.payments.of_order(shop.account_id, number)
    assert payment is not None
    assert (payment.status, payment.method, payment.money) == (Status.SUCCEEDED, Method.MERCHANT_CODE, usd("7.77"))
    async with house.rooms.db.reading() as rows:
        waits = await waiting_at(rows, shop.store.id)
    assert payment.id in {one.payment_id for one in waits}
    refund = await house.rooms.payments.refund(payment.id, usd("7.77"), "paid twice", "stf_boss", "r1")
    assert refund.status is RefundStatus.SUCCEEDED
    await house.assert_books_agree(shop)


async def test_a_forged_letter_about_a_printed_code_makes_no_payment(house: House, shop: Shop) -> None:
    code = await print_code(house, shop, "Counter forged")
    number = await pay_at_counter(house, code, "7.77")
    (letter,) = await house.box.of(number)
    forged = letter.body.replace(b"total_fee=7.77", b"total_fee=1.11")
    assert forged != letter.body
    assert await house.post(shop.account_id, forged, letter.kind) != "success"
    assert await house.rooms.payments.of_order(shop.account_id, number) is None
    assert await carry(house, shop, number) == ["success"]
    await house.assert_books_agree(shop)


async def test_a_stopped_code_takes_no_money_until_it_is_restarted(house: House, shop: Shop) -> None:
    codes = house.rooms.payments.codes
    code = await print_code(house, shop, "Counter 2")
    other = await print_code(house, shop, "Counter 3")
    assert code.address != other.address, "each counter has a code of its own"
    await codes.move(code.id, CodeMove.STOP)
    await pay_at_counter(house, code, "1.00", status=404)
    await codes.move(code.id, CodeMove.RESTART)
    renamed = await codes.modify(code.id, "Bar", "1 Harbour Road", "SG")
    assert (renamed.label, renamed.address) == ("Bar", code.address)
    number = await pay_at_counter(house, code, "1.00")
    assert await carry(house, shop, number) == ["success"]
    assert (await codes.move(code.id, CodeMove.DELETE)).status is CodeStatus.DELETED
    await pay_at_counter(house, code, "1.00", status=404)
    await house.assert_books_agree(shop)


# --- what staff take --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [Method.CASH, Method.CARD_TERMINAL, Method.ACCOUNT])
async def test_what_staff_take_never_reaches_alipay(house: House, shop: Shop, method: Method) -> None:
    bill = await house.bill(3650)
    payment = await house.rooms.checkout.take_by_staff(
        shop.store.id, "", shop.staff, method, usd("36.50"), "Table 5", "bill", bill, {}, bill, usd("40.00"), "Ann"
    )
    assert payment.status is Status.SUCCEEDED
    assert await house.alipay.calls(payment.order_number) == []


# --- midnight in Beijing ----------------------------------------------------------------------------------------------


async def at_quarter_past(house: House, minus: timedelta) -> datetime:
    """Move both clocks to shortly before the end of the cancel window of a payment made then; the window's end."""
    now = house.clock.now()
    before_midnight = beijing(now).replace(hour=23, minute=58, second=0, microsecond=0)
    await house.move_to(before_midnight)
    return cancel_window_ends(house.clock.now()) - minus


async def test_a_cancel_is_still_sent_until_a_quarter_past_midnight(house: House, shop: Shop) -> None:
    moment = await at_quarter_past(house, timedelta(seconds=20))
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await house.alipay.fails(CANCEL, "system_error_before", times=2)
    await watched.follow(until=61)
    assert await watched.status() is Status.CANCELLING
    await house.move_to(moment)
    await watched.follow()
    assert await watched.status() is Status.CANCELLED
    await house.assert_books_agree(shop)


async def test_after_a_quarter_past_midnight_a_refund_is_proposed_instead(house: House, shop: Shop) -> None:
    moment = await at_quarter_past(house, -timedelta(seconds=1))
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await house.alipay.fails(CANCEL, "silence_before", times=60)
    await watched.follow(until=55)
    await house.alipay.pays(watched.number)
    await house.rooms.payments.give_up(watched.id, "stf_boss")
    await watched.listen()
    await house.move_to(moment)
    await watched.follow()
    payment = await watched.payment()
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "window_closed")
    before = len(watched.times("cancel"))
    async with house.rooms.db.reading() as rows:
        proposed = await rows.value("SELECT proposed FROM cases WHERE subject_id = %(id)s", {"id": payment.id})
    assert proposed == "refund"
    await house.rooms.payments.rule(payment.id, Ruling.REFUND, "stf_boss", "cancel came too late")
    await watched.follow()
    assert len(watched.times("cancel")) == before
    # From 00:00 to 01:30 Beijing time Alipay refunds nothing at once; the same refund is repeated past that.
    for _ in range(60):
        (refund,) = await house.rooms.payments.refunds_of(payment.id)
        if refund.due_at is None:
            break
        await house.move_to(refund.due_at)
        await house.work()
    assert refund.status is RefundStatus.SUCCEEDED
    assert (await watched.payment()).refunded == payment.amount
    await house.assert_books_agree(shop)
    await house.alipay.behave()


async def test_a_manager_needs_a_second_person_above_the_limit(house: House, shop: Shop) -> None:
    watched = await house.scan(shop, await house.alipay.code(), amount="250.00")
    payment = await watched.payment()
    limit = refund_limit(shop.staff.roles, "USD")
    checkout = house.rooms.checkout
    first = await checkout.give_back(payment, limit, "cold", shop.staff, "r1", [])
    second = await checkout.give_back(payment, usd("0.01"), "cold", shop.staff, "r2", [])
    assert [first.status, second.status] == [RefundStatus.SUCCEEDED, RefundStatus.REQUESTED]
    done = await house.rooms.payments.approve_refund(second.id, "stf_owner")
    assert done.status is RefundStatus.SUCCEEDED
    await watched.follow()
    await house.assert_books_agree(shop)
