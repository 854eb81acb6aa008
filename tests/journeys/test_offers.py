"""A happy hour and a coupon, from the owner's form to the receipt in a diner's hand."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey


def test_an_owner_makes_a_happy_hour_and_a_coupon_and_a_diner_pays_the_lower_amount(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 1)
    mei, amy = person(desk=True), person("zh")
    mei.sign_in("mei", "/office/offers/new?kind=happy-hour")
    form = mei.page.locator("form.dish-page")
    form.get_by_test_id("name").fill("Quiet hours")
    form.locator("[name=name_zh]").fill("闲时特惠")
    form.locator("[name=from_time]").fill("00:00")
    form.locator("[name=until_time]").fill("23:59")
    form.locator("summary").nth(1).click()
    form.locator("[name=holdout]").fill("0")
    form.locator("[name^=try-]").first.fill("2")
    expect(mei.page.get_by_test_id("preview")).to_contain_text("20 % off all dishes, 00:00 to 23:59.")
    expect(mei.page.get_by_test_id("tried-off")).to_be_visible()
    form.get_by_test_id("begin-now").click()
    expect(mei.page.locator("h1")).to_have_text("Quiet hours")
    happy = mei.page.url
    try:
        mei.page.goto(happy.rpartition("/")[0] + "/new?kind=coupon")
        form.get_by_test_id("name").fill("Voucher")
        form.locator("[name=name_zh]").fill("代金券")
        form.get_by_test_id("amount").fill("2.00")
        form.get_by_test_id("begin-now").click()
        mei.page.get_by_test_id("make-codes").click()
        expect(mei.page.get_by_test_id("batch")).to_contain_text("50 codes")
        voucher = mei.page.url.rpartition("/")[2]
        ((code,),) = house.query("SELECT code FROM coupons WHERE offer_id = %s ORDER BY code LIMIT 1", voucher)

        amy.scan("amy", table["url"])
        amy.shop.get_by_test_id("dish").filter(has_text="猪肉韭菜饺").get_by_role("button").last.click()
        expect(amy.shop.get_by_test_id("basket-total")).to_contain_text("7.20")
        amy.shop.get_by_test_id("bar").get_by_role("link").last.click()
        amy.shop.get_by_test_id("send").click()
        expect(amy.shop.get_by_test_id("send")).to_have_count(0)
        amy.page.reload()
        amy.shop.get_by_test_id("bar").get_by_role("link").first.click()
        expect(amy.shop.get_by_test_id("discount")).to_contain_text("闲时特惠")
        expect(amy.shop.get_by_test_id("discount")).to_contain_text("全场 8 折，23:59 前")
        expect(amy.shop.get_by_test_id("bill-left")).to_have_text("US$5.76")
        amy.shop.get_by_test_id("offers").click()
        amy.shop.get_by_test_id("coupon").fill("ABCD")
        amy.shop.get_by_test_id("use-coupon").click()
        expect(amy.shop.get_by_test_id("refusal")).to_contain_text("没有这个券码")
        amy.shop.get_by_test_id("coupon").fill(code)
        amy.shop.get_by_test_id("use-coupon").click()
        expect(amy.shop.get_by_test_id("bill-left")).to_have_text("US$3.76")
        amy.shop.get_by_test_id("pay-whole").click()
        amy.shop.locator("[data-pay-now]").click()
        amy.page.locator("[data-do=pin]").click()
        amy.type_pin()
        expect(amy.shop.locator("#pay[data-shows=paid]")).to_be_visible()
        amy.shop.get_by_role("link", name=re.compile("收据|小票")).click()
        receipt = amy.shop.locator("body")
        for words in ("闲时特惠", "−US$1.44", "代金券", "−US$2.00", "US$3.76"):
            expect(receipt).to_contain_text(words)
    finally:
        mei.page.goto(happy)
        mei.page.get_by_test_id("end").click()
        mei.page.locator("#end-offer").get_by_role("button", name="End it").click()
        expect(mei.page.locator(".chip").filter(has_text="Ended")).to_be_visible()
    expect(mei.page.locator("dl.sums")).to_contain_text("$1.44")
    paid = house.query(
        "SELECT p.amount::int FROM payments p JOIN sittings s ON s.id = p.payable_id"
        " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND p.status = 'succeeded'",
        table["code"],
    )
    assert paid == [(376,)]
