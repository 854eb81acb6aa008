"""Paying on the phone, inside the wallet: trade, payment, silence, refusal, expiry, and money that comes late.

Notifications land in a letter box and are lost unless a test carries them on, so every other end is the query's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from saoma.gateway import Method
from saoma.kit.errors import Conflict
from saoma.payments.lifecycle import Status
from tests.gateway.alipay import CANCEL, CREATE, QUERY
from tests.gateway.house import House, Said, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: The first question, every five seconds for a minute, then every fifteen; the trade is open for five minutes.
LOOKS = [float(moment) for moment in (*range(5, 65, 5), *range(75, 300, 15))]
DEADLINE = 300.0


@pytest.fixture(params=["MD5", "RSA2"])
def shop(request: pytest.FixtureRequest, house: House) -> Shop:
    """A shop by each kind of key."""
    return house.shops[str(request.param)]


async def ends(house: House, watched: Watched, status: Status) -> None:
    """The payment is over and both books agree."""
    payment = await watched.payment()
    assert (payment.status, payment.due_at) == (status, None), payment.code
    await house.assert_books_agree(watched.shop)


async def deliver(house: House, watched: Watched, count: int = 1) -> list[str]:
    """Carry every letter about the payment to the real door, in order; the answers."""
    letters = await house.box.of(watched.number, count)
    return [await house.post(watched.shop.account_id, letter.body, letter.kind) for letter in letters]


# --- paid -----------------------------------------------------------------------------------------------------------


async def test_a_page_has_its_trade_number_at_once_and_is_asked_about_after_five_seconds(
    house: House, shop: Shop
) -> None:
    watched = await house.page(shop)
    payment = await watched.payment()
    trade = (await house.alipay.trades(shop.account.partner))[watched.number]
    assert (payment.method, payment.status) == (Method.WALLET_PAGE, Status.PENDING)
    assert payment.trade_number == trade["trade_no"]
    assert trade["status"] == "WAIT_BUYER_PAY"
    (call,) = await house.alipay.calls(watched.number)
    assert call["request"]["it_b_pay"] == "5m"
    assert call["request"]["buyer_id"] == payment.buyer_id
    await house.alipay.pays(watched.number)
    await watched.follow()
    assert watched.calls == [Said("create", 0.0, "SUCCESS"), Said("query", 5.0, "SUCCESS TRADE_SUCCESS")]
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_lost_notification_is_made_up_for_by_the_query(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await watched.follow(until=31)
    await house.alipay.pays(watched.number)
    assert len(await house.box.of(watched.number)) == 1, "it was posted, and never arrived"
    assert await watched.status() is Status.PENDING
    await watched.follow()
    assert watched.times("query") == [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    await ends(house, watched, Status.SUCCEEDED)
    assert await deliver(house, watched) == ["success"], "it arrives after all, and changes nothing"
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_notification_ends_the_waiting_without_a_question(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.pays(watched.number)
    assert await deliver(house, watched) == ["success"]
    assert await watched.status() is Status.SUCCEEDED
    await watched.follow()
    assert watched.times("query") == []
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_phone_that_reports_starts_a_question_and_is_not_believed(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await watched.follow(until=2)
    await house.rooms.payments.nudge(watched.id)
    await watched.listen()
    assert watched.calls[-1] == Said("query", 2.0, "SUCCESS WAIT_BUYER_PAY")
    assert await watched.status() is Status.PENDING
    await house.alipay.pays(watched.number)
    await house.move_to(house.clock.now() + timedelta(seconds=2))
    await house.rooms.payments.nudge(watched.id)
    await ends(house, watched, Status.SUCCEEDED)


async def test_answer_query_and_notification_at_the_same_moment_book_the_money_once(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.pays(watched.number)
    (letter,) = await house.box.of(watched.number)
    await asyncio.gather(
        *(house.post(shop.account_id, letter.body, letter.kind) for _ in range(4)),
        *(house.rooms.payments.drive(watched.id) for _ in range(4)),
    )
    await ends(house, watched, Status.SUCCEEDED)


@pytest.mark.parametrize("fault", ["system_error_before", "silence_before", "system_error_after", "silence_after",
                                   "bad_signature", "unknown"])  # fmt: skip
async def test_a_create_without_a_clear_answer_is_sent_again_and_makes_one_trade(
    house: House, shop: Shop, fault: str
) -> None:
    await house.alipay.fails(CREATE, fault)
    watched = await house.page(shop)
    assert (await watched.payment()).trade_number == ""
    await watched.follow(until=6)
    payment = await watched.payment()
    assert payment.trade_number == (await house.alipay.trades(shop.account.partner))[watched.number]["trade_no"]
    await house.alipay.pays(watched.number)
    await watched.follow()
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_create_that_never_gets_through_is_cancelled_at_its_end(house: House) -> None:
    await house.alipay.fails(CREATE, "system_error_before", times=100)
    watched = await house.page(house.shops["RSA2"])
    await watched.follow()
    assert watched.times("cancel") == [DEADLINE]
    await ends(house, watched, Status.CANCELLED)


async def test_questions_without_proof_go_on_until_one_has_it(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.pays(watched.number)
    for fault in ("bad_signature", "silence_before", "system_error_before", "unknown"):
        await house.alipay.fails(QUERY, fault)
    await watched.follow()
    assert watched.times("query") == LOOKS[:5]
    await ends(house, watched, Status.SUCCEEDED)


# --- not paid -------------------------------------------------------------------------------------------------------


async def test_a_refusal_on_the_phone_ends_it_at_the_next_question(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.refuses(watched.number)
    await watched.follow()
    assert watched.heard() == ["create: SUCCESS", "query: SUCCESS TRADE_CLOSED"]
    await ends(house, watched, Status.CANCELLED)


async def test_a_refusal_told_by_notification_ends_it_at_once(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.refuses(watched.number)
    assert await deliver(house, watched) == ["success"]
    await ends(house, watched, Status.CANCELLED)


async def test_nobody_pays_and_we_are_first_to_notice(house: House) -> None:
    watched = await house.page(house.shops["RSA2"])
    await watched.follow()
    asked = watched.times("query")
    assert asked[: len(LOOKS) + 1] == [*LOOKS, DEADLINE]
    assert watched.times("cancel") in ([DEADLINE], [])
    await ends(house, watched, Status.CANCELLED)


async def test_nobody_pays_and_alipay_is_first_to_close_it(house: House) -> None:
    watched = await house.page(house.shops["RSA2"])
    await watched.follow(until=DEADLINE - 1)
    await house.alipay.push(3)
    trade = await house.alipay.trade(watched.number)
    assert trade is not None
    assert (trade["status"], trade["close_reason"]) == ("TRADE_CLOSED", "timeout")
    await watched.follow()
    assert watched.heard()[-1] == "query: SUCCESS TRADE_CLOSED"
    assert watched.times("cancel") == []
    await ends(house, watched, Status.CANCELLED)


# --- the diner cancels ----------------------------------------------------------------------------------------------


async def test_a_diner_who_lets_go_is_never_charged_later(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await watched.follow(until=7)
    await house.rooms.payments.give_up(watched.id, by="gst_anna")
    await watched.listen()
    assert watched.times("cancel") == [7.0]
    await ends(house, watched, Status.CANCELLED)
    await house.alipay.control("POST", f"trades/{watched.number}/pay", status=409)


async def test_a_diner_who_lets_go_a_moment_after_paying_gets_it_back(house: House, shop: Shop) -> None:
    before = await house.alipay.balance("anna")
    watched = await house.page(shop)
    await house.alipay.pays(watched.number)
    payment = await house.rooms.payments.give_up(watched.id, by="gst_anna")
    assert (payment.status, payment.gave_back) == (Status.CANCELLED, True)
    assert await house.alipay.balance("anna") == before
    answers = await deliver(house, watched, 2)
    assert answers == ["success", "success"], "first that it was paid, then that it was undone: both are old news"
    await watched.follow()
    await ends(house, watched, Status.CANCELLED)


async def test_money_that_arrives_while_the_cancel_is_not_answered_goes_back(house: House, shop: Shop) -> None:
    before = await house.alipay.balance("anna")
    watched = await house.page(shop)
    await house.alipay.fails(CANCEL, "silence_before")
    payment = await house.rooms.payments.give_up(watched.id, by="gst_anna")
    assert payment.status is Status.CANCELLING
    await house.alipay.pays(watched.number)
    assert await deliver(house, watched) == ["success"]
    assert await watched.status() is Status.CANCELLING, "paid, and to be given back"
    await watched.follow()
    assert "cancel: SUCCESS refund" in watched.heard()
    payment = await watched.payment()
    assert payment.gave_back
    assert await house.alipay.balance("anna") == before
    await ends(house, watched, Status.CANCELLED)


async def test_a_cancel_that_worked_unheard_is_repeated_and_says_that_money_went_back(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    await house.alipay.pays(watched.number)
    await house.alipay.fails(CANCEL, "silence_after")
    await house.rooms.payments.give_up(watched.id, by="gst_anna")
    await watched.follow()
    assert (await watched.payment()).gave_back
    await ends(house, watched, Status.CANCELLED)


async def test_the_bill_can_be_paid_again_after_a_cancel_and_only_then(house: House, shop: Shop) -> None:
    watched = await house.page(shop)
    payment = await watched.payment()
    with pytest.raises(Conflict):
        await house.rooms.checkout.pay_again(payment)
    await house.rooms.payments.give_up(watched.id, by="gst_anna")
    again = await house.rooms.checkout.pay_again(await watched.payment())
    assert again.order_number != watched.number
    second = Watched(house, shop, again.id, again.order_number, again.opened_at or house.clock.now())
    await house.alipay.pays(second.number)
    await second.follow()
    await ends(house, second, Status.SUCCEEDED)
