"""Practice with a browser: the till refuses, the cashier says the right thing, takes the next code, hands over, passes.

On a desk the coach stands beside the till, on a phone below it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Cast, House

pytestmark = pytest.mark.journey

BAND = {"en": "Practice. No money moves.", "zh": "练习模式，不涉及真实资金。"}


def beside_the_till(page: Page, thing: str, *, desk: bool) -> None:
    """Press something of the coach's; on a phone it is unfolded for that and folded again."""
    button = page.locator(thing)
    expect(button).to_be_attached()
    if not desk and not button.is_visible():
        page.get_by_test_id("coach-open").click()
    button.click()


def fold(page: Page, *, desk: bool) -> None:
    """Let the till be seen on a phone."""
    if not desk and page.get_by_test_id("scan-code").is_visible():
        page.get_by_test_id("coach-fold").click()


def test_a_cashier_passes_a_lesson_on_the_real_till_and_goes_back_to_work(house: House, cast: Cast) -> None:
    desk = cast.lang == "en"
    cashier = cast.staff()
    page = cashier.page
    cashier.sign_in("kai" if desk else "theo", "/practice")
    if page.locator("[data-lesson=no_money][data-passed]").count():
        page.get_by_test_id("passed-lessons").locator("summary").click()
    page.locator("[data-lesson=no_money] [data-testid=begin]").click()
    expect(page.get_by_test_id("practice-band")).to_contain_text(BAND[cast.lang])
    beside_the_till(page, "[data-testid=scan-code]", desk=desk)
    expect(page.locator("#payment-panel[data-shows=not_paid]")).to_be_visible()
    expect(page.locator("#coach-in[data-stage='2']")).to_be_attached()

    beside_the_till(page, "[data-word=open_pay]", desk=desk)
    expect(page.get_by_test_id("hint")).to_be_visible()
    beside_the_till(page, "[data-word=other_card]", desk=desk)
    expect(page.locator("#coach-in[data-stage='3']")).to_be_attached()
    fold(page, desk=desk)
    page.locator("#payment-panel a").first.click()
    expect(page.locator("#pane #scan")).to_be_attached()
    expect(page.get_by_test_id("coach-in")).to_be_attached()
    beside_the_till(page, "[data-testid=scan-code]", desk=desk)
    expect(page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(page.locator("#coach-in[data-stage='4']")).to_be_attached()
    beside_the_till(page, "[data-testid=hand-over]", desk=desk)
    expect(page.get_by_test_id("passed")).to_be_visible()

    page.get_by_test_id("leave-practice").click()
    page.wait_for_url(re.compile("/practice$"))
    page.get_by_test_id("passed-lessons").locator("summary").click()
    expect(page.locator("[data-lesson=no_money][data-passed]")).to_be_visible()
    expect(page.get_by_test_id("practice-band")).to_have_count(0)
    marked = house.query(
        "SELECT count(*) FROM payments WHERE account_id = 'acc_practice' AND NOT merchant_id ^@ 'mpr_'"
    )
    assert marked == [(0,)], "what practice paid belongs to practice"
