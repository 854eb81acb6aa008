"""A happy hour and a coupon, from the owner's form to the receipt in a diner's hand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House
from tests.journeys.steps import adds, clear, close_bill, confirms, origin, sends

pytestmark = pytest.mark.journey


def test_an_owner_makes_a_happy_hour_and_a_coupon_and_a_diner_pays_the_lower_amount(house: House, cast: Cast) -> None:
    table = house.table("Noodle House", 1)
    us = cast.pick(en="$", zh="US$")
    quiet, voucher = cast.pick(en=("Quiet hours", "Voucher"), zh=("闲时特惠", "代金券"))
    mei, amy = cast.staff(), cast.guest()
    mei.sign_in("mei", "/office/offers/new?kind=happy-hour")
    clear(mei, table)
    form = mei.page.locator("form.dish-page")
    form.get_by_test_id("name").fill("Quiet hours")
    form.locator("[name=name_zh]").fill("闲时特惠")
    form.locator("[name=from_time]").fill("00:00")
    form.locator("[name=until_time]").fill("23:59")
    form.locator("summary").nth(1).click()
    form.locator("[name=holdout]").fill("0")
    form.locator("[name^=try-]").first.fill("2")
    expect(mei.page.get_by_test_id("preview")).to_contain_text(re.compile("20 ?% off all dishes, 00:00 to 23:59."))
    expect(mei.page.get_by_test_id("preview")).to_contain_text("闲时特惠")
    expect(mei.page.get_by_test_id("tried-off")).to_be_visible()
    form.get_by_test_id("begin-now").click()
    expect(mei.page.locator("h1")).to_have_text(quiet)
    happy = mei.page.url
    try:
        mei.page.goto(happy.rpartition("/")[0] + "/new?kind=coupon")
        form.get_by_test_id("name").fill("Voucher")
        form.locator("[name=name_zh]").fill("代金券")
        form.get_by_test_id("amount").fill("2.00")
        form.get_by_test_id("begin-now").click()
        mei.page.get_by_test_id("make-codes").click()
        expect(mei.page.get_by_test_id("batch")).to_contain_text("50")
        offer = mei.page.url.rpartition("/")[2]
        ((code,),) = house.query("SELECT code FROM coupons WHERE offer_id = %s ORDER BY code LIMIT 1", offer)

        amy.scan("amy", table["url"])
        adds(amy.shop, cast.pick(en="Pork and chive dumplings", zh="猪肉韭菜饺"))
        expect(amy.shop.get_by_test_id("basket-total")).to_contain_text("7.20")
        sends(amy.shop)
        amy.shop.get_by_test_id("basket-sheet").locator("a[href$='/bill']").click()
        said = amy.shop.get_by_test_id("discount")
        expect(said).to_contain_text(quiet)
        expect(said).to_contain_text(cast.pick(en="off all dishes", zh="全场 8 折，23:59 前"))
        expect(amy.shop.get_by_test_id("bill-left")).to_have_text(f"{us}5.76")
        amy.shop.get_by_test_id("offers").click()
        amy.shop.get_by_test_id("coupon").fill("ABCD")
        amy.shop.get_by_test_id("use-coupon").click()
        unknown = cast.pick(en="no such coupon", zh="没有这个券码")
        expect(amy.shop.get_by_test_id("refusal")).to_contain_text(unknown, ignore_case=True)
        amy.shop.get_by_test_id("coupon").fill(code)
        amy.shop.get_by_test_id("use-coupon").click()
        expect(amy.shop.get_by_test_id("bill-left")).to_have_text(f"{us}3.76")
        amy.shop.get_by_test_id("pay-whole").click()
        confirms(amy)
        amy.shop.locator("a[href^='/receipt/']").click()
        for words in (quiet, f"−{us}1.44", voucher, f"−{us}2.00", f"{us}3.76"):
            expect(amy.shop.locator("body")).to_contain_text(words)

        # The cashier reads the same on the bill, and the owner what it has cost so far.
        mei.page.goto(f"{origin(mei)}/till")
        tile = mei.page.locator(f"[data-testid=bill-tile][data-table='{table['table']}']")
        tile.click()
        for words in (quiet, voucher):
            expect(mei.page.get_by_test_id("discount").filter(has_text=words)).to_be_visible()
        close_bill(mei, table)
    finally:
        mei.page.goto(happy)
        mei.page.get_by_test_id("end").click()
        mei.page.locator("#end-offer button[type=submit]").click()
    expect(mei.page.locator("section.card").first).to_contain_text("1.44")
