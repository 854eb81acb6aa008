"""Two deployments and one sandbox: a shop's Saoma pays through an acquirer's, each with its own database and secret.

After every story three books tell the same: the shop's, the acquirer's, and Alipay's."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from saoma.alipay.acquirer import Acquirer
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from tests.gateway import make
from tests.gateway.alipay import PAY
from tests.gateway.house import Watched
from tests.gateway.two import Mortal, Two

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def scan(two: Two, buyer: str = "anna", ending: str = "") -> Watched:
    """A cashier of the shop scans a customer's code."""
    return await two.ours.scan(two.shop, await two.ours.alipay.code(buyer, ending))


async def test_a_barcode_is_paid_through_both_at_once(two: Two) -> None:
    watched = await scan(two)
    assert await watched.status() is Status.SUCCEEDED
    trade = await two.trade(watched)
    assert (trade["status"], trade["amount"]) == ("TRADE_SUCCESS", "36.50")
    await two.assert_three_books_agree()


async def test_a_refusal_travels_through_both_with_its_word(two: Two) -> None:
    watched = await scan(two, ending="93")
    payment = await watched.payment()
    assert (payment.status, payment.code) == (Status.FAILED, "BUYER_BALANCE_NOT_ENOUGH")
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    assert isinstance(gateway, Acquirer)
    assert "balance" in gateway.say(payment.code).cashier["en"] + gateway.say(payment.code).customer["en"]
    await two.assert_three_books_agree()


async def test_what_is_unknown_at_first_is_paid_when_the_buyer_types_the_pin(two: Two) -> None:
    watched = await scan(two, "pia")
    assert await watched.status() is Status.PENDING
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    assert (await two.follow(watched)).status is Status.SUCCEEDED
    await two.assert_three_books_agree()


async def test_what_nobody_pays_is_cancelled_in_all_three_books(two: Two) -> None:
    watched = await scan(two, "pia")
    payment = await two.follow(watched)
    assert payment.status is Status.CANCELLED
    assert (await two.trade(watched))["status"] == "TRADE_CLOSED"
    await two.assert_three_books_agree()


async def test_a_cashier_who_gives_up_undoes_it_in_all_three_books(two: Two) -> None:
    watched = await scan(two, "pia")
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    payment = await two.follow(watched)
    assert payment.status is Status.CANCELLED
    await two.assert_three_books_agree()


async def test_a_payment_that_alipay_keeps_silent_about_is_found_paid(two: Two) -> None:
    await two.ours.alipay.fails(PAY, "silence_after")
    watched = await scan(two)
    payment = await two.follow(watched)
    assert payment.status is Status.SUCCEEDED
    await two.assert_three_books_agree()


async def test_a_cancel_of_what_was_paid_meanwhile_gives_the_money_back_once(two: Two) -> None:
    charge_gateway = two.ours.rooms.gateways[two.shop.account_id]
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    for _ in range(2):
        await two.theirs.rooms.payments.drive(behind.id)
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    payment = await two.follow(watched)
    again = await charge_gateway.cancel(watched.number, "", two.ours.clock.now())
    assert payment.status is Status.CANCELLED, again
    trade = await two.trade(watched)
    assert trade["refunded"] == trade["amount"]
    await two.assert_three_books_agree()


async def test_a_cancel_of_what_never_arrived_spends_the_number(two: Two) -> None:
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    side = make.Side(gateway, two.ours.clock, two.ours.alipay, two.ours.box, two.there.account, two.theirs.rooms.client)
    charge = await side.charge()
    undone = await gateway.cancel(charge.order_number, "", two.ours.clock.now())
    assert type(undone).__name__ == "Cancelled"
    late = await gateway.open(charge)
    assert type(late).__name__ == "Unclear"
    assert type(await gateway.query(charge.order_number, charge.amount)).__name__ == "NoTrade"


@pytest.mark.parametrize("parts", [["36.50"], ["10.00"], ["10.00", "26.50"]])
async def test_refunds_in_whole_and_in_parts_arrive_at_the_buyer(two: Two, parts: list[str]) -> None:
    watched = await scan(two)
    for number, part in enumerate(parts):
        refund = await two.ours.rooms.payments.refund(
            watched.id, Money.parse(part, "USD"), "cold\nsoup", "staff", f"refund-{number}"
        )
        assert refund.status is RefundStatus.SUCCEEDED
    given = sum(Money.parse(part, "USD").minor for part in parts)
    assert (await watched.payment()).refunded == given
    assert Money.parse((await two.trade(watched))["refunded"], "USD").minor == given
    await two.assert_three_books_agree()


async def test_the_acquirers_webhook_tells_the_shop_before_it_asks(two: Two) -> None:
    while await two.post_webhooks():
        pass
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.ours.move_to(behind.due_at or two.ours.clock.now())
    await two.theirs.work()
    assert await watched.status() is Status.PENDING
    assert await two.post_webhooks() >= 1
    payment = await watched.payment()
    assert payment.status is Status.SUCCEEDED
    async with two.ours.rooms.db.reading() as rows:
        doors = await rows.value(
            "SELECT string_agg(door, ' ') FROM payment_events WHERE payment_id = %(id)s AND status_after = 'succeeded'",
            {"id": watched.id},
        )
    assert "notice" in doors
    await two.assert_three_books_agree()


async def test_a_webhook_with_a_wrong_signature_or_changed_body_moves_nothing(two: Two) -> None:
    watched = await scan(two, "pia")
    forged = {
        "id": "evt_1",
        "type": "payment.succeeded",
        "created_at": two.ours.clock.now().isoformat(),
        "data": {"reference": watched.number, "status": "succeeded"},
    }
    seconds = int(two.ours.clock.now().timestamp())
    for header in ("", f"t={seconds},v1={'0' * 64}", f"t={seconds},v1=é", "v1"):
        async with httpx.AsyncClient(base_url=two.ours.url, verify=False) as anybody:
            answer = await anybody.post(
                f"/acquirer/notify/{two.shop.account_id}",
                json=forged,
                headers=[(b"Saoma-Signature", header.encode())],
            )
        assert (answer.status_code, answer.text) == (400, "fail")
    assert await watched.status() is Status.PENDING
    await two.follow(watched)


async def test_a_revoked_key_is_no_news_about_the_money(two: Two) -> None:
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    assert isinstance(gateway, Acquirer)
    stranger = AcquirerAccount(url=gateway.account.url, api_key="sk_unknown", store=gateway.account.store)
    side = make.Side(gateway, two.ours.clock, two.ours.alipay, two.ours.box, two.there.account, two.theirs.rooms.client)
    charge, now = await side.charge(), two.ours.clock.now()
    locked_out = Acquirer(stranger, two.ours.rooms.acquirers, two.ours.clock)
    for report in (
        await locked_out.open(charge),
        await locked_out.query(charge.order_number, charge.amount),
        await locked_out.cancel(charge.order_number, "", now),
        await locked_out.refund(charge.order_number, "", "R1", charge.amount, ""),
    ):
        assert type(report).__name__ == "Unclear"


@pytest.mark.parametrize("fault", ["silence_before", "silence_after"])
async def test_an_acquirer_killed_in_the_middle_charges_once_or_not_at_all(two: Two, fault: str) -> None:
    mortal = Mortal(two)
    await asyncio.to_thread(mortal.start)
    try:
        shop = await two.open_shop(f"Mortal {fault}", mortal.url)
        code = await two.ours.alipay.code()
        await two.ours.alipay.fails(PAY, fault, seconds=3)
        paying = asyncio.create_task(two.ours.scan(shop, code))
        async with asyncio.timeout(20):
            while True:
                async with two.theirs.rooms.db.reading() as rows:
                    sent = await rows.value(
                        """SELECT count(*) FROM payments WHERE sends > 0 AND status = 'pending' AND payable_id IN
                           (SELECT 'ref:' || reference FROM api_references) AND code = ''"""
                    )
                if sent:
                    break
                await asyncio.sleep(0.02)
        await asyncio.to_thread(mortal.kill)
        watched = await paying
        assert await watched.status() is Status.PENDING
        await two.ours.alipay.behave()
        await asyncio.to_thread(mortal.start)
        payment = await two.follow(watched)
        assert payment.status in (Status.SUCCEEDED, Status.CANCELLED)
        await two.assert_three_books_agree(shop)
    finally:
        mortal.kill()
