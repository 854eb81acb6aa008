"""AlipayHK as a switch of the partner: what is different there, and what is not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from saoma.alipay.signing import SignType
from saoma.kit.clock import BEIJING
from saoma.kit.errors import Invalid
from saoma.sandbox.book.model import Partner
from saoma.sandbox.lifetimes import refund_due
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk

HK = Partner(PARTNER, md5_key=make.KEY, region="hk")
SHOP = {
    "secondary_merchant_id": "SM_1", "secondary_merchant_industry": "5812", "secondary_merchant_name": "Noodle Bar",
    "store_id": "ST_01", "store_name": "Harbour Branch", "trans_currency": "HKD", "currency": "HKD",
}  # fmt: skip


def hk(at: datetime = make.LUNCH) -> Desk:
    return make.desk(at, partners=[HK])


def shop_code(service: str, data: dict[str, str], **fields: str) -> dict[str, str]:
    return make.basic(
        f"alipay.commerce.qrcode.{service}", timestamp="2024-01-05 12:15:00", biz_type="OVERSEASHOPQRCODE",
        biz_data=json.dumps(data), **fields,
    )  # fmt: skip


@pytest.mark.parametrize(("is_hk", "inst"), [(True, "ALIPAYHK"), (False, "ALIPAYCN")])
def test_answers_name_the_wallet_and_keep_the_yuan_to_themselves(is_hk: bool, inst: str) -> None:  # noqa: FBT001
    desk = hk()
    desk.book.add_buyer("anna", hk=is_hk)
    code = desk.book.new_payment_code("anna").code
    paid = desk.call(make.pay_fields("A", code, currency="HKD"))
    asked = desk.call(make.basic(make.QUERY, partner_trans_id="A"))
    refunded = desk.call(make.refund_fields("A", currency="HKD"))
    for said in (paid, asked, refunded):
        assert not said.keys() & {"exchange_rate", "trans_amount_cny", "refund_amount_cny"}
    assert (paid["payment_inst"], asked["payment_inst"]) == (inst, inst)
    assert paid["alipay_buyer_login_id"].startswith("852-****") is is_hk
    assert "payment_inst" not in refunded


def test_elsewhere_answers_have_the_yuan_and_no_wallet() -> None:
    desk = make.desk()
    paid = desk.call(make.pay_fields("A"))
    assert "payment_inst" not in paid
    assert paid["trans_amount_cny"] == "88.75"


def test_hong_kong_counts_in_its_dollar_only() -> None:
    desk = hk()
    assert desk.call(make.pay_fields("A"))["error"] == "INVALID_PARAMETER"
    assert desk.call(make.create_fields("B"))["detail_error_code"] == "INVALID_PARAMETER"
    assert desk.error(shop_code("create", SHOP | {"currency": "SGD", "trans_currency": "SGD"})) == "ILLEGAL_ARGUMENT"
    assert desk.call(shop_code("create", SHOP))["result_code"] == "SUCCESS"


def test_the_reason_of_a_refund_is_misspelled_as_on_the_page() -> None:
    desk = hk()
    desk.call(make.pay_fields("A", currency="HKD"))
    fields = make.refund_fields("A", currency="HKD")
    assert desk.error(fields | {"refund_reason": "cold"}) == "ILLEGAL_ARGUMENT"
    assert desk.call(fields | {"refund_reson": "cold"})["result_code"] == "SUCCESS"
    assert desk.book.refunds[PARTNER, "RF-1"].reason == "cold"


def test_an_order_code_may_do_without_a_notify_url_and_counts_milliseconds() -> None:
    fields = make.create_fields("A", service=make.PRECREATE, currency="HKD", trans_currency="HKD", buyer_id="")
    fields = {name: value for name, value in fields.items() if value and name != "notify_url"}
    assert hk().call(fields | {"timestamp": "1704428135000"})["voucher_type"] == "qrcode"
    assert make.desk().error(fields) == "ILLEGAL_ARGUMENT"


def test_shops_have_shorter_names() -> None:
    long = SHOP | {"secondary_merchant_name": "n" * 33}
    assert hk().error(shop_code("create", long)) == "ILLEGAL_ARGUMENT"
    assert hk().call(shop_code("create", SHOP | {"secondary_merchant_name": "n" * 32}))
    assert make.desk().call(shop_code("create", long))["result_code"] == "SUCCESS"


def test_a_shops_code_is_changed_by_md5_alone() -> None:
    rsa = Partner(PARTNER, sign_type="RSA2", md5_key=make.KEY, public_key=make.partner_keys()[1], region="hk")
    desk = make.desk(partners=[rsa])
    code = desk.call(shop_code("create", SHOP))["qrcode"]
    by_rsa = desk.answer(shop_code("modify", SHOP, qrcode=code), make.partner_signatory(SignType.RSA2))
    assert by_rsa.error == "ILLEGAL_SIGN_TYPE"
    assert desk.call(shop_code("modify", SHOP, qrcode=code))["qrcode"] == code
    assert desk.answer(shop_code("create", SHOP), make.partner_signatory(SignType.RSA2)).is_success


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2024, 1, 5, 13, 0, tzinfo=BEIJING), datetime(2024, 1, 5, 23, 0, tzinfo=BEIJING)),
        (datetime(2024, 1, 5, 23, 10, tzinfo=BEIJING), datetime(2024, 1, 5, 23, 10, 5, tzinfo=BEIJING)),
        (datetime(2024, 1, 6, 2, 0, tzinfo=BEIJING), datetime(2024, 1, 6, 2, 0, 5, tzinfo=BEIJING)),
        (datetime(2024, 1, 6, 5, 0, tzinfo=BEIJING), datetime(2024, 1, 6, 23, 0, tzinfo=BEIJING)),
    ],
)
def test_a_refund_that_need_not_be_now_waits_for_the_night_even_on_the_same_day(now: datetime, due: datetime) -> None:
    assert refund_due(make.LUNCH, now, hk=True) == due


def test_an_asynchronous_refund_of_today_is_carried_out_at_eleven() -> None:
    desk = hk()
    desk.call(make.pay_fields("A", currency="HKD", notify_url="http://127.0.0.1:9/n"))
    desk.call(make.refund_fields("A", currency="HKD", is_sync="N"))
    desk.advance(hours=10, minutes=44, seconds=27)
    assert desk.book.refunds[PARTNER, "RF-1"].state == "PROCESSING"
    desk.advance(seconds=1)
    assert desk.book.refunds[PARTNER, "RF-1"].done_at == datetime(2024, 1, 5, 23, 0, tzinfo=BEIJING)
    told = desk.sandbox.notices.of_order("A")[-1].fields
    assert (told["out_biz_no"], told["refund_fee"]) == ("RF-1", "2.50")


def test_a_region_is_one_of_two() -> None:
    desk = make.desk()
    with pytest.raises(Invalid, match="region"):
        desk.sandbox.partners.add(Partner(PARTNER, md5_key=make.KEY, region="mo"))
    with pytest.raises(Invalid, match="refund_days"):
        desk.sandbox.partners.add(Partner(PARTNER, md5_key=make.KEY, refund_days=0))


def test_the_same_hour_counts_elsewhere_from_the_day_of_the_payment() -> None:
    early = datetime(2024, 1, 5, 3, 0, tzinfo=BEIJING)
    assert refund_due(early, early + timedelta(hours=1)) == early + timedelta(hours=1, seconds=5)
    assert refund_due(early, early + timedelta(hours=1), hk=True) == early.replace(hour=23)
