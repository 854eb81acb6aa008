"""Open questions of the wire: each has one answer here, and another one for whoever asks for it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from saoma.alipay.signing import md5_signatory
from saoma.alipay.wire import form, read_answer
from saoma.kit.clock import BEIJING
from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.choices import Choices
from saoma.sandbox.config import read_config
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk

OTHER = make.CODE[:-2] + "01"
URL = "http://127.0.0.1:9/notify"


def with_choice(at: datetime = make.LUNCH, **choice: object) -> Desk:
    return make.desk(at, choices=Choices(**choice))  # type: ignore[arg-type]


def shop_code(**data: str) -> dict[str, str]:
    said = {
        "secondary_merchant_id": "SM_1", "secondary_merchant_industry": "5812", "secondary_merchant_name": "Bar",
        "store_id": "S", "store_name": "Harbour", "trans_currency": "SGD",
    }  # fmt: skip
    return make.basic(
        "alipay.commerce.qrcode.create", timestamp="2024-01-05 12:15:00", biz_type="OVERSEASHOPQRCODE",
        biz_data=json.dumps(said | data), notify_url=URL,
    )  # fmt: skip


def test_choices_are_read_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text('[choices]\nrepeated_pay = "success"\nit_b_pay = "30m"\n')
    assert read_config(file).choices == Choices(repeated_pay="success", it_b_pay="30m")
    for wrong in ('repeated_pay = "maybe"', 'it_b_pay = "soon"', "colour = 1"):
        file.write_text(f"[choices]\n{wrong}\n")
        with pytest.raises(Invalid):
            read_config(file)


@pytest.mark.parametrize(
    ("choice", "same", "other"),
    [
        ("same_code", "SUCCESS", "TRADE_HAS_SUCCESS"),
        ("success", "SUCCESS", "SUCCESS"),
        ("has_success", "TRADE_HAS_SUCCESS", "TRADE_HAS_SUCCESS"),
    ],
)
def test_a_repeated_payment_is_told_the_state_or_that_it_was_paid(choice: str, same: str, other: str) -> None:
    desk = with_choice(repeated_pay=choice)
    desk.call(make.pay_fields("A"))
    before = desk.book.buyer("alice").balance
    for code, expected in ((make.CODE, same), (OTHER, other)):
        said = desk.call(make.pay_fields("A", code))
        assert said.get("error", said["result_code"]) == expected
    assert desk.book.buyer("alice").balance == before


def test_the_gateway_may_say_no_in_other_words() -> None:
    desk = with_choice(parameter_code="INVALID_PARAMETER", stale_timestamp_code="ILLEGAL_ARGUMENT")
    assert desk.error(make.pay_fields(trans_amount="0")) == "INVALID_PARAMETER"
    assert desk.error(make.cancel_fields("A", timestamp="2024-01-05 11:00:00")) == "ILLEGAL_ARGUMENT"
    assert with_choice(unknown_trade_code="TRANS_NOT_FOUND").call(make.basic(make.QUERY, partner_trans_id="A")) == {
        "result_code": "FAIL", "error": "TRANS_NOT_FOUND",
    }  # fmt: skip


def test_a_call_without_a_charset_may_be_utf8() -> None:
    desk = with_choice(default_charset="UTF-8")
    fields = make.signed({k: v for k, v in make.pay_fields(trans_name="牛肉面").items() if k != "_input_charset"})
    body = desk.sandbox.mapi.answer(form(fields, "UTF-8"), b"").body or b""
    assert b'encoding="UTF-8"' in body
    assert "牛肉面".encode() in body
    assert b"<result_code>SUCCESS" in body


def test_parameters_nobody_documents_may_be_overlooked() -> None:
    assert make.desk().error(make.pay_fields(colour="red")) == "ILLEGAL_ARGUMENT"
    assert with_choice(refuse_undocumented=False).call(make.pay_fields(colour="red"))["result_code"] == "SUCCESS"


def test_rejections_may_be_signed_over_their_code() -> None:
    fields = make.signed(make.pay_fields()) | {"sign": "0" * 32}
    plain, signed = (
        read_answer(desk.get(fields).body or b"") for desk in (make.desk(), with_choice(sign_rejections=True))
    )
    assert (plain.error, plain.sign) == ("ILLEGAL_SIGN", "")
    assert (signed.error, signed.sign_type) == ("ILLEGAL_SIGN", "MD5")
    assert md5_signatory(make.KEY).verify(b"error=ILLEGAL_SIGN", signed.sign)
    unknown = with_choice(sign_rejections=True).get(fields | {"partner": "2088000000000009"})
    assert read_answer(unknown.body or b"").sign == ""


def test_a_payment_may_need_its_notify_url() -> None:
    desk = with_choice(notify_url_required=True)
    assert desk.error(make.pay_fields()) == "ILLEGAL_ARGUMENT"
    assert desk.call(make.pay_fields(notify_url=URL))["result_code"] == "SUCCESS"


def test_lifetimes_that_nobody_names_are_chosen() -> None:
    desk = with_choice(it_b_pay="5m", qr_code_it_b_pay="1m")
    desk.call(make.create_fields("A"))
    desk.advance(minutes=5)
    assert desk.book.trades[PARTNER, "A"].status is TradeStatus.TRADE_CLOSED
    fields = make.create_fields("B", service=make.PRECREATE)
    del fields["buyer_id"]
    desk.call(fields)
    desk.advance(minutes=1)
    with pytest.raises(Exception, match="too old"):
        desk.book.scan(desk.book.code_url(desk.book.trades[PARTNER, "B"].qr_token), "anna")


@pytest.mark.parametrize(("hour", "minute", "result"), [(0, 0, "FAILED"), (1, 29, "FAILED"), (1, 30, "SUCCESS")])
def test_synchronous_refunds_may_pause_after_midnight(hour: int, minute: int, result: str) -> None:
    night = datetime(2024, 1, 6, hour, minute, tzinfo=BEIJING)
    for pause, expected in ((True, result), (False, "SUCCESS")):
        desk = with_choice(night, sync_refund_pause=pause)
        desk.call(make.pay_fields("A"))
        said = desk.call(make.refund_fields("A"))
        assert said["result_code"] == expected
        assert desk.call(make.refund_fields("A", refund="RF-2", is_sync="N"))["result_code"] == "SUCCESS"


def test_shops_may_need_an_address_and_answer_without_a_result() -> None:
    desk = with_choice(shop_address_required=True, shop_result_code=False, shop_order_prefix="ALI")
    assert desk.error(shop_code()) == "ILLEGAL_ARGUMENT"
    said = desk.call(shop_code(country_code="SG", address="1 Harbour Road"))
    assert said.keys() == {"qrcode", "qrcode_img_url"}
    trade = desk.book.pay_static(said["qrcode"], "anna", Money(100, "SGD"), "123456")
    assert trade.out_trade_no.startswith("ALI20240105121532")
    assert trade.currency == "CNY", "printed codes settle in CNY where nothing is said"


def test_notifications_may_name_the_currency_and_keep_quiet_about_the_action() -> None:
    desk = with_choice(notify_action_type=False, notify_currency=True)
    desk.call(make.pay_fields("A", notify_url=URL))
    (notice,) = desk.sandbox.notices.of_order("A")
    assert "notify_action_type" not in notice.fields
    assert (notice.fields["currency"], notice.fields["forex_total_fee"]) == ("USD", "12.50")


@pytest.mark.parametrize("said", ["false", "true", "invalid"])
def test_an_acknowledged_notification_is_genuine_or_not(said: str) -> None:
    desk = with_choice(acknowledged_notice=said)
    desk.call(make.pay_fields("A", notify_url=URL))
    (notice,) = desk.sandbox.notices.of_order("A")
    asked = {"service": "notify_verify", "partner": PARTNER, "notify_id": notice.id}
    assert desk.get(asked).body == b"true"
    notice.acknowledged = True
    assert desk.get(asked).body == said.encode()
