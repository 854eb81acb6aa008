"""The kitchen's board, the pass and the office's menu, seen live by a diner: bump, recall, sold out, dishes, prices.

The app is really killed here and held still while it starts again; a banner that never showed would fail the test."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.steps import adds, clear, sends

pytestmark = pytest.mark.journey


def ticket_of(kitchen: Person, table: str, dish: str) -> Locator:
    """The card of a table on the board."""
    board = kitchen.page.locator("#cards")
    return board.get_by_role("article", name=table, exact=True).filter(has_text=dish)


def cooked(kitchen: Person, table: str) -> None:
    """The evening goes on: what the kitchen still has of this table is made and served."""
    expect(kitchen.page.locator("#cards")).to_be_visible()
    tickets = kitchen.page.locator("#cards").get_by_role("article", name=table, exact=True)
    while tickets.count():
        with kitchen.page.expect_response(lambda answer: answer.request.method == "POST"):
            tickets.first.locator("[data-bump]").click()


def test_a_ticket_is_bumped_brought_back_and_passed_and_a_dish_that_sells_out_is_refused_while_the_diner_watches(
    house: House, cast: Cast
) -> None:
    table = house.table("Noodle House", cast.pick(en=5, zh=7))
    greens, buns, cucumber = cast.pick(
        en=("Stir-fried greens", "Vegetable buns", "Smashed cucumber"), zh=("清炒时蔬", "素菜包", "拍黄瓜")
    )
    diner, kitchen, owner = cast.guest(), cast.staff(), cast.staff()
    kitchen.sign_in("lin", "/kitchen")
    cooked(kitchen, table["table"])
    owner.sign_in("mei", "/office/menu")
    clear(owner, table)
    diner.page.goto(table["url"])
    adds(diner.page, greens, buns)
    sends(diner.page)
    ticket = ticket_of(kitchen, table["table"], greens)
    expect(ticket).to_have_attribute("data-state", "sent")
    line = diner.page.get_by_test_id("ordered-line").filter(has_text=greens)
    expect(line).to_have_attribute("data-status", "sent")

    # The key that the card names is pressed, or the card touched; the diner's phone knows without being touched.
    key = ticket.locator("kbd")
    if cast.lang == "en" and key.count():
        kitchen.page.keyboard.press(key.inner_text())
    else:
        ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "cooking")
    expect(line).to_have_attribute("data-status", "cooking")
    expect(line).to_contain_text(cast.pick(en="Cooking", zh="制作中"))
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "ready")
    expect(line).to_have_attribute("data-status", "ready")

    # The pass sees the table whole and lets it go out.
    kitchen.page.locator("a[href='/kitchen/pass']").click()
    at_pass = kitchen.page.get_by_role("article", name=table["table"], exact=True)
    expect(at_pass).to_contain_text(buns)
    at_pass.locator("[data-serve]").click()
    expect(at_pass).to_have_count(0)
    expect(line).to_have_attribute("data-status", "served")
    kitchen.page.locator("a[href='/kitchen']").click()
    kitchen.page.wait_for_url("**/kitchen")
    expect(kitchen.page.locator("#cards")).to_be_visible()
    expect(ticket).to_have_count(0)

    # Served by mistake: R, or a touch, and the ticket is back where it was.
    if cast.lang == "en":
        kitchen.page.keyboard.press("r")
    else:
        kitchen.page.locator("[data-recall]").click()
    kitchen.page.locator("#served-list li").filter(has_text=greens).first.get_by_role("button").click()
    expect(ticket).to_have_attribute("data-state", "ready")
    expect(line).to_have_attribute("data-status", "ready")
    ticket.locator("footer button").first.click()
    expect(ticket).to_have_attribute("data-state", "cooking")

    # A dish is chosen and sells out: the menu and the basket say so, and nothing is sent.
    sold_out = cast.pick(en="Sold out", zh="售罄")
    diner.page.locator("#sheet [data-close]").first.click()
    adds(diner.page, cucumber)
    kitchen.page.locator("[data-open=dishes]").click()
    switch = kitchen.page.locator("#dishes li").filter(has_text=cucumber).get_by_role("button")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    row = diner.page.get_by_test_id("dish").filter(has_text=cucumber)
    expect(row).to_contain_text(sold_out)
    expect(row.get_by_role("button")).to_have_count(0)
    diner.page.get_by_test_id("open-basket").click()
    chosen = diner.page.get_by_test_id("basket-line").filter(has_text=cucumber)
    expect(chosen).to_contain_text(sold_out)
    diner.page.get_by_test_id("send").click()
    said = diner.page.get_by_test_id("basket-sheet").locator(".banner")
    expect(said).to_have_text(
        cast.pick(en=f"“{cucumber}” is sold out. Please choose something else.", zh=f"“{cucumber}”卖完了，请换一道菜。")
    )

    # The owner finds more in the office; the basket forgets the mark by itself, and the round goes out.
    found = owner.page.locator(".dish-row").filter(has_text=cucumber).get_by_role("button").first
    expect(found).to_have_text(sold_out)
    found.click()
    expect(found).to_have_attribute("aria-pressed", "false")
    expect(chosen).not_to_contain_text(sold_out)
    diner.page.get_by_test_id("send").click()
    expect(diner.page.get_by_test_id("ordered-line").filter(has_text=cucumber)).to_be_visible()
    kitchen.page.locator("#dishes [data-close]").first.click()
    cooked(kitchen, table["table"])
    clear(owner, table)


def _photo() -> bytes:
    """A picture as a phone would take it."""
    kept = io.BytesIO()
    Image.new("RGB", (1200, 900), (176, 92, 58)).save(kept, "JPEG")
    return kept.getvalue()


def test_an_owner_brings_a_menu_in_mends_it_adds_a_photo_and_a_price_and_the_diner_sees_all_of_it(
    house: House, cast: Cast
) -> None:
    table = house.table("Noodle House", 0)
    name, name_zh = cast.pick(en=("Sesame balls", "芝麻球"), zh=("Taro cakes", "芋头糕"))
    dish = cast.pick(en=name, zh=name_zh)
    owner, diner = cast.staff(), cast.guest()
    owner.sign_in("mei", "/office/menu/import")
    clear(owner, table)
    page = owner.page
    diner.page.goto(table["url"])
    row = diner.page.get_by_test_id("dish").filter(has_text=dish)

    # A file with faults: each is told with its line and column, and nothing of the file goes in.
    heading = "section,name,name_zh,price\n"
    good, bad = f"Small plates,{name},{name_zh},4.50\n", "Small plates,,没有名字,2.00\nSmall plates,Broth,汤,two\n"

    def imports(text: str) -> None:
        file = {"name": "menu.csv", "mimeType": "text/csv", "buffer": (heading + text).encode()}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.locator("form[enctype] button[type=submit]").click()

    imports(good + bad)
    faults = page.locator("table tbody tr")
    expect(faults).to_have_count(2)
    expect(faults.nth(0).locator("td").nth(0)).to_have_text("3")
    expect(faults.nth(1).locator("td").nth(0)).to_have_text("4")
    expect(faults.nth(1).locator("td").nth(1)).to_have_text("price")
    expect(row).to_have_count(0)
    owner.complaints.clear()  # the answer says by its status, too, that nothing went in

    # Mended, it goes in whole: the diner's page has the dish without being touched. It gets a photo, and he chooses it.
    imports(good)
    expect(page.locator(".banner.paid")).to_be_visible()
    expect(row).to_contain_text("4.50")
    page.locator(".dish-row").filter(has_text=dish).locator("a.dish-link").click()
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": _photo()}
    page.locator("input[type=file]").set_input_files(photo)  # type: ignore[arg-type]
    expect(page.locator(".photo-frame img")).to_be_visible()
    expect(row.locator("img")).to_be_attached()
    adds(diner.page, dish)

    # The price changes while it lies in the basket: he is told before anything is sent, and sends it all the same.
    page.locator("#dish [name=price]").fill("5.25")
    page.locator("button[form=dish]").click()
    expect(page.locator(".dish-row").filter(has_text=dish)).to_contain_text("5.25")
    diner.page.get_by_test_id("open-basket").click()
    diner.page.get_by_test_id("send").click()
    line = diner.page.get_by_test_id("basket-line")
    expect(line).to_contain_text(cast.pick(en="New price", zh="价格已更新"))
    expect(line).to_contain_text("5.25")
    # The refusal stays readable although news from the table redraws the sheet at the same moment.
    said = diner.page.get_by_test_id("basket-sheet").locator(".banner")
    expect(said).to_contain_text(cast.pick(en="now costs $5.25 (it was $4.50)", zh="5.25"))
    diner.page.get_by_test_id("send").click()
    expect(diner.page.get_by_test_id("ordered-line")).to_contain_text(dish)

    # It is off the menu again for good; what was ordered of it stays on the bill.
    page.locator(".dish-row").filter(has_text=dish).locator("a.dish-link").click()
    page.locator("[data-open=remove]").click()
    page.locator("#remove button[type=submit]").click()
    expect(row).to_have_count(0)
    expect(diner.page.get_by_test_id("ordered-line")).to_contain_text(dish)
    clear(owner, table)


def _pid(house: House, name: str) -> int:
    """A process of the demo; 0 while it is being brought back."""
    lines = Path(house.folder / "pids").read_text().splitlines()
    return int(dict(line.split() for line in lines).get(name, 0))


@contextlib.contextmanager
def app_held_still(house: House) -> Iterator[None]:
    """Kill the app, and hold the next one still as soon as it begins to start; let it go on in the end."""
    before = _pid(house, "app")
    os.killpg(os.getpgid(before), signal.SIGKILL)
    until = time.monotonic() + 20
    while (after := _pid(house, "app")) in (0, before) and time.monotonic() < until:
        time.sleep(0.02)
    assert after not in (0, before), "the demo brings back what died"
    os.killpg(os.getpgid(after), signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(os.getpgid(after), signal.SIGCONT)


def test_a_banner_says_that_updates_stopped_and_goes_when_the_board_has_caught_up(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 5)
    kitchen, owner, diner = person("en", desk=True), person("zh"), person("en")
    kitchen.sign_in("lin", "/kitchen")
    cooked(kitchen, table["table"])
    owner.sign_in("mei", "/till")
    clear(owner, table)
    diner.page.goto(table["url"])
    banner = kitchen.page.locator("#live-lost")
    expect(kitchen.page.locator("#cards")).to_be_visible()
    expect(banner).to_be_hidden()
    with app_held_still(house):
        expect(banner).to_be_visible()
        expect(banner).to_contain_text("Live updates have stopped. Trying again…")
        expect(owner.page.locator("#live-lost")).to_be_visible()
    expect(banner).to_be_hidden(timeout=30_000)
    expect(owner.page.locator("#live-lost")).to_be_hidden(timeout=30_000)
    for one in (kitchen, owner, diner):
        one.complaints.clear()  # a lost connection is noted by every browser

    # The board hears again: what is ordered now is on it without a reload.
    diner.page.goto(table["url"])
    adds(diner.page, "Pork and chive dumplings")
    sends(diner.page)
    expect(ticket_of(kitchen, table["table"], "Pork and chive dumplings")).to_be_visible()
    cooked(kitchen, table["table"])
    clear(owner, table)


def test_a_board_without_a_network_says_so_and_two_boards_bump_a_ticket_one_step(
    house: House, person: Callable[..., Person]
) -> None:
    table = house.table("Noodle House", 7)
    near, far, diner = person("en", desk=True), person("zh"), person("en")
    for board in (near, far):
        board.sign_in("lin", "/kitchen")
        expect(board.page.locator("#cards")).to_be_visible()
    lost = far.page.locator("#live-lost")
    expect(lost).to_be_hidden()
    far.context.set_offline(True)
    expect(lost).to_be_visible()
    diner.page.goto(table["url"])
    adds(diner.page, "Pork and chive dumplings")
    sends(diner.page)
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
