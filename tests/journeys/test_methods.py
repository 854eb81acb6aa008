"""The other ways to pay, with a browser at the till: a code on its screen, and a shop's printed code.

The wallet gets the codes as a camera would: their address is pasted on its scan page."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person

pytestmark = pytest.mark.journey


def opened_bill(till: Person) -> str:
    """Someone at the till seats people who don't scan, at a table no other journey sits at, and takes their order.

    Tells the bill's id."""
    till.sign_in("rosa", "/till")
    till.page.locator(".free-tables button").last.click()
    till.page.wait_for_url(re.compile("/order"))
    till.page.locator(".dish-keys form button.dish-key:not([disabled])").first.click()
    send = till.page.get_by_test_id("send")
    expect(send).to_be_visible()
    send.click()
    expect(till.page.get_by_test_id("take-amount")).to_be_visible()
    return till.page.url.partition("/bills/")[2].partition("/")[0]


def they_leave(house: House, bill: str) -> None:
    """The time comes at which a table that owes nothing is closed by itself: others may sit there."""
    house.query("UPDATE sittings SET due_at = now() WHERE id = %s RETURNING id", bill)


def scan_in_wallet(person: Person, name: str, address: str) -> None:
    """Paste a code's address on the wallet's scan page."""
    port = person.house.sandbox_url.rpartition(":")[2]
    person.page.goto(f"http://{name}.localhost:{port}/wallet/scan")
    field = person.page.locator("form input[name=text], form input[name=code], form textarea").first
    field.fill(address)
    field.press("Enter")


def test_a_guest_scans_the_code_on_the_till_and_the_till_turns_green(house: House, cast: Cast) -> None:
    till, amy = cast.staff(), cast.guest()
    bill = opened_bill(till)
    till.page.get_by_test_id("show-code").click()
    code = till.page.get_by_test_id("order-code")
    expect(code).to_be_visible()
    scan_in_wallet(amy, "amy", code.get_attribute("data-code") or "")
    amy.page.locator("[data-do=pin]").click()
    amy.type_pin()
    paid = till.page.locator("#payment-panel[data-shows=paid]")
    expect(paid).to_contain_text(cast.pick(en="You may hand over the goods", zh="可以交付商品"))
    they_leave(house, bill)


def test_a_typed_amount_arrives_at_the_till_and_is_assigned_to_its_bill(house: House, cast: Cast) -> None:
    till, amy = cast.staff(), cast.guest()
    bill = opened_bill(till)
    left = till.page.get_by_test_id("take-amount").get_attribute("data-left") or ""
    label = cast.pick(en="By the exit", zh="出口旁")
    origin = "/".join(till.page.url.split("/", 3)[:3])
    till.page.goto(f"{origin}/office/codes")
    if till.page.get_by_test_id("code").filter(has_text=label).count() == 0:
        till.page.locator("[data-testid=add-code] [name=label]").fill(label)
        till.page.locator("[data-testid=add-code] button[type=submit]").click()
    printed = till.page.get_by_test_id("code").filter(has_text=label)
    expect(printed).to_have_attribute("data-status", "active")
    address = printed.get_attribute("data-address") or ""
    till.page.goto(f"{origin}/till")

    # Amy types a cent too much: nobody but a person can know which bill that was for.
    scan_in_wallet(amy, "amy", address)
    amy.page.locator("input[name=amount]").fill(str(Decimal(int(left) + 1) / 100))
    amy.page.locator("form[data-shop] button[type=submit]").click()
    amy.page.locator("[data-do=pin]").click()
    for digit in "123456":
        # The page below the sheet has a pad of its own.
        amy.page.get_by_role("dialog").locator(f"[data-key='{digit}']:visible").click()
    arrival = till.page.get_by_test_id("arrival").filter(has_text=label)
    expect(arrival).to_be_visible()
    arrival.click()
    this_bill = till.page.locator(f"form:has([name=bill][value='{bill}']) button")
    expect(this_bill).to_be_attached()
    if not this_bill.is_visible():  # on an evening with many bills of about the amount it is among the others
        till.page.locator("details:has([name=bill]) > summary").click()
    this_bill.click()
    expect(till.page.get_by_test_id("covered")).to_be_visible()
    assert bill in till.page.url
    assert house.query("SELECT state FROM arrivals WHERE payable_id = %s", bill) == [("assigned",)]
    they_leave(house, bill)
