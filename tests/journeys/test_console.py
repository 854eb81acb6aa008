"""The operator's day in a real browser: a payment that Alipay went silent about is found and ruled, in both languages.

The fault is a real one of the local Alipay: its answers to the payment, to the cancels and to the last question are
system errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person
from tests.journeys.stuck import leave_stuck

pytestmark = pytest.mark.journey

WORDS = {
    "en": {
        "stuck": "The cancel was repeated without a clear answer",
        "unpaid": "It was not paid",
        "reason": "Not on Alipay's statement of today",
        "cancelled": "Cancelled",
        "asked": "We asked, Alipay answered",
    },
    "zh": {
        "stuck": "多次撤销都没有明确答复",
        "unpaid": "没有付款",
        "reason": "支付宝今天的账单里没有这一笔",
        "cancelled": "已撤销",
        "asked": "我方询问，支付宝应答",
    },
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_operator_finds_a_stuck_payment_and_rules_it(house: House, person: Callable[..., Person], lang: str) -> None:
    words = WORDS[lang]
    payment_id, order_number = leave_stuck(house)
    operator = person(lang, desk=True)
    page = operator.page
    known = next(one for one in house.told["staff"] if one["login"] == "operator")
    page.goto(f"{house.app_url}/sign-in?next=/console")
    page.locator("input[name=login]").fill(known["login"])
    page.locator("input[name=password]").fill(known["password"])
    page.locator("input[name=password]").press("Enter")
    expect(page.get_by_test_id("process").first).to_be_visible()
    expect(page.get_by_test_id("queue").first).to_be_visible()

    # By keyboard: the nav's cases, then the first row.
    page.get_by_test_id("console-nav").locator("a[href='/console/cases']").click()
    row = page.get_by_test_id("case").filter(has_text=words["stuck"]).last
    expect(row).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr.here")).to_have_count(1)
    row.get_by_role("link").click()

    # The story is whole, and says which answers were signed.
    expect(page.get_by_test_id("story")).to_contain_text(words["asked"])
    page.locator("label.move").filter(has_text=words["unpaid"]).click()
    page.locator("textarea[name=reason]").fill(words["reason"])
    page.get_by_test_id("rule").click()
    expect(page.get_by_test_id("ruling")).to_contain_text(words["reason"])

    # The payment is found by its number, is undone, and carries the ruling.
    page.goto(re.sub(r"/console/.*", f"/console/payments?q={order_number}", page.url))
    found = page.get_by_test_id("payment")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(words["cancelled"])
    found.get_by_role("link").click()
    expect(page.get_by_test_id("story")).to_contain_text(words["reason"])
    assert house.query("SELECT status FROM payments WHERE id = %s", payment_id) == [("cancelled",)]
    assert house.query("SELECT status, move FROM cases WHERE subject_id = %s", payment_id) == [("closed", "unpaid")]
