"""Notifications: genuine ones are read, all others change nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.alipay.account import Account
from saoma.alipay.notify import read_notice
from saoma.alipay.signing import SignType, string_to_sign
from saoma.alipay.wire import form, parse_form
from saoma.gateway import AwaitingBuyer, BadNotice, Closed, Notice, Paid
from saoma.kit.money import Money
from tests.alipay import make
from tests.alipay.vectors import NOTIFICATION

PAID = {
    "notify_time": "2024-01-05 12:21:10",
    "notify_type": "trade_status_sync",
    "notify_id": "00000000000000000000000000000000aa",
    "out_trade_no": "QR-20240105-000007",
    "trade_no": "2024010521001000000000000002",
    "trade_status": "TRADE_SUCCESS",
    "gmt_payment": "2024-01-05 12:21:09",
    "buyer_email": "ali***@example.com",
    "buyer_id": make.BUYER,
    "seller_id": make.PARTNER,
    "total_fee": "12.50",
}


def signed(fields: dict[str, str], sign_type: SignType = SignType.MD5, charset: str = "utf-8") -> dict[str, str]:
    fields = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
    signature = make.alipay_side(sign_type).sign(string_to_sign(fields).encode(charset))
    return {**fields, "sign_type": sign_type.value, "sign": signature}


def why(account: Account, fields: dict[str, str]) -> str:
    judged = read_notice(account, fields, "USD")
    assert isinstance(judged, BadNotice)
    return judged.why


def test_the_sample_notification_is_a_payment() -> None:
    notice = read_notice(make.account(), parse_form(NOTIFICATION.encode(), "utf-8"), "USD")
    assert isinstance(notice, Notice)
    assert isinstance(notice.report, Paid)
    assert notice.notice_id == "00000000000000000000000000000000aa"
    assert notice.order_number == "QR-20240105-000007"
    assert notice.sent_at == datetime(2024, 1, 5, 4, 21, 10, tzinfo=UTC)
    trade = notice.report.trade
    assert trade.amount == Money(1250, "USD")
    assert trade.trade_number == "2024010521001000000000000002"
    assert trade.buyer_id == make.BUYER
    assert trade.buyer_login == "ali***@example.com"
    assert trade.paid_at == datetime(2024, 1, 5, 4, 21, 9, tzinfo=UTC)
    assert notice.settles_refund == ""
    assert notice.merchant_code == "", "what was handed back is no code of ours"
    assert notice.report.evidence.signed is True
    assert "2ad53d9e" not in notice.report.evidence.raw


@pytest.mark.parametrize("sign_type", SignType)
def test_a_notification_is_read_with_the_accounts_sign_type(sign_type: SignType) -> None:
    assert isinstance(read_notice(make.account(sign_type), signed(PAID, sign_type), "USD"), Notice)


def test_pluses_that_became_blanks_are_repaired_in_rsa_signatures_only() -> None:
    for number in range(40):
        fields = signed({**PAID, "notify_id": str(number)}, SignType.RSA2)
        if "+" in fields["sign"]:
            break
    fields["sign"] = fields["sign"].replace("+", " ")
    assert " " in fields["sign"]
    assert isinstance(read_notice(make.account(SignType.RSA2), fields, "USD"), Notice)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_notification_in_gbk_is_read_like_one_in_utf_8(charset: str) -> None:
    body = form(signed({**PAID, "subject": "面条套餐"}, charset=charset), charset)
    notice = read_notice(make.account(), parse_form(body, charset), "USD")
    assert isinstance(notice, Notice)
    assert notice.extra["subject"] == "面条套餐"


@given(st.sampled_from(sorted(PAID)), st.text(min_size=1))
def test_a_forged_field_is_refused(name: str, value: str) -> None:
    genuine = signed(PAID)
    if value == genuine[name]:
        return
    assert why(make.account(), {**genuine, name: value}) == "signature"


def test_an_added_or_a_missing_field_is_refused() -> None:
    genuine = signed(PAID)
    assert why(make.account(), {**genuine, "extra": "1"}) == "signature"
    assert why(make.account(), {name: value for name, value in genuine.items() if name != "total_fee"}) == "signature"
    assert why(make.account(), {**genuine, "sign": ""}) == "signature"
    assert why(make.account(), {name: value for name, value in genuine.items() if name != "sign"}) == "signature"


@pytest.mark.parametrize("account_type", SignType)
@pytest.mark.parametrize("claimed", [*SignType, "", "md5", "DSA"])
def test_a_swapped_sign_type_is_refused(account_type: SignType, claimed: str) -> None:
    fields = {**signed(PAID, account_type), "sign_type": claimed}
    if claimed == account_type:
        assert isinstance(read_notice(make.account(account_type), fields, "USD"), Notice)
    else:
        assert why(make.account(account_type), fields) == "sign_type"


def test_a_signature_of_a_weaker_kind_under_the_right_name_is_refused() -> None:
    fields = {**signed(PAID, SignType.RSA), "sign_type": "RSA2"}
    assert why(make.account(SignType.RSA2), fields) == "signature"


@pytest.mark.parametrize("sign_type", SignType)
def test_another_partners_notification_is_refused_though_its_signature_is_genuine(sign_type: SignType) -> None:
    fields = signed({**PAID, "seller_id": "2088000000000002"}, sign_type)
    assert why(make.account(sign_type), fields) == "account"
    fields = signed({**PAID, "partner": "2088000000000002"}, sign_type)
    assert why(make.account(sign_type), fields) == "account"


def test_without_a_seller_only_a_key_of_our_own_says_whose_notification_it_is() -> None:
    nameless = {name: value for name, value in PAID.items() if name != "seller_id"}
    assert isinstance(read_notice(make.account(), signed(nameless), "USD"), Notice)
    assert why(make.account(SignType.RSA2), signed(nameless, SignType.RSA2)) == "account"


@pytest.mark.parametrize(
    ("status", "report"),
    [
        ("TRADE_SUCCESS", Paid),
        ("TRADE_FINISHED", Paid),
        ("TRADE_CLOSED", Closed),
        ("WAIT_BUYER_PAY", AwaitingBuyer),
        ("TRADE_PENDING", AwaitingBuyer),
    ],
)
def test_each_trade_status_becomes_a_report(status: str, report: type) -> None:
    notice = read_notice(make.account(), signed({**PAID, "trade_status": status}), "USD")
    assert isinstance(notice, Notice)
    assert isinstance(notice.report, report)
    assert notice.report.evidence.code == status


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_status": "TRADE_FAIL"},
        {"trade_status": ""},
        {"notify_id": ""},
        {"out_trade_no": ""},
        {"total_fee": "12.505"},
        {"total_fee": "-12.50"},
        {"currency": "XXX"},
        {"gmt_payment": "today"},
    ],
)
def test_a_genuine_notification_without_sense_is_malformed(changes: dict[str, str]) -> None:
    assert why(make.account(), signed({**PAID, **changes})) == "malformed"


def test_a_refund_is_named_by_our_refund_number() -> None:
    fields = {**PAID, "trade_status": "TRADE_CLOSED", "refund_fee": "12.50", "out_biz_no": "RF-1"}
    notice = read_notice(make.account(), signed(fields), "USD")
    assert isinstance(notice, Notice)
    assert notice.settles_refund == "RF-1"
    notice = read_notice(make.account(), signed({**PAID, "out_biz_no": "RF-1"}), "USD")
    assert isinstance(notice, Notice)
    assert notice.settles_refund == ""


def test_the_amount_is_the_orders_and_another_currency_stays_visible() -> None:
    def amount(**changes: str) -> Money | None:
        notice = read_notice(make.account(), signed({**PAID, **changes}), "USD")
        assert isinstance(notice, Notice)
        return notice.report.trade.amount

    assert amount() == Money(1250, "USD")
    assert amount(currency="USD", forex_total_fee="12.50", total_fee="88.75") == Money(1250, "USD")
    assert amount(currency="CNY", total_fee="12.50") == Money(1250, "CNY")
    assert amount(total_fee="") is None
