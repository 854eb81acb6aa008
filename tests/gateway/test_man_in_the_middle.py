"""Without TLS between us and Alipay, somebody may write the answers; without a key, nothing of it is ever booked.

Whatever is played, the payment waits, asks again, and ends as Alipay's own book says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from saoma.alipay.signing import SignType, md5_signatory, new_rsa_key, rsa_signatory
from saoma.alipay.wire import read_answer, write_answer, write_rejection
from saoma.gateway import Paid
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from tests.gateway import make
from tests.gateway.alipay import CANCEL, CREATE, PAY, QUERY, REFUND
from tests.gateway.house import House, Shop, Watched
from tests.gateway.meddler import Meddler, Trick

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anybodys_meddler(one_house: House) -> AsyncIterator[Meddler]:
    """Between the house and Alipay, for the accounts that go this way."""
    meddler = Meddler(f"{one_house.alipay.url}/gateway.do")
    await meddler.open()
    for sign_type in ("MD5", "RSA2"):
        account = await make.account(one_house.alipay, SignType(sign_type), gateway_url=meddler.url)
        await one_house.open_shop(f"Tapped{sign_type}", account)
    yield meddler
    await meddler.close()


@pytest.fixture
def meddler(anybodys_meddler: Meddler, house: House) -> Meddler:
    """Honest until told otherwise."""
    anybodys_meddler.stops()
    return anybodys_meddler


@pytest.fixture(params=["MD5", "RSA2"])
def shop(request: pytest.FixtureRequest, meddler: Meddler, house: House) -> Shop:
    """A shop whose wire is tapped."""
    return house.shops[f"Tapped{request.param}"]


def bodies(text: bytes) -> Trick:
    """Always the same answer."""
    return lambda fields, honest: text


def unsigned(fields: dict[str, str], honest: bytes) -> bytes:
    """What Alipay said, with the signature cut out."""
    return re.sub(rb"<sign>.*?</sign>|<sign_type>.*?</sign_type>", b"", honest)


def relabelled(fields: dict[str, str], honest: bytes) -> bytes:
    """What Alipay said, signature and all, under the name of a sign type that this account does not use."""
    return re.sub(rb"<sign_type>.*?</sign_type>", b"<sign_type>RSA</sign_type>", honest)


def stranger_of(shop: Shop) -> Trick:
    """What Alipay said, signed anew with a stranger's key of the right kind."""
    private, _ = new_rsa_key(1024)
    signatory = (
        md5_signatory("a key of nobody here")
        if shop.account.sign_type is SignType.MD5
        else rsa_signatory(shop.account.sign_type, private, None)
    )
    return lambda fields, honest: write_answer("alipay", read_answer(honest).fields, fields, signatory, "UTF-8")


def invented(shop: Shop) -> Trick:
    """A success that Alipay never gave, signed with a stranger's key."""
    private, _ = new_rsa_key(1024)
    signatory = (
        md5_signatory("a key of nobody here")
        if shop.account.sign_type is SignType.MD5
        else rsa_signatory(shop.account.sign_type, private, None)
    )

    def answer(fields: dict[str, str], honest: bytes) -> bytes:
        number = fields.get("partner_trans_id") or fields["out_trade_no"]
        said = {
            "result_code": "SUCCESS",
            "partner_trans_id": number,
            "out_trade_no": number,
            "alipay_trans_id": "2026030221001000000000000001",
            "alipay_trans_status": "TRADE_SUCCESS",
            "trans_amount": "36.50",
            "currency": "USD",
            "retry_flag": "N",
            "action": "close",
            "partner_refund_id": fields.get("partner_refund_id", ""),
            "refund_amount": fields.get("refund_amount", ""),
        }
        said = {name: value for name, value in said.items() if value}
        if fields["service"] == PAY:
            del said["alipay_trans_status"], said["partner_refund_id" if "partner_refund_id" in said else "action"]
        return write_answer("alipay", said, fields, signatory, "UTF-8")

    return answer


LIES: dict[str, Trick] = {
    "an unsigned refusal by the gateway": bodies(write_rejection("ILLEGAL_SIGN", "UTF-8")),
    "an unsigned refusal that names the trade": bodies(write_rejection("TRADE_NOT_EXIST", "UTF-8")),
    "an unsigned business refusal": bodies(
        b"<alipay><is_success>T</is_success><response><alipay><result_code>FAILED</result_code>"
        b"<error>BUYER_BALANCE_NOT_ENOUGH</error></alipay></response></alipay>"
    ),
    "a page of a hotel's network": bodies(b"<!doctype html><html><body>Please accept our terms</body></html>"),
    "nothing at all": bodies(b""),
    "an entity bomb": bodies(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "boo">]><alipay>&b;</alipay>'),
    "the true answer without its signature": unsigned,
    "the true answer under another sign type": relabelled,
}


async def ends(house: House, watched: Watched, status: Status) -> None:
    payment = await watched.payment()
    assert (payment.status, payment.due_at) == (status, None), payment.code
    await house.assert_books_agree(watched.shop)


# --- the answer to a payment ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
async def test_no_lie_hides_a_payment_that_went_through(house: House, shop: Shop, meddler: Meddler, lie: str) -> None:
    meddler.plays(PAY, LIES[lie])
    watched = await house.scan(shop, await house.alipay.code())
    payment = await watched.payment()
    assert (payment.status, payment.booked) == (Status.PENDING, False)
    assert (await watched.panel())[0] == "waiting"
    await watched.follow()
    assert watched.heard() == ["pay: SUCCESS", "query: SUCCESS TRADE_SUCCESS"]
    await ends(house, watched, Status.SUCCEEDED)


async def test_lies_to_the_end_leave_nobody_out_of_pocket(house: House, shop: Shop, meddler: Meddler) -> None:
    before = await house.alipay.balance("anna")
    meddler.plays(PAY, LIES["an unsigned business refusal"])
    meddler.plays(QUERY, LIES["an unsigned refusal that names the trade"], times=50)
    watched = await house.scan(shop, await house.alipay.code())
    await watched.follow()
    assert (await watched.payment()).gave_back
    assert await house.alipay.balance("anna") == before
    await ends(house, watched, Status.CANCELLED)


@pytest.mark.parametrize("trick", [invented, stranger_of], ids=["invented", "signed anew"])
async def test_a_success_with_another_key_is_not_booked(
    house: House, shop: Shop, meddler: Meddler, trick: object
) -> None:
    made = trick(shop)  # type: ignore[operator]
    meddler.plays(PAY, made, hands_on=trick is stranger_of)
    meddler.plays(QUERY, made if trick is invented else unsigned, times=2)
    watched = await house.scan(shop, await house.alipay.code("pia") if trick is invented else await house.alipay.code())
    assert not (await watched.payment()).booked
    await watched.follow(until=9)
    payment = await watched.payment()
    assert (payment.status, payment.booked) == (Status.PENDING, False)
    await watched.follow()
    await ends(house, watched, Status.CANCELLED if trick is invented else Status.SUCCEEDED)


async def test_a_true_answer_about_another_order_books_nothing(house: House, shop: Shop, meddler: Meddler) -> None:
    first = await house.scan(shop, await house.alipay.code())
    (paid,) = meddler.honest[PAY]
    meddler.plays(PAY, bodies(paid), hands_on=False)
    watched = await house.scan(shop, await house.alipay.code())
    payment = await watched.payment()
    assert (payment.status, payment.code, payment.booked) == (Status.PENDING, "other_order", False)
    second_number = (await house.alipay.trades(shop.account.partner)).get(watched.number)
    assert second_number is None, "Alipay never heard of it"
    await house.rooms.payments.give_up(watched.id, by="stf_kai")
    await ends(house, first, Status.SUCCEEDED)


async def test_true_answers_about_another_order_end_nothing_of_this_one(
    house: House, shop: Shop, meddler: Meddler
) -> None:
    other = await house.page(shop)
    await house.alipay.pays(other.number)
    await other.follow()
    await house.rooms.payments.refund(other.id, Money.parse("6.50", "USD"), "cold", "stf_boss", "k")
    cancelled = await house.page(shop)
    await house.rooms.payments.give_up(cancelled.id, by="gst_anna")
    stolen = {service: meddler.honest[service][0] for service in (CREATE, QUERY, REFUND, CANCEL)}

    for service, hands_on in ((CREATE, True), (QUERY, True), (CANCEL, False), (REFUND, False)):
        meddler.plays(service, bodies(stolen[service]), hands_on=hands_on)
    watched = await house.page(shop)
    assert (await watched.payment()).trade_number == "", "a page that pays somebody else's trade"
    await watched.follow(until=6)
    assert ((await watched.payment()).booked, (await watched.payment()).code) == (False, "other_order")
    await house.alipay.pays(watched.number)
    await watched.follow()
    refund = await house.rooms.payments.refund(watched.id, Money.parse("6.50", "USD"), "cold", "stf_boss", "k")
    assert (refund.status, refund.code) == (RefundStatus.PENDING, "other_order")
    thinking = await house.page(shop)
    given_up = await house.rooms.payments.give_up(thinking.id, by="gst_anna")
    assert given_up.status is Status.CANCELLING
    await thinking.follow()
    await house.move_to(house.clock.now() + timedelta(minutes=5))
    await house.work()
    (refund,) = await house.rooms.payments.refunds_of(watched.id)
    assert refund.status is RefundStatus.SUCCEEDED
    await ends(house, watched, Status.SUCCEEDED)
    await ends(house, thinking, Status.CANCELLED)


async def test_a_true_answer_to_a_question_is_no_answer_to_a_payment(
    house: House, shop: Shop, meddler: Meddler
) -> None:
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await watched.follow(until=5)
    (waits,) = meddler.honest[QUERY]
    await house.alipay.pays(watched.number)
    meddler.plays(QUERY, bodies(waits), times=3, hands_on=False)
    await watched.follow(until=16)
    assert await watched.status() is Status.PENDING, "old news delay the truth"
    await watched.follow()
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_true_answer_to_another_partner_about_the_same_number_calls_a_person(
    house: House, meddler: Meddler
) -> None:
    """With RSA Alipay signs every partner's answers with one key, and no signed field names the partner. A partner on
    our wire could pay himself under our number; what gives him away is Alipay's own number of our trade."""
    shop, thief = house.shops["TappedRSA2"], house.shops["RSA2"]
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await watched.follow(until=6)
    trade_number = (await watched.payment()).trade_number
    assert trade_number
    payment = await watched.payment()
    charge = payment.charge(await house.alipay.code(), f"{house.box.url}/alipay/notify/{thief.account_id}")
    assert isinstance(await house.rooms.gateways[thief.account_id].open(charge), Paid)
    spy = Meddler(f"{house.alipay.url}/gateway.do")
    await spy.open()
    account = make.changed(thief.account, gateway_url=spy.url)
    await make.direct(account, house.rooms.client, house.clock).query(watched.number, payment.money)
    await spy.close()
    meddler.plays(QUERY, bodies(spy.honest[QUERY][0]))
    await watched.follow()
    payment = await watched.payment()
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "mismatched")
    assert (payment.booked, payment.trade_number) == (False, trade_number)
    assert (await watched.panel())[0] == "call_manager"


# --- the answers to other calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
async def test_no_lie_ends_the_waiting_for_a_buyer(house: House, shop: Shop, meddler: Meddler, lie: str) -> None:
    meddler.plays(QUERY, LIES[lie], times=3)
    watched = await house.scan(shop, await house.alipay.code("pia"))
    await watched.follow(until=14)
    assert await watched.status() is Status.PENDING
    await house.alipay.pays(watched.number)
    await watched.follow()
    assert watched.times("pay") == [0.0]
    await ends(house, watched, Status.SUCCEEDED)


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
async def test_no_lie_confirms_or_refuses_a_cancel(house: House, shop: Shop, meddler: Meddler, lie: str) -> None:
    watched = await house.page(shop)
    meddler.plays(CANCEL, LIES[lie], hands_on=lie.startswith("the true answer"))
    payment = await house.rooms.payments.give_up(watched.id, by="gst_anna")
    assert payment.status is Status.CANCELLING
    await watched.follow()
    await ends(house, watched, Status.CANCELLED)


async def test_an_invented_cancel_does_not_free_a_bill_that_is_being_paid(
    house: House, shop: Shop, meddler: Meddler
) -> None:
    watched = await house.page(shop)
    meddler.plays(CANCEL, invented(shop), hands_on=False)
    payment = await house.rooms.payments.give_up(watched.id, by="gst_anna")
    assert payment.status is Status.CANCELLING
    await house.alipay.pays(watched.number)
    await watched.follow()
    assert (await watched.payment()).gave_back
    await ends(house, watched, Status.CANCELLED)


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
async def test_no_lie_opens_a_page_for_somebody_elses_trade(
    house: House, shop: Shop, meddler: Meddler, lie: str
) -> None:
    meddler.plays(CREATE, LIES[lie])
    watched = await house.page(shop)
    assert (await watched.payment()).trade_number == ""
    await watched.follow(until=6)
    await house.alipay.pays(watched.number)
    await watched.follow()
    await ends(house, watched, Status.SUCCEEDED)


async def test_no_lie_makes_or_unmakes_a_refund(house: House, shop: Shop, meddler: Meddler) -> None:
    watched = await house.scan(shop, await house.alipay.code())
    tricks = [*LIES.values(), invented(shop)]
    for trick in tricks:
        meddler.plays(REFUND, trick, hands_on=False)
    refund = await house.rooms.payments.refund(watched.id, Money.parse("6.50", "USD"), "cold", "stf_boss", "k")
    for _ in tricks:
        assert refund.status is RefundStatus.PENDING
        assert (await watched.payment()).refunded == 0
        assert refund.due_at is not None
        await house.move_to(refund.due_at)
        await house.work()
        (refund,) = await house.rooms.payments.refunds_of(watched.id)
    assert refund.status is RefundStatus.SUCCEEDED
    await ends(house, watched, Status.SUCCEEDED)


async def test_a_proxy_that_answers_with_an_error_proves_nothing(house: House, shop: Shop, meddler: Meddler) -> None:
    meddler.status = 502
    meddler.plays(PAY, lambda fields, honest: honest)
    watched = await house.scan(shop, await house.alipay.code())
    assert await watched.status() is Status.PENDING, "even the true answer, in an error's clothes"
    await watched.follow()
    await ends(house, watched, Status.SUCCEEDED)
