"""Fast food as published, each path told from the cashier's side and the customer's, to the receipt at its end.

Offline mode: the payment code is charged at once. Offline-to-online mode: the customer is asked for the PIN first. The
shop's code: the customer types the amount. The kiosk: nobody but the customer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Cast, House, Person
from tests.journeys.test_methods import scan_in_wallet

pytestmark = pytest.mark.journey

UPRIGHT = {"width": 1080, "height": 1920}


def payment_code(wallet: Person, name: str) -> str:
    """The digits below the bars of a buyer's payment code."""
    port = wallet.house.sandbox_url.rpartition(":")[2]
    wallet.page.goto(f"http://{name}.localhost:{port}/wallet/code")
    return wallet.page.locator("[data-digits]").first.get_attribute("data-digits") or ""


def touches(counter: Page, dishes: tuple[int, ...]) -> str:
    """Somebody at an open counter touches dishes; the number of the order."""
    keys = counter.locator(".dish-keys form button.dish-key:not([disabled])")
    for count, number in enumerate(dishes, start=1):
        keys.nth(number).click()
        expect(counter.get_by_test_id("order-line")).to_have_count(count)
    return "".join(filter(str.isdigit, counter.get_by_test_id("order-number").inner_text()))


def order_at(counter: Person, dishes: tuple[int, ...] = (0, 1)) -> str:
    """The cashier comes to the counter and touches dishes; the number of the order."""
    counter.sign_in("theo", "/counter")
    return touches(counter.page, dishes)


def holds_to_scanner(counter: Person, code: str) -> None:
    """As a scanner does: it types wherever the cashier is, and presses Enter."""
    counter.page.keyboard.type(code)
    counter.page.keyboard.press("Enter")


def numbered(found: Locator, number: str) -> Locator:
    """The one that shows exactly this pickup number."""
    return found.filter(has_text=re.compile(rf"^\s*{number}\s*$"))


def panel(counter: Person, shows: str) -> Locator:
    """The cashier's pane in one of its states."""
    return counter.page.locator(f"#payment-panel[data-shows={shows}]")


def test_offline_mode_a_payment_code_pays_at_once_and_the_order_is_made_called_and_collected(
    house: House, cast: Cast
) -> None:
    counter, wallet, board = cast.staff(), cast.guest(), cast.staff()
    # The owner stands in today: the customers' screen follows whoever touches the dishes.
    counter.sign_in("rosa", "/counter")
    page, display = counter.page, counter.context.new_page()
    number = touches(page, (0, 1))
    display.goto(f"{page.url.partition('/counter')[0]}/counter/display")
    expect(display.get_by_test_id("display-line")).to_have_count(2)
    expect(display.get_by_test_id("display-amount")).to_have_text(page.get_by_test_id("take-amount").inner_text())
    expect(display.locator(".screen-pay")).to_contain_text(
        cast.pick(en="Open Alipay and show your payment code", zh="请打开支付宝，出示付款码")
    )
    board.page.goto(f"{house.app_url}/board/{house.table('Burrito Bar', 0)['store_id']}")
    expect(board.page.locator("#ready")).to_contain_text(cast.pick(en="Ready, please collect", zh="请取餐"))
    making, ready = (numbered(board.page.get_by_test_id(f"board-{stage}"), number) for stage in ("making", "ready"))
    expect(making).to_have_count(0)

    holds_to_scanner(counter, payment_code(wallet, "chen"))
    expect(panel(counter, "paid")).to_contain_text(cast.pick(en="The kitchen has the order", zh="订单已送到厨房"))
    expect(page.get_by_test_id("called")).to_contain_text(number)
    expect(display.get_by_test_id("display-number")).to_contain_text(number)
    expect(making).to_be_visible()
    display.close()
    receipt = page.locator("#payment-panel a[href^='/receipt/']").get_attribute("href") or ""
    page.locator("#payment-panel a").first.click()
    expect(page.get_by_test_id("order")).to_have_attribute("data-stage", "building")
    page.locator(f"[data-testid=making][data-number='{number}'] button").click()
    expect(ready).to_be_visible()
    page.locator(f"[data-testid=ready][data-number='{number}'] button").click()
    expect(ready).to_have_count(0)

    # The customer is back with a cold dish: the order is found by its number, that dish's money goes back.
    page.goto(page.url.partition("/counter")[0] + "/counter/today")
    page.locator(f"[data-testid=sold][data-number='{number}']").first.click()
    page.get_by_test_id("give-back").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=line]").first.check(force=True)
    dialog.locator("[name=reason]").fill(cast.pick(en="The beans were cold", zh="豆子是凉的"))
    dialog.get_by_test_id("refund-now").click()
    expect(page.get_by_test_id("taken")).to_contain_text(cast.pick(en="given back", zh="已退"))
    page.goto(page.url.partition("/counter")[0] + receipt)
    expect(page.locator("main")).to_contain_text(cast.pick(en=f"Order {number}", zh=f"{number} 号"))
    [(paid, refunded, dish)] = house.query(
        "SELECT p.amount, p.refunded, l.amount FROM payments p JOIN refunds r ON r.payment_id = p.id"
        " JOIN tab_lines l ON r.lines @> to_jsonb(l.id) WHERE p.id = %s",
        receipt.rpartition("/")[2],
    )
    assert 0 < refunded == dish < paid


def calls(house: House, order_id: str) -> list[list[tuple[str, datetime]]]:
    """What Alipay was asked for each payment of a counter order, and when."""
    numbers = house.query("SELECT order_number FROM payments WHERE payable_id = %s ORDER BY created_at", order_id)
    told: list[list[dict[str, Any]]] = [house.control(f"calls?out_trade_no={number}")["calls"] for (number,) in numbers]
    return [[(one["service"].rpartition(".")[2], datetime.fromisoformat(one["at"])) for one in of] for of in told]


def test_offline_to_online_mode_waits_for_the_pin_is_stopped_by_hand_then_by_the_minute_and_paid_at_last(
    house: House, cast: Cast
) -> None:
    counter, wallet = cast.staff(), cast.guest()
    number = order_at(counter, (0,))
    order_id = counter.page.get_by_test_id("order").get_attribute("data-order") or ""
    waiting, cancelled = panel(counter, "waiting"), panel(counter, "cancelled")

    def asks() -> None:
        holds_to_scanner(counter, payment_code(wallet, "ben"))
        expect(waiting).to_contain_text(cast.pick(en="Do not hand over goods yet", zh="请先不要交付商品"))
        expect(waiting.locator("[data-countdown]")).to_have_count(2)

    def goes_back() -> None:
        expect(cancelled).to_contain_text(cast.pick(en="No money was taken.", zh="没有扣款。"))
        cancelled.locator(".line a").first.click()
        expect(counter.page.get_by_test_id("take-amount")).to_be_visible()

    # The customer can't decide: the cashier stops waiting, and nothing was taken.
    asks()
    waiting.locator("form button").click()
    goes_back()
    # Nobody types the PIN: a minute after the scan (it is moved back by that much) the till stops by itself.
    asks()
    house.query(
        "UPDATE payments SET opened_at = opened_at - interval '60 s', give_up_at = give_up_at - interval '60 s',"
        " due_at = now() WHERE payable_id = %s AND status = 'pending' RETURNING id",
        order_id,
    )
    goes_back()
    # The PIN is typed: Alipay's notice tells of it, or the next question, five seconds after the scan.
    asks()
    wallet.page.locator("[data-do=pin]").click()
    wallet.type_pin()
    paid = panel(counter, "paid")
    expect(paid).to_contain_text(cast.pick(en="The kitchen has the order", zh="订单已送到厨房"))
    expect(counter.page.get_by_test_id("called")).to_contain_text(number)
    paid.locator("a[href^='/receipt/']").click()
    expect(counter.page.locator("main")).to_contain_text(cast.pick(en=f"Order {number}", zh=f"{number} 号"))
    stopped, given_up, taken = calls(house, order_id)
    assert [said for said, _ in given_up][:3] == ["pay", "query", "cancel"], "asked a last time, then cancelled"
    assert [said for said, _ in stopped][:2] == ["pay", "cancel"]
    # Either Alipay's notice came first, or the next question heard of it; nobody asked sooner than the pages say.
    assert [said for said, _ in taken] in (["pay"], ["pay", "query"]), "one question was enough"
    for _, asked in taken[1:]:
        assert 4.4 < (asked - taken[0][1]).total_seconds() < 9, "five seconds, and what a busy machine adds"
    held = house.query("SELECT count(*) FROM counter_shares WHERE order_id = %s AND state = 'held'", order_id)
    assert held == [(0,)]


def test_an_amount_typed_at_the_shops_code_arrives_at_the_counter_and_pays_its_order(house: House, cast: Cast) -> None:
    counter, customer = cast.staff(), cast.guest()
    counter.sign_in("rosa", "/office/codes")
    page, label = counter.page, cast.pick(en="By the till", zh="收银台旁")
    if page.get_by_test_id("code").filter(has_text=label).count() == 0:
        page.locator("[data-testid=add-code] [name=label]").fill(label)
        page.locator("[data-testid=add-code] button[type=submit]").click()
    printed = page.get_by_test_id("code").filter(has_text=label)
    expect(printed).to_have_attribute("data-status", "active")
    address = printed.get_attribute("data-address") or ""
    page.goto(f"{page.url.partition('/office')[0]}/counter")
    # Three of a dish of its own: no other open order comes to the same amount.
    number = touches(page, cast.pick(en=(0, 0, 0), zh=(3, 3, 3)))
    left = int(page.get_by_test_id("take-amount").get_attribute("data-left") or "")
    scan_in_wallet(customer, "amy", address)
    customer.page.locator("input[name=amount]").fill(f"{left / 100:.2f}")
    customer.page.locator("form[data-shop] button[type=submit]").click()
    customer.page.locator("[data-do=pin]").click()
    for digit in "123456":
        customer.page.get_by_role("dialog").locator(f"[data-key='{digit}']:visible").click()
    # It fits one open order only: the cashier's screen turns by itself.
    expect(page.get_by_test_id("order")).to_have_attribute("data-stage", "making")
    expect(page.locator(f"[data-testid=making][data-number='{number}']")).to_be_visible()
    if cast.lang == "zh":
        # On a phone the order is below the dishes: what is paid says so where the cashier looks, and leads there.
        page.get_by_test_id("jump").filter(has_text=f"{number} 号").click()
        expect(page.get_by_test_id("taken")).to_be_in_viewport()
    expect(page.get_by_test_id("taken")).to_contain_text(cast.pick(en="paid", zh="已收"))
    page.locator("a[href^='/receipt/']").first.click()
    expect(page.locator("main")).to_contain_text(cast.pick(en=f"Order {number}", zh=f"{number} 号"))


def test_a_customer_orders_at_the_kiosk_in_two_languages_and_pays_both_ways(house: House, cast: Cast) -> None:
    """An upright kiosk whose device speaks English, and one no larger than a phone that speaks Chinese."""
    kiosk, wallet = cast.guest(), cast.guest()
    kiosk.page.set_viewport_size(cast.pick(en=UPRIGHT, zh={"width": 390, "height": 780}))
    kiosk.sign_in("theo", "/kiosk/open")
    kiosk.page.get_by_test_id("open-kiosk").click()
    numbers = []
    for lang, where, way in (("en", "eat-here", "by-code"), ("zh", "to-go", "scan")):
        kiosk.page.get_by_test_id(f"language-{lang}").click()
        expect(kiosk.page.get_by_test_id(where)).to_have_text({"en": "Eat here", "zh": "外带"}[lang])
        kiosk.page.get_by_test_id(where).click()
        kiosk.page.get_by_test_id("section").last.click()
        kiosk.page.locator("a.kiosk-dish").first.click()
        for group in kiosk.page.locator("fieldset.options").all():
            group.locator("input:not([disabled])").first.check()
        kiosk.page.get_by_test_id("add").click()
        kiosk.page.get_by_test_id("see-order").click()
        assert kiosk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
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
        thanks = {"en": "Thank you. Your pickup number:", "zh": "谢谢惠顾，你的取餐号："}[lang]
        expect(kiosk.page.locator(".kiosk-number")).to_contain_text(thanks)
        numbers.append(kiosk.page.get_by_test_id("kiosk-number").inner_text())
        wallet.page.goto(kiosk.page.get_by_test_id("receipt-code").get_attribute("data-address") or "")
        expect(wallet.page.locator("body")).to_contain_text(numbers[-1])
        kiosk.page.get_by_test_id("done").click()
    # The last customer's language ends with them.
    expect(kiosk.page.get_by_test_id(f"language-{cast.lang}")).to_have_attribute("aria-current", "true")
    sold = house.query("SELECT number::text FROM counter_orders WHERE channel = 'kiosk' AND status = 'paid'")
    assert {(number,) for number in numbers} <= set(sold)
