"""A bill paid by several phones at once: an even part with a tip, any amount, the rest; told from each diner's side."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey

WORDS = {
    "en": {
        "people": "Split by 3 people",
        "tip": "Tip",
        "thanks": "Paid. Thank you!",
        "too_much": "more than what is left",
    },
    "zh": {
        "people": "3 人均摊",
        "tip": "小费",
        "thanks": "支付成功，谢谢！",
        "too_much": "超过了账单剩余金额",
    },
}


def _pays(person: Person, testid: str) -> None:
    """Press the button, again where the bill changed under the finger, and type the PIN in the wallet."""
    opened = person.shop.locator("[data-pay-now]")
    person.shop.get_by_test_id(testid).click()
    expect(opened.or_(person.shop.get_by_test_id("refusal"))).to_be_visible(timeout=15_000)
    if not opened.is_visible():
        person.shop.get_by_test_id(testid).click()
    opened.click()
    person.page.locator("[data-do=pin]").click()
    person.type_pin()
    expect(person.shop.locator("#pay[data-shows=paid]")).to_be_visible()


def _opens(person: Person, name: str, url: str) -> None:
    """The ways to pay, from the table's page."""
    person.scan(name, url)
    person.shop.get_by_test_id("open-bill").click()
    person.shop.get_by_test_id("ways").click()
    expect(person.shop.get_by_test_id("ways-sheet")).to_be_visible()


@pytest.mark.parametrize(("lang", "seat"), [("en", 12), ("zh", 13)])
def test_friends_split_a_bill_evenly_tip_and_pay_any_amount_at_one_table(
    house: House, person: Callable[..., Person], lang: str, seat: int
) -> None:
    words, table = WORDS[lang], house.table("Burrito Bar", seat)
    amy, ben = person(lang), person(lang)
    amy.scan("amy", table["url"])
    ben.scan("ben", table["url"])
    for one, dish in ((amy, 0), (ben, 1)):
        one.shop.get_by_test_id("dish").get_by_role("button").nth(dish).click()
        expect(one.shop.get_by_test_id("basket-total")).not_to_contain_text("0.00")
    amy.shop.get_by_test_id("open-basket").click()
    expect(amy.shop.get_by_test_id("basket-line")).to_have_count(2)
    amy.shop.get_by_test_id("send").click()
    expect(amy.shop.get_by_test_id("ordered-line")).to_have_count(2)

    # Amy: one part of three, and ten percent for the staff. The sum follows every touch.
    _opens(amy, "amy", table["url"])
    amy.shop.get_by_test_id("people").locator("xpath=..").get_by_role("button").last.click()
    expect(amy.shop.get_by_test_id("ways-sheet")).to_contain_text(words["people"])
    part = amy.shop.get_by_test_id("pay-this").inner_text()
    amy.shop.get_by_test_id("tip-10").locator("xpath=..").click()
    expect(amy.shop.get_by_test_id("for-tip")).to_be_visible()
    assert amy.shop.get_by_test_id("pay-this").inner_text() != part
    tip = re.sub(r"[^0-9.]", "", amy.shop.get_by_test_id("for-tip").inner_text())

    # Ben looks at the same moment: any amount, first too much of it.
    _opens(ben, "ben", table["url"])
    ben.shop.get_by_test_id("choose-amount").click()
    ben.shop.get_by_test_id("typed").fill("500")
    expect(ben.shop.get_by_test_id("problem")).to_contain_text(words["too_much"])
    ben.shop.get_by_test_id("typed").fill("0.50")
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text("0.50")
    _pays(amy, "pay-this")
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text("0.50")
    _pays(ben, "pay-this")

    # What is left is left exactly; Ben pays it, and the table is done.
    _opens(ben, "ben", table["url"])
    ben.shop.get_by_test_id("choose-whole").click()
    rest = ben.shop.get_by_test_id("choose-whole").locator("xpath=..").locator(".num").inner_text()
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text(rest)
    _pays(ben, "pay-this")
    ben.scan("ben", table["url"])
    expect(ben.shop.get_by_test_id("progress")).to_contain_text(words["thanks"])

    # Amy's receipt tells the bill's part and the tip apart, and the books say the same.
    amy.shop.get_by_role("link", name=re.compile("Receipt|收据|小票")).click()
    expect(amy.shop.locator("body")).to_contain_text(words["tip"])
    expect(amy.shop.locator("body")).to_contain_text(tip)
    shares = house.query(
        "SELECT b.choice, b.amount::int, b.tip::int, p.amount::int FROM bill_shares b JOIN payments p"
        " ON p.id = b.payment_id JOIN sittings s ON s.id = b.sitting_id JOIN dining_tables t ON t.id = s.table_id"
        " WHERE t.code = %s AND b.state = 'paid' ORDER BY b.settled_at",
        table["code"],
    )
    assert [choice for choice, *_ in shares] == ["even", "amount", "whole"]
    assert all(amount + tip == charged for _, amount, tip, charged in shares)
    ordered = house.query(
        "SELECT sum(l.amount - l.discount)::int FROM tab_lines l JOIN sittings s ON s.tab_id = l.tab_id"
        " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND l.status <> 'void'",
        table["code"],
    )
    assert [(sum(amount for _, amount, _, _ in shares),)] == ordered
    assert f"{shares[0][2] / 100:.2f}" == tip
