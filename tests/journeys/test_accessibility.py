"""Who can't see well, or has no mouse, can work here: axe looks at the main screens in both themes; keys do the rest.

`make screens ARGS=--look` looks at every screen there is; here stand those that people use all day."""

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


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_no_fault_on_the_screens_of_a_day(
    house: House, person: Callable[..., Person], open_bill: str, lang: str
) -> None:
    staff = person(lang, desk=True)
    visits = {
        "mei": [
            "/till",
            f"/till/bills/{open_bill}",
            "/office/tables",
            "/office/api-keys",
            "/console/staff",
            "/practice",
            "/practice/team",
        ],
        "operator": ["/console", "/console/cases?status=all", "/console/payments"],
    }
    found = []
    for login, paths in visits.items():
        scenes.signed_in(login, paths[0])(staff)
        for path in paths:
            origin = "/".join(staff.page.url.split("/", 3)[:3])
            staff.page.goto(origin + path)
            for scheme in ("light", "dark"):
                staff.page.emulate_media(color_scheme=scheme)
                found += [f"{path} ({scheme}): {fault}" for fault in faults(staff.page)]
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
