"""Payments of Alipay+ over real HTTP: ways to pay, inquire, undo and repeat, and misbehaviour."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from saoma.sandbox.book.store import Store
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.plus.codes import result
from saoma.sandbox.plus.model import Call, Failed
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import PAY, Client

PENDING = ("U", "PAYMENT_IN_PROCESS")


async def status(client: Client, number: str = "pay_test_0001") -> tuple[str, str]:
    said = await client.ask("inquiryPayment", {"paymentRequestId": number})
    assert said.outcome == ("S", "SUCCESS")
    return said.body["paymentStatus"], said.body["paymentResultCode"]


async def paid(client: Client, number: str = "pay_test_0001", **changes: Any) -> str:
    said = await client.ask("pay", plus.pay_body(number, **changes))
    assert said.outcome == ("S", "SUCCESS")
    return str(said.body["paymentId"])


def refund_body(payment_id: str, number: str = "refund_1", value: str = "500", **changes: Any) -> dict[str, Any]:
    body = {"refundRequestId": number, "paymentId": payment_id, "refundAmount": {"currency": "USD", "value": value}}
    return plus.changed(body, **changes)


# --- with the buyer's code -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [16, 18, 20, 24])
async def test_codes_of_16_to_24_digits_pay(client: Client, digits: int) -> None:
    await paid(client, code="2" + "8" * (digits - 1))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("28888", "INVALID_CODE"),
        ("118888888888888888", "INVALID_CODE"),
        ("281234567890123492", "INVALID_CODE"),
        ("281234567890123493", "USER_BALANCE_NOT_ENOUGH"),
        ("281234567890123494", "USER_AMOUNT_EXCEED_LIMIT"),
    ],
)
async def test_a_payment_that_failed_says_so_again_and_can_be_inquired(client: Client, code: str, says: str) -> None:
    for _ in range(2):
        assert (await client.ask("pay", plus.pay_body(code=code))).outcome == ("F", says)
    assert await status(client) == ("FAIL", says)
    assert (await client.ask("cancel", {"paymentRequestId": "pay_test_0001"})).code == "SUCCESS"
    assert client.wire.book.all_trades() == []


async def test_a_code_that_a_wallet_showed_too_long_ago_is_expired_and_a_used_one_invalid(client: Client) -> None:
    code = client.wire.book.new_payment_code("anna").code
    await paid(client, "first", code=code)
    assert (await client.ask("pay", plus.pay_body("second", code))).code == "INVALID_CODE"
    late = client.wire.book.new_payment_code("anna").code
    await client.wire.advance(seconds=91)
    assert (await client.ask("pay", plus.pay_body("third", late))).code == "EXPIRED_CODE"


async def test_a_buyer_with_a_pin_pays_when_they_confirm_and_not_after_three_minutes(served: Client) -> None:
    for number, confirms in (("a", True), ("b", False)):
        code = served.running.book.new_payment_code("chen").code
        said = await served.ask("pay", plus.pay_body(number, code))
        assert said.outcome == PENDING
        assert await status(served, number) == ("PROCESSING", "PAYMENT_IN_PROCESS")
        if confirms:
            await served.running.control("POST", f"trades/{number}/pay")
            assert await status(served, number) == ("SUCCESS", "SUCCESS")
            assert (await served.ask("pay", plus.pay_body(number, code))).code == "SUCCESS"
        else:
            await served.running.advance(minutes=3)
            assert await status(served, number) == ("FAIL", "ORDER_IS_CLOSED")
            assert (await served.ask("pay", plus.pay_body(number, code))).code == "ORDER_IS_CLOSED"


async def test_a_payment_is_closed_at_its_own_expiry_time(client: Client) -> None:
    body = plus.pay_body(code="281234567890123491", paymentExpiryTime="2024-01-05T12:16:32+08:00")
    assert (await client.ask("pay", body)).outcome == PENDING
    await client.wire.advance(seconds=59)
    assert (await status(client))[0] == "PROCESSING"
    await client.wire.advance(seconds=1)
    assert await status(client) == ("FAIL", "ORDER_IS_CLOSED")


async def test_an_expiry_time_is_one_on_the_callers_clock_and_one_that_beijing_can_write(client: Client) -> None:
    await client.wire.advance(days=1)
    await paid(client, "pushed", paymentExpiryTime="2024-01-05T12:20:00+08:00")
    far = plus.order_code_body("far", paymentExpiryTime="9999-12-31T23:59:59-12:00")
    assert (await client.ask("pay", far)).code == "PARAM_ILLEGAL"


async def test_a_payment_that_the_xml_gateway_reversed_is_cancelled_here(client: Client) -> None:
    payment_id = await paid(client)
    reverse = make.basic("alipay.acquire.overseas.spot.reverse", partner_trans_id="pay_test_0001")
    await client.wire.send(make.signed(reverse))
    assert await status(client) == ("CANCELLED", "ORDER_IS_CANCELED")
    assert (await client.ask("pay", plus.pay_body())).code == "ORDER_IS_CANCELED"
    assert (await client.ask("refund", refund_body(payment_id))).code == "ORDER_IS_CANCELED"


async def test_a_planned_no_to_a_refund_of_nothing_is_a_no(client: Client) -> None:
    client.wire.sandbox.faults.plan(Fault(f"{plus.PAY[:-3]}refund", FaultKind.REFUSED, code="RISK_REJECT"))
    assert (await client.ask("refund", refund_body("nobody"))).code == "ORDER_NOT_EXIST"


async def test_a_refund_that_never_found_its_money_failed(client: Client) -> None:
    payment_id = await paid(client)
    contract = client.wire.sandbox.partners.find(make.PARTNER)
    assert contract is not None
    client.wire.sandbox.partners.add(msgspec.structs.replace(contract, out_of_funds=True))
    await client.ask("refund", refund_body(payment_id, isAsyncRefund="true"))
    await client.wire.advance(days=200)
    (one,) = (await client.ask("inquiryPayment", {"paymentId": payment_id})).body["transactions"]
    assert (one["transactionStatus"], one["transactionResult"]["resultStatus"]) == ("FAIL", "F")


async def test_a_repeat_pays_once_and_other_content_is_refused(client: Client) -> None:
    first = await paid(client)
    # each try tells its own time
    again = await client.ask("pay", plus.pay_body(order__env__storeTerminalRequestTime="2024-01-05T12:15:40+08:00"))
    assert (again.code, again.body["paymentId"]) == ("SUCCESS", first)
    assert len(client.wire.book.all_trades()) == 1
    for changes in ({"code": "281234567890123457"}, {"order__orderDescription": "Dinner"}):
        assert (await client.ask("pay", plus.pay_body(**changes))).outcome == ("F", "REPEAT_REQ_INCONSISTENT")


async def test_a_number_of_the_xml_gateway_is_not_paid_again_here(served: Client) -> None:
    await served.running.call(make.pay_fields("SAME"))
    assert (await served.ask("pay", plus.pay_body("SAME"))).code == "REPEAT_REQ_INCONSISTENT"


async def test_yen_have_no_cents_and_settle_in_another_currency(client: Client) -> None:
    yen = {"currency": "JPY", "value": "1231"}
    said = await client.ask("pay", plus.pay_body(paymentAmount=yen, order__orderAmount=yen))
    assert said.body["paymentAmount"] == yen
    assert client.wire.book.trades[make.PARTNER, "pay_test_0001"].cny == 5946
    assert said.body["grossSettlementAmount"] == {"currency": "USD", "value": "837"}
    assert said.body["settlementQuote"] == {"quoteCurrencyPair": "JPY/USD", "quotePrice": "0.00680282"}


@pytest.mark.parametrize(
    "changes",
    [
        {
            "paymentAmount": {"currency": "XAU", "value": "1"},
            "order__orderAmount": {"currency": "XAU", "value": "1"},
        },
        {"settlementStrategy__settlementCurrency": "TWD"},
    ],
)
async def test_a_currency_nobody_settles_is_refused(client: Client, changes: dict[str, Any]) -> None:
    assert (await client.ask("pay", plus.pay_body(**changes))).outcome == ("F", "CURRENCY_NOT_SUPPORT")


# --- with the merchant's code --------------------------------------------------------------------------------------


async def test_an_order_code_is_scanned_and_paid(served: Client) -> None:
    said = await served.ask("pay", plus.order_code_body())
    assert said.outcome == PENDING
    form = said.body["orderCodeForm"]
    assert form["expireTime"] == "2024-01-05T14:15:32+08:00"
    assert [detail["codeValueType"] for detail in form["codeDetails"]] == ["QRCODE", "QRCODE"]
    picture = form["codeDetails"][1]["codeValue"].replace("http://localhost", "http://127.0.0.1")
    async with served.running.client.get(picture) as drawn:
        assert drawn.content_type == "image/svg+xml"
    assert await status(served) == ("PROCESSING", "PAYMENT_IN_PROCESS")
    trade = served.running.book.scan(form["codeDetails"][0]["codeValue"], "anna")
    served.running.book.pay(trade.trade_no, "anna", "123456")
    assert await status(served) == ("SUCCESS", "SUCCESS")
    assert (await served.ask("pay", plus.order_code_body())).outcome == ("S", "SUCCESS")


async def test_an_order_code_that_nobody_scans_lapses(served: Client) -> None:
    code = (await served.ask("pay", plus.order_code_body())).body["orderCodeForm"]["codeDetails"][0]["codeValue"]
    await served.running.advance(hours=2)
    assert await status(served) == ("FAIL", "ORDER_IS_CLOSED")
    refused = await served.running.control("POST", "trades/pay_test_0001/scan", {"buyer_id": "anna"}, 409)
    assert code
    assert "closed" in refused["detail"] or "too old" in refused["detail"]


async def test_an_order_code_can_be_cancelled_before_anybody_scans_it(client: Client) -> None:
    await client.ask("pay", plus.order_code_body())
    assert (await client.ask("cancel", {"paymentRequestId": "pay_test_0001"})).code == "SUCCESS"
    assert await status(client) == ("CANCELLED", "ORDER_IS_CANCELED")
    await client.wire.advance(hours=3)
    assert await status(client) == ("CANCELLED", "ORDER_IS_CANCELED")


async def test_an_entry_code_leads_into_the_wallet(client: Client) -> None:
    body = plus.order_code_body(order__env__userAgent="Mozilla/5.0 AlipayClient/10.5")
    body["paymentFactor"]["inStorePaymentScenario"] = "EntryCode"
    said = await client.ask("pay", body)
    assert said.outcome == PENDING
    address = said.body["redirectActionForm"]["redirectUrl"]
    assert "orderCodeForm" not in said.body
    trade = client.wire.book.scan(address, "anna")
    client.wire.book.pay(trade.trade_no, "anna", "123456")
    assert (await status(client))[0] == "SUCCESS"


# --- inquire, cancel, refund ---------------------------------------------------------------------------------------


async def test_a_payment_is_found_by_either_number_and_alipays_wins(client: Client) -> None:
    first, second = await paid(client, "a"), await paid(client, "b")
    said = await client.ask("inquiryPayment", {"paymentRequestId": "a", "paymentId": second})
    assert said.body["paymentRequestId"] == "b"
    assert (await client.ask("inquiryPayment", {"paymentId": first})).body["paymentRequestId"] == "a"
    assert (await client.ask("inquiryPayment", {"paymentId": "1"})).outcome == ("F", "ORDER_NOT_EXIST")
    assert (await client.ask("inquiryPayment", {})).outcome == ("F", "PARAM_ILLEGAL")


async def test_a_cancel_gives_all_back_once_and_ends_the_payment(client: Client) -> None:
    balance = client.wire.book.buyer("alice").balance
    payment_id = await paid(client)
    for _ in range(2):
        said = await client.ask("cancel", {"paymentId": payment_id})
        assert said.body == {
            "result": result("SUCCESS"),
            "paymentId": payment_id,
            "paymentRequestId": "pay_test_0001",
            "cancelTime": "2024-01-05T12:15:32+08:00",
        }
    assert client.wire.book.buyer("alice").balance == balance
    assert await status(client) == ("CANCELLED", "ORDER_IS_CANCELED")
    assert (await client.ask("pay", plus.pay_body())).outcome == ("F", "ORDER_IS_CANCELED")
    assert (await client.ask("refund", refund_body(payment_id))).outcome == ("F", "ORDER_IS_CANCELED")


async def test_a_cancel_is_for_the_beijing_day_and_a_quarter_of_an_hour(client: Client) -> None:
    await paid(client, "a")
    await paid(client, "b")
    await client.wire.advance(hours=11, minutes=59)
    assert (await client.ask("cancel", {"paymentRequestId": "a"})).code == "SUCCESS"
    await client.wire.advance(minutes=1)
    assert (await client.ask("cancel", {"paymentRequestId": "b"})).outcome == ("F", "CANCEL_WINDOW_EXCEED")
    assert (await client.ask("cancel", {"paymentRequestId": "c"})).outcome == ("F", "ORDER_NOT_EXIST")


async def test_refunds_add_up_to_the_payment_and_no_further(client: Client) -> None:
    payment_id = await paid(client)
    for _ in range(2):
        said = await client.ask("refund", refund_body(payment_id, refundReason="cold"))
        assert said.outcome == ("S", "SUCCESS")
        assert said.body["refundTime"] == "2024-01-05T12:15:32+08:00"
    assert (await client.ask("refund", refund_body(payment_id, value="501"))).code == "REPEAT_REQ_INCONSISTENT"
    assert (await client.ask("refund", refund_body(payment_id, "refund_0", "732"))).code == "REFUND_AMOUNT_EXCEED"
    assert (await client.ask("cancel", {"paymentId": payment_id})).code == "ORDER_STATUS_INVALID"
    rest = await client.ask("refund", refund_body(payment_id, "refund_2", "731"))
    assert rest.code == "SUCCESS"
    assert (await client.ask("refund", refund_body(payment_id, "refund_3", "1"))).code == "REFUND_AMOUNT_EXCEED"
    asked = await client.ask("inquiryPayment", {"paymentId": payment_id})
    assert asked.body["paymentStatus"] == "SUCCESS"
    assert [(one["transactionRequestId"], one["transactionStatus"]) for one in asked.body["transactions"]] == [
        ("refund_1", "SUCCESS"),
        ("refund_2", "SUCCESS"),
    ]
    by_id = await client.ask("inquiryRefund", {"refundId": rest.body["refundId"]})
    assert (by_id.body["refundStatus"], by_id.body["refundRequestId"]) == ("SUCCESS", "refund_2")
    assert client.wire.book.trades[make.PARTNER, "pay_test_0001"].refunded_cny == 8740


async def test_a_refund_that_failed_keeps_its_id_and_its_answer(client: Client) -> None:
    payment_id = await paid(client)
    beyond = refund_body(payment_id, value="1232")
    for _ in range(2):
        assert (await client.ask("refund", beyond)).outcome == ("F", "REFUND_AMOUNT_EXCEED")
    assert (await client.ask("refund", refund_body(payment_id))).outcome == ("F", "REPEAT_REQ_INCONSISTENT")
    found = await client.ask("inquiryRefund", {"refundRequestId": "refund_1"})
    assert (found.code, found.body["refundStatus"], found.body["paymentId"]) == ("SUCCESS", "FAIL", payment_id)
    assert "transactions" not in (await client.ask("inquiryPayment", {"paymentId": payment_id})).body


async def test_a_refund_repeated_with_another_reason_is_another_request(client: Client) -> None:
    payment_id = await paid(client)
    assert (await client.ask("refund", refund_body(payment_id, refundReason="cold"))).code == "SUCCESS"
    changed = await client.ask("refund", refund_body(payment_id, refundReason="late"))
    assert changed.outcome == ("F", "REPEAT_REQ_INCONSISTENT")
    assert client.wire.book.trades[make.PARTNER, "pay_test_0001"].refunded == 500


async def test_an_asynchronous_refund_is_open_until_the_money_moves(client: Client) -> None:
    payment_id = await paid(client)
    body = refund_body(payment_id, isAsyncRefund="true")
    assert (await client.ask("refund", body)).outcome == ("U", "REFUND_IN_PROCESS")
    assert (await client.ask("inquiryRefund", {"refundRequestId": "refund_1"})).body["refundStatus"] == "PROCESSING"
    await client.wire.advance(seconds=6)
    assert (await client.ask("inquiryRefund", {"refundRequestId": "refund_1"})).body["refundStatus"] == "SUCCESS"
    assert (await client.ask("refund", body)).outcome == ("S", "SUCCESS")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paymentId": "1"}, "ORDER_NOT_EXIST"),
        ({"refundAmount__currency": "EUR"}, "PARAM_ILLEGAL"),
        ({"refundAmount__value": "1.5"}, "PARAM_ILLEGAL"),
        ({"refundAmount": None}, "PARAM_ILLEGAL"),
        ({"isAsyncRefund": "yes"}, "PARAM_ILLEGAL"),
        ({"refundReason": "x" * 257}, "PARAM_ILLEGAL"),
    ],
)
async def test_a_refund_that_can_not_be_is_refused(client: Client, changes: dict[str, Any], code: str) -> None:
    payment_id = await paid(client)
    assert (await client.ask("refund", refund_body(payment_id, **changes))).outcome == ("F", code)
    assert (await client.ask("inquiryRefund", {"refundRequestId": "refund_1"})).code == "REFUND_NOT_EXIST"


async def test_what_was_not_paid_and_what_was_paid_a_year_ago_is_not_refunded(client: Client) -> None:
    said = await client.ask("pay", plus.pay_body("open", "281234567890123491"))
    assert (await client.ask("refund", refund_body(said.body["paymentId"]))).code == "ORDER_STATUS_INVALID"
    failed = await client.ask("pay", plus.pay_body("no", "28888"))
    found = await client.ask("inquiryPayment", {"paymentRequestId": failed.body["paymentRequestId"]})
    assert (await client.ask("refund", refund_body(found.body["paymentId"], "r2"))).code == "ORDER_STATUS_INVALID"
    old = await paid(client, "old")
    await client.wire.advance(days=366)
    assert (await client.ask("refund", refund_body(old, "r3"))).code == "REFUND_WINDOW_EXCEED"


# --- misbehaviour, memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "done"), [("system_error_before", False), ("system_error_after", True), ("unknown", True)]
)
async def test_a_planned_fault_leaves_the_outcome_open_and_a_repeat_tells_it(
    served: Client, kind: FaultKind, *, done: bool
) -> None:
    await served.running.control("POST", "faults", {"service": PAY, "fault": kind})
    assert (await served.ask("pay", plus.pay_body())).outcome == ("U", "UNKNOWN_EXCEPTION")
    found = await served.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert found.code == ("SUCCESS" if done else "ORDER_NOT_EXIST")
    assert "as planned" in served.running.book.store.calls()[0].why
    assert (await served.ask("pay", plus.pay_body())).code == ("PAYMENT_IN_PROCESS" if kind == "unknown" else "SUCCESS")


async def test_a_payment_code_asks_for_a_fault_by_its_last_digits(client: Client) -> None:
    assert (await client.ask("pay", plus.pay_body("a", "281234567890123496"))).code == "UNKNOWN_EXCEPTION"
    assert await status(client, "a") == ("SUCCESS", "SUCCESS")
    with pytest.raises(AssertionError, match="the answer's signature is wrong"):
        await client.ask("pay", plus.pay_body("b", "281234567890123499"))
    assert (await client.ask("pay", plus.pay_body("b", "281234567890123499"))).code == "SUCCESS"


async def test_silence_is_a_dropped_connection(served: Client) -> None:
    for kind, number in (("silence_before", "a"), ("silence_after", "b")):
        await served.running.control("POST", "faults", {"service": PAY, "fault": kind, "seconds": 0})
        with pytest.raises(aiohttp.ClientError):
            await served.ask("pay", plus.pay_body(number))
    assert (await served.ask("inquiryPayment", {"paymentRequestId": "a"})).code == "ORDER_NOT_EXIST"
    assert await status(served, "b") == ("SUCCESS", "SUCCESS")


async def test_payments_refunds_and_failures_are_known_after_a_restart(tmp_path: Path) -> None:
    settings, path = make.settings(partners=[plus.partner()]), tmp_path / "book.sqlite"
    store = Store(path)
    store.keep("key", "alipay", make.alipay_keys())
    store.close()
    clock = make.clock()

    def started() -> Sandbox:
        return Sandbox(settings, clock, 1, Store(path))

    first = started()
    payments = first.plus.payments

    def call(body: dict[str, Any]) -> Call:
        return Call(settings.partners[0], body)

    done = payments.pay(call(plus.pay_body("paid")))
    payments.pay(call(plus.order_code_body("open")))
    with pytest.raises(Failed):
        payments.pay(call(plus.pay_body("failed", "28888")))
    payments.refund(call(refund_body(done["paymentId"])))
    first.store.close()

    payments = started().plus.payments
    assert payments.pay(call(plus.pay_body("paid"))) == done
    assert payments.inquire(call({"paymentRequestId": "failed"}))["paymentStatus"] == "FAIL"
    assert payments.inquire_refund(call({"refundRequestId": "refund_1"}))["refundStatus"] == "SUCCESS"
    clock.advance(timedelta(hours=2))
    assert payments.inquire(call({"paymentRequestId": "open"}))["paymentStatus"] == "FAIL"
    assert payments.pay(call(plus.pay_body("next")))["paymentId"].endswith("0000000000000004")
