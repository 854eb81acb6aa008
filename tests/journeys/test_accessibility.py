"""Who can't see well, or has no mouse, can work here: axe looks at every screen in both themes; keys do the rest.

What a reader would get wrong: axe sees a screen as it opens; `make screens ARGS=--look` also sees what is played."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys import scenes
from tests.journeys.conftest import House, Person
from tests.journeys.looking import faults

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def open_bill(chromium: Browser, house: House) -> str:
    """A bill that waits to be paid."""
    return scenes.seat_guests(chromium, house)


#: Every screen of the product that has an address of its own, by who opens it; the pages of one thing are scenes.
SCREENS = {
    "mei": [
        "/till",
        "/till/codes",
        "/till/offline",
        "/till/printer",
        "/till/shift",
        "/till/shifts",
        "/counter",
        "/counter/today",
        "/counter/display",
        "/kitchen",
        "/kitchen/pass",
        "/runner",
        "/courier",
        "/deliveries",
        "/offline",
        "/staff",
        "/office/menu",
        "/office/menu/items/new",
        "/office/menu/import",
        "/office/menu/times",
        "/office/menu/many",
        "/office/menu/preview",
        "/office/kitchen",
        "/office/tables",
        "/office/codes",
        "/office/terminals",
        "/office/delivery",
        "/office/online",
        "/office/members",
        "/office/offers",
        "/office/offers/new",
        "/office/api-keys",
        "/console/staff",
        "/kiosk/open",
        "/tablet",
        "/switch",
        "/practice",
        "/practice/team",
    ],
    "operator": [
        "/console",
        "/console/cases?status=all",
        "/console/payments",
        "/console/refunds",
        "/console/reconciliation",
        "/console/accounts",
        "/console/alarms",
        "/console/notices",
        "/console/shops",
        "/console/signature",
    ],
    # Nobody has signed in here.
    "": ["/online"],
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_no_fault_on_any_screen_in_either_theme(
    house: House, person: Callable[..., Person], open_bill: str, lang: str
) -> None:
    """In English every screen; in Chinese, where only words and their lengths differ, those of a day."""
    found = []
    for login, screens in SCREENS.items():
        someone = person(lang, desk=True)
        if login:
            scenes.signed_in(login, screens[0])(someone)
        else:
            someone.page.goto(house.app_url + screens[0])
        origin = "/".join(someone.page.url.split("/", 3)[:3])
        paths = [*screens, f"/till/bills/{open_bill}"] if login == "mei" else screens
        for path in paths if lang == "en" else paths[::5]:
            someone.page.emulate_media(color_scheme="light")
            answer = someone.page.goto(origin + path)
            assert answer is not None and answer.ok, path
            seen = faults(someone.page)
            someone.page.emulate_media(color_scheme="dark")
            seen += faults(someone.page, colours_only=True)
            found += [f"{path} ({lang}): {fault}" for fault in seen]
    assert found == []


def test_axe_finds_no_fault_on_the_coach_beside_the_till(person: Callable[..., Person]) -> None:
    found = []
    for lesson, word in (("paid", ""), ("wrong_code", "other_card")):
        staff = person("en", desk=True)
        scenes.in_lesson("kai", lesson)(staff)
        if word:
            staff.page.locator(f"[data-word={word}]").click()
            expect(staff.page.get_by_test_id("hint")).to_be_visible()
        for scheme in ("light", "dark"):
            staff.page.emulate_media(color_scheme=scheme)
            found += [f"{lesson} ({scheme}): {fault}" for fault in faults(staff.page)]
    assert found == []


def test_a_dialog_opened_by_keyboard_begins_where_the_work_is_and_gives_the_focus_back(
    person: Callable[..., Person], open_bill: str
) -> None:
    cashier = person("en", desk=True)
    cashier.sign_in("kai", f"/till/bills/{open_bill}")
    cash = cashier.page.get_by_test_id("cash")
    cash.focus()
    cashier.page.keyboard.press("Enter")
    expect(cashier.page.locator("#take-cash [name=given]")).to_be_focused()
    cashier.page.keyboard.press("Escape")
    expect(cash).to_be_focused()


def test_a_till_at_twice_the_size_loses_nothing_sideways(person: Callable[..., Person], open_bill: str) -> None:
    cashier = person("en", desk=True)
    cashier.sign_in("kai", f"/till/bills/{open_bill}")
    # What a browser does at 200 %: half as many pixels, each twice as large.
    cashier.page.set_viewport_size({"width": 683, "height": 430})
    assert cashier.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(cashier.page.get_by_test_id("charge")).to_be_attached()
