"""The toy shop's page in a real browser: a whole payment in the wallet with no integration of one's own."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.looking import faults
from tests.sandbox.wallet.conftest import Street

pytestmark = pytest.mark.journey


@dataclass
class Words:
    """What stands on the screens."""

    locale: str
    link: str
    pay: str
    done: str
    paid: str
    unpaid: str
    refuse: str


ENGLISH = Words(
    "en-GB", "The toy shop", "Pay 36.50 USD", "Done", "Thank you, it is paid.", "It is not paid.",
    "Close without paying",
)  # fmt: skip
CHINESE = Words("zh-CN", "玩具小店", "支付 36.50 USD", "完成", "已付款，谢谢！", "没有付款。", "不付款，关闭")


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_a_payment_is_walked_from_the_link_beside_the_phone_to_the_call_page(
    chromium: Browser, street: Street, words: Words
) -> None:
    context = chromium.new_context(viewport={"width": 1100, "height": 800}, locale=words.locale)
    context.set_default_timeout(10_000)
    page, troubles = context.new_page(), list[str]()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"{street.phone('amy')}/wallet")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    page.get_by_role("link", name=words.link).click()
    shop = page.frame_locator("iframe[name=page]")
    pay, sheet = shop.get_by_role("button", name=words.pay), page.get_by_role("dialog")
    pay.click()
    sheet.get_by_role("button", name=words.refuse).click()
    expect(shop.get_by_role("status")).to_have_text(words.unpaid)
    expect(shop.locator("#code")).to_have_text("6001")
    pay.click()
    sheet.get_by_role("button", name=words.pay).click()
    page.keyboard.type("123456")
    sheet.get_by_role("button", name=words.done).click()
    expect(shop.get_by_role("status")).to_have_text(words.paid)
    expect(shop.locator("#code")).to_have_text("9000")
    expect(shop.locator("#status")).to_have_text("TRADE_SUCCESS")
    assert faults(page) == []
    if words is ENGLISH:
        # a page is told a lie, and the shop that asks Alipay is not taken in
        page.context.add_cookies([{"name": "wallet_answer", "value": "9000", "url": street.phone("amy")}])
        pay.click()
        sheet.get_by_role("button", name=words.refuse).click()
        expect(shop.locator("#code")).to_have_text("9000")
        expect(shop.get_by_role("status")).to_have_text(words.unpaid)

        page.goto(f"http://localhost:{street.port}/calls?partner=2088000000000000")
        for service, ending in (
            ("alipay.acquire.create", "SUCCESS"),
            ("alipay.acquire.overseas.query", "SUCCESS"),
            ("notify trade_status_sync", "success"),
        ):
            expect(page.locator("[data-call]", has_text=service).filter(has_text=ending).first).to_be_visible()
    assert troubles == []
    context.close()


def test_a_phone_that_is_no_alipay_finds_nothing_to_pay_with(chromium: Browser, street: Street) -> None:
    context = chromium.new_context(locale="en-GB")
    context.add_cookies([{"name": "wallet_agent", "value": "browser", "url": street.phone("amy")}])
    page = context.new_page()
    page.goto(f"{street.phone('amy')}/wallet/page?at=/toy-shop")
    expect(page.frame_locator("iframe[name=page]").get_by_text("This phone is no Alipay")).to_be_visible()
    page.goto(f"http://localhost:{street.port}/toy-shop")
    page.get_by_role("link", name="Amy").click()
    expect(page.frame_locator("iframe[name=page]").get_by_role("heading")).to_have_text("Corner shop")
    context.close()


def test_the_shop_believes_no_notification_that_is_not_signed(street: Street) -> None:
    lie = b"notify_type=trade_status_sync&trade_status=TRADE_SUCCESS&sign_type=MD5&sign=" + b"0" * 32
    for body in (lie, b"", b"a=1&a=2", b"\xff"):
        asked = urllib.request.Request(f"http://localhost:{street.port}/toy-shop/notify", body)
        with urllib.request.urlopen(asked) as answer:
            assert answer.read() == b"fail"
