"""The tablet checks bills out: carried to the table, one question at a time, paid by either side's code.

https://global.alipay.com/docs/ac/restaurant/restaurantintegration names a standalone tablet for checking out bills."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person
from tests.journeys.looking import faults
from tests.journeys.test_counter import payment_code

pytestmark = pytest.mark.journey


def seat(cashier: Person, number: int) -> None:
    """The cashier seats people who don't scan and orders two dishes for them."""
    cashier.sign_in("theo", "/till")
    name = cashier.house.table("Burrito Bar", number)["table"]
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


def test_a_bill_is_split_at_the_table_and_paid_by_the_customers_code_with_a_tip(
    house: House, person: Callable[..., Person]
) -> None:
    tablet, wallet = person("en", desk=True), person("en")
    seat(tablet, 15)
    table = house.table("Burrito Bar", 15)
    origin = "/".join(tablet.page.url.split("/", 3)[:3])
    tablet.page.set_viewport_size({"width": 1180, "height": 820})
    tablet.page.goto(f"{origin}/tablet")
    expect(tablet.page.get_by_test_id("tablet-tile").filter(has_text=table["table"])).to_be_visible()
    scans(tablet, urlsplit(table["url"]).path)
    expect(tablet.page.get_by_test_id("bill-left")).to_be_visible()
    found = faults(tablet.page)
    left = tablet.page.get_by_test_id("bill-left").inner_text()
    tablet.page.get_by_test_id("how-even").click()
    tablet.page.get_by_test_id("people-2").click()
    found += faults(tablet.page)
    tablet.page.get_by_test_id("tip-10").click()
    expect(tablet.page.get_by_test_id("charge")).to_be_visible()
    found += faults(tablet.page)
    scans(tablet, payment_code(wallet, "chen"))
    expect(tablet.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(tablet.page.get_by_test_id("receipt-code")).to_be_visible()
    found += faults(tablet.page)
    assert found == []
    # Others have sat at this table before: theirs come first.
    *_, (amount, tip, ordered) = house.query(
        "SELECT p.amount, (p.part ->> 'tip')::int, (SELECT sum(amount)::int FROM tab_lines WHERE tab_id = s.tab_id)"
        " FROM payments p JOIN sittings s ON s.id = p.payable_id JOIN dining_tables t ON t.id = s.table_id"
        " WHERE t.code = %s AND p.status = 'succeeded' ORDER BY p.created_at",
        table["code"],
    )
    half = -(-ordered // 2)
    assert (amount, tip) == (half + tip, (half * 10 + 50) // 100)
    # The other half is what is left, and the tablet goes on with it.
    tablet.page.locator("#payment-panel a").first.click()
    expect(tablet.page.get_by_test_id("bill-left")).not_to_have_text(left)


def test_a_bill_is_paid_by_the_code_on_the_tablets_screen(house: House, person: Callable[..., Person]) -> None:
    tablet = person("zh", desk=True)
    seat(tablet, 16)
    table = house.table("Burrito Bar", 16)
    origin = "/".join(tablet.page.url.split("/", 3)[:3])
    tablet.page.set_viewport_size({"width": 768, "height": 1024})
    tablet.page.goto(f"{origin}/tablet")
    tablet.page.get_by_test_id("tablet-tile").and_(tablet.page.locator(f"[data-table='{table['table']}']")).click()
    tablet.page.get_by_test_id("how-whole").click()
    tablet.page.get_by_test_id("tip-0").click()
    tablet.page.get_by_test_id("show-code").click()
    expect(tablet.page.get_by_test_id("order-code")).to_be_visible()
    assert faults(tablet.page) == []
    assert tablet.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    *_, (order,) = house.query(
        "SELECT p.order_number FROM payments p JOIN sittings s ON s.id = p.payable_id"
        " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND p.method = 'order_code'"
        " ORDER BY p.created_at",
        table["code"],
    )
    for _ in range(50):
        if house.query("SELECT 1 FROM payments WHERE order_number = %s AND status = 'pending'", order):
            break
        time.sleep(0.1)
    house.control(f"trades/{order}/pay", {"buyer_id": "ben"})
    expect(tablet.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(tablet.page.get_by_test_id("receipt-code")).to_be_visible()
    tablet.page.locator("#payment-panel a").first.click()
    expect(tablet.page.get_by_test_id("tablet")).to_be_visible()
