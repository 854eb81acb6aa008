"""A bill paid by several phones at once, told from each side: an even part with a tip, any amount, the rest.

One of them walks away in the middle of paying; the cashier frees his part, and later gives a tip back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.steps import clear, close_bill, confirms, origin, sitting_at

pytestmark = pytest.mark.journey


def _opens_ways(guest: Person) -> None:
    """From the bar at the foot to the ways to pay."""
    guest.shop.get_by_test_id("open-bill").click()
    guest.shop.get_by_test_id("ways").click()
    expect(guest.shop.get_by_test_id("ways-sheet")).to_be_visible()


def _pays(guest: Person, testid: str = "pay-this") -> None:
    """Press the button, again where the bill changed under the finger, and agree in the wallet."""
    guest.shop.get_by_test_id(testid).click()
    opened = guest.shop.locator("[data-pay-now]")
    expect(opened.or_(guest.shop.get_by_test_id("refusal"))).to_be_visible()
    if not opened.is_visible():
        guest.shop.get_by_test_id(testid).click()
    confirms(guest)


def test_friends_split_a_bill_one_walks_away_while_paying_and_the_till_puts_it_right(house: House, cast: Cast) -> None:
    table = house.table("Burrito Bar", cast.pick(en=12, zh=13))
    amy, ben, till = cast.guest(), cast.guest(), cast.staff()
    till.sign_in("rosa", "/till")
    clear(till, table)
    amy.scan("amy", table["url"])
    ben.scan("ben", table["url"])
    for one, dish in ((amy, 0), (ben, 1)):
        one.shop.get_by_test_id("dish").get_by_role("button").nth(dish).click()
        expect(one.shop.get_by_test_id("basket-total")).not_to_contain_text("0.00")
    amy.shop.get_by_test_id("open-basket").click()
    expect(amy.shop.get_by_test_id("basket-line")).to_have_count(2)
    amy.shop.get_by_test_id("send").click()
    expect(amy.shop.get_by_test_id("ordered-line")).to_have_count(2)
    sitting = sitting_at(house, table)

    # Ben wants to pay his dish, and leaves the wallet's question unanswered. Everybody sees whose part is held.
    ben.shop.get_by_test_id("open-bill").click()
    ben.shop.get_by_test_id("pay-mine").click()
    expect(ben.shop.locator("[data-pay-now]")).to_be_visible()
    ben.page.goto("about:blank")
    amy.shop.get_by_test_id("basket-sheet").locator("a[href$='/bill']").click()
    expect(amy.shop.get_by_test_id("open-share")).to_contain_text(cast.pick(en="Guest 2", zh="2 号客人"))
    tile = till.page.locator(f"[data-testid=bill-tile][data-table='{table['table']}']")
    expect(tile).to_have_class(re.compile("paying"))

    # The cashier stops waiting for him: Alipay is asked to forget it, and his part is anybody's again.
    tile.click()
    till.page.locator(".till-payment.waiting").click()
    panel = till.page.locator("#payment-panel")
    panel.locator("form button[type=submit]").click()
    expect(till.page.locator("#payment-panel[data-shows=cancelled]")).to_be_visible()
    expect(amy.shop.get_by_test_id("open-share")).to_have_count(0)
    panel.locator(".line a").first.click()
    ordered = int(till.page.get_by_test_id("take-amount").get_attribute("data-left") or "0")

    # Amy: one part of three, and ten percent for the staff. The sum follows every touch.
    amy.shop.get_by_test_id("ways").click()
    amy.shop.get_by_test_id("people").locator("xpath=..").get_by_role("button").last.click()
    expect(amy.shop.get_by_test_id("ways-sheet")).to_contain_text(cast.pick(en="Split by 3 people", zh="3 人均摊"))
    part = amy.shop.get_by_test_id("pay-this").inner_text()
    amy.shop.get_by_test_id("tip-10").locator("xpath=..").click()
    expect(amy.shop.get_by_test_id("for-tip")).to_be_visible()
    assert amy.shop.get_by_test_id("pay-this").inner_text() != part
    tip = re.sub(r"[^0-9.]", "", amy.shop.get_by_test_id("for-tip").inner_text())

    # Ben is back at the same moment: any amount, first too much of it.
    ben.scan("ben", table["url"])
    _opens_ways(ben)
    ben.shop.get_by_test_id("choose-amount").click()
    ben.shop.get_by_test_id("typed").fill("500")
    expect(ben.shop.get_by_test_id("problem")).to_contain_text(
        cast.pick(en="more than what is left", zh="超过了账单剩余金额")
    )
    ben.shop.get_by_test_id("typed").fill("0.50")
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text("0.50")
    _pays(amy)
    expect(till.page.get_by_test_id("take-amount")).not_to_have_attribute("data-left", str(ordered))
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text("0.50")
    _pays(ben)

    # What is left is left exactly; Ben pays it, and the table is done.
    ben.scan("ben", table["url"])
    _opens_ways(ben)
    ben.shop.get_by_test_id("choose-whole").click()
    rest = ben.shop.get_by_test_id("choose-whole").locator("xpath=..").locator(".num").inner_text()
    expect(ben.shop.get_by_test_id("pay-this")).to_contain_text(rest)
    _pays(ben)

    # Amy's receipt tells the bill's part and the tip apart, and the books say the same.
    amy.shop.locator("a[href^='/receipt/']").click()
    expect(amy.shop.locator("body")).to_contain_text(cast.pick(en="Tip", zh="小费"))
    expect(amy.shop.locator("body")).to_contain_text(tip)
    shares = house.query(
        "SELECT b.choice, b.amount::int, b.tip::int, p.amount::int FROM bill_shares b JOIN payments p"
        " ON p.id = b.payment_id WHERE b.sitting_id = %s AND b.state = 'paid' ORDER BY b.settled_at",
        sitting,
    )
    assert [choice for choice, *_ in shares] == ["even", "amount", "whole"]
    assert all(amount + tip == charged for _, amount, tip, charged in shares)
    assert sum(amount for _, amount, _, _ in shares) == ordered
    assert f"{shares[0][2] / 100:.2f}" == tip

    # The tip was meant for somebody else: the till gives it back, and nothing but it; Alipay tells Amy.
    till.page.goto(f"{origin(till)}/till/bills/{sitting}")
    expect(till.page.get_by_test_id("covered")).to_be_visible()
    till.page.get_by_test_id("taken").filter(has_text=f"{shares[0][3] / 100:.2f}").get_by_test_id("refund").click()
    dialog = till.page.locator("dialog[open]")
    dialog.locator("input[value=tip]").check()
    dialog.locator("[name=reason]").fill(cast.pick(en="Not meant for us", zh="给错了人"))
    dialog.get_by_test_id("refund-now").click()
    expect(till.page.get_by_test_id("taken").filter(has_text=cast.pick(en="given back", zh="已退"))).to_contain_text(
        tip
    )
    port = house.sandbox_url.rpartition(":")[2]
    amy.page.goto(f"http://amy.localhost:{port}/wallet/messages")
    expect(amy.page.locator(".w-lines > *").first).to_contain_text(tip)
    close_bill(till, table)
