"""A phone that is not inside Alipay: told what to do, served all the same, and paid for at the till by a scanned code.

The User-Agent alone decides what a phone is told; what it may order is the same for all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import PHONE, Cast, House, Person
from tests.journeys.test_methods import they_leave

pytestmark = pytest.mark.journey

WORDS = {
    "en": {
        "name": "Mia",
        "hint": "Scan the code on the table with the Alipay app.",
        "dumplings": "Pork and chive dumplings",
        "sum": "$7.20",
        "left": "Left to pay",
        "at_till": "Or pay at the till",
        "scan": "Scan the customer's payment code",
        "paid": "Paid",
        "hand_over": "You may hand over the goods",
        "refused": "That was a product's barcode. Scan the payment code on the customer's phone.",
        "thanks": "Paid. Thank you!",
        "receipt": "Receipt",
        "method": "Alipay, payment code",
        "message": "You paid Noodle House",
    },
    "zh": {
        "name": "小米",
        "hint": "请打开支付宝扫一扫桌上的二维码",
        "dumplings": "猪肉韭菜饺",
        "sum": "US$7.20",
        "left": "还需支付",
        "at_till": "到收银台报桌号付款",
        "scan": "请扫顾客的付款码",
        "paid": "已支付",
        "hand_over": "可以交付商品",
        "refused": "扫到的是商品条码。请扫顾客手机上的付款码。",
        "thanks": "支付成功，谢谢！",
        "receipt": "小票",
        "method": "支付宝付款码",
        "message": "付给 Noodle House",
    },
}


def test_a_phone_outside_the_wallet_orders_and_pays_at_the_till_by_barcode(house: House, cast: Cast) -> None:
    words, table = WORDS[cast.lang], house.table("Noodle House", cast.pick(en=3, zh=4))
    diner, chen, till = cast.guest(), cast.guest(), cast.staff()
    page = diner.page

    # The phone's own browser: a page that says what to do, with the menu below it.
    page.goto(table["url"])
    expect(page.get_by_test_id("outside-wallet")).to_contain_text(words["hint"])
    page.locator("#name").fill(words["name"])
    page.get_by_test_id("name-form").get_by_role("button").click()
    page.get_by_test_id("dish").filter(has_text=words["dumplings"]).get_by_role("button").click()
    expect(page.get_by_test_id("basket-total")).to_contain_text(words["sum"])
    page.get_by_test_id("open-basket").click()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("ordered-line")).to_contain_text(words["dumplings"])
    page.get_by_test_id("basket-sheet").get_by_role("link").click()
    expect(page.get_by_test_id("bill-sheet")).to_contain_text(words["left"])
    expect(page.get_by_test_id("pay-at-till")).to_contain_text(words["at_till"])
    expect(page.get_by_test_id("pay-whole")).to_have_count(0)

    # The cashier finds the guest by name, scans a bottle first, then the code on Chen's phone.
    till.sign_in("kai", "/till")
    till.page.get_by_test_id("bill-tile").and_(till.page.locator(f"[data-table='{table['table']}']")).click()
    pane = till.page.get_by_test_id("pane")
    expect(pane.get_by_test_id("bill-person")).to_contain_text(words["name"])
    expect(pane).to_contain_text(words["scan"])
    expect(pane.get_by_test_id("take-amount")).to_have_text(words["sum"])
    till.page.keyboard.type("4006381333931")
    till.page.keyboard.press("Enter")
    expect(pane.get_by_test_id("refusal")).to_have_text(words["refused"])
    port = house.sandbox_url.rpartition(":")[2]
    chen.page.goto(f"http://chen.localhost:{port}/wallet/code")
    code = chen.page.locator("[data-digits]").get_attribute("data-digits")
    assert code is not None and re.fullmatch("28[0-9]{16}", code)
    till.page.keyboard.type(code)
    till.page.keyboard.press("Enter")
    panel = till.page.locator("#payment-panel[data-shows=paid]")
    expect(panel).to_contain_text(words["sum"])
    expect(panel).to_contain_text(words["hand_over"])

    # Everybody knows: the diner's phone by itself, the wallet by a message, the receipt in the reader's language.
    page.reload()
    expect(page.get_by_test_id("progress")).to_contain_text(words["thanks"])
    chen.page.goto(f"http://chen.localhost:{port}/wallet/messages")
    expect(chen.page.locator(".w-lines")).to_contain_text(words["message"])
    panel.get_by_role("link", name=words["receipt"]).click()
    expect(till.page.locator(".slip")).to_contain_text(words["dumplings"])
    expect(till.page.locator(".slip")).to_contain_text(words["method"])
    *_, (bill, *paid) = house.query(
        "SELECT s.id, p.status, p.method, p.amount::int, count(*) OVER (PARTITION BY s.id) FROM payments p"
        " JOIN sittings s ON s.id = p.payable_id JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s"
        " ORDER BY p.created_at",
        table["code"],
    )
    assert paid == ["succeeded", "barcode", 720, 1]
    they_leave(house, bill)


AGENTS = {
    "WeChat": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.60 Language/en",
        "You are in WeChat.",
    ),
    "AlipayHK": (
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 AliApp(APHK/6.3.0.160) AlipayClientHK/6.3.0.160",
        "You are in AlipayHK.",
    ),
    "AlipayHK that names the mainland app too": (
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 AliApp(APHK/6.3.0.160) AlipayClientHK/6.3.0.160 "
        "AlipayClient/10.7.20.8000",
        "You are in AlipayHK.",
    ),
}


@pytest.mark.parametrize(("agent", "said"), AGENTS.values(), ids=AGENTS)
def test_another_wallet_is_told_where_it_is_and_sees_the_menu(
    chromium: Browser, house: House, agent: str, said: str
) -> None:
    context = chromium.new_context(viewport=PHONE, locale="en-US", user_agent=agent)
    other = Person(context, house)
    other.page.goto(house.table("Noodle House", 4)["url"])
    expect(other.page.get_by_test_id("outside-wallet")).to_contain_text(said)
    expect(other.page.get_by_test_id("dish").first).to_be_visible()
    assert other.complaints == []
    context.close()
