"""The kitchen's board and the office's menu, seen live by a diner: bump, recall, sold out, updates that stop and heal.

The app is really killed here and held still while it starts again; a banner that never showed would fail the test."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey


def order(diner: Person, url: str, *dishes: str) -> None:
    """Choose dishes without options and send them."""
    diner.page.goto(url)
    for count, dish in enumerate(dishes, start=1):
        diner.page.get_by_test_id("dish").filter(has_text=dish).get_by_role("button").click()
        expect(diner.page.get_by_test_id("basket-total")).to_contain_text(f"{count} chosen")
    diner.page.get_by_test_id("open-basket").click()
    diner.page.get_by_test_id("send").click()
    for dish in dishes:
        expect(diner.page.get_by_test_id("ordered-line").filter(has_text=dish).first).to_be_visible()


def ticket_of(kitchen: Person, table: str, dish: str) -> Locator:
    """The card of a table on the board."""
    board = kitchen.page.locator("#cards")
    return board.get_by_role("article", name=table, exact=True).filter(has_text=dish)


def test_a_ticket_is_bumped_by_key_and_touch_and_brought_back_while_the_diner_watches(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 5)
    diner, kitchen = person("en"), person("en", desk=True)
    kitchen.sign_in("lin", "/kitchen")
    order(diner, table["url"], "Stir-fried greens", "Vegetable buns")
    ticket = ticket_of(kitchen, table["table"], "Stir-fried greens")
    expect(ticket).to_have_attribute("data-state", "sent")
    line = diner.page.get_by_test_id("ordered-line").filter(has_text="Stir-fried greens")
    expect(line).to_have_attribute("data-status", "sent")

    # The key that the card names is pressed; the diner's phone knows without being touched.
    key = ticket.locator("kbd").inner_text()
    kitchen.page.keyboard.press(key)
    expect(ticket).to_have_attribute("data-state", "cooking")
    expect(line).to_have_attribute("data-status", "cooking")
    expect(line).to_contain_text("Cooking")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "ready")
    expect(line).to_have_attribute("data-status", "ready")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_count(0)
    expect(line).to_have_attribute("data-status", "served")

    # Served by mistake: R, and the ticket is back where it was.
    kitchen.page.keyboard.press("r")
    served = kitchen.page.locator("#served-list li").filter(has_text="Stir-fried greens").first
    served.get_by_role("button").click()
    expect(ticket).to_have_attribute("data-state", "ready")
    expect(line).to_have_attribute("data-status", "ready")
    ticket.get_by_role("button", name="One step back").click()
    expect(ticket).to_have_attribute("data-state", "cooking")


def test_a_dish_that_sells_out_shows_on_the_phone_in_the_basket_and_comes_back(
    house: House, person: Callable[..., Person]
) -> None:
    dish = "Smashed cucumber"
    diner, kitchen, owner = person("en"), person("en", desk=True), person("zh", desk=True)
    diner.page.goto(house.table("Noodle House", 6)["url"])
    row = diner.page.get_by_test_id("dish").filter(has_text=dish)
    row.get_by_role("button").click()
    expect(diner.page.get_by_test_id("basket-total")).to_contain_text("1 chosen")
    kitchen.sign_in("lin", "/kitchen")
    kitchen.page.get_by_role("button", name="Sold out").first.click()
    switch = kitchen.page.locator("#dishes li").filter(has_text=dish).get_by_role("button")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")

    expect(row).to_contain_text("Sold out")
    expect(row.get_by_role("button")).to_have_count(0)
    diner.page.get_by_test_id("open-basket").click()
    chosen = diner.page.get_by_test_id("basket-line").filter(has_text=dish)
    expect(chosen).to_contain_text("Sold out")
    with diner.page.expect_response(lambda answer: answer.request.method == "POST"):
        diner.page.get_by_test_id("send").click()
    said = diner.page.get_by_test_id("basket-sheet").locator(".banner")
    expect(said).to_have_text(f"“{dish}” is sold out. Please choose something else.")

    # The owner finds more in the office; the basket forgets the mark by itself, and the round goes out.
    owner.sign_in("mei", "/office/menu")
    found = owner.page.locator(".dish-row").filter(has_text=dish).get_by_role("button").first
    expect(found).to_have_text("售罄")
    found.click()
    expect(found).to_have_text("在售")
    expect(chosen).not_to_contain_text("Sold out")
    diner.page.get_by_test_id("send").click()
    expect(diner.page.get_by_test_id("ordered-line").filter(has_text=dish)).to_be_visible()


def test_a_price_that_changed_is_shown_before_anything_is_sent(house: House, person: Callable[..., Person]) -> None:
    diner, owner = person("en"), person("en", desk=True)
    owner.sign_in("mei", "/office/menu")
    rows = owner.page.locator(".dish-row").filter(has=owner.page.locator(".row-note")).filter(has_not_text="choice")
    dish = rows.last.locator(".row-title").inner_text()
    diner.page.goto(house.table("Noodle House", 7)["url"])
    diner.page.get_by_test_id("dish").filter(has_text=dish).get_by_role("button").click()
    expect(diner.page.get_by_test_id("basket-total")).to_contain_text("1 chosen")
    rows.last.get_by_role("link").click()
    price = owner.page.locator("#dish [name=price]")
    before = price.input_value()
    price.fill("17.35")
    owner.page.locator("button[form=dish], #dish button[type=submit]").first.click()
    expect(owner.page.locator(".banner.paid")).to_be_visible()

    diner.page.get_by_test_id("open-basket").click()
    diner.page.get_by_test_id("send").click()
    line = diner.page.get_by_test_id("basket-line")
    expect(line).to_contain_text("New price")
    expect(line).to_contain_text("$17.35")
    # The refusal stays readable although news from the table redraws the sheet at the same moment.
    said = diner.page.get_by_test_id("basket-sheet").locator(".banner")
    expect(said).to_contain_text(f"now costs $17.35 (it was ${before})")
    diner.page.get_by_test_id("send").click()
    expect(diner.page.get_by_test_id("ordered-line")).to_contain_text(dish)


def _pid(house: House, name: str) -> int:
    lines = Path(house.folder / "pids").read_text().splitlines()
    return int(dict(line.split() for line in lines)[name])


@contextlib.contextmanager
def app_held_still(house: House) -> Iterator[None]:
    """Kill the app, and hold the next one still as soon as it begins to start; let it go on in the end."""
    before = _pid(house, "app")
    os.killpg(os.getpgid(before), signal.SIGKILL)
    until = time.monotonic() + 20
    while (after := _pid(house, "app")) == before and time.monotonic() < until:
        time.sleep(0.02)
    assert after != before, "the demo brings back what died"
    os.killpg(os.getpgid(after), signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(os.getpgid(after), signal.SIGCONT)


def test_a_banner_says_that_updates_stopped_and_goes_when_the_board_has_caught_up(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 5)
    kitchen, diner = person("en", desk=True), person("en")
    kitchen.sign_in("lin", "/kitchen")
    diner.page.goto(table["url"])
    banner = kitchen.page.locator("#live-lost")
    expect(kitchen.page.locator("#cards")).to_be_visible()
    expect(banner).to_be_hidden()
    with app_held_still(house):
        expect(banner).to_be_visible()
        expect(banner).to_contain_text("Live updates have stopped. Trying again…")
    expect(banner).to_be_hidden(timeout=30_000)
    kitchen.complaints.clear()  # a lost connection is noted by every browser
    diner.complaints.clear()

    # The board hears again: what is ordered now is on it without a reload.
    order(diner, table["url"], "Pork and chive dumplings")
    expect(ticket_of(kitchen, table["table"], "Pork and chive dumplings")).to_be_visible()


def test_a_board_without_a_network_says_so_and_two_boards_bump_a_ticket_one_step(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 7)
    near, far, diner = person("en", desk=True), person("zh", desk=True), person("en")
    for board in (near, far):
        board.sign_in("lin", "/kitchen")
        expect(board.page.locator("#cards")).to_be_visible()
    lost = far.page.locator("#live-lost")
    expect(lost).to_be_hidden()
    far.context.set_offline(True)
    expect(lost).to_be_visible()
    order(diner, table["url"], "Pork and chive dumplings")
    here = ticket_of(near, table["table"], "Pork and chive dumplings")
    there = ticket_of(far, table["table"], "猪肉韭菜饺")
    here.locator("[data-bump]").click()
    expect(here).to_have_attribute("data-state", "cooking")
    expect(there).to_have_count(0)
    # The network is back: the ticket is there once, as far as the other board has taken it.
    far.context.set_offline(False)
    expect(lost).to_be_hidden(timeout=30_000)
    expect(there).to_have_count(1)
    expect(there).to_have_attribute("data-state", "cooking")
    # Both cooks press at the same moment: one step, on both boards.
    when = near.page.evaluate("Date.now()") + 400
    for ticket in (here, there):
        ticket.locator("[data-bump]").evaluate(
            "(button, when) => { setTimeout(() => button.click(), when - Date.now()); }", when
        )
    for ticket in (here, there):
        expect(ticket).to_have_attribute("data-state", "ready")
    near.page.wait_for_timeout(600)
    for ticket in (here, there):
        expect(ticket).to_have_attribute("data-state", "ready")
    # A bump bar has arrows and Enter: the marked card goes.
    near.page.locator("body").press("ArrowRight")
    for _ in range(near.page.locator("#cards > .ticket").count()):
        if "chosen" in (here.get_attribute("class") or ""):
            break
        near.page.locator("body").press("ArrowRight")
    near.page.locator("body").press("Enter")
    expect(here).to_have_count(0)
    expect(there).to_have_count(0)
    far.complaints.clear()  # a lost connection is noted by every browser
