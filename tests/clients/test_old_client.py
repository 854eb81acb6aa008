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
