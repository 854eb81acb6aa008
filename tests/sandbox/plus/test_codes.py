"""Every published code of Alipay+ on demand, the answers that nobody publishes as the settings choose, and new keys.

A final no is remembered by its id, the gateway's is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from saoma.alipay.signing import SignType, new_rsa_key, rsa_signatory
from saoma.kit.errors import Invalid
from saoma.sandbox.config import Config, read_config
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.plus.choices import PlusChoices
from saoma.sandbox.plus.codes import RESULTS, result
from saoma.sandbox.plus.payments import REDIRECT_URL
from saoma.sandbox.plus.signing import text_to_sign, write_signature
from tests.sandbox import make
from tests.sandbox.near import near
from tests.sandbox.plus import make as plus
from tests.sandbox.plus.make import CLIENT, PAY, TIME, Client

#: As published for stores, with the status of each; the two codes that refunds alone have are ours.
PUBLISHED = {
    "S": "SUCCESS",
    "U": "PAYMENT_IN_PROCESS REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    "F": (
        "PROCESS_FAIL PARAM_ILLEGAL INVALID_CODE INVALID_PAYMENT_CODE EXPIRED_CODE USER_BALANCE_NOT_ENOUGH "
        "USER_AMOUNT_EXCEED_LIMIT PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT USER_STATUS_ABNORMAL "
        "USER_NOT_EXIST USER_KYC_NOT_QUALIFIED USER_PAYMENT_VERIFICATION_FAILED RISK_REJECT FRAUD_REJECT "
        "REGULATION_RESTRICTION UNAVAILABLE_PAYMENT_METHOD BUSINESS_NOT_SUPPORT CURRENCY_NOT_SUPPORT NO_PAY_OPTIONS "
        "PAYMENT_NOT_QUALIFIED ORDER_IS_CLOSED ORDER_IS_CANCELED ORDER_STATUS_INVALID ORDER_NOT_EXIST "
        "REPEAT_REQ_INCONSISTENT CANCEL_WINDOW_EXCEED REFUND_WINDOW_EXCEED REFUND_AMOUNT_EXCEED "
        "MERCHANT_NOT_REGISTERED MERCHANT_KYB_NOT_QUALIFIED INVALID_MERCHANT_STATUS INVALID_CONTRACT "
        "SETTLE_CONTRACT_NOT_MATCH ACCESS_DENIED INVALID_CLIENT CLIENT_INVALID KEY_NOT_FOUND INVALID_SIGNATURE "
        "SIGNATURE_INVALID INVALID_API NO_INTERFACE_DEF METHOD_NOT_SUPPORTED MEDIA_TYPE_NOT_ACCEPTABLE"
    ),
}
STRANGERS = {"CLIENT_INVALID", "INVALID_CLIENT", "KEY_NOT_FOUND", "SIGNATURE_INVALID", "INVALID_SIGNATURE"}
BODIES: dict[str, dict[str, Any]] = {
    "inquiryPayment": {"paymentRequestId": "paid"},
    "cancel": {"paymentRequestId": "paid"},
    "inquiryRefund": {"refundRequestId": "r"},
}


def chosen(**choices: Any) -> Client:
    return Client(near(make.settings(partners=[plus.partner()], plus=PlusChoices(**choices))))


def plan(client: Client, kind: FaultKind, code: str = "", operation: str = "pay") -> None:
    client.wire.sandbox.faults.plan(Fault(f"/ams/api/v1/payments/{operation}", kind, code=code))


def refund_body(payment_id: str, number: str = "r", value: str = "100") -> dict[str, Any]:
    return {"refundRequestId": number, "paymentId": payment_id, "refundAmount": {"currency": "USD", "value": value}}


def test_every_published_code_is_known_with_its_status_and_a_sentence() -> None:
    published = {code: status for status, codes in PUBLISHED.items() for code in codes.split()}
    assert {code: status for code, (status, _) in RESULTS.items()} == published | {
        "REFUND_IN_PROCESS": "U", "REFUND_NOT_EXIST": "F",
    }  # fmt: skip
    assert all(message and message == message.strip() for _, message in RESULTS.values())


async def test_every_published_code_can_be_met_as_the_operations_no_and_as_the_gateways() -> None:
    client = chosen()
    for number, (code, (status, _)) in enumerate(RESULTS.items()):
        body = plus.pay_body(f"p{number}")
        plan(client, FaultKind.REFUSED, code)
        no = await client.ask("pay", body)
        assert (no.outcome, no.signed) == ((status, code), code not in STRANGERS)
        again = await client.ask("pay", body)
        assert again.outcome == ((status, code) if status == "F" else ("S", "SUCCESS"))
        plan(client, FaultKind.REJECTED, code)
        no = await client.ask("pay", plus.pay_body(f"q{number}"))
        assert (no.outcome, no.signed) == ((status, code), code not in STRANGERS)
        assert (await client.ask("inquiryPayment", {"paymentRequestId": f"q{number}"})).code == "ORDER_NOT_EXIST"
    open_ones = [code for code, (status, _) in RESULTS.items() if status != "F"]
    assert len(client.wire.book.all_trades()) == len(open_ones), "only what was not final was paid by the repeat"


async def test_a_planned_final_no_is_inquired_and_undone_like_any_other() -> None:
    client = chosen()
    plan(client, FaultKind.REFUSED, "RISK_REJECT")
    assert (await client.ask("pay", plus.pay_body())).outcome == ("F", "RISK_REJECT")
    found = await client.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert (found.body["paymentStatus"], found.body["paymentResultCode"]) == ("FAIL", "RISK_REJECT")
    assert (await client.ask("cancel", {"paymentRequestId": "pay_test_0001"})).code == "SUCCESS"
    assert (await client.ask("pay", plus.pay_body(order__orderDescription="x"))).code == "REPEAT_REQ_INCONSISTENT"
    assert client.wire.book.trades == {}


@pytest.mark.parametrize("operation", ["inquiryPayment", "cancel", "refund", "inquiryRefund"])
@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        (FaultKind.REFUSED, "", ("F", "PROCESS_FAIL")),
        (FaultKind.REFUSED, "REQUEST_TRAFFIC_EXCEED_LIMIT", ("U", "REQUEST_TRAFFIC_EXCEED_LIMIT")),
        (FaultKind.REFUSED, "NO_SUCH_WORD", ("F", "NO_SUCH_WORD")),
        (FaultKind.REJECTED, "", ("F", "ACCESS_DENIED")),
        (FaultKind.UNAVAILABLE_BEFORE, "", ("U", "UNKNOWN_EXCEPTION")),
    ],
)
async def test_every_operation_says_a_planned_no_and_does_nothing(
    operation: str, kind: FaultKind, code: str, says: tuple[str, str]
) -> None:
    client = chosen()
    paid = await client.ask("pay", plus.pay_body("paid"))
    plan(client, kind, code, operation)
    said = await client.ask(operation, BODIES.get(operation) or refund_body(paid.body["paymentId"]))
    assert said.outcome == says
    assert client.wire.book.store.calls()[-1].why == f"as planned: {kind.value}"
    trade = client.wire.book.trades[make.PARTNER, "paid"]
    assert (trade.status.value, trade.refunded, client.wire.book.refunds) == ("TRADE_SUCCESS", 0, {})


async def test_a_planned_no_to_a_refund_is_remembered_by_its_id() -> None:
    client = chosen()
    payment_id = (await client.ask("pay", plus.pay_body())).body["paymentId"]
    plan(client, FaultKind.REFUSED, "INVALID_CONTRACT", "refund")
    for _ in range(2):
        assert (await client.ask("refund", refund_body(payment_id))).outcome == ("F", "INVALID_CONTRACT")
    assert (await client.ask("inquiryRefund", {"refundRequestId": "r"})).body["refundStatus"] == "FAIL"
    assert (await client.ask("refund", refund_body(payment_id, "r2"))).code == "SUCCESS"


async def test_unavailable_after_the_work_is_open_and_done() -> None:
    client = chosen()
    plan(client, FaultKind.UNAVAILABLE_AFTER)
    assert (await client.ask("pay", plus.pay_body())).outcome == ("U", "UNKNOWN_EXCEPTION")
    assert (await client.ask("pay", plus.pay_body())).code == "SUCCESS"


async def test_a_buyer_who_has_done_their_part_is_pending_until_the_money_comes() -> None:
    client = chosen()
    body = plus.pay_body(code="281234567890123490", paymentNotifyUrl="https://merchant.example/notify")
    assert (await client.ask("pay", body)).outcome == ("U", "PAYMENT_IN_PROCESS")
    found = await client.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert (found.body["paymentStatus"], found.body["paymentResultCode"]) == ("PENDING", "PAYMENT_IN_PROCESS")
    await client.wire.advance(seconds=10)
    found = await client.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert found.body["paymentStatus"] == "SUCCESS"
    told = [json.loads(one.fields["body"]) for one in client.wire.sandbox.notices.of_order("pay_test_0001")]
    assert [(one["notifyType"], one["result"]["resultStatus"]) for one in told] == [
        ("PAYMENT_PENDING", "S"), ("PAYMENT_RESULT", "S"),
    ]  # fmt: skip
    assert "paymentTime" not in told[0]


async def test_the_page_to_come_back_to_is_kept_with_the_order() -> None:
    client = chosen()
    body = plus.order_code_body(paymentRedirectUrl="https://merchant.example/done?order=1")
    await client.ask("pay", body)
    kept = client.wire.book.trades[make.PARTNER, "pay_test_0001"].extra
    assert kept == {REDIRECT_URL: "https://merchant.example/done?order=1"}
    assert (await client.ask("pay", plus.order_code_body())).code == "REPEAT_REQ_INCONSISTENT"


async def test_who_paid_an_entry_code_is_led_back_to_the_shops_page(served: Client) -> None:
    back = "http://localhost:9/done?order=1&lang=中"
    body = plus.order_code_body("entry", order__env__userAgent="AlipayClient/10.5", paymentRedirectUrl=back)
    body["paymentFactor"]["inStorePaymentScenario"] = "EntryCode"
    address = (await served.ask("pay", body)).body["redirectActionForm"]["redirectUrl"]
    await served.ask("pay", plus.order_code_body("plain"))
    wire = served.running
    for number, code in (("entry", address), ("plain", "")):
        trade = wire.book.trades[make.PARTNER, number]
        wire.book.scan(code or wire.book.code_url(trade.qr_token), "anna")
        url = f"{wire.url}/wallet/cashier"
        host = {"Host": f"anna.localhost:{wire.url.rpartition(':')[2]}"}
        asked = {"act": "pay", "pin": "123456", "trade": trade.trade_no}
        async with wire.client.post(url, json=asked, headers=host) as answer:
            told = await answer.json()
        assert told["code"] == "9000"
        link = f'href="/wallet/open?url={quote(back, safe="/")}" target="_top"'
        assert (link in told["html"]) is (number == "entry"), told["html"]
        assert ('data-do="close"' in told["html"]) is (number == "plain")


# --- keys ----------------------------------------------------------------------------------------------------------


def signed_with(private: str, raw: bytes, version: str) -> str:
    signatory = rsa_signatory(SignType.RSA2, private, None)
    header = write_signature(signatory, text_to_sign(PAY, CLIENT, TIME, raw))
    return header.replace("keyVersion=1,", f"keyVersion={version}," if version else "")


async def test_a_client_changes_its_key_and_both_are_taken_by_their_version() -> None:
    private, public = new_rsa_key(1024)
    known = plus.partner(client_keys={"2": public})
    client = Client(near(make.settings(partners=[known])))
    old = make.partner_keys()[0]
    for number, (key, version, code) in enumerate(
        [
            (old, "1", "SUCCESS"),
            (private, "2", "SUCCESS"),
            (private, "", "SUCCESS"),  # none is named: the newest
            (old, "", "SIGNATURE_INVALID"),
            (private, "1", "SIGNATURE_INVALID"),
            (private, "3", "KEY_NOT_FOUND"),
        ]
    ):
        raw = json.dumps(plus.pay_body(f"p{number}")).encode()
        said = await client.send(raw, Signature=signed_with(key, raw, version))
        assert said.code == code, (number, version)


def test_keys_have_versions_that_are_numbers() -> None:
    with pytest.raises(Invalid, match="by its version"):
        near(make.settings(partners=[plus.partner(client_keys={"new": make.partner_keys()[1]})]))


# --- choices -------------------------------------------------------------------------------------------------------


def test_choices_are_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_text('[plus]\nspelling = "alipay_plus"\norder_lifetime = "5m"\n')
    assert read_config(path).plus == PlusChoices(spelling="alipay_plus", order_lifetime="5m")
    assert Config().plus == PlusChoices()
    for wrong in ('[plus]\nspelling = "x"', '[plus]\norder_lifetime = "soon"', "[plus]\nx = 1"):
        path.write_text(wrong)
        with pytest.raises(Invalid):
            read_config(path)


async def test_three_codes_may_be_spelled_as_alipay_plus_spells_them() -> None:
    client = chosen(spelling="alipay_plus", invalid_code="INVALID_PAYMENT_CODE")
    raw = json.dumps(plus.pay_body()).encode()
    assert (await client.send(raw, Client_Id="SANDBOX_NOBODY")).code == "INVALID_CLIENT"
    assert (await client.send(raw, Request_Time="2024-01-05T12:15:31+08:00")).code == "INVALID_SIGNATURE"
    assert (await client.send(raw, PAY.replace("/pay", "/payout"))).code == "INVALID_API"
    assert (await client.ask("pay", plus.pay_body(code="28888"))).code == "INVALID_PAYMENT_CODE"
    found = await client.ask("inquiryPayment", {"paymentRequestId": "pay_test_0001"})
    assert found.body["paymentResultMessage"] == result("INVALID_PAYMENT_CODE")["resultMessage"]


async def test_the_time_of_a_request_may_have_to_be_near() -> None:
    client = chosen(clock_minutes=5)
    assert (await client.ask("pay", plus.pay_body())).code == "SUCCESS"
    raw = json.dumps(plus.pay_body("late")).encode()
    for time in ("2024-01-05T12:09:30+08:00", "1704428900000"):
        said = await client.send(raw, signed=text_to_sign(PAY, CLIENT, time, raw), Request_Time=time)
        assert said.code == "PARAM_ILLEGAL"
        assert "too far" in client.wire.book.store.calls()[-1].why
    forged = await client.send(raw, Request_Time=time)
    assert forged.code == "PARAM_ILLEGAL", "the clock is looked at before the signature"
    await client.wire.advance(days=1)
    assert (await client.ask("pay", plus.pay_body("pushed"))).code == "SUCCESS"


async def test_an_order_may_live_shorter_and_a_cancel_of_nothing_succeed() -> None:
    client = chosen(order_lifetime="1m", unknown_cancel="SUCCESS")
    await client.ask("pay", plus.order_code_body("o"))
    await client.wire.advance(minutes=1)
    assert (await client.ask("inquiryPayment", {"paymentRequestId": "o"})).body["paymentStatus"] == "FAIL"
    assert (await client.ask("cancel", {"paymentRequestId": "never"})).outcome == ("S", "SUCCESS")
    assert (await client.ask("pay", plus.pay_body("never"))).outcome == ("F", "ORDER_IS_CANCELED")
    assert (await client.ask("cancel", {"paymentId": "1"})).code == "ORDER_NOT_EXIST"


async def test_refunds_may_be_accepted_and_missed_in_other_words() -> None:
    client = chosen(accepted_refund="SUCCESS", unknown_refund="ORDER_NOT_EXIST")
    payment_id = (await client.ask("pay", plus.pay_body())).body["paymentId"]
    accepted = await client.ask("refund", refund_body(payment_id) | {"isAsyncRefund": "true"})
    assert accepted.outcome == ("S", "SUCCESS")
    assert (await client.ask("inquiryRefund", {"refundRequestId": "r"})).body["refundStatus"] == "PROCESSING"
    assert (await client.ask("inquiryRefund", {"refundRequestId": "x"})).code == "ORDER_NOT_EXIST"


async def test_cancels_may_be_told_and_pending_not() -> None:
    client = chosen(tell_cancel=True, tell_pending=False)
    for number, code in (("open", "281234567890123490"), ("paid", make.CODE)):
        body = plus.pay_body(number, code, paymentNotifyUrl="https://merchant.example/notify")
        await client.ask("pay", body)
        await client.ask("cancel", {"paymentRequestId": number})
    told = [json.loads(one.fields["body"]) for one in client.wire.sandbox.notices.of_order("open")]
    assert [one["result"]["resultCode"] for one in told] == ["ORDER_IS_CANCELED"]
    told = [json.loads(one.fields["body"]) for one in client.wire.sandbox.notices.of_order("paid")]
    assert [one["result"]["resultCode"] for one in told] == ["SUCCESS", "ORDER_IS_CANCELED"]
