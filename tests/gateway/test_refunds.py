"""Giving back: whole, in parts, through silence and bad signatures, at the same moment; never twice, never too much."""

from __future__ import annotations

import asyncio

import pytest

from saoma.alipay.signing import SignType
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Refund
from tests.gateway import make
from tests.gateway.alipay import CANCEL, REFUND, REFUND_QUERY
from tests.gateway.house import House, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNCLEAR = ["system_error_before", "system_error_after", "silence_before", "silence_after", "bad_signature", "unknown"]


@pytest.fixture(params=["MD5", "RSA", "RSA2"])
def shop(request: pytest.FixtureRequest, house: House) -> Shop:
    """A shop by each sign type."""
    return house.shops[str(request.param)]


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


async def paid(house: House, shop: Shop, how: str = "barcode") -> Watched:
    """36.50 USD that were paid."""
    if how == "barcode":
        watched = await house.scan(shop, await house.alipay.code())
    else:
        watched = await house.page(shop)
        await house.alipay.pays(watched.number)
        await watched.follow()
    assert await watched.status() is Status.SUCCEEDED
    return watched


async def give_back(house: House, watched: Watched, amount: str, key: str = "") -> Refund:
    """Ask for a refund as a manager does."""
    return await house.rooms.payments.refund(
        watched.id, usd(amount), "cold soup 汤冷了", "stf_boss", key or f"k{amount}"
    )


async def settle(house: House, watched: Watched) -> list[Refund]:
    """Let a worker finish every refund of the payment, however long it takes on the clock."""
    for _ in range(60):
        refunds = await house.rooms.payments.refunds_of(watched.id)
        due = [refund.due_at for refund in refunds if refund.due_at is not None]
        if not due:
            return refunds
        await house.move_to(min(due))
        await house.work()
    raise AssertionError("a refund never came to rest")


async def in_the_book(house: House, watched: Watched) -> str:
    """What the sandbox says was given back."""
    return str((await house.alipay.trades(watched.shop.account.partner))[watched.number]["refunded"])


@pytest.mark.parametrize("how", ["barcode", "wallet page"])
async def test_all_of_it_goes_back_at_once(house: House, shop: Shop, how: str) -> None:
    before = await house.alipay.balance("anna")
    watched = await paid(house, shop, how)
    refund = await give_back(house, watched, "36.50")
    assert refund.status is RefundStatus.SUCCEEDED
    assert await house.alipay.balance("anna") == before
    assert (await watched.payment()).money_refundable == usd("0")
    await house.assert_books_agree(shop)


async def test_parts_go_back_until_nothing_is_left(house: House, shop: Shop) -> None:
    watched = await paid(house, shop)
    for amount in ("10.00", "0.01", "26.49"):
        assert (await give_back(house, watched, amount)).status is RefundStatus.SUCCEEDED
    with pytest.raises(Invalid):
        await give_back(house, watched, "0.02")
    assert await in_the_book(house, watched) == "36.50"
    await house.assert_books_agree(shop)


@pytest.mark.parametrize("fault", UNCLEAR)
async def test_a_refund_without_a_clear_answer_is_repeated_with_its_number_and_gives_once(
    house: House, fault: str
) -> None:
    shop = house.shops["RSA2"]
    watched = await paid(house, shop)
    await house.alipay.fails(REFUND, fault, times=3)
    refund = await give_back(house, watched, "12.00")
    assert refund.status is RefundStatus.PENDING
    assert (await watched.payment()).refunded == 0, "nothing is booked before it is proven"
    (refund,) = await settle(house, watched)
    assert refund.status is RefundStatus.SUCCEEDED
    sent = [call["request"] for call in await house.alipay.calls(watched.number) if call["service"] == REFUND]
    assert len(sent) == 4
    assert sent == [sent[0]] * 4, "the same request, to the letter"
    assert sent[0]["partner_refund_id"] == refund.refund_number
    assert await in_the_book(house, watched) == "12.00"
    await house.assert_books_agree(shop)


@pytest.mark.parametrize("fault", ["silence_after", "system_error_after"])
async def test_the_last_part_after_a_silence_is_told_from_too_much(house: House, fault: str) -> None:
    shop = house.shops["MD5"]
    watched = await paid(house, shop)
    await give_back(house, watched, "6.50")
    await house.alipay.fails(REFUND, fault)
    assert (await give_back(house, watched, "30.00")).status is RefundStatus.PENDING
    with pytest.raises(Invalid):
        await give_back(house, watched, "30.00", key="another try")
    first, second = await settle(house, watched)
    assert (first.status, second.status) == (RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED)
    assert await in_the_book(house, watched) == "36.50"
    await house.assert_books_agree(shop)


async def test_pressing_twice_or_from_two_tills_gives_back_once(house: House, shop: Shop) -> None:
    watched = await paid(house, shop)
    refunds = await asyncio.gather(*(give_back(house, watched, "5.00", key="one press") for _ in range(4)))
    assert len({refund.refund_number for refund in refunds}) == 1
    await settle(house, watched)
    assert await in_the_book(house, watched) == "5.00"
    with pytest.raises(Conflict):
        await give_back(house, watched, "6.00", key="one press")
    await house.assert_books_agree(shop)


async def test_two_managers_at_the_same_moment_never_give_back_more_than_was_paid(house: House, shop: Shop) -> None:
    watched = await paid(house, shop)
    outcomes = await asyncio.gather(
        *(give_back(house, watched, "20.00", key=f"manager {number}") for number in range(3)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid", "Invalid", "Refund"]
    assert await in_the_book(house, watched) == "20.00"
    await house.assert_books_agree(shop)


async def test_nothing_goes_back_of_what_never_came(house: House) -> None:
    shop = house.shops["RSA2"]
    refused = await house.scan(shop, await house.alipay.code(ending="93"))
    with pytest.raises(Conflict):
        await give_back(house, refused, "1.00")
    waiting = await house.scan(shop, await house.alipay.code("pia"))
    with pytest.raises(Conflict):
        await give_back(house, waiting, "1.00")
    await waiting.follow()
    with pytest.raises(Conflict):
        await give_back(house, waiting, "1.00")
    assert [call for call in await house.alipay.calls(waiting.number) if call["service"] == REFUND] == []


async def test_a_refund_that_alipay_declines_frees_its_sum_again(house: House) -> None:
    shop = await house.open_shop("Declined", await make.account(house.alipay, SignType.RSA2))
    watched = await paid(house, shop)
    payment = await watched.payment()
    behind_our_back = house.rooms.gateways[shop.account_id]
    await behind_our_back.refund(watched.number, payment.trade_number, "RX", usd("30.00"), "by another system")
    refund = await give_back(house, watched, "36.50")
    assert (refund.status, refund.code) == (RefundStatus.FAILED, "RETURN_AMOUNT_EXCEED")
    payment = await watched.payment()
    assert (payment.status, payment.refunded, payment.refund_reserved) == (Status.SUCCEEDED, 0, 0)
    assert (await give_back(house, watched, "6.50")).status is RefundStatus.SUCCEEDED
    assert await in_the_book(house, watched) == "36.50"


async def test_a_refund_of_what_alipay_has_closed_meanwhile_is_asked_about_before_it_is_given_up(
    house: House,
) -> None:
    shop = await house.open_shop("Closed", await make.account(house.alipay, SignType.MD5))
    watched = await paid(house, shop)
    payment = await watched.payment()
    behind_our_back = house.rooms.gateways[shop.account_id]
    await behind_our_back.cancel(watched.number, payment.trade_number, house.clock.now())
    refund = await give_back(house, watched, "36.50")
    assert (refund.status, refund.code) == (RefundStatus.FAILED, "TRADE_HAS_CLOSE")
    assert [call["service"] for call in await house.alipay.calls(watched.number)][-2:] == [REFUND, REFUND_QUERY]
    assert (await watched.payment()).refund_reserved == 0


async def test_a_paid_payment_is_never_cancelled_only_refunded(house: House, shop: Shop) -> None:
    watched = await paid(house, shop)
    payment = await house.rooms.payments.give_up(watched.id, by="stf_kai")
    assert payment.status is Status.SUCCEEDED
    assert [call for call in await house.alipay.calls(watched.number) if call["service"] == CANCEL] == []
    await house.assert_books_agree(shop)


async def test_the_notification_of_our_own_refund_changes_nothing_more(house: House, shop: Shop) -> None:
    watched = await paid(house, shop)
    await give_back(house, watched, "36.50")
    for letter in await house.box.of(watched.number):
        assert await house.post(shop.account_id, letter.body, letter.kind) == "success"
    await house.alipay.control("POST", f"notifications/{watched.number}/resend")
    for letter in await house.box.of(watched.number, 2):
        assert await house.post(shop.account_id, letter.body, letter.kind) == "success"
    assert await watched.status() is Status.SUCCEEDED
    await house.assert_books_agree(shop)
