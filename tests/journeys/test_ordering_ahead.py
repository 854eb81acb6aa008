"""Ordering ahead, told from both sides: the phone in the customer's hand, the staff's list, the kitchen's board.

Eaten here and paid ahead inside the wallet; picked up and paid at the shop."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Cast, House
from tests.journeys.looking import faults
from tests.journeys.test_counter import payment_code

pytestmark = pytest.mark.journey


def address(house: House, store: str) -> str:
    """Where a shop's code for ordering ahead leads."""
    sql = "SELECT code FROM online_stores AS o JOIN stores AS s ON s.id = o.store_id WHERE s.name = %s"
    return f"{house.app_url}/order/{house.query(sql, store)[0][0]}"


def chooses(shop: Any, *, mode: str, slot: int | None, name: str) -> None:
    """From the menu to the page that places the order, with one dish, for a time of one's own or the soonest."""
    shop.locator("#order button.plus[name=item]").first.click()
    expect(shop.get_by_test_id("basket-total")).not_to_contain_text("0.00")
    shop.get_by_test_id("when").click()
    shop.locator(f"label.way:has(input[value={mode}])").click()
    if slot is not None:
        shop.locator("label.way:has([data-testid=slot]:not([disabled]))").nth(slot).click()
    shop.get_by_test_id("take-when").click()
    expect(shop.locator("dialog[open]")).to_have_count(0)
    shop.get_by_test_id("open-basket").click()
    shop.get_by_test_id("go-on").click()
    shop.locator("[name=name]").fill(name)
    shop.locator("[name=phone]").fill("13800000000")
    expect(shop.get_by_test_id("rules")).to_be_visible()


def card(page: Page, number: str) -> Any:
    """One order on the staff's list."""
    return page.locator(f'[data-testid=ahead][data-number="{number}"]')


def test_a_table_is_ordered_and_paid_ahead_and_the_kitchen_begins_in_time(house: House, cast: Cast) -> None:
    amy, staff, cook = cast.guest(), cast.staff(), cast.staff()
    name = cast.pick(en="Amy Early", zh="早到的艾米")
    amy.scan("amy", address(house, "Harbour Road"))
    chooses(amy.shop, mode="eat_here", slot=2, name=name)
    amy.shop.get_by_test_id("pay-ahead").click()
    amy.page.locator("[data-do=pin]").click()
    amy.type_pin()
    amy.shop.locator("#pay[data-shows=paid] a[href*='/o/']").click()
    state = amy.shop.get_by_test_id("order-state")
    expect(state).to_have_attribute("data-stage", "received")
    number = amy.shop.get_by_test_id("number").inner_text()
    staff.sign_in("mei", "/online")
    expect(card(staff.page, number)).to_contain_text(name)
    expect(card(staff.page, number)).to_contain_text(cast.pick(en="Kitchen begins", zh="开始做"))
    cook.sign_in("lin", "/kitchen")
    ticket = cook.page.locator("article.ticket").filter(has_text=name)
    expect(ticket).to_have_count(0)
    # The time comes: what the worker would do at that minute, it does now.
    house.query(
        "UPDATE online_orders SET prep_seconds = 100000, due_at = now()"
        " WHERE name = %s AND status = 'promised' RETURNING id",
        name,
    )
    expect(ticket).to_contain_text(number)
    expect(state).to_have_attribute("data-stage", "cooking")
    amy.shop.get_by_test_id("here").click()
    expect(amy.shop.get_by_test_id("known-here")).to_be_visible()
    seat = card(staff.page, number)
    expect(seat).to_contain_text(cast.pick(en="Here", zh="已到店"))
    seat.locator("[name=table]").fill("7")
    seat.get_by_test_id("arrived").click()
    expect(ticket).to_contain_text("· 7")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "cooking")
    ticket.locator("[data-bump]").click()
    expect(state).to_have_attribute("data-stage", "ready")
    seat.get_by_test_id("collected").click()
    expect(state).to_have_attribute("data-stage", "collected")
    expect(amy.shop.locator("a[href^='/receipt/']")).to_be_visible()


def test_food_is_ordered_to_be_picked_up_and_paid_at_the_shop(house: House, cast: Cast) -> None:
    phone, staff, wallet = cast.guest(), cast.staff(), cast.guest()
    phone.page.goto(address(house, "Market Street"))
    first = phone.page.locator("#order button.plus[name=item]")
    expect(first.first).to_be_visible()
    seen = faults(phone.page)
    chooses(phone.page, mode="pick_up", slot=None, name=cast.pick(en="Chen", zh="小陈"))
    seen += faults(phone.page)
    phone.page.get_by_test_id("pay-later").click()
    state = phone.page.get_by_test_id("order-state")
    expect(state).to_have_attribute("data-stage", "received")
    assert seen + faults(phone.page) == [], "axe: the menu, the page that places the order, the order's own page"
    expect(state).to_contain_text(cast.pick(en="Pick up", zh="自取"))
    number = phone.page.get_by_test_id("number").inner_text()
    staff.sign_in("theo", "/online")
    order = card(staff.page, number)
    order.get_by_test_id("make").click()
    expect(state).to_have_attribute("data-stage", "cooking")
    order.get_by_test_id("ready").click()
    expect(state).to_have_attribute("data-stage", "ready")
    expect(order.get_by_test_id("collected")).to_have_count(0)
    code = payment_code(wallet, "chen")
    order.get_by_test_id("take").locator("summary").click()
    order.locator("[name=payment_code]").fill(code)
    order.locator("[name=payment_code]").press("Enter")
    expect(staff.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    staff.page.goto(staff.page.url.partition("/online")[0] + "/online")
    card(staff.page, number).get_by_test_id("collected").click()
    expect(state).to_have_attribute("data-stage", "collected")
