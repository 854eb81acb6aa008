"""What people do again and again at a table: choose, send, pay in the wallet; and a table made free for the next.

Clearing goes through the shop's own doors in a signed-in browser: the books say that a bill was paid in cash."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

_PRESS = """async ([path, fields, token]) => {
  const headers = { "HX-Request": "true", "X-CSRF-Token": token };
  return (await fetch(path, { method: "POST", headers, body: new URLSearchParams(fields), redirect: "manual" })).status;
}"""


def origin(person: Person) -> str:
    """Where this person's screens are."""
    return "/".join(person.page.url.split("/", 3)[:3])


def sitting_at(house: House, table: dict[str, Any]) -> str:
    """The party that sits at a table now."""
    ((sitting,),) = house.query(
        "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND s.status = 'open'",
        table["code"],
    )
    return str(sitting)


def clear(staff: Person, *tables: dict[str, Any]) -> int:
    """Make tables free, of whatever was begun at them before: what is left is taken in cash, and the bill is closed."""
    cleared = 0
    token = next((each["value"] for each in staff.context.cookies() if each["name"] == "saoma_csrf"), "")
    for table in tables:
        for (sitting,) in staff.house.query(
            "SELECT s.id FROM sittings s JOIN dining_tables t ON t.id = s.table_id"
            " WHERE t.code = %s AND s.status = 'open'",
            table["code"],
        ):
            bill = f"/till/bills/{sitting}"
            cash = {"method": "cash", "key": f"clear-{sitting}"}
            assert staff.page.evaluate(_PRESS, [f"{bill}/taken", cash, token]) in (0, 200, 409)
            assert staff.page.evaluate(_PRESS, [f"{bill}/close", {}, token]) in (0, 200, 204), "the table is free again"
            cleared += 1
    return cleared


def close_bill(till: Person, table: dict[str, Any]) -> None:
    """The cashier sees that nothing is owed and closes the bill; the table is free."""
    till.page.goto(f"{origin(till)}/till")
    till.page.locator(f"[data-testid=bill-tile][data-table='{table['table']}']").click()
    till.page.get_by_test_id("close").click()
    till.page.locator("#close-bill button[type=submit]").click()
    expect(till.page.locator(f"[data-testid=bill-tile][data-table='{table['table']}']")).to_have_count(0)


def adds(shop: Any, *dishes: str) -> None:
    """Choose dishes that have no choices, one after the other, each once the one before is in the basket."""
    for dish in dishes:
        before = shop.get_by_test_id("basket-total").inner_text()
        shop.get_by_test_id("dish").filter(has_text=dish).get_by_role("button").click()
        expect(shop.get_by_test_id("basket-total")).not_to_have_text(before)


def sends(shop: Any) -> None:
    """From the menu to the basket, and what is in it to the kitchen."""
    shop.get_by_test_id("open-basket").click()
    shop.get_by_test_id("send").click()
    expect(shop.get_by_test_id("ordered-line").first).to_be_visible()


def agrees(guest: Person) -> None:
    """The wallet asks: the guest agrees and types the PIN."""
    guest.page.locator("[data-do=pin]").click()
    expect(guest.page.locator("[data-step=pin]")).to_be_visible()
    guest.page.keyboard.type("123456")


def confirms(guest: Person) -> None:
    """The shop's page calls the wallet, the guest agrees, and the page says that it is paid."""
    guest.shop.locator("[data-pay-now]").click()
    agrees(guest)
    expect(guest.shop.locator("#pay[data-shows=paid]")).to_be_visible()
