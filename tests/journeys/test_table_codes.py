"""The codes of tables, told by the owner who asks for them, a guest who has one, and one who has a photo of it.

What a reader would get wrong: the photo opens the menu, as every code does; only what it sends waits for a yes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.steps import adds, clear, confirms, origin, sends

pytestmark = pytest.mark.journey


@contextlib.contextmanager
def asking(owner: Person, strength: str) -> Iterator[None]:
    """The owner says what a phone needs before it orders; afterwards the shop is as open as it was."""
    rules = owner.page.get_by_test_id("rules")

    def says(chosen: str) -> None:
        owner.page.goto(f"{origin(owner)}/office/tables")
        rules.locator(f"input[value={chosen}]").check()
        with owner.page.expect_navigation():
            rules.locator("button[type=submit]").click()
        expect(rules.locator(f"input[value={chosen}]")).to_be_checked()

    says(strength)
    try:
        yield
    finally:
        says("open")


def test_a_code_ends_with_its_meal_and_a_photo_of_it_orders_nothing_until_the_staff_say_yes(
    house: House, cast: Cast
) -> None:
    table = house.table("Noodle House", 6)
    buns = cast.pick(en="Vegetable buns", zh="素菜包")
    till, amy, ben = cast.staff(), cast.guest(), cast.guest()
    till.sign_in("mei", "/till")
    clear(till, table)
    with asking(till, "code"):
        # The till shows the code of this meal; Amy scans it and orders at once.
        till.page.goto(f"{origin(till)}/till/codes")
        till.page.get_by_test_id("doors").get_by_role("link").filter(has_text=table["table"]).first.click()
        shown = till.page.locator(".sheet-qr")
        photo = shown.get_attribute("data-address") or ""
        digits = till.page.get_by_test_id("word").inner_text()
        amy.scan("amy", photo)
        adds(amy.shop, buns)
        sends(amy.shop)
        expect(amy.shop.get_by_test_id("ordered-line")).to_have_count(1)

        # She pays: the meal is over, and the till shows another code by itself.
        amy.shop.get_by_test_id("basket-sheet").locator("a[href$='/bill']").click()
        amy.shop.get_by_test_id("pay-whole").click()
        confirms(amy)
        expect(shown).not_to_have_attribute("data-address", photo)
        expect(till.page.get_by_test_id("word")).not_to_have_text(digits)

        # Ben has a photo of the code, and the digits somebody told him. He sees the menu, and that this was before.
        ben.scan("ben", photo)
        expect(ben.shop.get_by_test_id("old-code")).to_be_visible()
        adds(ben.shop, buns)
        ben.shop.get_by_test_id("open-basket").click()
        expect(ben.shop.get_by_test_id("door")).to_be_visible()
        expect(ben.shop.get_by_test_id("ordered-line")).to_have_count(0)
        ben.shop.get_by_test_id("word").fill(digits)
        ben.shop.get_by_test_id("word").press("Enter")
        expect(ben.shop.get_by_test_id("basket-sheet").locator(".banner")).to_contain_text(
            cast.pick(en="These are not the four digits of your table now.", zh="数字不对。请看小条上的四位数")
        )
        ben.shop.get_by_test_id("send").click()
        expect(ben.shop.get_by_test_id("knocked")).to_be_visible()
        waits = (
            "SELECT l.status FROM tab_lines l JOIN guests g ON g.id = l.guest_id JOIN sittings s ON s.tab_id = l.tab_id"
            " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND g.admitted_at IS NULL"
        )

        # The staff look: he does sit there. One yes, and what he chose is on its way.
        till.page.goto(f"{origin(till)}/till")
        knock = till.page.locator(f"[data-testid=knock][data-table='{table['table']}']")
        expect(knock).to_contain_text("5.60")
        assert house.query(waits, table["code"]) == [("basket",)], "nothing was sent before the yes"
        knock.get_by_test_id("let-in").click()
        expect(knock).to_have_count(0)
        expect(ben.shop.get_by_test_id("ordered-line")).to_have_count(1)
        expect(ben.shop.get_by_test_id("door")).to_have_count(0)
        clear(till, table)
