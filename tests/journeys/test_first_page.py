"""The diner's first page on a phone of 360 pixels: what it weighs on the wire, and what is left of it without scripts.

Weights are what the browser received, compressed as a phone asks for it; photos come later and are not counted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.journeys import slow_phone
from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey

NARROW = {"width": 360, "height": 740}
MOST_BYTES = 100_000
#: The tests beside this one slow it down; alone it needs none.
ALLOWANCE = 2.5
#: The page itself and everything it needs before it can be used.
FIRST = {"document", "stylesheet", "script", "font"}
#: Encoded bytes of head and body, as the browser counted them, by kind of request.
RECEIVED = """
() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((entry) => ({
  name: entry.name, bytes: entry.encodedBodySize, decoded: entry.decodedBodySize }))
"""


def narrow(chromium: Browser, *, scripts: bool = True) -> Person:
    """A phone of 360 pixels that has seen nothing of the house yet."""
    context = chromium.new_context(
        viewport=NARROW, locale="en-US", reduced_motion="reduce", java_script_enabled=scripts, is_mobile=True
    )
    return Person(context, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("merchant", ["Noodle House", "Burrito Bar"])
def test_the_first_page_weighs_less_than_100_kb_on_the_wire(chromium: Browser, house: House, merchant: str) -> None:
    diner = narrow(chromium)
    kinds: dict[str, str] = {}
    diner.page.on("request", lambda request: kinds.setdefault(request.url, request.resource_type))
    diner.page.goto(house.table(merchant, 6)["url"])
    expect(diner.page.get_by_test_id("bar")).to_be_visible()
    got = diner.page.evaluate(RECEIVED)
    first = [entry for entry in got if kinds.get(entry["name"]) in FIRST]
    assert {kinds[entry["name"]] for entry in first} >= {"document", "stylesheet", "script"}
    weight = sum(entry["bytes"] for entry in first)
    assert 5_000 < weight < MOST_BYTES, {entry["name"].rsplit("/", 1)[-1]: entry["bytes"] for entry in first}
    assert weight < sum(entry["decoded"] for entry in first) / 2, "it comes compressed"
    assert not any(kinds.get(entry["name"]) == "font" for entry in got), "phones have fonts of their own"
    assert diner.complaints == []
    diner.context.close()


def test_on_a_slow_phone_the_first_page_is_light_soon_there_and_nothing_moves(chromium: Browser, house: House) -> None:
    """Weight and what moves are facts and hold strictly; how soon also says how busy this machine is (`slow_phone`)."""
    url = house.table("Burrito Bar", 6)["url"]
    seen = slow_phone.best_of(chromium, url, tries=4, enough=1_000)
    print(seen)
    assert {"document", "stylesheet", "script", "image"} <= set(seen.weights)
    assert seen.weight < MOST_BYTES, seen
    assert seen.moved < 0.01, seen.what
    assert seen.paint < 1_000 * ALLOWANCE, seen
    # A dish goes into the basket: the bar's words change and nothing else moves.
    tapped = slow_phone.visit(chromium, house.table("Noodle House", 2)["url"], tap="button.plus")
    assert tapped.moved < 0.01, tapped.what


def test_photos_come_when_they_are_scrolled_to_and_nothing_sticks_out(chromium: Browser, house: House) -> None:
    diner = narrow(chromium)
    asked: list[str] = []
    diner.page.on("request", lambda request: asked.append(request.url) if request.resource_type == "image" else None)
    diner.page.route("**/phone.*.css", _as_long_as_a_real_menu)
    diner.page.goto(house.table("Burrito Bar", 6)["url"])
    photos = diner.page.locator("[data-testid=dish] img")
    expect(photos.first).to_be_visible()
    assert set(photos.evaluate_all("all => all.map(one => one.loading)")) == {"lazy"}
    few = len([url for url in asked if "/photos/" in url])
    assert 0 < few < photos.count(), "those far below have not been asked for yet"
    photos.last.scroll_into_view_if_needed()
    diner.page.wait_for_function("() => [...document.querySelectorAll('.dish img')].at(-1).naturalWidth > 0")
    assert len([url for url in asked if "/photos/" in url]) > few
    sticks_out = "() => document.scrollingElement.scrollWidth - window.innerWidth"
    assert diner.page.evaluate(sticks_out) <= 0
    diner.page.get_by_test_id("dish").first.get_by_role("link").last.click()
    expect(diner.page.get_by_test_id("dish-sheet")).to_be_visible()
    assert diner.page.evaluate(sticks_out) <= 0
    diner.context.close()


def _as_long_as_a_real_menu(route: Route) -> None:
    """Without the real orders the menu is short, and browsers fetch lazily only what is some screens away."""
    style = route.fetch()
    route.fulfill(response=style, body=style.text() + "\n.dish { min-height: 600px }")


def test_a_phone_without_scripts_orders_all_the_same(chromium: Browser, house: House) -> None:
    diner = narrow(chromium, scripts=False)
    page = diner.page
    page.goto(house.table("Noodle House", 0)["url"])
    expect(page.get_by_test_id("outside-wallet")).to_be_visible()
    # A dish without choices is added by its plus, one with choices on a page of its own.
    page.get_by_role("button", name="Add Smashed cucumber").click()
    expect(page.get_by_test_id("basket-total")).to_contain_text("$4.80")
    page.get_by_role("link", name="Choose Beef noodle soup").click()
    sheet = page.get_by_test_id("dish-sheet")
    sheet.get_by_text("Regular", exact=True).click()
    sheet.get_by_text("Mild", exact=True).click()
    sheet.get_by_test_id("add").click()
    expect(page.get_by_test_id("basket-total")).to_contain_text("$17.60")
    page.get_by_test_id("open-basket").click()
    expect(page.get_by_test_id("basket-line")).to_have_count(2)
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("ordered-line")).to_have_count(2)
    page.goto(house.table("Noodle House", 0)["url"] + "/bill")
    expect(page.get_by_test_id("bill-left")).to_have_text("$17.60")
    expect(page.get_by_test_id("pay-at-till")).to_be_visible()
    diner.context.close()
