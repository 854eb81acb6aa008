"""The operator's day in a real browser: a payment that Alipay went silent about is found and ruled, in both languages.

The fault is a real one of the local Alipay: its answers to the payment, to the cancels and to the last question are
system errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from saoma.alipay.signing import new_rsa_key
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


ACCOUNT = {
    "en": {"shop": "Noodle House", "well": "All is in order.", "open": "points are open", "seen": "Contract 4711"},
    "zh": {"shop": "Burrito Bar", "well": "一切正常。", "open": "项未落实", "seen": "合同 4711 号"},
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_operator_has_an_account_examined_and_prepares_its_production(
    house: House, person: Callable[..., Person], lang: str
) -> None:
    words = ACCOUNT[lang]
    page = person(lang, desk=True).page
    known = next(one for one in house.told["staff"] if one["login"] == "operator")
    page.goto(f"{house.app_url}/sign-in?next=/console/accounts")
    page.locator("input[name=login]").fill(known["login"])
    page.locator("input[name=password]").fill(known["password"])
    page.locator("input[name=password]").press("Enter")

    # The doctor's lines appear by themselves, and all is in order.
    page.get_by_test_id("account").filter(has_text=words["shop"]).first.click()
    page.get_by_test_id("examine").click()
    expect(page.get_by_test_id("finding")).to_have_count(10)
    expect(page.locator("[data-testid=finding][data-mark=well]")).to_have_count(10)
    expect(page.get_by_test_id("well")).to_contain_text(words["well"])

    # Production gets PID and keys of its own; the switch waits for the list.
    page.get_by_test_id("prepare").click()
    private, public = new_rsa_key(1024)
    page.locator("input[name=partner]").fill("2088900000000001" if lang == "en" else "2088900000000002")
    page.locator("input[name=app_id]").fill("2021900000000001")
    page.locator("input[name=md5_key]").fill(f"production{lang}" * 2)
    page.locator("textarea[name=private_key]").fill(private)
    page.locator("textarea[name=alipay_public_key]").fill(new_rsa_key(1024)[1])
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("point")).to_have_count(13)
    expect(page.locator("[data-point=own_keys]")).to_have_attribute("data-done", "yes")
    expect(page.get_by_test_id("go-live")).to_be_disabled()
    expect(page.get_by_test_id("go-live")).to_contain_text(words["open"])
    contract = page.locator("[data-point=contract]")
    contract.locator("input[name=note]").fill(words["seen"])
    contract.get_by_role("button").click()
    expect(contract).to_have_attribute("data-done", "yes")
    expect(contract).to_contain_text(words["seen"])
    assert private.splitlines()[2] not in page.content() and public.splitlines()[2] in page.content()
