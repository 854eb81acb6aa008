"""The old `alipay` of the package index, against the XML gateway: what it knows by name, and what its signer can do."""

from __future__ import annotations

import itertools
import re

from tests.clients.playing import OLD, PARTNERS, Alipay, Client

PARTNER = PARTNERS[OLD]
STORE = (
    '{"secondary_merchant_id":"SM1","secondary_merchant_name":"Noodle Bar","secondary_merchant_industry":"5812",'
    '"store_id":"S1","store_name":"Harbour"}'
)
_numbers = itertools.count(1)


def pay(old: Client, alipay: Alipay, code: str = "") -> tuple[str, str]:
    number = f"OLD{next(_numbers)}"
    said = call(
        old, "alipay.acquire.overseas.spot.pay", notify_url=alipay.notify_url, alipay_seller_id=PARTNER,
        trans_name="Noodle soup", partner_trans_id=number, currency="USD", trans_amount="12.50",
        buyer_identity_code=code or alipay.code(), identity_code_type="barcode", trans_create_time="20260302120000",
        biz_product="OVERSEAS_MBARCODE_PAY", extend_info=STORE,
    )  # fmt: skip
    return number, said


def call(old: Client, service: str, **fields: str) -> str:
    answer = old.do("call", service=service, fields=fields)
    assert "said" in answer, answer
    return str(answer["said"])


def field_of(name: str, said: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", said)
    return found[1] if found else ""


def status(old: Client, number: str) -> str:
    return field_of("alipay_trans_status", call(old, "alipay.acquire.overseas.query", partner_trans_id=number))


def test_the_old_client_pays_queries_refunds_and_checks_what_it_is_told(alipay: Alipay, old: Client) -> None:
    number, said = pay(old, alipay)
    assert field_of("result_code", said) == "SUCCESS"
    assert status(old, number) == "TRADE_SUCCESS"
    told = alipay.notification(number)
    # Alipay is asked whether it was sent, and says yes until it has been answered
    assert old.do("verify", fields=told | {"total_fee": "0.01"})["said"] is False
    assert old.do("verify", fields=told | {"notify_id": "0" * 34})["said"] is False
    refunded = call(
        old, "alipay.acquire.overseas.spot.refund", partner_trans_id=number, partner_refund_id=f"{number}R",
        refund_amount="2.50", currency="USD", is_sync="Y",
    )  # fmt: skip
    assert field_of("result_code", refunded) == "SUCCESS"
    beyond = call(
        old, "alipay.acquire.overseas.spot.refund", partner_trans_id=number, partner_refund_id=f"{number}R2",
        refund_amount="12.50", currency="USD", is_sync="Y",
    )  # fmt: skip
    assert field_of("error", beyond) == "RETURN_AMOUNT_EXCEED"


def test_the_old_client_cancels_a_payment_that_waits(alipay: Alipay, old: Client) -> None:
    number, said = pay(old, alipay, "281234567890123491")
    assert field_of("result_code", said) == "UNKNOWN"
    now = str(alipay.control("GET", "clock")["beijing"])
    gone = call(old, "alipay.acquire.cancel", out_trade_no=number, timestamp=now)
    assert (field_of("result_code", gone), field_of("action", gone)) == ("SUCCESS", "close")
    assert status(old, number) == "TRADE_CLOSED"


def test_the_old_client_reads_failures_from_the_same_words(alipay: Alipay, old: Client) -> None:
    _, said = pay(old, alipay, "281234567890123493")
    assert (field_of("result_code", said), field_of("error", said)) == ("FAILED", "BUYER_BALANCE_NOT_ENOUGH")
    assert field_of("error", call(old, "alipay.acquire.overseas.query", partner_trans_id="OLD0")) == "TRADE_NOT_EXIST"
    with old.configured({"md5_key": "another-key"}):
        assert field_of("error", call(old, "alipay.acquire.overseas.query", partner_trans_id="OLD0")) == "ILLEGAL_SIGN"


def test_the_old_client_believes_a_notification_that_alipay_vouches_for(alipay: Alipay, old: Client) -> None:
    number = f"OLD{next(_numbers)}"
    silent = alipay.notify_url.replace("/notify", "/silent")
    order = {"partner": PARTNER, "out_trade_no": number, "buyer_id": "anna", "currency": "USD", "total_fee": "2.00",
             "notify_url": silent}  # fmt: skip
    alipay.control("POST", "forex-trades", order)
    alipay.control("POST", f"trades/{number}/pay")
    told = alipay.notification(number)
    assert old.do("verify", fields=told)["said"] is True
    assert old.do("verify", fields=told | {"trade_status": "TRADE_CLOSED"})["said"] is False
    asked = str(old.do("query", number=number)["said"])
    assert field_of("is_success", asked) == "T"
    assert field_of("trade_status", asked) == "TRADE_FINISHED"


def test_of_what_the_old_client_knows_by_name_little_is_left(alipay: Alipay, old: Client) -> None:
    """Its page of the online product is not played here; its refund asks for parameters called b, a, t, c and so on."""
    assert field_of("error", str(old.do("checkout", number="OLD0")["said"])) == "ILLEGAL_SERVICE"
    assert old.do("refund", trade_no="2026030221001000000000000001")["raised"] == "MissingParameter"


def create(old: Client, number: str, **changes: str) -> str:
    return call(
        old, "alipay.acquire.create", **{
            "notify_url": "https://pos.example.com/notify", "timestamp": "", "out_trade_no": number, "subject": "Tea",
            "product_code": "OVERSEAS_MBARCODE_PAY", "total_fee": "3.00", "currency": "USD", "trans_currency": "USD",
            "buyer_id": "2088000000009999", "extend_params": STORE,
        } | changes,
    )  # fmt: skip


def test_the_old_client_creates_an_order_and_reads_why_one_can_not_be(alipay: Alipay, old: Client) -> None:
    number, now = f"OLD{next(_numbers)}", str(alipay.control("GET", "clock")["beijing"])
    said = create(old, number, timestamp=now)
    assert (field_of("result_code", said), len(field_of("trade_no", said))) == ("SUCCESS", 28)
    assert status(old, number) == "WAIT_BUYER_PAY"
    other = create(old, number, timestamp=now, total_fee="3.01")
    assert (field_of("result_code", other), field_of("detail_error_code", other)) == ("FAIL", "CONTEXT_INCONSISTENT")
    nobody = create(old, f"OLD{next(_numbers)}", timestamp=now, buyer_id="2088000000000777")
    assert field_of("detail_error_code", nobody) == "BUYER_NOT_EXIST"
    stale = create(old, number, timestamp="2020-01-01 00:00:00")
    assert field_of("error", stale) == "EXTERFACE_INVOKE_CONTEXT_EXPIRED"
    assert field_of("error", create(old, number, timestamp=now, total_fee="a")) == "ILLEGAL_ARGUMENT"


def test_the_old_client_reads_an_open_outcome_and_repeats(alipay: Alipay, old: Client) -> None:
    alipay.plan("alipay.acquire.overseas.spot.pay", "system_error_after")
    number, said = pay(old, alipay, "281234567890123456")
    assert (field_of("is_success", said), field_of("error", said)) == ("F", "SYSTEM_ERROR")
    alipay.plan("alipay.acquire.overseas.query", "system_error_before")
    query = "alipay.acquire.overseas.query"
    assert field_of("error", call(old, query, partner_trans_id=number)) == "SYSTEM_ERROR"
    assert status(old, number) == "TRADE_SUCCESS"
    now = str(alipay.control("GET", "clock")["beijing"])
    alipay.plan("alipay.acquire.cancel", "unknown")
    gone = call(old, "alipay.acquire.cancel", out_trade_no=number, timestamp=now)
    assert (field_of("result_code", gone), field_of("retry_flag", gone)) == ("UNKNOWN", "Y")
    gone = call(old, "alipay.acquire.cancel", out_trade_no=number, timestamp=now)
    assert (field_of("result_code", gone), field_of("action", gone)) == ("SUCCESS", "refund")


def test_the_old_client_is_told_why_a_cancel_or_a_refund_can_not_be(alipay: Alipay, old: Client) -> None:
    number, _ = pay(old, alipay)
    refund = {"partner_trans_id": number, "partner_refund_id": f"{number}R", "currency": "USD", "is_sync": "Y"}
    service = "alipay.acquire.overseas.spot.refund"
    alipay.plan(service, "system_error_after")
    assert field_of("error", call(old, service, **refund, refund_amount="1.00")) == "SYSTEM_ERROR"
    assert field_of("result_code", call(old, service, **refund, refund_amount="1.00")) == "SUCCESS"
    other = call(old, service, **refund, refund_amount="1.01")
    assert (field_of("result_code", other), field_of("error", other)) == ("FAILED", "DISCORDANT_REPEAT_REQUEST")
    nothing = call(old, service, **(refund | {"partner_trans_id": "OLD0"}), refund_amount="1.00")
    assert field_of("error", nothing) == "TRADE_NOT_EXIST"
    now = str(alipay.control("GET", "clock")["beijing"])
    no = call(old, "alipay.acquire.cancel", out_trade_no=number, timestamp=now)
    assert (field_of("detail_error_code", no), field_of("retry_flag", no)) == ("REASON_TRADE_REFUND_FEE_ERR", "N")


def test_the_old_client_raises_when_nobody_answers(alipay: Alipay, old: Client) -> None:
    alipay.plan("alipay.acquire.overseas.query", "silence_before")
    answer = old.do("call", service="alipay.acquire.overseas.query", fields={"partner_trans_id": "OLD0"})
    assert answer["raised"] == "ConnectionError"
