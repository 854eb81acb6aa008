"""Fast food as published, with a browser at the counter, one above it for the customers, and one in the kitchen.

Offline mode: the payment code is charged at once. Offline-to-online mode: the customer is asked for the PIN first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey


def payment_code(wallet: Person, name: str) -> str:
    """The digits below the bars of a buyer's payment code."""
    port = wallet.house.sandbox_url.rpartition(":")[2]
    wallet.page.goto(f"http://{name}.localhost:{port}/wallet/code")
    return wallet.page.locator("[data-digits]").first.get_attribute("data-digits") or ""


def order_at(counter: Person) -> str:
    """The cashier touches two dishes; the number of the order."""
    counter.sign_in("theo", "/counter")
    dishes = counter.page.locator(".dish-keys form button.dish-key:not([disabled])")
    for number in (0, 1):
        dishes.nth(number).click()
        expect(counter.page.get_by_test_id("order-line")).to_have_count(number + 1)
    return "".join(filter(str.isdigit, counter.page.get_by_test_id("order-number").inner_text()))


@pytest.mark.parametrize(("lang", "buyer"), [("en", "chen"), ("zh", "ben")])
def test_an_order_is_paid_by_payment_code_made_called_and_collected(
    house: House, person: Callable[..., Person], lang: str, buyer: str
) -> None:
    counter, board, wallet = person(lang, desk=True), person(lang, desk=True), person(lang)
    number = order_at(counter)
    store = house.table("Burrito Bar", 0)["store_id"]
    board.page.goto(f"{house.app_url}/board/{store}")
    making = board.page.get_by_test_id("board-making").filter(has_text=number)
    expect(making).to_have_count(0)
    code = payment_code(wallet, buyer)
    # As a scanner does: it types wherever the cashier is, and presses Enter.
    counter.page.keyboard.type(code)
    counter.page.keyboard.press("Enter")
    if buyer == "ben":
        expect(counter.page.locator("#payment-panel[data-shows=waiting] [data-countdown]").first).to_be_visible()
        expect(making).to_have_count(0)
        ((order,),) = house.query("SELECT order_number FROM payments WHERE status = 'pending' AND policy = 'fast_food'")
        house.control(f"trades/{order}/pay", {"buyer_id": "ben"})
    expect(counter.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(counter.page.get_by_test_id("called")).to_contain_text(number)
    expect(making).to_be_visible()
    counter.page.locator("#payment-panel a").first.click()
    expect(counter.page.get_by_test_id("order")).to_have_attribute("data-stage", "building")
    counter.page.locator(f"[data-testid=making][data-number='{number}'] button").click()
    expect(board.page.get_by_test_id("board-ready").filter(has_text=number)).to_be_visible()
    counter.page.locator(f"[data-testid=ready][data-number='{number}'] button").click()
    expect(board.page.get_by_test_id("board-ready").filter(has_text=number)).to_have_count(0)
