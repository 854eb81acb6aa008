"""More of what guests see: good news, refusals, closed bills, money that was not taken, pages that don't exist.

Each scene plays what it shows; those that leave dishes on a table do so at tables of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.journeys.conftest import House, Person
from tests.journeys.test_counter import holds_to_scanner, order_at
from tests.journeys.test_delivery import shop_of
from tests.journeys.test_methods import scan_in_wallet
from tests.journeys.test_ordering_ahead import address, chooses

if TYPE_CHECKING:
    from tests.journeys.screens import Tour

PHONES = ("small", "phone")
Steps = Callable[[Person], object]
#: A table of the noodle house whose bill these scenes leave open.
TABLE: Final = 9


def _adds(p: Person, dishes: int = 1) -> None:
    plus = p.shop.locator("[data-testid=dish] button.plus:not([disabled])")
    for number in range(dishes):
        plus.nth(number).click()
        p.page.wait_for_timeout(400)


def _sends(p: Person) -> None:
    p.shop.get_by_test_id("open-basket").click()
    p.shop.get_by_test_id("send").click()
    p.shop.get_by_test_id("sent").wait_for()


def _bill(p: Person, name: str, house: House) -> None:
    """A bill with something left to pay, of somebody who pays for nothing yet."""
    p.scan(name, house.table("Noodle House", TABLE)["url"])
    p.shop.get_by_test_id("bar").wait_for()
    if p.shop.get_by_test_id("open-bill").count() == 0:
        _adds(p)
        _sends(p)
        p.page.reload()
    p.shop.get_by_test_id("open-bill").click()
    p.shop.get_by_test_id("bill-sheet").wait_for()
    letting_go = p.shop.get_by_test_id("open-share").locator("form button")
    if letting_go.count():
        letting_go.first.click()
        letting_go.first.wait_for(state="detached")


def _begins(p: Person, name: str, house: House) -> str:
    """The cashier's sheet is open; tells the payment."""
    _bill(p, name, house)
    p.shop.get_by_test_id("pay-whole").click()
    p.shop.locator("[data-pay-now]").click()
    p.page.locator("[data-do=pin]").wait_for()
    return str(p.shop.locator("#pay").get_attribute("data-pay"))


def tables(tour: Tour) -> None:
    """At a table: what was sent, what is refused, a bill that is over."""
    house = tour.house
    url = house.table("Noodle House", TABLE)["url"]

    def sent(p: Person) -> None:
        p.scan("chen", url)
        _adds(p, 2)
        _sends(p)

    def closed(p: Person) -> None:
        p.scan("chen", url)
        p.shop.get_by_test_id("bar").wait_for()
        # The word that comes when the till closes the bill.
        p.shop.locator("body").evaluate("body => body.dispatchEvent(new CustomEvent('live:closed'))")

    def coupon(p: Person) -> None:
        _bill(p, "chen", house)
        p.shop.get_by_test_id("offers").click()
        p.shop.get_by_test_id("coupon").fill("NOT-A-COUPON")
        p.shop.get_by_test_id("use-coupon").click()
        p.shop.get_by_test_id("refusal").wait_for()

    def too_much(p: Person) -> None:
        _bill(p, "chen", house)
        p.shop.get_by_test_id("ways").click()
        p.shop.get_by_test_id("choose-amount").click()
        p.shop.get_by_test_id("typed").fill("5000")
        p.shop.get_by_test_id("problem").wait_for()

    def own_tip(p: Person) -> None:
        _bill(p, "chen", house)
        p.shop.get_by_test_id("ways").click()
        p.shop.get_by_test_id("choose-whole").click()
        tip = p.shop.get_by_test_id("tip-own")
        if tip.count():
            tip.locator("xpath=..").click()
            p.shop.get_by_test_id("own-tip").fill("1.50")
            p.shop.get_by_test_id("for-tip").wait_for()

    def wrong_word(p: Person) -> None:
        p.scan("ben", house.table("Burrito Bar", 8)["url"])
        _adds(p)
        p.shop.get_by_test_id("open-basket").click()
        p.shop.get_by_test_id("word").fill("0000")
        p.shop.get_by_test_id("word").press("Enter")
        p.shop.locator("#sheet .banner").wait_for()

    def cut_off(p: Person) -> None:
        p.scan("chen", url)
        p.shop.get_by_test_id("bar").wait_for()
        p.page.wait_for_timeout(500)
        p.shop.locator("#live-lost").evaluate("box => { box.hidden = false }")

    tour.take("diner-sent", sent)
    tour.take("diner-closed", closed, sizes=PHONES)
    tour.take("diner-coupon", coupon, sizes=PHONES)
    tour.take("diner-too-much", too_much, sizes=PHONES)
    tour.take("diner-own-tip", own_tip)
    tour.take("diner-word", wrong_word, sizes=PHONES)
    tour.take("diner-cut-off", cut_off)
    tour.take("diner-old-code", lambda p: p.scan("chen", house.table("Burrito Bar", 8)["url"] + "?old=1"), sizes=PHONES)


def money(tour: Tour) -> None:
    """Money that was not taken, and the wallet's own ends."""
    house = tour.house
    port = house.sandbox_url.rpartition(":")[2]

    def refused(p: Person) -> None:
        _begins(p, "chen", house)
        p.page.locator("[data-do=close]").first.click()
        p.shop.locator("#pay[data-shows=pay_again]").wait_for()

    def let_go(p: Person) -> None:
        payment = _begins(p, "chen", house)
        _bill(p, "chen", house)
        p.page.goto(f"http://chen.localhost:{port}/pay/{payment}")
        p.page.locator("#pay[data-shows=not_paid]").wait_for()

    def elsewhere(p: Person) -> None:
        payment = house.query("SELECT id FROM payments WHERE method = 'wallet_page' ORDER BY created_at LIMIT 1")
        p.page.goto(f"{house.app_url}/pay/{payment[0][0] if payment else 'none'}")

    def wrong_pin(p: Person) -> None:
        _begins(p, "chen", house)
        p.page.locator("[data-do=pin]").click()
        p.type_pin("654321")
        p.page.wait_for_timeout(800)

    def typed_amount(p: Person) -> None:
        known = house.query("SELECT address FROM merchant_codes WHERE status = 'active' ORDER BY id LIMIT 1")
        scan_in_wallet(p, "chen", str(known[0][0]))
        p.page.locator("form[data-shop]").wait_for()
        for key in "12.5":
            p.page.locator(f"[data-key='{key}']:visible").click()

    def all_paid(p: Person) -> None:
        typed_amount(p)
        p.page.locator("form[data-shop] button[type=submit]").click()
        p.page.locator("[data-do=pin]").click()
        for digit in "123456":
            p.page.get_by_role("dialog").locator(f"[data-key='{digit}']:visible").click()
        p.page.locator("[data-step=ended]").wait_for()

    tour.take("pay-again", refused)
    tour.take("pay-not-paid", let_go)
    tour.take("pay-elsewhere", elsewhere)
    tour.take("wallet-wrong-pin", wrong_pin, sizes=PHONES)
    tour.take("wallet-shop", typed_amount)
    tour.take("wallet-ended", all_paid)
    tour.take("alipay-hint", lambda p: p.page.goto(f"{house.app_url}/alipay/authorize?next=/"))
    tour.take("alipay-stale", lambda p: p.page.goto(f"{house.app_url}/alipay/callback?state=old&auth_code=x"))


def ahead(tour: Tour) -> None:
    """Orders ahead: paid at the shop, taken back, and a basket with nothing in it."""
    house = tour.house

    def later(p: Person) -> None:
        p.page.goto(address(house, "Harbour Road"))
        chooses(p.page, mode="pick_up", slot=None, name="Mia 米娅")
        # A number with an order that nobody paid is refused a second one.
        p.page.locator("[name=phone]").fill(f"138{time.time_ns() // 1_000_000 % 10**8:08}")
        p.page.get_by_test_id("pay-later").click()
        p.page.get_by_test_id("order-state").wait_for()

    def asks_to_cancel(p: Person) -> None:
        later(p)
        p.page.get_by_test_id("cancel").click()

    def cancelled(p: Person) -> None:
        asks_to_cancel(p)
        p.page.locator("#cancel form button[type=submit]").click()
        p.page.locator("[data-testid=order-state][data-stage=cancelled]").wait_for()

    def nothing(p: Person) -> None:
        p.page.goto(shop_of(house))
        p.page.get_by_test_id("open-basket").click()
        p.page.wait_for_timeout(500)

    def no_name(p: Person) -> None:
        p.page.goto(address(house, "Harbour Road"))
        chooses(p.page, mode="pick_up", slot=None, name="Mia")
        p.page.locator("[name=phone]").fill("1")
        p.page.get_by_test_id("pay-later").click()
        p.page.wait_for_timeout(500)

    tour.take("order-later", later)
    tour.take("order-cancel", asks_to_cancel)
    tour.take("order-cancelled", cancelled)
    tour.take("order-nothing", nothing)
    tour.take("order-refused", no_name)


def kiosks(tour: Tour) -> None:
    """A kiosk with choices, an empty order, a refused code, nobody there."""

    def begun(p: Person) -> None:
        lang = "zh" if p.page.evaluate("navigator.language").startswith("zh") else "en"
        p.sign_in("mei", "/kiosk/open")
        p.page.get_by_test_id("open-kiosk").click()
        p.page.get_by_test_id(f"language-{lang}").click()
        p.page.get_by_test_id("eat-here").click()

    def choices(p: Person) -> None:
        begun(p)
        for number in range(p.page.get_by_test_id("section").count()):
            p.page.get_by_test_id("section").nth(number).click()
            for dish in range(p.page.locator("a.kiosk-dish").count()):
                p.page.locator("a.kiosk-dish").nth(dish).click()
                p.page.get_by_test_id("add").wait_for()
                if p.page.locator("fieldset.options").count() > 1:
                    return
                p.page.get_by_test_id("back").click()
                p.page.get_by_test_id("section").first.wait_for()

    def nothing(p: Person) -> None:
        begun(p)
        p.page.get_by_test_id("section").first.wait_for()
        p.page.goto(f"{p.page.url.partition('?')[0]}/basket")

    def refused(p: Person) -> None:
        begun(p)
        p.page.locator("a.kiosk-dish").last.click()
        for group in p.page.locator("fieldset.options").all():
            group.locator("input:not([disabled])").first.check()
        p.page.get_by_test_id("add").click()
        p.page.get_by_test_id("see-order").click()
        p.page.get_by_test_id("pay").click()
        code = p.house.control("buyers/chen/payment-code", {})["code"]
        p.page.get_by_test_id("kiosk-pay").wait_for()
        holds_to_scanner(p, code[:-2] + "93")
        p.page.get_by_test_id("kiosk-payment").wait_for()
        p.page.wait_for_timeout(1_500)

    def nobody(p: Person) -> None:
        begun(p)
        p.page.get_by_test_id("section").first.wait_for()
        p.page.locator("#still-there").evaluate("dialog => dialog.showModal()")

    tour.take("kiosk-choices", choices)
    tour.take("kiosk-nothing", nothing)
    tour.take("kiosk-refused", refused)
    tour.take("kiosk-nobody", nobody)


def displays(tour: Tour) -> None:
    """The customers' screen at the counter, while an order is taken."""

    def chosen(p: Person) -> None:
        order_at(p, (0, 1))
        shown = p.context.new_page()
        shown.goto("/".join([*p.page.url.split("/", 3)[:3], "counter/display"]))
        shown.locator(".screen-order").first.wait_for()
        p.page = shown

    tour.take("display-order", chosen)


def errors(tour: Tour) -> None:
    """What went wrong, said calmly."""
    house = tour.house

    def wrong_password(p: Person) -> None:
        p.page.goto(f"{house.app_url}/sign-in")
        p.page.locator("input[name=login]").fill("mei")
        p.page.locator("input[name=password]").fill("not-it")
        p.page.locator("input[name=password]").press("Enter")
        p.page.wait_for_load_state("load")

    def old_form(p: Person) -> None:
        p.page.goto(house.table("Noodle House", TABLE)["url"])
        p.page.get_by_test_id("name-form").wait_for()
        p.context.clear_cookies()
        p.page.get_by_test_id("name-form").evaluate(
            "form => { form.querySelector('[name=_csrf_token]').value = 'x';"
            " HTMLFormElement.prototype.submit.call(form) }"
        )
        p.page.wait_for_url(re.compile("/name$"))

    tour.take("error-not-found", lambda p: p.page.goto(f"{house.app_url}/nothing/here"))
    tour.take("error-no-order", lambda p: p.page.goto(f"{shop_of(house)}/o/nothing"))
    tour.take("error-no-shop", lambda p: p.page.goto(f"{house.app_url}/order/nothing"))
    tour.take("error-no-receipt", lambda p: p.page.goto(f"{house.app_url}/receipt/nothing"))
    tour.take("error-old-form", old_form)
    tour.take("sign-in-wrong", wrong_password)
    tour.take("app-root", lambda p: p.page.goto(house.app_url))


PARTS: Final = (tables, money, ahead, kiosks, displays, errors)


def play(tour: Tour) -> None:
    """All of them."""
    for part in PARTS:
        part(tour)
