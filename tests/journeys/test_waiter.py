"""A table's evening, told by those who serve it: the waiter's phone, the owner's till, and a drawer that adds up.

Nothing here pays by Alipay: these are the moves between ordering and paying, and what the shift says of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey


def table_of(house: House, number: int) -> str:
    """The name of one of the Burrito Bar's tables."""
    return str(house.table("Burrito Bar", number)["table"])


def seat(waiter: Person, name: str) -> None:
    """Begin a bill at a free table."""
    waiter.page.goto("/".join(waiter.page.url.split("/", 3)[:3]) + "/till")
    waiter.page.locator(".free-tables button").filter(has_text=re.compile(f"^{name}$")).click()
    waiter.page.wait_for_url(re.compile("/order"))


def test_a_waiter_orders_and_moves_and_the_owner_strikes_discounts_and_closes_a_drawer_that_adds_up(
    house: House, person: Callable[..., Person]
) -> None:
    waiter, till = person("zh"), person("en", desk=True)
    first, second, third = (table_of(house, number) for number in (9, 10, 11))
    keys = "form button.dish-key:not([disabled])"

    # The waiter's phone: a seat, a dish for that guest, one for the table; to the kitchen.
    waiter.sign_in("sam", "/till")
    seat(waiter, first)
    page = waiter.page
    page.get_by_test_id("add-seat").click()
    page.get_by_test_id("for-guest").check(force=True)
    page.locator(keys).nth(0).click()
    expect(page.get_by_test_id("chosen-line")).to_have_count(1)
    expect(page.get_by_test_id("chosen-line")).to_contain_text("1 号客人")
    page.get_by_test_id("for-table").check(force=True)
    page.locator(keys).nth(1).click()
    expect(page.get_by_test_id("chosen-line")).to_have_count(2)
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("bill-line")).to_have_count(2)

    # They would rather sit elsewhere; then they join friends who have ordered, too, and want the bill.
    page.get_by_test_id("to-move").click()
    page.locator(f"[data-testid=to-table][data-table='{second}']").check(force=True)
    page.get_by_test_id("move-now").click()
    expect(page.get_by_test_id("bill-table")).to_have_text(re.compile(second))
    seat(waiter, third)
    page.locator(keys).nth(2).click()
    expect(page.get_by_test_id("chosen-line")).to_have_count(1)
    page.get_by_test_id("send").click()
    page.get_by_test_id("to-move").click()
    page.locator(f"[data-testid=to-bill][data-table='{second}']").check(force=True)
    page.get_by_test_id("move-now").click()
    expect(page.get_by_test_id("bill-line")).to_have_count(3)
    page.get_by_test_id("ask-bill").click()
    expect(page.get_by_test_id("bill-asked")).to_be_visible()

    # The owner at the till: a shift, the table that waits, one dish struck, a tenth off the rest.
    till.sign_in("rosa", "/till/shift")
    desk = till.page
    origin = "/".join(desk.url.split("/", 3)[:3])
    desk.locator("[name=count_2000]").fill("5")
    desk.get_by_test_id("open").click()
    expect(desk.get_by_test_id("count")).to_be_visible()
    desk.goto(f"{origin}/till")
    tile = desk.locator(f"[data-testid=bill-tile][data-table='{second}']")
    expect(tile.get_by_test_id("tile-asked")).to_be_visible()
    tile.click()
    expect(desk.get_by_test_id("take-amount")).to_be_visible()
    desk.keyboard.press("Alt+s")
    desk.get_by_test_id("void-line").first.locator("input").check()
    desk.get_by_test_id("reason").first.check(force=True)
    desk.get_by_test_id("void-now").click()
    expect(desk.get_by_test_id("struck")).to_contain_text("Entered by mistake")
    desk.keyboard.press("Alt+d")
    desk.get_by_test_id("quick-10").click()
    desk.get_by_test_id("reason").first.check(force=True)
    desk.get_by_test_id("discount-now").click()
    expect(desk.get_by_test_id("discount")).to_contain_text("10% off")

    # Two ways to pay: one of two even parts in cash with a tip, the rest by card. The waiter sees it paid.
    left = int(desk.get_by_test_id("take-amount").get_attribute("data-left") or "0")
    desk.get_by_test_id("ways-2").check(force=True)
    desk.get_by_test_id("tip").fill("1.50")
    cash = left - left // 2 + 150
    expect(desk.get_by_test_id("take-amount")).to_have_text(f"${cash // 100}.{cash % 100:02}")
    desk.keyboard.press("Alt+c")
    desk.get_by_test_id("cash-now").click()
    expect(desk.get_by_test_id("by-hand")).to_be_visible()
    desk.locator("#pane").get_by_role("link", name="Next").click()
    desk.get_by_test_id("card").click()
    desk.get_by_test_id("card-now").click()
    expect(desk.get_by_test_id("by-hand")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("tips")).to_contain_text("1.50")

    # The drawer holds the float and the cash with its tip; the report tells tip, discount and struck dish apart.
    desk.goto(f"{origin}/till/shift")
    desk.get_by_test_id("count").click()
    held = 10000 + cash
    for piece in (10000, 5000, 2000, 1000, 500, 100, 25, 10, 5, 1):
        count, held = divmod(held, piece)
        if count:
            desk.locator(f"[name=count_{piece}]").fill(str(count))
    desk.get_by_test_id("close").click()
    desk.wait_for_url(re.compile(r"/till/shifts/sft_"))
    paper = desk.get_by_test_id("paper")
    for told in ("It adds up", "1 × Tips in this drawer", "1 × Discounts by hand · Rosa", "1 × Voided dishes · Rosa"):
        expect(paper).to_contain_text(told)
