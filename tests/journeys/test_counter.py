"""Fast food as published, each path told from the cashier's side and the customer's, to the receipt at its end.

Offline mode: the payment code is charged at once. Offline-to-online mode: the customer is asked for the PIN first. The
shop's code: the customer types the amount. The kiosk: nobody but the customer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person
from tests.journeys.test_methods import scan_in_wallet

pytestmark = pytest.mark.journey


def payment_code(wallet: Person, name: str) -> str:
    """The digits below the bars of a buyer's payment code."""
    port = wallet.house.sandbox_url.rpartition(":")[2]
    wallet.page.goto(f"http://{name}.localhost:{port}/wallet/code")
    return wallet.page.locator("[data-digits]").first.get_attribute("data-digits") or ""


def order_at(counter: Person, dishes: tuple[int, ...] = (0, 1)) -> str:
    """The cashier touches dishes; the number of the order."""
    counter.sign_in("theo", "/counter")
    keys = counter.page.locator(".dish-keys form button.dish-key:not([disabled])")
    for count, number in enumerate(dishes, start=1):
        keys.nth(number).click()
        expect(counter.page.get_by_test_id("order-line")).to_have_count(count)
    return "".join(filter(str.isdigit, counter.page.get_by_test_id("order-number").inner_text()))


def holds_to_scanner(counter: Person, code: str) -> None:
    """As a scanner does: it types wherever the cashier is, and presses Enter."""
    counter.page.keyboard.type(code)
    counter.page.keyboard.press("Enter")


def test_offline_mode_a_payment_code_pays_at_once_and_the_order_is_made_called_and_collected(
    house: House, person: Callable[..., Person]
) -> None:
    counter, board, wallet = person("en", desk=True), person("en", desk=True), person("en")
    number = order_at(counter)
    board.page.goto(f"{house.app_url}/board/{house.table('Burrito Bar', 0)['store_id']}")
    making = board.page.get_by_test_id("board-making").filter(has_text=re.compile(rf"^\s*{number}\s*$"))
    expect(making).to_have_count(0)
    holds_to_scanner(counter, payment_code(wallet, "chen"))
    expect(counter.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(counter.page.get_by_test_id("called")).to_contain_text(number)
    expect(making).to_be_visible()
    counter.page.locator("#payment-panel a").first.click()
    expect(counter.page.get_by_test_id("order")).to_have_attribute("data-stage", "building")
    counter.page.locator(f"[data-testid=making][data-number='{number}'] button").click()
    expect(board.page.get_by_test_id("board-ready").filter(has_text=number)).to_be_visible()
    counter.page.locator(f"[data-testid=ready][data-number='{number}'] button").click()
    expect(board.page.get_by_test_id("board-ready").filter(has_text=number)).to_have_count(0)


def test_offline_to_online_mode_waits_for_the_pin_is_cancelled_once_and_paid_then(
    house: House, person: Callable[..., Person]
) -> None:
    counter, wallet = person("zh", desk=True), person("zh")
    counter.page.set_viewport_size({"width": 390, "height": 780})
    number = order_at(counter, (0,))
    panel = counter.page.locator("#payment-panel")
    waiting = counter.page.locator("#payment-panel[data-shows=waiting] [data-countdown]").first
    holds_to_scanner(counter, payment_code(wallet, "ben"))
    expect(waiting).to_be_visible()
    # The customer can't decide: the cashier stops waiting, and nothing was taken.
    panel.locator("form button").click()
    expect(counter.page.locator("#payment-panel[data-shows=cancelled]")).to_be_visible()
    panel.locator(".line a").first.click()
    expect(counter.page.get_by_test_id("take-amount")).to_be_visible()
    holds_to_scanner(counter, payment_code(wallet, "ben"))
    expect(waiting).to_be_visible()
    wallet.page.locator("[data-do=pin]").click()
    wallet.type_pin()
    expect(counter.page.locator("#payment-panel[data-shows=paid]")).to_be_visible()
    expect(counter.page.get_by_test_id("called")).to_contain_text(number)
    assert house.query("SELECT count(*) FROM counter_shares WHERE state = 'held'") == [(0,)]


def test_an_amount_typed_at_the_shops_code_arrives_at_the_counter_and_pays_its_order(
    house: House, person: Callable[..., Person]
) -> None:
    counter, customer = person("en", desk=True), person("zh")
    counter.sign_in("theo", "/counter")
    manager = person("en", desk=True)
    manager.sign_in("rosa", "/office/codes")
    manager.page.locator("[data-testid=add-code] [name=label]").fill("By the till")
    manager.page.locator("[data-testid=add-code] button[type=submit]").click()
    printed = manager.page.get_by_test_id("code").filter(has_text="By the till")
    expect(printed).to_have_attribute("data-status", "active")
    address = printed.get_attribute("data-address") or ""
    number = order_at(counter, (0, 0, 0))
    left = int(counter.page.get_by_test_id("take-amount").get_attribute("data-left") or "")
    scan_in_wallet(customer, "amy", address)
    customer.page.locator("input[name=amount]").fill(f"{left / 100:.2f}")
    customer.page.locator("form[data-shop] button[type=submit]").click()
    customer.page.locator("[data-do=pin]").click()
    for digit in "123456":
        customer.page.get_by_role("dialog").locator(f"[data-key='{digit}']:visible").click()
    # It fits one open order only: the cashier's screen turns by itself.
    expect(counter.page.get_by_test_id("order")).to_have_attribute("data-stage", "making")
    expect(counter.page.locator(f"[data-testid=making][data-number='{number}']")).to_be_visible()
    expect(counter.page.get_by_test_id("taken")).to_be_visible()
    counter.page.locator("a[href^='/receipt/']").first.click()
    expect(counter.page.locator("main")).to_contain_text(f"Order {number}")


def test_a_customer_orders_at_the_kiosk_in_two_languages_and_pays_both_ways(
    house: House, person: Callable[..., Person]
) -> None:
    kiosk, wallet = person("en", desk=True), person("en")
    kiosk.sign_in("theo", "/kiosk/open")
    kiosk.page.get_by_test_id("open-kiosk").click()
    numbers = []
    for lang, where, way in (("en", "eat-here", "by-code"), ("zh", "to-go", "scan")):
        kiosk.page.get_by_test_id(f"language-{lang}").click()
        kiosk.page.get_by_test_id(where).click()
        kiosk.page.get_by_test_id("section").last.click()
        kiosk.page.locator("a.kiosk-dish").first.click()
        for group in kiosk.page.locator("fieldset.options").all():
            group.locator("input:not([disabled])").first.check()
        kiosk.page.get_by_test_id("add").click()
        kiosk.page.get_by_test_id("see-order").click()
        kiosk.page.get_by_test_id("pay").click()
        if way == "by-code":
            kiosk.page.get_by_test_id("by-code").click()
            code = kiosk.page.get_by_test_id("order-code")
            expect(code).to_be_visible()
            scan_in_wallet(wallet, "amy", code.get_attribute("data-code") or "")
            wallet.page.locator("[data-do=pin]").click()
            wallet.type_pin()
        else:
            expect(kiosk.page.get_by_test_id("kiosk-pay")).to_be_visible()
            holds_to_scanner(kiosk, payment_code(wallet, "chen"))
        expect(kiosk.page.get_by_test_id("kiosk-number")).to_be_visible()
        numbers.append(kiosk.page.get_by_test_id("kiosk-number").inner_text())
        wallet.page.goto(kiosk.page.get_by_test_id("receipt-code").get_attribute("data-address") or "")
        expect(wallet.page.locator("body")).to_contain_text(numbers[-1])
        kiosk.page.get_by_test_id("done").click()
    expect(kiosk.page.get_by_test_id("language-en")).to_have_attribute("aria-current", "true")
    sold = house.query("SELECT number::text FROM counter_orders WHERE channel = 'kiosk' AND status = 'paid'")
    assert {(number,) for number in numbers} <= set(sold)
