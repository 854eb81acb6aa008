"""The tablet checks bills out: carried to the table, one question at a time, paid by either side's code.

https://global.alipay.com/docs/ac/restaurant/restaurantintegration names a standalone tablet for checking out bills.
In English it is a tablet's size and then a desk's; in Chinese a phone does its work, and a guest sits at a desk."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.looking import faults
from tests.journeys.steps import agrees, clear, close_bill, origin, sitting_at
from tests.journeys.test_counter import payment_code
from tests.journeys.test_methods import scan_in_wallet

pytestmark = pytest.mark.journey


def seat(cashier: Person, number: int) -> None:
    """The cashier seats people who don't scan and orders two dishes for them."""
    cashier.sign_in("theo", "/till")
    table = cashier.house.table("Burrito Bar", number)
    if clear(cashier, table):
        cashier.page.reload()
    name = table["table"]
    cashier.page.locator(".free-tables button").filter(has_text=re.compile(f"^{name}$")).click()
    cashier.page.wait_for_url(re.compile("/order"))
    for dish in (1, 2):
        cashier.page.locator(".dish-keys form button.dish-key:not([disabled])").nth(dish).click()
        expect(cashier.page.get_by_test_id("chosen-line")).to_have_count(dish)
    cashier.page.get_by_test_id("send").click()
    cashier.page.get_by_test_id("take-amount").wait_for()


def scans(tablet: Person, text: str) -> None:
    """As a scanner does: it types wherever the person is, and presses Enter."""
    tablet.page.keyboard.type(text)
    tablet.page.keyboard.press("Enter")


def test_a_bill_is_split_at_the_table_and_paid_by_the_customers_code_with_a_tip_then_by_the_code_on_the_screen(
    house: House, cast: Cast
) -> None:
    tablet, wallet = cast.staff(), cast.guest()
    table = house.table("Burrito Bar", cast.pick(en=15, zh=16))
    seat(tablet, cast.pick(en=15, zh=16))
    sitting = sitting_at(house, table)
    page, found = tablet.page, []
    look = cast.pick(en=lambda: faults(page), zh=list)
    page.set_viewport_size(cast.pick(en={"width": 1180, "height": 820}, zh={"width": 390, "height": 780}))
    page.goto(f"{origin(tablet)}/tablet")
    expect(page.locator(f"[data-testid=tablet-tile][data-table='{table['table']}']")).to_be_visible()

    # The code on the table opens its bill; half of it, with a tip, is paid by the code on the customer's phone.
    scans(tablet, urlsplit(table["url"]).path)
    expect(page.get_by_test_id("bill-left")).to_be_visible()
    found += look()
    left = page.get_by_test_id("bill-left").inner_text()
    page.get_by_test_id("how-even").click()
    page.get_by_test_id("people-2").click()
    found += look()
    page.get_by_test_id("tip-10").click()
    expect(page.get_by_test_id("charge")).to_be_visible()
    found += look()
    scans(tablet, payment_code(wallet, "chen"))
    expect(page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(page.get_by_test_id("receipt-code")).to_be_visible()
    found += look()
    ((amount, tip, ordered),) = house.query(
        "SELECT p.amount, (p.part ->> 'tip')::int, (SELECT sum(amount)::int FROM tab_lines WHERE tab_id = s.tab_id)"
        " FROM payments p JOIN sittings s ON s.id = p.payable_id WHERE s.id = %s AND p.status = 'succeeded'",
        sitting,
    )
    half = -(-ordered // 2)
    assert (amount, tip) == (half + tip, (half * 10 + 50) // 100)

    # The other half is what is left, and the tablet goes on with it: this time the customer scans the screen.
    page.locator("#payment-panel a").first.click()
    expect(page.get_by_test_id("bill-left")).not_to_have_text(left)
    page.get_by_test_id("how-whole").click()
    page.get_by_test_id("tip-0").click()
    page.get_by_test_id("show-code").click()
    code = page.get_by_test_id("order-code")
    expect(code).to_be_in_viewport(ratio=0.9)
    found += look()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    scan_in_wallet(wallet, "amy", code.get_attribute("data-code") or "")
    agrees(wallet)
    expect(page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(page.get_by_test_id("receipt-code")).to_be_visible()
    page.locator("#payment-panel a").first.click()
    expect(page.get_by_test_id("tablet")).to_be_visible()
    assert found == []
    close_bill(tablet, table)
