"""One suite for every gateway: what the payment core may rely on, whoever is at the other end.

It runs against a real process over HTTP. A new provider adds its `Side` to `WAYS` and passes all of it, or is none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TypeVar

import pytest
import pytest_asyncio

from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.alipay.signing import SignType
from saoma.gateway import (
    AwaitingBuyer,
    BadNotice,
    Cancelled,
    CancelRefused,
    Charge,
    Closed,
    Declined,
    Gateway,
    Method,
    Notice,
    NoTrade,
    Paid,
    RefundDeclined,
    Refunded,
    Unclear,
)
from saoma.kit.clock import MovableClock
from saoma.kit.money import Money
from tests.gateway import make
from tests.gateway.alipay import Alipay, LetterBox
from tests.gateway.make import Side

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: How each provider is reached: today Alipay itself, by every sign type and charset.
WAYS = [(sign_type, charset) for sign_type in SignType for charset in ("UTF-8", "GBK")]
EVERY_FAULT = ["system_error_before", "system_error_after", "silence_before", "silence_after", "bad_signature"]

T = TypeVar("T")

_sides: dict[tuple[SignType, str], Side] = {}


@pytest_asyncio.fixture(loop_scope="session", params=WAYS, ids=[f"direct {way[0].value} {way[1]}" for way in WAYS])
async def side(
    request: pytest.FixtureRequest, alipay: Alipay, box: LetterBox, client: AlipayClient, our_clock: MovableClock
) -> Side:
    """One gateway, and the people at its other end."""
    way: tuple[SignType, str] = request.param
    if way not in _sides:
        account = await make.account(alipay, *way)
        _sides[way] = Side(Direct(account, client, our_clock), our_clock, alipay, box, account, client)
    now = await alipay.now()
    if now > our_clock.now():
        our_clock.advance(now - our_clock.now())
    _as_protocol: Gateway = _sides[way].gateway
    return _sides[way]


async def paid(side: Side, method: Method = Method.BARCODE) -> tuple[Charge, Paid]:
    """A charge that was paid, and the report that says so."""
    charge = await side.charge(method)
    report = await side.gateway.open(charge)
    if method is not Method.BARCODE:
        await side.alipay.pays(charge.order_number)
        return charge, await asked(side, charge, Paid)
    assert isinstance(report, Paid)
    return charge, report


async def asked(side: Side, charge: Charge, kind: type[T]) -> T:
    """The answer to a query, which must be of this kind."""
    report = await side.gateway.query(charge.order_number, charge.amount)
    assert isinstance(report, kind), report
    return report


# --- barcode --------------------------------------------------------------------------------------------------------


async def test_a_buyer_who_pays_at_once_is_reported_with_amount_trade_and_buyer(side: Side) -> None:
    charge, report = await paid(side)
    book = await side.book(charge)
    assert report.trade.amount == charge.amount
    assert report.trade.trade_number == book["trade_no"]
    assert report.trade.buyer_id == book["buyer_user_id"]
    assert "*" in report.trade.buyer_login
    assert report.trade.paid_at is not None
    assert abs(report.trade.paid_at - side.clock.now()) < timedelta(seconds=10)
    assert report.evidence.signed is True
    assert (book["status"], book["amount"], book["currency"]) == ("TRADE_SUCCESS", "36.50", "USD")


async def test_evidence_never_holds_the_payment_code(side: Side) -> None:
    charge, report = await paid(side)
    assert charge.payment_code not in report.evidence.raw
    assert charge.order_number in report.evidence.raw


async def test_the_same_charge_sent_again_is_debited_once(side: Side) -> None:
    before = await side.alipay.balance("anna")
    charge, first = await paid(side)
    once = await side.alipay.balance("anna")
    again = await side.gateway.open(charge)
    assert isinstance(again, Paid)
    assert again.trade.trade_number == first.trade.trade_number
    assert await side.alipay.balance("anna") == once < before


async def test_two_identical_charges_at_the_same_moment_make_one_trade(side: Side) -> None:
    charge = await side.charge()
    before = await side.alipay.balance("anna")
    one, two = await asyncio.gather(side.gateway.open(charge), side.gateway.open(charge))
    assert isinstance(one, Paid)
    assert isinstance(two, Paid)
    assert one.trade.trade_number == two.trade.trade_number
    assert before - await side.alipay.balance("anna") < 2 * 36.50 * 5


async def test_a_buyer_who_is_asked_for_the_pin_is_unclear_then_awaited_then_paid(side: Side) -> None:
    charge = await side.charge(buyer="pia")
    assert isinstance(await side.gateway.open(charge), Unclear)
    waiting = await asked(side, charge, AwaitingBuyer)
    await side.alipay.pays(charge.order_number)
    report = await asked(side, charge, Paid)
    assert report.trade.amount == charge.amount
    assert report.trade.trade_number == waiting.trade.trade_number


@pytest.mark.parametrize(
    ("buyer", "ending", "code"),
    [
        ("anna", "92", "SOUNDWAVE_PARSER_FAIL"),
        ("anna", "93", "BUYER_BALANCE_NOT_ENOUGH"),
        ("anna", "94", "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"),
        ("paul", "", "BUYER_BALANCE_NOT_ENOUGH"),
    ],
)
async def test_a_refusal_is_declined_proven_and_leaves_no_trade(side: Side, buyer: str, ending: str, code: str) -> None:
    charge = await side.charge(buyer=buyer, ending=ending)
    report = await side.gateway.open(charge)
    assert isinstance(report, Declined)
    assert (report.code, report.evidence.signed) == (code, True)
    await asked(side, charge, NoTrade)
    assert not await side.book(charge)


async def test_a_code_pays_one_order_only(side: Side) -> None:
    charge, _ = await paid(side)
    second = await side.charge(payment_code=charge.payment_code)
    assert isinstance(await side.gateway.open(second), Declined)
    assert not await side.book(second)


async def test_one_order_number_with_another_amount_is_never_paid_twice(side: Side) -> None:
    charge, _ = await paid(side)
    dearer = await side.charge(order_number=charge.order_number, amount=Money.parse("40.00", "USD"))
    report = await side.gateway.open(dearer)
    assert not isinstance(report, Paid | Declined), "a trade of this number is paid: nothing may say it is not"
    assert (await side.book(charge))["amount"] == "36.50"


async def test_amounts_are_read_in_currencies_without_decimals(side: Side) -> None:
    charge = await side.charge(amount=Money(3650, "JPY"))
    report = await side.gateway.open(charge)
    assert isinstance(report, Paid)
    assert report.trade.amount == Money(3650, "JPY")
    assert (await asked(side, charge, Paid)).trade.amount == Money(3650, "JPY")


async def test_chinese_words_arrive_as_they_were_written(side: Side) -> None:
    charge, _ = await paid(side)
    (call,) = await side.alipay.calls(charge.order_number)
    assert call["request"]["trans_name"] == "Beef noodles 牛肉面"
    assert "海港路店" in call["request"]["extend_info"]


# --- what proves nothing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", EVERY_FAULT)
async def test_a_charge_whose_answer_proves_nothing_is_unclear_and_a_query_tells_the_truth(
    side: Side, fault: str
) -> None:
    await side.fails("open", fault)
    charge = await side.charge()
    report = await side.gateway.open(charge)
    assert isinstance(report, Unclear)
    assert report.evidence.signed is not True
    if fault.endswith("before"):
        await asked(side, charge, NoTrade)
        assert isinstance(await side.gateway.open(charge), Paid), "repeating it unchanged is safe"
    await asked(side, charge, Paid)


@pytest.mark.parametrize("fault", [*EVERY_FAULT, "unknown"])
async def test_a_query_whose_answer_proves_nothing_is_unclear(side: Side, fault: str) -> None:
    charge, _ = await paid(side)
    await side.fails("query", fault)
    await asked(side, charge, Unclear)
    await asked(side, charge, Paid)


@pytest.mark.parametrize("fault", [*EVERY_FAULT, "unknown"])
async def test_a_cancel_whose_answer_proves_nothing_is_unclear_and_can_be_repeated(side: Side, fault: str) -> None:
    charge, report = await paid(side)
    await side.fails("cancel", fault)
    first = await side.gateway.cancel(charge.order_number, report.trade.trade_number, side.clock.now())
    assert isinstance(first, Unclear)
    second = await side.gateway.cancel(charge.order_number, report.trade.trade_number, side.clock.now())
    assert isinstance(second, Cancelled)
    assert second.gave_back
    assert (await side.book(charge))["refunded"] == "36.50"


@pytest.mark.parametrize("fault", [*EVERY_FAULT, "unknown"])
async def test_a_refund_whose_answer_proves_nothing_is_unclear_and_repeated_it_gives_back_once(
    side: Side, fault: str
) -> None:
    charge, report = await paid(side)
    await side.fails("refund", fault)
    number = f"R{charge.order_number}"
    one = (charge.order_number, report.trade.trade_number, number, Money.parse("6.50", "USD"), "cold soup")
    assert isinstance(await side.gateway.refund(*one), Unclear)
    assert isinstance(await side.gateway.refund(*one), Refunded)
    assert isinstance(await side.gateway.refund(*one), Refunded)
    assert (await side.book(charge))["refunded"] == "6.50"


async def test_where_nothing_can_be_reached_every_call_says_that_nothing_was_sent(side: Side) -> None:
    gateway, charge = side.cut_off(), await side.charge()
    now = side.clock.now()
    for report in (
        await gateway.open(charge),
        await gateway.query(charge.order_number, charge.amount),
        await gateway.cancel(charge.order_number, "", now),
        await gateway.refund(charge.order_number, "", f"R{charge.order_number}", charge.amount, "cold soup"),
    ):
        assert isinstance(report, Unclear)
        assert report.code == "not_sent"
    assert await side.alipay.calls(charge.order_number) == []


async def test_words_that_the_wire_cannot_carry_are_a_report_and_never_an_exception(side: Side) -> None:
    charge = await side.charge(subject="Noodles 🍜")
    report = await side.gateway.open(charge)
    assert isinstance(report, Paid | Declined)
    assert bool(await side.book(charge)) == isinstance(report, Paid)


# --- cancel ---------------------------------------------------------------------------------------------------------


async def test_cancelling_what_was_paid_gives_it_back(side: Side) -> None:
    before = await side.alipay.balance("anna")
    charge, report = await paid(side)
    undone = await side.gateway.cancel(charge.order_number, report.trade.trade_number, side.clock.now())
    assert isinstance(undone, Cancelled)
    assert undone.gave_back
    assert await side.alipay.balance("anna") == before
    await asked(side, charge, Closed)


async def test_cancelling_what_waits_for_its_buyer_takes_nothing(side: Side) -> None:
    charge = await side.charge(buyer="pia")
    await side.gateway.open(charge)
    undone = await side.gateway.cancel(charge.order_number, "", side.clock.now())
    assert isinstance(undone, Cancelled)
    assert not undone.gave_back
    await asked(side, charge, Closed)


async def test_cancelling_what_never_arrived_spends_its_number(side: Side) -> None:
    charge = await side.charge()
    undone = await side.gateway.cancel(charge.order_number, "", side.clock.now())
    assert isinstance(undone, Cancelled)
    assert not undone.gave_back
    assert not isinstance(await side.gateway.open(charge), Paid), "a charge that comes late must not be debited"
    assert (await side.book(charge)).get("status", "TRADE_CLOSED") == "TRADE_CLOSED"


async def test_a_cancel_may_be_repeated_and_says_the_same(side: Side) -> None:
    charge, report = await paid(side)
    said = [
        await side.gateway.cancel(charge.order_number, report.trade.trade_number, side.clock.now()) for _ in range(3)
    ]
    assert all(isinstance(one, Cancelled) and one.gave_back for one in said)
    assert (await side.book(charge))["refunded"] == "36.50"


async def test_what_was_partly_refunded_cannot_be_cancelled_any_more(side: Side) -> None:
    charge, report = await paid(side)
    trade = report.trade.trade_number
    part = Money.parse("1.00", "USD")
    assert isinstance(
        await side.gateway.refund(charge.order_number, trade, f"R{charge.order_number}", part, ""), Refunded
    )
    assert isinstance(await side.gateway.cancel(charge.order_number, trade, side.clock.now()), CancelRefused)
    assert (await side.book(charge))["refunded"] == "1.00"


# --- refund ---------------------------------------------------------------------------------------------------------


async def test_parts_are_given_back_up_to_the_whole_and_not_a_cent_more(side: Side) -> None:
    charge, report = await paid(side)
    trade = report.trade.trade_number
    for number, (amount, kind) in enumerate([("10.00", Refunded), ("26.50", Refunded), ("0.01", RefundDeclined)]):
        said = await side.gateway.refund(
            charge.order_number, trade, f"R{number}{charge.order_number}", Money.parse(amount, "USD"), "退款 refund"
        )
        assert isinstance(said, kind), (amount, said)
    assert (await side.book(charge))["refunded"] == "36.50"


async def test_a_refund_of_nothing_paid_is_never_reported_as_done(side: Side) -> None:
    charge = await side.charge()
    said = await side.gateway.refund(charge.order_number, "", f"R{charge.order_number}", charge.amount, "")
    assert isinstance(said, RefundDeclined)


async def test_another_amount_under_a_known_refund_number_is_not_believed_either_way(side: Side) -> None:
    charge, report = await paid(side)
    trade, number = report.trade.trade_number, f"R{charge.order_number}"
    first, other = Money.parse("5.00", "USD"), Money.parse("6.00", "USD")
    assert isinstance(await side.gateway.refund(charge.order_number, trade, number, first, ""), Refunded)
    assert isinstance(await side.gateway.refund(charge.order_number, trade, number, other, ""), Unclear)
    assert (await side.book(charge))["refunded"] == "5.00"


# --- paid on the phone ----------------------------------------------------------------------------------------------


async def test_a_wallet_page_gets_a_trade_number_that_its_buyer_pays(side: Side) -> None:
    charge = await side.charge(Method.WALLET_PAGE)
    opened = await side.gateway.open(charge)
    assert isinstance(opened, AwaitingBuyer)
    assert opened.trade.trade_number == (await side.book(charge))["trade_no"]
    again = await side.gateway.open(charge)
    assert isinstance(again, AwaitingBuyer)
    assert again.trade.trade_number == opened.trade.trade_number, "asked for twice, still one trade"
    await asked(side, charge, AwaitingBuyer)
    await side.alipay.pays(charge.order_number)
    report = await asked(side, charge, Paid)
    assert (report.trade.trade_number, report.trade.amount) == (opened.trade.trade_number, charge.amount)


async def test_a_buyer_who_refuses_on_the_phone_closes_the_trade(side: Side) -> None:
    charge = await side.charge(Method.WALLET_PAGE)
    await side.gateway.open(charge)
    await side.alipay.refuses(charge.order_number)
    report = await asked(side, charge, Closed)
    assert report.evidence.signed is True


@pytest.mark.parametrize("fault", [*EVERY_FAULT, "unknown"])
async def test_creating_a_trade_may_be_repeated_after_any_misfortune(side: Side, fault: str) -> None:
    await side.fails("page", fault)
    charge = await side.charge(Method.WALLET_PAGE)
    assert isinstance(await side.gateway.open(charge), Unclear)
    opened = await side.gateway.open(charge)
    assert isinstance(opened, AwaitingBuyer)
    assert opened.trade.trade_number == (await side.book(charge))["trade_no"]


async def test_a_buyer_nobody_knows_is_declined(side: Side) -> None:
    report = await side.gateway.open(await side.charge(Method.WALLET_PAGE, buyer_id="2088999999999999"))
    assert isinstance(report, Declined)


async def test_an_order_code_is_no_trade_until_somebody_scans_it(side: Side) -> None:
    charge = await side.charge(Method.ORDER_CODE)
    opened = await side.gateway.open(charge)
    assert isinstance(opened, AwaitingBuyer)
    assert opened.qr_code.startswith("https://qr.alipay.com/")
    await asked(side, charge, NoTrade)
    await side.alipay.control("POST", f"trades/{charge.order_number}/scan", {"buyer_id": "anna"})
    await asked(side, charge, AwaitingBuyer)
    await side.alipay.pays(charge.order_number)
    assert (await asked(side, charge, Paid)).trade.amount == charge.amount


# --- notices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [Method.BARCODE, Method.WALLET_PAGE])
async def test_what_is_posted_about_a_payment_is_proven_and_agrees_with_the_query(side: Side, method: Method) -> None:
    charge, report = await paid(side, method)
    (letter,) = await side.letters(charge)
    notice = side.gateway.read_notice(letter.fields, "USD")
    assert isinstance(notice, Notice)
    assert isinstance(notice.report, Paid)
    assert (notice.order_number, notice.report.trade.trade_number) == (charge.order_number, report.trade.trade_number)
    assert notice.report.trade.amount == charge.amount
    assert notice.report.evidence.signed is True


async def test_no_field_of_a_notice_can_be_changed_added_or_left_out(side: Side) -> None:
    charge, _ = await paid(side)
    (letter,) = await side.letters(charge)
    genuine = letter.fields
    for name in genuine:
        changed = {**genuine, name: genuine[name] + "1"}
        assert isinstance(side.gateway.read_notice(changed, "USD"), BadNotice), name
        missing = {other: value for other, value in genuine.items() if other != name}
        assert isinstance(side.gateway.read_notice(missing, "USD"), BadNotice), name
    assert isinstance(side.gateway.read_notice({**genuine, "trade_state": "TRADE_SUCCESS"}, "USD"), BadNotice)


async def test_a_notice_for_one_account_is_nothing_to_another(side: Side) -> None:
    charge, _ = await paid(side)
    (letter,) = await side.letters(charge)
    other = await make.account(side.alipay, side.account.sign_type, side.account.charset)
    judged = Direct(other, side.client, side.clock).read_notice(letter.fields, "USD")
    assert isinstance(judged, BadNotice)


async def test_what_is_undone_is_posted_as_paid_and_then_as_closed(side: Side) -> None:
    charge, report = await paid(side)
    closed = await side.gateway.cancel(charge.order_number, report.trade.trade_number, side.clock.now())
    assert isinstance(closed, Cancelled)
    letters = await side.letters(charge, 2)
    notices = [side.gateway.read_notice(letter.fields, "USD") for letter in letters]
    assert [type(notice.report) for notice in notices if isinstance(notice, Notice)] == [Paid, Closed]


# --- words ----------------------------------------------------------------------------------------------------------


async def test_every_report_has_sentences_for_cashier_and_customer_in_both_languages(side: Side) -> None:
    reports = []
    for buyer, ending in (("anna", ""), ("pia", ""), ("paul", ""), ("anna", "92"), ("anna", "94"), ("anna", "95")):
        reports.append(await side.gateway.open(await side.charge(buyer=buyer, ending=ending)))
    for report in reports:
        saying = side.gateway.say(report.evidence.code)
        for said in (saying.cashier, saying.customer):
            assert said["en"].strip().endswith((".", "!", "?"))
            assert any("\u4e00" <= letter <= "\u9fff" for letter in said["zh"])
        assert saying.hand_over == isinstance(report, Paid), "goods go over the counter for a payment and nothing else"
