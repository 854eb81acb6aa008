"""A table's evening, told by those who serve it: the waiter's pad, the owner's till, and a drawer that adds up.

Nothing here pays by Alipay: these are the moves between ordering and paying, and what the shift says of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.steps import clear, close_bill, origin

pytestmark = pytest.mark.journey


def seat(waiter: Person, name: str) -> None:
    """Begin a bill at a free table."""
    waiter.page.goto(f"{origin(waiter)}/till")
    waiter.page.locator(".free-tables button").filter(has_text=re.compile(f"^{name}$")).click()
    waiter.page.wait_for_url(re.compile("/order"))


@contextlib.contextmanager
def course_by_course(house: House, store: str) -> Iterator[None]:
    """What the office would say: chips are a starter, burritos a main. It is taken back, for the evening's others."""
    section = "UPDATE menu_sections SET course = %s WHERE name = %s AND store_id = %s RETURNING 1"
    version = "UPDATE menus SET version = gen_random_uuid()::text WHERE store_id = %s RETURNING 1"
    for starter, main in (("starter", "main"), ("", "")):
        assert house.query(section, starter, "Chips and sides", store)
        assert house.query(section, main, "Burritos", store)
        assert house.query(version, store)
        if starter:
            yield


def test_a_waiter_orders_by_seat_and_course_moves_joins_and_the_owner_closes_a_drawer_that_adds_up(
    house: House, cast: Cast
) -> None:
    waiter, till = cast.staff(), cast.staff()
    tables = [house.table("Burrito Bar", number) for number in (9, 10, 11)]
    first, second, third = (str(table["table"]) for table in tables)
    page, desk = waiter.page, till.page
    till.sign_in("rosa", "/till/shift")
    clear(till, *tables)
    waiter.sign_in("sam", "/till")
    with course_by_course(house, tables[0]["store_id"]):
        # The waiter's pad: a seat, a starter for that guest, a main for the table. The starter goes to the kitchen
        # first, the main waits there, and the waiter says when it begins.
        seat(waiter, first)
        page.get_by_test_id("add-seat").click()
        page.get_by_test_id("for-guest").check(force=True)
        page.locator("form button.dish-key:not([disabled])").last.click()
        expect(page.get_by_test_id("chosen-line")).to_have_count(1)
        expect(page.get_by_test_id("chosen-line")).to_contain_text(cast.pick(en="Guest 1", zh="1 号客人"))
        page.get_by_test_id("for-table").check(force=True)
        page.locator("button.dish-key[data-open]").first.click()
        choices = page.locator("dialog[open]")
        for group in choices.locator("fieldset:has(input[type=radio])").all():
            group.locator("input:not([disabled])").first.check()
        choices.locator("button[type=submit]").click()
        expect(page.get_by_test_id("chosen-line")).to_have_count(2)
        page.get_by_test_id("send-starter").click()
        expect(page.get_by_test_id("chosen-line")).to_have_count(1)
        page.get_by_test_id("send").click()
        expect(page.get_by_test_id("bill-line")).to_have_count(2)
        page.get_by_test_id("fire-main").click()
        expect(page.get_by_test_id("fire-main")).to_have_count(0)

    # They would rather sit elsewhere; then they join friends who have ordered, too, and want the bill.
    page.get_by_test_id("to-move").click()
    page.locator(f"[data-testid=to-table][data-table='{second}']").check(force=True)
    page.get_by_test_id("move-now").click()
    expect(page.get_by_test_id("bill-table")).to_have_text(re.compile(second))
    seat(waiter, third)
    page.locator("form button.dish-key:not([disabled])").first.click()
    expect(page.get_by_test_id("chosen-line")).to_have_count(1)
    page.get_by_test_id("send").click()
    page.get_by_test_id("to-move").click()
    page.locator(f"[data-testid=to-bill][data-table='{second}']").check(force=True)
    page.get_by_test_id("move-now").click()
    expect(page.get_by_test_id("bill-line")).to_have_count(3)
    page.get_by_test_id("ask-bill").click()
    expect(page.get_by_test_id("bill-asked")).to_be_visible()

    # The owner at the till: a shift, the table that waits, one dish struck, a tenth off the rest.
    desk.locator("[name=count_2000]").fill("5")
    desk.get_by_test_id("open").click()
    expect(desk.get_by_test_id("count")).to_be_visible()
    desk.goto(f"{origin(till)}/till")
    tile = desk.locator(f"[data-testid=bill-tile][data-table='{second}']")
    expect(tile.get_by_test_id("tile-asked")).to_be_visible()
    tile.click()
    expect(desk.get_by_test_id("take-amount")).to_be_visible()
    desk.get_by_test_id("to-void").click()
    desk.get_by_test_id("void-line").first.locator("input").check()
    desk.get_by_test_id("reason").first.check(force=True)
    desk.get_by_test_id("void-now").click()
    expect(desk.get_by_test_id("struck")).to_contain_text(cast.pick(en="Entered by mistake", zh="下错单"))
    desk.keyboard.press("Alt+d")
    desk.get_by_test_id("quick-10").click()
    desk.get_by_test_id("reason").first.check(force=True)
    desk.get_by_test_id("discount-now").click()
    expect(desk.get_by_test_id("discount")).to_contain_text(cast.pick(en="10% off", zh="9 折"))

    # Two ways to pay: one of two even parts in cash with a tip, the rest by card. The waiter sees it paid.
    left = int(desk.get_by_test_id("take-amount").get_attribute("data-left") or "0")
    desk.get_by_test_id("ways-2").check(force=True)
    desk.get_by_test_id("tip").fill("1.50")
    cash = left - left // 2 + 150
    expect(desk.get_by_test_id("take-amount")).to_have_text(re.compile(rf"\${cash // 100}\.{cash % 100:02}$"))
    desk.get_by_test_id("cash").click()
    desk.get_by_test_id("cash-now").click()
    expect(desk.get_by_test_id("by-hand")).to_be_visible()
    desk.get_by_test_id("by-hand").locator("a[autofocus]").click()
    desk.get_by_test_id("card").click()
    desk.get_by_test_id("card-now").click()
    expect(desk.get_by_test_id("by-hand")).to_be_visible()
    expect(page.get_by_test_id("tips")).to_contain_text("1.50")
    close_bill(till, tables[1])

    # The drawer holds the float and the cash with its tip; the report tells tip, discount and struck dish apart.
    desk.goto(f"{origin(till)}/till/shift")
    desk.get_by_test_id("count").click()
    held = 10000 + cash
    for piece in (10000, 5000, 2000, 1000, 500, 100, 25, 10, 5, 1):
        count, held = divmod(held, piece)
        if count:
            desk.locator(f"[name=count_{piece}]").fill(str(count))
    desk.get_by_test_id("close").click()
    desk.wait_for_url(re.compile(r"/till/shifts/sft_"))
    told = cast.pick(
        en=("It adds up", "1 × Tips in this drawer", "1 × Discounts by hand · Rosa", "1 × Voided dishes · Rosa"),
        zh=("账款相符", "1 × 本钱箱小费", "1 × 人工优惠 · Rosa", "1 × 退菜 · Rosa"),
    )
    for words in told:
        expect(desk.get_by_test_id("paper")).to_contain_text(words)
