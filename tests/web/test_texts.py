"""Money, times, ages and languages as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from saoma.kit.money import Money
from saoma.web import texts

NOON = datetime(2026, 3, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (Money(3650, "USD"), "$36.50", "US$36.50"),
        (Money(123456, "SGD"), "SGD\N{NO-BREAK SPACE}1,234.56", "SGD\N{NO-BREAK SPACE}1,234.56"),
        (Money(1200, "JPY"), "JP¥1,200", "JP¥1,200"),
        (Money(800, "CNY"), "CN¥8.00", "¥8.00"),
        (Money(5, "EUR"), "€0.05", "€0.05"),
        (Money(-350, "USD"), "\N{MINUS SIGN}$3.50", "\N{MINUS SIGN}US$3.50"),
    ],
)
def test_money_is_shown_with_its_currency_and_its_own_decimals(amount: Money, english: str, chinese: str) -> None:
    assert texts.money(amount, "en") == english
    assert texts.money(amount, "zh") == chinese


def test_times_are_told_by_the_clock_on_the_shops_wall() -> None:
    assert texts.clock_time(NOON, "Asia/Singapore") == "12:05"
    assert texts.date_and_time(NOON, "Asia/Singapore", "en") == "2 Mar 2026, 12:05"
    assert texts.date_and_time(NOON, "America/New_York", "zh") == "2026年3月1日 23:05"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        texts.clock_time(NOON.replace(tzinfo=None), "Asia/Singapore")


@pytest.mark.parametrize(
    ("since", "english", "chinese"),
    [
        (timedelta(seconds=-5), "just now", "刚刚"),
        (timedelta(seconds=59), "just now", "刚刚"),
        (timedelta(minutes=7, seconds=59), "7 min", "7 分钟"),
        (timedelta(hours=47), "47 h", "47 小时"),
        (timedelta(hours=49), "2 days", "2 天"),
    ],
)
def test_an_age_is_one_number_and_its_unit(since: timedelta, english: str, chinese: str) -> None:
    assert texts.age(NOON - since, NOON, "en") == english
    assert texts.age(NOON - since, NOON, "zh") == chinese


@pytest.mark.parametrize(
    ("asked", "chosen", "accepted", "expected"),
    [
        ("zh", "en", "en", "zh"),
        ("fr", "zh", "en", "zh"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "zh-TW", "zh"),
        (None, None, "de,en;q=0.5,zh;q=0.7", "zh"),
        (None, None, "en-GB,zh;q=0.9", "en"),
        (None, None, "de", "en"),
        (None, None, "zh;q=rubbish", "en"),
        (None, None, "zh;q=0", "en"),
        (None, "", None, "en"),
    ],
)
def test_the_address_wins_over_the_choice_and_the_choice_over_the_browser(
    asked: str | None, chosen: str | None, accepted: str | None, expected: str
) -> None:
    assert texts.pick_language(asked, chosen, accepted) == expected


def test_an_amount_inside_a_sentence_is_said_as_on_the_rest_of_the_page() -> None:
    sentence = "“{dish}” now costs {now} (it was {before}). Look at your basket, then send again."
    values = {"dish": "Buns", "dish_zh": "素菜包", "now": Money(1735, "USD"), "before": Money(560, "USD")}
    assert "now costs $17.35 (it was $5.60)" in texts.say("en", sentence, **values)
    assert "现价 US$17.35（原价 US$5.60）" in texts.say("zh", sentence, **values)
