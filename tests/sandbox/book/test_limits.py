"""Limits of buyers and merchants, risk, thresholds, contracts: in which word each gateway says no, and when yes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from saoma.kit.errors import Invalid, Refused
from saoma.kit.money import Money
from saoma.sandbox.book.limits import REFUSALS
from saoma.sandbox.book.model import Partner, Product, TradeStatus
from saoma.sandbox.book.trades import Book
from saoma.sandbox.choices import Choices
from saoma.sandbox.config import BuyerSetting, Config, read_config
from saoma.sandbox.openapi.codes import failed, told
from saoma.sandbox.plus.codes import RESULTS, code_of
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Desk
from tests.sandbox.near import near
from tests.sandbox.openapi.make import desk as openapi_desk
from tests.sandbox.plus import make as plus


def with_anna(choices: Choices | None = None, **terms: Any) -> Desk:
    """A sandbox whose anna has such terms. At 7.1 CNY, 10.00 USD are 71.00 CNY."""
    changes: dict[str, Any] = {"choices": choices} if choices else {}
    return make.desk(buyers=[BuyerSetting("anna", balance=Decimal(5000), **terms)], **changes)


def with_contract(**terms: Any) -> Desk:
    return make.desk(partners=[Partner(PARTNER, make.APP, md5_key=make.KEY, **terms)])


def pay(desk: Desk, number: str, amount: str = "10.00", **changes: str) -> str:
    """What a till is told of anna's payment."""
    said = desk.call(make.pay_fields(number, desk.book.new_payment_code("anna").code, trans_amount=amount, **changes))
    return said.get("error", said["result_code"])


# --- buyers ----------------------------------------------------------------------------------------------------------


def test_a_payment_above_what_a_buyer_may_pay_at_once_is_refused_in_the_word_that_was_chosen() -> None:
    desk = with_anna(payment_limit=Decimal("71.00"))
    assert pay(desk, "A", "10.01") == "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    assert pay(desk, "A", "10.00") == "SUCCESS"
    other = with_anna(Choices(buyer_payment_limit_code="BEYOND_PAY_RESTRICTION"), payment_limit=Decimal("71.00"))
    assert pay(other, "A", "10.01") == "BEYOND_PAY_RESTRICTION"


def test_a_day_limit_ends_with_the_beijing_day() -> None:
    desk = with_anna(day_limit=Decimal("142.00"))
    assert [pay(desk, number) for number in "ABC"] == ["SUCCESS", "SUCCESS", "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"]
    desk.advance(hours=11, minutes=44, seconds=27)
    assert pay(desk, "D") == "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "one second before Beijing's midnight"
    desk.advance(seconds=1)
    assert pay(desk, "E") == "SUCCESS"


def test_a_month_limit_ends_with_the_month() -> None:
    desk = with_anna(month_limit=Decimal("100.00"))
    assert pay(desk, "A") == "SUCCESS"
    desk.advance(days=26, hours=11, minutes=44, seconds=27)
    assert pay(desk, "B") == "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR"
    desk.advance(seconds=1)
    assert pay(desk, "C") == "SUCCESS"


@pytest.mark.parametrize(
    ("room_back", "after_cancel", "after_refund"),
    [("cancel", True, False), ("refund", True, True), ("never", False, False)],
)
def test_what_gives_room_back_is_a_choice(room_back: Any, after_cancel: bool, after_refund: bool) -> None:  # noqa: FBT001
    def again(undo: dict[str, str]) -> bool:
        desk = with_anna(Choices(limit_room_back=room_back), day_limit=Decimal("100.00"))
        assert pay(desk, "A") == "SUCCESS"
        assert desk.call(undo)["result_code"] == "SUCCESS"
        return pay(desk, "B") == "SUCCESS"

    assert again(make.cancel_fields("A")) is after_cancel
    assert again(make.refund_fields("A", amount="10.00")) is after_refund


def test_a_refusal_makes_no_trade_and_an_identical_repeat_of_a_paid_one_is_told_its_state() -> None:
    desk = with_anna(day_limit=Decimal("100.00"))
    fields = make.pay_fields("A", desk.book.new_payment_code("anna").code, trans_amount="10.00")
    assert desk.call(fields)["result_code"] == "SUCCESS"
    assert desk.call(fields)["result_code"] == "SUCCESS"
    assert pay(desk, "B") == "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    assert desk.call(make.basic(make.QUERY, partner_trans_id="B"))["error"] == "TRADE_NOT_EXIST"
    assert desk.book.buyer("anna").balance == 5000_00 - 71_00


def test_a_trade_that_waits_is_counted_when_it_is_paid() -> None:
    desk = with_anna(day_limit=Decimal("100.00"), pin_required=True)
    assert [pay(desk, number) for number in "AB"] == ["UNKNOWN", "UNKNOWN"]
    first, second = (desk.book.trades[PARTNER, number] for number in "AB")
    desk.book.pay(first.trade_no, "anna", "123456")
    with pytest.raises(Refused, match="more than you may pay in one day"):
        desk.book.pay(second.trade_no, "anna", "123456")
    assert second.status is TradeStatus.WAIT_BUYER_PAY


def test_only_scans_above_the_threshold_wait_for_the_pin() -> None:
    desk = with_anna(pin_above=Decimal("71.00"))
    assert pay(desk, "A", "10.00") == "SUCCESS"
    assert pay(desk, "B", "10.01") == "UNKNOWN"
    assert [trade.out_trade_no for trade in desk.book.pending_for("anna")] == ["B"]


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_buyer_in_trouble_pays_nothing_by_any_gateway(code: str) -> None:
    desk = with_anna(refused_with=code)
    assert pay(desk, "A") == code
    trade = desk.book.create(make.order("B", product=Product.WALLET_PAGE), desk.book.buyer("anna").user_id)
    with pytest.raises(Refused, match="does not let you pay this"):
        desk.book.pay(trade.trade_no, "anna", "123456")
    assert told(failed(code))["sub_code"] == f"ACQ.{code}"
    assert RESULTS[code_of(code)][0] == "F"


def test_a_word_that_no_list_has_is_no_trouble() -> None:
    with pytest.raises(Invalid, match="PAYMENT_REQUEST_HAS_RISK"):
        with_anna(refused_with="BAD_MOOD")
    with pytest.raises(Invalid, match="not less than nothing"):
        with_anna(day_limit=Decimal(-1))
    with pytest.raises(Invalid, match="decimals"):
        with_contract(day_limit=Decimal("0.001"))


# --- merchants -------------------------------------------------------------------------------------------------------


def test_a_merchants_limits_are_per_payment_day_and_month() -> None:
    desk = with_contract(payment_limit=Decimal(100), day_limit=Decimal(150), month_limit=Decimal(200))
    assert pay(desk, "A", "14.09") == "BEYOND_PAY_RESTRICTION"
    assert [pay(desk, number) for number in "BCD"] == ["SUCCESS", "SUCCESS", "BEYOND_PAY_RESTRICTION"]
    desk.advance(days=1)
    assert pay(desk, "E", "8.16") == "SUCCESS"
    assert pay(desk, "F", "0.02") == "BEYOND_PER_RECEIPT_RESTRICTION"
    desk.advance(days=27)
    assert pay(desk, "G") == "SUCCESS"


def test_an_order_that_is_too_large_for_the_merchant_is_not_opened() -> None:
    desk = with_contract(payment_limit=Decimal("88.74"))
    assert desk.call(make.create_fields("A"))["detail_error_code"] == "BEYOND_PAY_RESTRICTION"
    fields = make.create_fields("B", service=make.PRECREATE)
    del fields["buyer_id"]
    assert desk.call(fields)["detail_error_code"] == "BEYOND_PAY_RESTRICTION"
    assert not desk.book.trades


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"suspended": True}, "PARTNER_ERROR"),
        ({"products": [Product.WALLET_PAGE]}, "ACCESS_FORBIDDEN"),
        ({"currencies": ["EUR", "SGD"]}, "INVALID_PARAMETER"),
    ],
)
def test_what_the_contract_does_not_hold_is_refused(terms: dict[str, Any], word: str) -> None:
    desk = with_contract(**terms)
    assert pay(desk, "A") == word
    assert not desk.book.trades


def test_a_suspended_partner_may_still_give_money_back() -> None:
    desk = with_contract()
    assert [pay(desk, number) for number in "AB"] == ["SUCCESS", "SUCCESS"]
    desk.sandbox.partners.add(Partner(PARTNER, make.APP, md5_key=make.KEY, suspended=True))
    assert pay(desk, "C") == "PARTNER_ERROR"
    assert desk.call(make.cancel_fields("A"))["action"] == "refund"
    assert desk.call(make.refund_fields("B"))["result_code"] == "SUCCESS"
    assert desk.call(make.basic(make.QUERY, partner_trans_id="B"))["alipay_trans_status"] == "TRADE_SUCCESS"


def test_an_unsigned_pricing_currency_is_refused_too() -> None:
    desk = with_contract(currencies=["USD"])
    assert pay(desk, "A", trans_currency="CNY") == "INVALID_PARAMETER"
    assert pay(desk, "B") == "SUCCESS"


def test_a_shops_printed_code_keeps_to_the_contract() -> None:
    desk = with_contract(day_limit=Decimal(100), products=[Product.STATIC_CODE])
    shop = make.basic(
        "alipay.commerce.qrcode.create", timestamp="2024-01-05 12:15:00", biz_type="OVERSEASHOPQRCODE",
        biz_data='{"secondary_merchant_id":"S","secondary_merchant_industry":"4121","secondary_merchant_name":"N",'
        '"taxi_operation_id":"1","taxi_number":"2","taxi_driver_name":"3","taxi_driver_mobile":"4",'
        '"trans_currency":"CNY"}',
    )  # fmt: skip
    code = desk.call(shop)["qrcode"]
    desk.book.pay_static(code, "anna", Money(60_00, "CNY"), "123456")
    with pytest.raises(Refused, match="more than the shop may take"):
        desk.book.pay_static(code, "anna", Money(40_01, "CNY"), "123456")
    desk.sandbox.partners.add(Partner(PARTNER, make.APP, md5_key=make.KEY, suspended=True))
    with pytest.raises(Refused, match="can't take payments"):
        desk.book.pay_static(code, "anna", Money(1, "CNY"), "123456")


# --- the other gateways ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"payment_limit": Decimal(12)}, "ACQ.BEYOND_PER_RECEIPT_SINGLE_RESTRICTION"),
        ({"day_limit": Decimal(12)}, "ACQ.BEYOND_PER_RECEIPT_DAY_RESTRICTION"),
        ({"month_limit": Decimal(12)}, "ACQ.BEYOND_PER_RECEIPT_RESTRICTION"),
        ({"currencies": ["SGD"]}, "ACQ.CURRENCY_NOT_SUPPORT"),
        ({"products": [Product.ORDER_CODE]}, "ACQ.ACCESS_FORBIDDEN"),
        ({"suspended": True}, "ACQ.PARTNER_ERROR"),
    ],
)
def test_the_open_api_has_finer_words(terms: dict[str, Any], word: str) -> None:
    contract = Partner(PARTNER, make.APP, md5_key=make.KEY, public_key=make.partner_keys()[1], **terms)
    till = openapi_desk(make.settings(partners=[contract]))
    assert till.pay()["sub_code"] == word
    assert till.status() == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"payment_limit": Decimal(12)}, "PAYMENT_AMOUNT_EXCEED_LIMIT"),
        ({"day_limit": Decimal(12)}, "PAYMENT_AMOUNT_EXCEED_LIMIT"),
        ({"currencies": ["SGD"]}, "CURRENCY_NOT_SUPPORT"),
        ({"products": [Product.ORDER_CODE]}, "PAYMENT_NOT_QUALIFIED"),
        ({"suspended": True}, "INVALID_MERCHANT_STATUS"),
    ],
)
async def test_alipay_plus_has_words_of_its_own(terms: dict[str, Any], word: str) -> None:
    wire = near(Config(partners=[plus.partner(**terms)], buyers=[BuyerSetting("anna")]))
    said = await plus.Client(wire).ask("pay", plus.pay_body())
    assert said.outcome == ("F", word)


async def test_a_buyers_limit_is_told_by_alipay_plus() -> None:
    anna = BuyerSetting("anna", day_limit=Decimal("87.39"))
    wire = near(Config(partners=[plus.partner()], buyers=[anna]))
    said = await plus.Client(wire).ask("pay", plus.pay_body(code=wire.book.new_payment_code("anna").code))
    assert said.outcome == ("F", "USER_AMOUNT_EXCEED_LIMIT")


# --- memory ----------------------------------------------------------------------------------------------------------


def test_limits_and_what_counts_against_them_survive_a_restart() -> None:
    desk = with_anna(day_limit=Decimal("100.00"))
    assert pay(desk, "A") == "SUCCESS"
    desk.sandbox.partners.add(Partner(PARTNER, make.APP, md5_key=make.KEY, month_limit=Decimal("80.00")))
    again = Desk(Sandbox(Config(), make.clock(), store=desk.book.store))
    assert pay(again, "B", "4.00") == "BEYOND_PER_RECEIPT_RESTRICTION"
    again.sandbox.partners.add(Partner(PARTNER, make.APP, md5_key=make.KEY))
    assert pay(again, "C") == "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    assert pay(again, "D", "4.08") == "SUCCESS"


def test_changing_a_pin_habit_leaves_the_terms_alone() -> None:
    book = Book(make.clock(), make.store())
    terms = BuyerSetting("anna", day_limit=Decimal(1)).terms
    book.add_buyer("anna", hk=True, terms=terms)
    changed = book.add_buyer("anna", pin_required=True)
    assert (changed.terms, changed.hk, changed.pin_required) == (terms, True, True)


def test_a_settings_file_may_hold_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text(
        '[rates."2024-01-05"]\nUSD = 7.2\n[[partners]]\npartner = "2088000000000001"\nmd5_key = "k"\n'
        'day_limit = 150.5\nproducts = ["barcode"]\ncurrencies = ["USD"]\nsuspended = false\n'
        '[[buyers]]\nid = "zoe"\nday_limit = 100.25\npin_above = 20\nrefused_with = "PAYMENT_FAIL"\n'
    )
    here = Sandbox(read_config(file), make.clock(), store=make.store())
    contract = here.partners.find(PARTNER)
    assert contract is not None
    assert (contract.limits.day_limit, contract.products) == (150_50, [Product.BARCODE])
    terms = here.book.buyer("zoe").terms
    assert (terms.day_limit, terms.pin_above, terms.refused_with) == (100_25, 20_00, "PAYMENT_FAIL")
    assert here.book.cny_of(Money(1_00, "USD")) == 7_20
    file.write_text("[rates.tomorrow]\nUSD = 7.2\n")
    with pytest.raises(Invalid, match="under a day"):
        Sandbox(read_config(file), make.clock(), store=make.store())


async def test_the_control_api_sets_limits_and_rates(wire: make.Running) -> None:
    told = await wire.control("POST", "buyers", {"id": "erik", "day_limit": "100.00", "pin_above": "50"})
    assert (told["day_limit"], told["month_limit"], told["pin_above"]) == ("100.00", None, "50.00")
    await wire.control("POST", "buyers", {"id": "odd", "refused_with": "BAD_MOOD"}, status=422)
    partner = {"partner": PARTNER, "md5_key": make.KEY, "payment_limit": "10", "products": ["barcode"]}
    await wire.control("POST", "partners", partner)
    assert (await wire.call(make.pay_fields("A"))).fields["error"] == "BEYOND_PAY_RESTRICTION"
    await wire.control("POST", "rates", {"currency": "USD", "cny": "0.5"})
    assert (await wire.control("GET", "rates"))["cny"]["USD"] == "0.50000000"
    assert (await wire.control("GET", "rates?day=2024-01-04"))["cny"]["USD"] == "7.10000000"
    assert (await wire.call(make.pay_fields("A"))).fields["trans_amount_cny"] == "6.25"
    await wire.advance(days=5)
    (payout,) = (await wire.control("GET", f"payouts/{PARTNER}"))["payouts"]
    assert (payout["currency"], payout["net"], payout["day"]) == ("USD", "12.42", "2024-01-08")
    for kind in ("daily", "portal"):
        await wire.control("GET", f"{kind}-files/2088000000000999", status=404)
    files = (await wire.control("GET", f"portal-files/{PARTNER}"))["files"]
    assert files == [f"{PARTNER}_20240108000001.csv", f"{PARTNER}_20240108000002.txt"]
