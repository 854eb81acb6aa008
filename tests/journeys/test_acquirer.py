"""The tea house has no contract with Alipay: a second deployment takes its money, and nobody at the table notices.

https://global.alipay.com/docs/ac/restaurant/restaurantintegration, with an acquirer's gateway in between"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey

WORDS = {
    "en": {"buns": "Pineapple buns", "console": "All payments"},
    "zh": {"buns": "菠萝包", "console": "全部付款"},
}
_LAST = """SELECT status, amount, method, trade_number, buyer_id, order_number FROM payments
           WHERE method = %s ORDER BY created_at DESC LIMIT 1"""


def both(house: House, method: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The last payment of a kind in our book, and in the acquirer's."""
    (ours,) = house.query(_LAST.replace("WHERE", "WHERE merchant_id = %s AND"), tea(house, "merchants")["id"], method)
    with psycopg.connect(house.told["acquirer"]["database_url"], autocommit=True) as connection:
        (theirs,) = connection.execute(_LAST, (method,)).fetchall()
    return ours, theirs


def tea(house: House, what: str) -> dict[str, Any]:
    """The tea house's entry in a list of `demo.json`."""
    found: dict[str, Any] = next(
        each for each in house.told[what] if "Tea House" in (each.get("merchant"), each.get("name"))
    )
    return found


@pytest.mark.parametrize(("lang", "seat"), [("en", 0), ("zh", 1)])
def test_a_diner_signs_in_orders_and_pays_inside_the_wallet_through_the_acquirer(
    house: House, person: Callable[..., Person], lang: str, seat: int
) -> None:
    phone = person(lang)
    phone.scan("amy", house.table("Tea House", seat)["url"])
    expect(phone.shop.get_by_test_id("bar")).to_be_visible()
    buns = phone.shop.get_by_test_id("dish").filter(has_text=WORDS[lang]["buns"])
    buns.get_by_role("button").last.click()
    expect(phone.shop.get_by_test_id("basket-total")).to_contain_text("3.80")
    phone.shop.get_by_test_id("bar").get_by_role("link").last.click()
    phone.shop.get_by_test_id("send").click()
    expect(phone.shop.get_by_test_id("ordered-line")).to_be_visible()
    phone.page.reload()
    phone.shop.get_by_test_id("bar").get_by_role("link").first.click()
    phone.shop.get_by_test_id("pay-whole").click()
    phone.shop.locator("[data-pay-now]").click()
    phone.page.locator("[data-do=pin]").click()
    phone.type_pin()
    expect(phone.shop.locator("#pay[data-shows=paid]")).to_be_visible()
    ours, theirs = both(house, "wallet_page")
    assert ours[:5] == theirs[:5]
    assert (ours[0], ours[1], ours[4][:4]) == ("succeeded", 380, "2088")
    assert ours[5] != theirs[5], "each house numbers its own payments"
    assert house.control(f"trades/{theirs[5]}")["status"] == "TRADE_SUCCESS"


def test_a_program_pays_with_the_tea_houses_key_and_both_books_have_it(house: House) -> None:
    pay_for_tea(house)
    ours, theirs = both(house, "barcode")
    assert ours[:4] == theirs[:4]
    assert (ours[0], ours[1]) == ("succeeded", 620)


def pay_for_tea(house: House) -> None:
    """A program takes 6.20 by payment code."""
    code = house.control("buyers/amy/payment-code", {})["code"]
    body = {"method": "barcode", "amount": "6.20", "currency": "USD", "payment_code": code, "subject": "Tea"}
    request = urllib.request.Request(
        f"{house.app_url}/api/v1/payments",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {tea(house, 'api_keys')['key']}",
            "Idempotency-Key": f"journey-{code}",
            "Content-Type": "application/json",
            "Prefer": "wait=10",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert (answer.status, json.load(answer)["status"]) == (201, "succeeded")


def test_the_acquirers_operator_sees_the_payment_in_a_console_of_its_own(
    house: House, person: Callable[..., Person]
) -> None:
    pay_for_tea(house)
    desk = person("en", desk=True)
    there = house.told["acquirer"]
    assert {"app_url", "database_url", "staff", "api_keys", "accounts"} <= there.keys()
    desk.page.goto(there["start_page"])
    desk.page.locator("form button[type=submit]").click()
    desk.page.wait_for_url("**/console**")
    desk.page.goto("/".join(desk.page.url.split("/", 3)[:3]) + "/console/payments")
    expect(desk.page.get_by_role("main")).to_contain_text("6.20")
