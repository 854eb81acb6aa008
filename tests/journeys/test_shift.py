"""A cashier's day at the drawer, in the browser: float, a sale, vegetables, a count that is short, the report."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House
from tests.journeys.test_methods import opened_bill, they_leave

pytestmark = pytest.mark.journey


def test_a_drawer_is_opened_counted_and_its_difference_explained(house: House, cast: Cast) -> None:
    till, why = cast.staff(), cast.pick(en="a coin fell behind the stove", zh="一枚硬币掉到炉子后面")
    bill = opened_bill(till)
    page, origin = till.page, "/".join(till.page.url.split("/", 3)[:3])
    page.goto(f"{origin}/till/shift")
    page.locator("[name=count_2000]").fill("5")
    expect(page.locator("[data-count-sum]")).to_contain_text("100.00")
    page.get_by_test_id("open").click()
    page.get_by_test_id("pay-out").click()
    page.locator("#pay_out-amount").fill("20")
    page.locator("#pay_out-reason").fill(cast.pick(en="vegetables", zh="买菜"))
    page.get_by_test_id("pay_out-now").click()
    expect(page.get_by_test_id("move")).to_contain_text("20.00")
    page.goto(f"{origin}/till/bills/{bill}")
    page.get_by_test_id("cash").click()
    page.get_by_test_id("cash-dialog").locator("button[type=submit]").click()
    expect(page.get_by_test_id("by-hand")).to_be_visible()
    page.locator("#pane a[href^='/receipt/']").click()
    with page.expect_download() as first:
        page.get_by_test_id("paper-pdf").click()
    assert first.value.suggested_filename.endswith(".pdf")
    page.reload()
    expect(page.get_by_test_id("stamp")).to_have_text(cast.pick(en="COPY 1", zh="补打 第 1 次"))
    page.goto(f"{origin}/till/shift")
    page.get_by_test_id("count").click()
    page.locator("[name=count_2000]").fill("4")
    page.get_by_test_id("close").click()
    short = page.get_by_test_id("difference")
    expect(short).to_contain_text("−")
    expect(page.locator("dl.sums .all").first).to_have_text(cast.pick(en="Missing", zh="短款"))
    page.get_by_test_id("explanation").fill(why)
    page.get_by_test_id("close").first.click()
    page.wait_for_url(re.compile(r"/till/shifts/sft_"))
    expect(page.get_by_test_id("paper")).to_contain_text(why)
    they_leave(house, bill)
