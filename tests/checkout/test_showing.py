"""What is shown for a payment, what counts as a payment code, and how a buyer is masked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.checkout.payment_code import SENTENCES, NotACode, PaymentCode, read_payment_code
from saoma.checkout.showing import Phone, Reported, Till, masked, phone_shows, result_code, till_shows
from saoma.payments.lifecycle import Status

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def said(code: str) -> Reported:
    return Reported(code, NOON)


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("9000", Phone.CONFIRMING),
        ("8000", Phone.CONFIRMING),
        ("6004", Phone.CONFIRMING),
        ("5000", Phone.CONFIRMING),
        ("other", Phone.CONFIRMING),
        ("6001", Phone.PAY_AGAIN),
        ("6002", Phone.PAY_AGAIN),
        ("99", Phone.PAY_AGAIN),
        ("4000", Phone.PAY_AGAIN),
    ],
)
def test_a_result_code_changes_what_an_open_payment_offers(code: str, shows: Phone) -> None:
    assert phone_shows(Status.PENDING, "2026", said(code)) is shows


@given(st.sampled_from(Status), st.sampled_from(["9000", "8000", "4000", "6001", "6002", "6004", "99", "other"]))
def test_no_result_code_makes_a_payment_look_paid_or_over(status: Status, code: str) -> None:
    over = {Phone.PAID, Phone.NOT_PAID, Phone.ASK_STAFF, Phone.STOPPING}
    with_report = phone_shows(status, "2026", said(code))
    without = phone_shows(status, "2026", None)
    assert (with_report is without) if without in over else with_report not in over


def test_there_is_no_button_before_there_is_a_trade() -> None:
    for status in (Status.CREATED, Status.PENDING):
        assert phone_shows(status, "", None) is Phone.PREPARING
        assert phone_shows(status, "", said("6001")) is Phone.PREPARING


def test_only_a_payment_that_succeeded_is_shown_as_paid() -> None:
    assert {status for status in Status if till_shows(status) is Till.PAID} == {Status.SUCCEEDED}
    assert {status for status in Status if phone_shows(status, "2026", said("9000")) is Phone.PAID} == {
        Status.SUCCEEDED
    }


@given(st.text(max_size=40))
def test_what_a_phone_reports_is_kept_short(text: str) -> None:
    kept = result_code(text)
    assert kept == "other" or (kept == text and kept.isdigit() and len(kept) <= 5)


@given(st.sampled_from(["25", "26", "27", "28", "29", "30"]), st.text("0123456789", min_size=14, max_size=22))
def test_a_payment_code_is_read_with_or_without_blanks(prefix: str, rest: str) -> None:
    code = prefix + rest
    spaced = " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    assert read_payment_code(code) == read_payment_code(f" {spaced}\n") == PaymentCode(code)


@pytest.mark.parametrize(
    ("scanned", "why"),
    [
        ("", NotACode.EMPTY),
        (" \n", NotACode.EMPTY),
        ("https://qr.alipay.com/fkx123", NotACode.ADDRESS),
        ("alipays://platformapi/startapp", NotACode.ADDRESS),
        ("5901234123457", NotACode.PRODUCT),
        ("28123456", NotACode.PRODUCT),
        ("281234567890", NotACode.PRODUCT),
        ("281234567890123", NotACode.LENGTH),
        ("2812345678901234567890123", NotACode.LENGTH),
        ("241234567890123456", NotACode.OTHER),
        ("311234567890123456", NotACode.OTHER),
        ("134567890123456789", NotACode.OTHER),
        ("28123456789012345x", NotACode.OTHER),
        ("２８１２３４５６７８９０１２３４５６", NotACode.OTHER),
    ],
)
def test_another_scan_gets_a_sentence_that_says_what_to_do(scanned: str, why: NotACode) -> None:
    assert read_payment_code(scanned) is why
    assert SENTENCES[why]


@pytest.mark.parametrize(
    ("login", "buyer_id", "shown"),
    [
        ("ali***@example.com", "2088000000000001", "ali***@example.com"),
        ("alice@example.com", "2088000000000001", "al***@example.com"),
        ("13800138000", "", "138***00"),
        ("", "2088000000000001", "2088···0001"),
        ("", "", ""),
    ],
)
def test_a_receipt_never_shows_a_whole_buyer(login: str, buyer_id: str, shown: str) -> None:
    assert masked(login, buyer_id) == shown
