"""What goes wrong on two hops: the shop's to its acquirer, the acquirer's to Alipay, and the webhooks back.

However it goes, the shop's book, the acquirer's and Alipay's tell the same in the end, and nobody is charged twice."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import random
from datetime import timedelta

import httpx
import msgspec
import pytest

from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Refund
from tests.gateway.alipay import CANCEL, PAY, QUERY, REFUND
from tests.gateway.house import Watched
from tests.gateway.road import TRICKS
from tests.gateway.two import Two

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAULTS = ("unknown", "silence_before", "silence_after", "system_error_before", "system_error_after", "bad_signature")


async def scan(two: Two, buyer: str = "anna") -> Watched:
    """A cashier of the shop scans a customer's code."""
    return await two.ours.scan(two.shop, await two.ours.alipay.code(buyer))


async def charged(two: Two, watched: Watched) -> int:
    """What Alipay has taken and not given back, in cents, under any number that stands behind one of ours."""
    behind = await two.theirs_of(watched)
    trade = await two.ours.alipay.trade(behind.order_number) if behind else None
    if trade is None or trade["status"] not in ("TRADE_SUCCESS", "TRADE_FINISHED"):
        return 0
    return Money.parse(trade["amount"], "USD").minor - Money.parse(trade["refunded"], "USD").minor


async def ends_alike(two: Two, watched: Watched) -> Status:
    """Ours is at rest, all books agree, and Alipay holds what ours says it holds."""
    payment = await two.follow(watched)
    kept = payment.amount - payment.refunded if payment.status is Status.SUCCEEDED else 0
    await two.assert_three_books_agree()
    assert await charged(two, watched) == kept
    return payment.status


# --- a sale ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_sale_that_meets_trouble_on_the_first_hop_is_charged_once(two: Two, trick: str) -> None:
    two.road.happens("POST payments", trick)
    two.road.happens("GET payments", trick)
    assert await ends_alike(two, await scan(two)) is Status.SUCCEEDED


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_sale_that_meets_trouble_on_the_second_hop_is_charged_once_or_undone(two: Two, fault: str) -> None:
    await two.ours.alipay.fails(PAY, fault)
    await two.ours.alipay.fails(QUERY, fault)
    assert await ends_alike(two, await scan(two)) in (Status.SUCCEEDED, Status.CANCELLED)


async def test_a_sale_that_never_reaches_the_acquirer_is_undone_and_charges_nobody(two: Two) -> None:
    for what in ("POST payments", "GET payments"):
        two.road.happens(what, *["lost"] * 40)
    watched = await scan(two)
    await two.follow(watched, until=lambda payment: payment.status is Status.CANCELLING)
    two.road.clear()
    assert await ends_alike(two, watched) is Status.CANCELLED
    assert await two.theirs_of(watched) is None


# --- a cancel -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_cancel_that_meets_trouble_on_the_first_hop_is_carried_out_once(two: Two, trick: str) -> None:
    watched = await scan(two, "pia")
    two.road.happens("POST cancel", trick, trick)
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    assert await ends_alike(two, watched) is Status.CANCELLED


@pytest.mark.parametrize("fault", ["silence_before", "silence_after", "system_error_after", "unknown"])
async def test_a_cancel_that_meets_trouble_on_the_second_hop_ends_in_all_three_books(two: Two, fault: str) -> None:
    watched = await scan(two, "pia")
    await two.ours.alipay.fails(CANCEL, fault)
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    assert await ends_alike(two, watched) is Status.CANCELLED


@pytest.mark.parametrize("trick", ["", "unheard", "doubled"])
async def test_a_cancel_that_crosses_the_buyers_payment_keeps_nothing_of_it(two: Two, trick: str) -> None:
    before = await two.ours.alipay.balance("pia")
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.theirs.rooms.payments.nudge(behind.id)
    if trick:
        for what in ("POST cancel", "POST refunds"):
            two.road.happens(what, trick)
    await two.ours.rooms.payments.give_up(watched.id, "staff")
    assert await ends_alike(two, watched) is Status.CANCELLED
    assert await two.ours.alipay.balance("pia") == before


# --- a refund -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [*TRICKS, "silence_after", "system_error_before", "unknown"])
async def test_a_partial_refund_in_trouble_is_given_once(two: Two, where: str) -> None:
    watched = await scan(two)
    assert await watched.status() is Status.SUCCEEDED
    if where in TRICKS:
        two.road.happens("POST refunds", where)
    else:
        await two.ours.alipay.fails(REFUND, where)
    part = Money.parse("10.00", "USD")
    await two.ours.rooms.payments.refund(watched.id, part, "cold", "staff", f"part-{where}")
    assert await refund_of(two, watched) is RefundStatus.SUCCEEDED
    assert (await watched.payment()).refunded == part.minor
    assert await ends_alike(two, watched) is Status.SUCCEEDED


async def refund_of(two: Two, watched: Watched) -> RefundStatus:
    """Where the one refund of a payment ends."""
    for _ in range(60):
        (refund,) = await two.ours.rooms.payments.refunds_of(watched.id)
        if refund.due_at is None:
            return refund.status
        theirs = await _their_refund(two, watched)
        due = [moment for moment in (refund.due_at, theirs.due_at if theirs else None) if moment]
        await two.ours.move_to(max(min(due), two.ours.clock.now()))
        await two.work()
    raise AssertionError("it never came to rest")


async def _their_refund(two: Two, watched: Watched) -> Refund | None:
    behind = await two.theirs_of(watched)
    found = await two.theirs.rooms.payments.refunds_of(behind.id) if behind else []
    return found[0] if found else None


async def test_a_refund_that_ends_later_at_the_acquirer_is_told_by_its_webhook(two: Two) -> None:
    await quiet(two)
    watched = await scan(two)
    await quiet(two)
    await two.ours.alipay.fails(REFUND, "silence_before")
    two.road.happens("POST refunds", "unheard")
    part = Money.parse("6.50", "USD")
    await two.ours.rooms.payments.refund(watched.id, part, "cold", "staff", "later")
    (ours,) = await two.ours.rooms.payments.refunds_of(watched.id)
    theirs = await _their_refund(two, watched)
    assert theirs is not None
    assert (ours.status, theirs.status) == (RefundStatus.PENDING, RefundStatus.PENDING)
    await two.ours.move_to(theirs.due_at or two.ours.clock.now())
    await two.theirs.work()
    asked = len(two.road.passed)
    assert await two.post_webhooks() >= 1
    (ours,) = await two.ours.rooms.payments.refunds_of(watched.id)
    assert ours.status is RefundStatus.SUCCEEDED
    assert len(two.road.passed) == asked, "nobody asked: the webhook told it"
    assert await ends_alike(two, watched) is Status.SUCCEEDED


async def test_a_webhook_about_another_sum_than_we_gave_back_moves_nothing(two: Two) -> None:
    await quiet(two)
    watched = await scan(two)
    two.road.happens("POST refunds", *["lost"] * 5)
    await two.ours.rooms.payments.refund(watched.id, Money.parse("6.50", "USD"), "cold", "staff", "sum")
    (ours,) = await two.ours.rooms.payments.refunds_of(watched.id)
    news = {
        "status": "succeeded", "amount": "1.00", "currency": "USD", "key": ours.refund_number,
        "payment_reference": watched.number, "store": two.there.store.id,
    }  # fmt: skip
    assert await post(two, event("refund.succeeded", news, two), signed=True) == 400
    (after,) = await two.ours.rooms.payments.refunds_of(watched.id)
    assert after.status is RefundStatus.PENDING
    two.road.clear()
    assert await refund_of(two, watched) is RefundStatus.SUCCEEDED
    await ends_alike(two, watched)


# --- webhooks -------------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)


def event(kind: str, data: object, two: Two) -> bytes:
    """An event as the acquirer would write it."""
    at = two.ours.clock.now().isoformat()
    return msgspec.json.encode({"id": f"evt_test{next(_numbers)}", "type": kind, "created_at": at, "data": data})


async def post(two: Two, body: bytes, *, signed: bool, age: float = 0) -> int:
    """Post an event to the shop's door; the HTTP status."""
    gateway = two.ours.rooms.gateways[two.shop.account_id]
    secret = gateway.account.webhook_secret if signed else "whsec_guessed"  # type: ignore[attr-defined]
    stamp = str(int((two.ours.clock.now() - timedelta(seconds=age)).timestamp()))
    mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    async with httpx.AsyncClient(base_url=two.ours.url, verify=False) as anybody:
        answer = await anybody.post(
            f"/acquirer/notify/{two.shop.account_id}", content=body, headers={"Saoma-Signature": f"t={stamp},v1={mark}"}
        )
    return answer.status_code


async def quiet(two: Two) -> None:
    """Nothing is left to deliver."""
    while await two.post_webhooks():
        pass


def paid(two: Two, watched: Watched, **changes: str) -> dict[str, object]:
    """What a payment's event says, as far as anybody could write it who knows the order number."""
    return {
        "id": "pay_forged", "status": "succeeded", "amount": "36.50", "currency": "USD", "method": "barcode",
        "trade_no": "2026112122001", "refunded": "0.00", "reference": watched.number, "store": two.there.store.id,
        "paid_at": None, "qr_code": "", "code": "", "gave_back": False, **changes,
    }  # fmt: skip


async def test_a_forged_webhook_changes_nothing(two: Two) -> None:
    watched = await scan(two, "pia")
    assert await post(two, event("payment.succeeded", paid(two, watched), two), signed=False) == 400
    assert await watched.status() is Status.PENDING
    assert await ends_alike(two, watched) is Status.CANCELLED


async def test_an_old_webhook_played_again_changes_nothing(two: Two) -> None:
    watched = await scan(two, "pia")
    assert await post(two, event("payment.succeeded", paid(two, watched), two), signed=True, age=600) == 400
    assert await watched.status() is Status.PENDING
    assert await ends_alike(two, watched) is Status.CANCELLED


async def test_a_webhook_about_another_amount_is_refused_and_kept_for_a_person(two: Two) -> None:
    watched = await scan(two, "pia")
    body = event("payment.succeeded", paid(two, watched, amount="0.01"), two)
    assert await post(two, body, signed=True) == 400
    assert await watched.status() is Status.PENDING
    async with two.ours.rooms.db.reading() as rows:
        why = await rows.value("SELECT why FROM notices_refused WHERE order_number = %(n)s", {"n": watched.number})
    assert why == "amount"
    assert await ends_alike(two, watched) is Status.CANCELLED


async def test_a_webhook_that_comes_twice_books_once(two: Two) -> None:
    await quiet(two)
    watched = await scan(two, "pia")
    behind = await two.theirs_of(watched)
    assert behind is not None
    await two.ours.alipay.pays(behind.order_number)
    await two.theirs.rooms.payments.nudge(behind.id)
    assert (await two.theirs.rooms.payments.get(behind.id)).status is Status.SUCCEEDED
    assert await two.post_webhooks() >= 1
    assert await watched.status() is Status.SUCCEEDED
    async with two.theirs.rooms.db.transaction() as tx:
        again = await tx.run(
            """UPDATE webhook_deliveries SET status = 'pending', due_at = %(now)s, tries = 0
               WHERE event_id IN (SELECT id FROM webhook_events WHERE subject_id = %(id)s)""",
            {"now": two.ours.clock.now(), "id": behind.id},
        )
    assert again == 1
    assert await two.post_webhooks() == 1
    assert await ends_alike(two, watched) is Status.SUCCEEDED


# --- everything at once ---------------------------------------------------------------------------------------------

_DICE = random.Random(20261121)
STORIES = [
    (
        _DICE.choice(["anna", "pia"]),
        _DICE.choice(["", *TRICKS]),
        _DICE.choice(["", *FAULTS]),
        _DICE.choice(["wait", "pay", "give_up", "pay_and_give_up"]),
        _DICE.choice(["", *TRICKS]),
        _DICE.choice(["", *FAULTS]),
    )
    for _ in range(14)
]


@pytest.mark.parametrize("story", STORIES, ids=["-".join(word or "well" for word in story) for story in STORIES])
async def test_any_mixture_of_troubles_leaves_three_equal_books(two: Two, story: tuple[str, ...]) -> None:
    buyer, trick, fault, deed, later_trick, later_fault = story
    alipay = two.ours.alipay
    if trick:
        two.road.happens("POST payments", trick)
    if fault:
        await alipay.fails(PAY, fault)
    watched = await scan(two, buyer)
    await alipay.behave()
    behind = await two.theirs_of(watched)
    trade = await alipay.trade(behind.order_number) if behind else None
    if "pay" in deed and behind and trade and trade["status"] == "WAIT_BUYER_PAY":
        await alipay.pays(behind.order_number)
    for what in ("GET payments", "POST cancel", "POST refunds", "POST withdraw"):
        if later_trick:
            two.road.happens(what, later_trick)
    for service in (QUERY, CANCEL, REFUND):
        if later_fault:
            await alipay.fails(service, later_fault)
    if "give_up" in deed:
        await two.ours.rooms.payments.give_up(watched.id, "staff")
    assert await ends_alike(two, watched) in (Status.SUCCEEDED, Status.CANCELLED)
    if "give_up" not in deed and await watched.status() is Status.SUCCEEDED:
        await two.ours.rooms.payments.refund(watched.id, Money.parse("1.00", "USD"), "", "staff", "story")
        assert await refund_of(two, watched) is RefundStatus.SUCCEEDED
        await ends_alike(two, watched)
