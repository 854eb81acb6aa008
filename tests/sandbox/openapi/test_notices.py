"""What a partner of the Open API is told: of payments and refunds of a part, signed, at its own intervals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.alipay.signing import string_to_sign
from saoma.alipay.wire import parse_form
from saoma.sandbox.notices import Delivery, Notice
from saoma.sandbox.openapi.news import GAPS
from saoma.sandbox.openapi_choices import OpenApiChoices
from tests.sandbox import make as sandboxes
from tests.sandbox.make import APP, LUNCH, PARTNER
from tests.sandbox.openapi.make import CANCEL, NOTIFY, REFUND, Desk, desk

#: The names in the captured notification of a payment, without signature.
CAPTURED = {
    "app_id", "auth_app_id", "buyer_id", "buyer_logon_id", "buyer_pay_amount", "charset", "fund_bill_list",
    "gmt_create", "gmt_payment", "invoice_amount", "notify_id", "notify_time", "notify_type", "out_trade_no",
    "point_amount", "receipt_amount", "seller_email", "seller_id", "subject", "total_amount", "trade_no",
    "trade_status", "version",
}  # fmt: skip


@pytest.fixture
def till() -> Desk:
    return desk()


def told(till: Desk, number: str = "T1") -> list[Notice]:
    return till.sandbox.notices.of_order(number)


def posted(till: Desk, notice: Notice, *, spoiled: bool = False) -> dict[str, str]:
    body, head = till.sandbox.notices.dialects["openapi"].posted(notice, spoiled=spoiled)
    assert head["Content-Type"] == f"application/x-www-form-urlencoded; charset={notice.charset}"
    return parse_form(body, notice.charset)


def test_a_payment_is_told_with_the_fields_of_a_captured_one(till: Desk) -> None:
    till.pay(told=True)
    (notice,) = told(till)
    fields = posted(till, notice)
    assert fields.keys() - {"sign", "sign_type"} == CAPTURED
    assert fields["fund_bill_list"] == '[{"amount":"12.50","fundChannel":"ALIPAYACCOUNT"}]'
    assert (fields["app_id"], fields["seller_id"], fields["trade_status"]) == (APP, PARTNER, "TRADE_SUCCESS")
    assert (fields["charset"], fields["sign_type"], notice.url) == ("utf-8", "RSA2", NOTIFY)
    signed = string_to_sign(fields)
    assert "sign_type" not in signed
    assert sandboxes.partner_signatory().verify(signed.encode(), fields["sign"])
    spoiled = posted(till, notice, spoiled=True)
    assert not sandboxes.partner_signatory().verify(string_to_sign(spoiled).encode(), spoiled["sign"])


def test_a_refund_of_a_part_is_told_and_a_closed_trade_is_not(till: Desk) -> None:
    till.pay(told=True, passback_params="a%3D1", body="lunch")
    till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "2.50", "out_request_no": "R1"})
    till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "2.50", "out_request_no": "R1"})
    till.ask(REFUND, {"out_trade_no": "T1", "refund_amount": "10.00", "out_request_no": "R2"})
    _, part = told(till)
    assert (part.fields["refund_fee"], part.fields["out_biz_no"]) == ("2.50", "R1")
    assert (part.fields["gmt_refund"], part.fields["passback_params"]) == ("2024-01-05 12:15:32.000", "a%3D1")
    till.pay("T2", told=True)
    till.ask(CANCEL, {"out_trade_no": "T2"})
    assert len(told(till, "T2")) == 1


def test_closed_trades_are_told_where_the_settings_say_so() -> None:
    till = desk(sandboxes.settings(openapi=OpenApiChoices(told=("TRADE_CLOSED",))))
    till.pay(told=True)
    till.ask(CANCEL, {"out_trade_no": "T1"})
    (closed,) = told(till)
    assert (closed.fields["trade_status"], closed.fields["refund_fee"]) == ("TRADE_CLOSED", "12.50")
    assert closed.fields["gmt_close"] == "2024-01-05 12:15:32"


def test_a_partner_that_gave_no_address_is_told_nothing(till: Desk) -> None:
    till.pay()
    assert told(till) == []


def test_a_notification_is_in_the_charset_of_its_request(till: Desk) -> None:
    content = {"out_trade_no": "T1", "scene": "bar_code", "auth_code": "281234567890123456", "subject": "测试",
               "total_amount": "1"}  # fmt: skip
    till.ask("alipay.trade.pay", content, charset="gbk", notify_url=NOTIFY)
    (notice,) = told(till)
    assert "测试".encode("gbk").hex() in till.sandbox.notices.posted(notice)[0].replace(b"%", b"").decode().lower()
    assert posted(till, notice)["subject"] == "测试"


def test_only_the_seven_letters_acknowledge(till: Desk) -> None:
    dialect = till.sandbox.notices.dialects["openapi"]
    said = {word: dialect.is_acknowledged(Delivery(LUNCH, 200, word)) for word in ("success", "SUCCESS", "ok", "")}
    assert said == {"success": True, "SUCCESS": False, "ok": False, "": False}


async def test_it_comes_again_at_the_intervals_of_this_gateway(till: Desk) -> None:
    till.pay(told=True)
    (notice,) = told(till)
    notice.url = "http://127.0.0.1:9/nobody"
    starts = []
    for gap in (timedelta(), *GAPS):
        till.sandbox.clock.advance(gap)
        assert await till.sandbox.notices.send_due() == 1
        starts.append(notice.next_at)
    await till.sandbox.notices.close()
    assert [str(gap) for gap in GAPS[:2]] == ["0:04:00", "0:10:00"]
    assert starts[-1] is None and notice.tries == 8
