"""Printed codes of shops and the register of sub-merchants."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from saoma.kit.errors import Invalid, NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.model import StaticCode, TradeStatus
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Running

NOW = "2024-01-05 12:15:00"
DATA = {
    "secondary_merchant_id": "SM_1",
    "secondary_merchant_industry": "5812",
    "secondary_merchant_name": "Example Noodle Bar",
    "store_id": "ST_01",
    "store_name": "Harbour Branch",
    "trans_currency": "SGD",
    "currency": "SGD",
}


def shop(service: str, data: dict[str, Any] | None = None, **fields: str) -> dict[str, str]:
    asked = make.basic(f"alipay.commerce.qrcode.{service}", timestamp=NOW, biz_type="OVERSEASHOPQRCODE", **fields)
    return asked | ({"biz_data": json.dumps(data)} if data is not None else {})


async def test_a_store_has_one_code_with_and_one_without_commission(wire: Running) -> None:
    fee = DATA | {"channel_fee": {"type": "RATE", "value": "0.01"}}
    plain = [(await wire.call(shop("create", DATA))).fields["qrcode"] for _ in range(2)]
    paid = [(await wire.call(shop("create", fee))).fields["qrcode"] for _ in range(2)]
    other = (await wire.call(shop("create", DATA | {"store_id": "ST_02"}))).fields["qrcode"]
    assert plain[0] == plain[1] != paid[0] == paid[1] != other


@pytest.mark.parametrize(
    "data",
    [
        DATA | {"colour": "red"},
        DATA | {"currency": "USD"},
        DATA | {"store_name": ""},
        DATA | {"secondary_merchant_industry": "4121"},
        DATA | {"secondary_merchant_id": "S M"},
        DATA | {"trans_currency": "XXX"},
        DATA | {"notify_charset": "LATIN1"},
        {},
    ],
)
async def test_shop_data_that_is_not_as_documented_is_refused(wire: Running, data: dict[str, Any]) -> None:
    assert await wire.error(make.signed(shop("create", data))) == "ILLEGAL_ARGUMENT"


async def test_a_buyer_types_the_amount_and_alipay_numbers_the_trade(wire: Running) -> None:
    data = DATA | {"passback_parameters": {"table": "7"}}
    asked = shop("create", data, notify_url="http://127.0.0.1:9/notify")
    code = (await wire.call(asked)).fields["qrcode"]
    found = wire.book.resolve(code)
    assert isinstance(found, StaticCode)
    assert (found.merchant, found.trans_currency) == ("Example Noodle Bar", "SGD")
    trade = wire.book.pay_static(code, "anna", Money(1000, "SGD"), "123456")
    [told] = wire.book.messages("anna")
    assert (told.kind, told.amount, told.trade_no) == ("paid", trade.money, trade.trade_no), "Alipay tells the customer"
    assert (trade.status, trade.cny) == (TradeStatus.TRADE_SUCCESS, 53_30)
    query = await wire.call(make.basic(make.QUERY, partner_trans_id=trade.out_trade_no))
    assert query.fields["alipay_trans_status"] == "TRADE_SUCCESS"
    (notice,) = wire.sandbox.notices.of_order(trade.out_trade_no)
    assert notice.fields["extra_common_param"] == '{"table":"7"}'
    with pytest.raises(Invalid, match="SGD"):
        wire.book.pay_static(code, "anna", Money(1000, "USD"), "123456")


async def test_two_payments_in_one_second_never_share_a_number(wire: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (await wire.call(shop("create", DATA))).fields["qrcode"]
    dice = iter([7, 7, 7, 8])
    monkeypatch.setattr(secrets, "randbelow", lambda below: next(dice))
    paid = [wire.book.pay_static(code, "anna", Money(1000, "SGD"), "123456") for _ in range(2)]
    assert paid[0].out_trade_no != paid[1].out_trade_no


async def test_a_stopped_code_works_again_and_a_deleted_one_never(wire: Running) -> None:
    code = (await wire.call(shop("create", DATA))).fields["qrcode"]
    ten = Money(1000, "SGD")
    await wire.call(shop("modifyStatus", qrcode=code, status="STOP"))
    with pytest.raises(NotFound):
        wire.book.pay_static(code, "anna", ten, "123456")
    await wire.call(shop("modifyStatus", qrcode=code, status="RESTART"))
    wire.book.pay_static(code, "anna", ten, "123456")
    assert (await wire.call(shop("modifyStatus", qrcode=code, status="DELETE"))).fields["qrcode"] == code
    again = await wire.call(shop("modifyStatus", qrcode=code, status="RESTART"))
    assert again.fields["detail_error_code"] == "INVALID_PARAMETER"
    assert (await wire.call(shop("create", DATA))).fields["qrcode"] != code


async def test_a_code_may_be_renamed_but_not_given_to_another_merchant(wire: Running) -> None:
    code = (await wire.call(shop("create", DATA))).fields["qrcode"]
    changed = await wire.call(shop("modify", DATA | {"store_name": "Hill Branch"}, qrcode=code))
    assert (changed.node, changed.fields["qrcode"]) == ("qrcodeinfo", code)
    found = wire.book.resolve(code)
    assert isinstance(found, StaticCode)
    assert found.store == "Hill Branch"
    moved = await wire.call(shop("modify", DATA | {"secondary_merchant_id": "SM_2"}, qrcode=code))
    assert moved.fields["result_code"] == "FAIL"


MERCHANT = {
    "timestamp": NOW,
    "secondary_merchant_name": "Example Noodle Bar",
    "secondary_merchant_id": "SM_1",
    "store_id": "ST_01",
    "store_name": "Harbour Branch",
    "store_country": "SG",
    "store_address": "1 Harbour Road",
    "store_industry": "5812",
}


async def test_a_sub_merchant_is_registered_and_kept(wire: Running) -> None:
    asked = make.basic("alipay.overseas.secmerchant.offline.maintain", **MERCHANT)
    assert (await wire.call(asked)).fields == {"result_code": "SUCCESS"}
    kept = wire.sandbox.store.one("submerchant", f"{PARTNER}|SM_1|ST_01", dict[str, str])
    assert kept == MERCHANT


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({"store_country": "Singapore"}, False),
        ({"store_industry": "4121"}, False),
        ({"store_industry": "4121", "extend_params": '[{"operation_id":"D1","contact_person":"Chen"}]'}, True),
        ({"store_industry": "4121", "extend_params": '[{"operation_id":"D1"}]'}, False),
    ],
)
async def test_a_taxi_is_registered_with_its_drivers(wire: Running, changes: dict[str, str], fine: bool) -> None:  # noqa: FBT001
    asked = make.basic("alipay.overseas.secmerchant.offline.maintain", **MERCHANT | changes)
    if fine:
        assert (await wire.call(asked)).fields["result_code"] == "SUCCESS"
    else:
        assert await wire.error(make.signed(asked)) == "ILLEGAL_ARGUMENT"


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({"channel_fee": {"type": "RATE", "value": "0.05"}}, True),
        ({"channel_fee": {"type": "RATE", "value": "0.051"}}, False),
        ({"channel_fee": {"type": "FIXED", "value": "1.50"}}, True),
        ({"channel_fee": '{"type":"FIXED","value":"1.50"}'}, True),
        ({"channel_fee": {"type": "TIP", "value": "1"}}, False),
        ({"channel_fee": {"type": "RATE"}}, False),
        ({"channel_fee": {"type": "RATE", "value": "-0.01"}}, False),
        ({"channel_fee": "much"}, False),
        ({"passback_parameters": {"table": "7"}}, True),
        ({"passback_parameters": {"table": {"number": "7"}}}, False),
        ({"passback_parameters": "table7"}, True),
        ({"is_show_memo": "true"}, True),
        ({"is_show_memo": "perhaps"}, False),
        ({"currency": "CNY"}, True),
        ({"store_id": 7}, False),
        ({"notify_mobile": 7}, False),
    ],
)
def test_the_rarer_keys_of_a_shops_data_are_looked_at_too(changes: dict[str, Any], fine: bool) -> None:  # noqa: FBT001
    desk = make.desk()
    if fine:
        assert desk.call(shop("create", DATA | changes))["result_code"] == "SUCCESS"
    else:
        assert desk.error(shop("create", DATA | changes)) == "ILLEGAL_ARGUMENT"


def test_a_taxis_code_needs_its_driver_and_no_store() -> None:
    desk = make.desk()
    taxi = {key: value for key, value in DATA.items() if not key.startswith("store")}
    taxi |= {"secondary_merchant_industry": "4121", "taxi_operation_id": "T1", "taxi_number": "SBS1"}
    assert desk.error(shop("create", taxi)) == "ILLEGAL_ARGUMENT"
    taxi |= {"taxi_driver_name": "Chen", "taxi_driver_mobile": "1"}
    assert desk.call(shop("create", taxi))["result_code"] == "SUCCESS"


def test_a_code_moved_to_another_store_leaves_room_for_a_new_one() -> None:
    desk = make.desk()
    code = desk.call(shop("create", DATA))["qrcode"]
    other = desk.call(shop("create", DATA | {"store_id": "ST_02"}))["qrcode"]
    taken = desk.call(shop("modify", DATA | {"store_id": "ST_02"}, qrcode=code))
    assert taken["detail_error_code"] == "INVALID_PARAMETER"
    assert desk.call(shop("modify", DATA | {"store_id": "ST_03"}, qrcode=code))["qrcode"] == code
    assert desk.call(shop("create", DATA))["qrcode"] not in (code, other)
    assert desk.call(shop("create", DATA | {"store_id": "ST_03"}))["qrcode"] == code


def test_commission_once_agreed_stays_and_a_deleted_code_cannot_be_changed() -> None:
    desk = make.desk()
    fee = DATA | {"channel_fee": {"type": "RATE", "value": "0.01"}}
    code = desk.call(shop("create", fee))["qrcode"]
    assert desk.call(shop("modify", DATA, qrcode=code))["detail_error_code"] == "INVALID_PARAMETER"
    assert desk.call(shop("modify", fee, qrcode=code))["result_code"] == "SUCCESS"
    desk.call(shop("modifyStatus", qrcode=code, status="DELETE"))
    assert desk.call(shop("modify", fee, qrcode=code))["detail_error_code"] == "INVALID_PARAMETER"
    assert desk.call(shop("modifyStatus", qrcode="https://qr.alipay.com/x", status="STOP"))["detail_error_code"]


async def test_the_picture_of_a_shops_code_is_a_picture(wire: Running) -> None:
    said = (await wire.call(shop("create", DATA))).fields
    async with wire.client.get(said["qrcode_img_url"].replace("localhost", "127.0.0.1")) as picture:
        assert picture.content_type == "image/svg+xml"
        assert b"<svg" in await picture.read()
    async with wire.client.get(f"{wire.url}/show.htm", params={"code": "nobody's", "picSize": "M"}) as picture:
        assert picture.status == 404
