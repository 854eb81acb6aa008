"""People play the toy wallet from end to end, in both languages: the camera, a forgotten PIN, a no, a shop's page.

The camera is Chromium's own pretended one, which shows the test's film; nothing else is pretended."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
import segno
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.browser import FLAGS, find, libraries
from tests.journeys.looking import faults
from tests.sandbox.wallet.conftest import Street

pytestmark = pytest.mark.journey

FRAME = (640, 480)
NO_CODE = Image.new("RGB", FRAME, "white")


@dataclass
class Words:
    """What stands on the buttons."""

    pay: str
    refuse: str
    forgot: str
    done: str
    locale: str
    told: str


ENGLISH = Words("Pay ", "Refuse", "Forgot PIN?", "Done", "en-GB", "You paid Noodle House 面馆 12.50 USD (¥88.75)")
CHINESE = Words("支付", "拒绝", "忘记密码？", "完成", "zh-CN", "你付给 Noodle House 面馆 12.50 USD (¥88.75)")
BOTH = pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])


def film_of(text: str) -> bytes:
    """A camera's view of a code on a table."""
    drawn, frame = io.BytesIO(), NO_CODE.copy()
    segno.make(text, micro=False).save(drawn, kind="png", scale=8)
    frame.paste(Image.open(drawn).convert("RGB"), (160, 80))
    shot = io.BytesIO()
    frame.save(shot, "jpeg", quality=90)
    return shot.getvalue() * 3


@pytest.fixture(scope="module")
def filming(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    """A browser whose camera shows the film in a file; which film, it looks each time a camera is switched on."""
    film = tmp_path_factory.mktemp("film") / "code.mjpeg"
    film.write_bytes(film_of("nothing yet"))
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    browser = chromium.browser_type.launch(
        executable_path=find(), env={**os.environ, **libraries()}, args=[*FLAGS, *flags]
    )
    yield browser, film
    browser.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """A phone in a language; a script error on any of its pages fails the test."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def take(locale: str, browser: Browser = chromium) -> Page:
        context = browser.new_context(viewport={"width": 390, "height": 800}, locale=locale, reduced_motion="reduce")
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield take
    for context in contexts:
        context.close()
    assert troubles == []


def open_partner(page: Page, street: Street, path: str = "/t/4", buyer: str = "amy") -> FrameLocator:
    page.goto(f"{street.phone(buyer)}/wallet/open?url={quote(street.partner + path, safe='')}")
    return page.frame_locator("iframe[name=page]")


def begin(page: Page, words: Words) -> None:
    page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{words.pay}")).click()


@BOTH
def test_a_code_before_the_camera_is_paid_with_the_pin_and_the_wallet_says_so(
    phone: Callable[..., Page], filming: tuple[Browser, Path], street: Street, words: Words
) -> None:
    browser, film = filming
    number = street.number()
    film.write_bytes(film_of(street.book("place", number=number, amount="12.50")["qr_code"]))
    page = phone(words.locale, browser)
    page.context.grant_permissions(["camera"])
    page.goto(f"{street.phone('amy')}/wallet")
    page.locator("a[href='/wallet/scan']").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("12.50")
    begin(page, words)
    page.keyboard.type("123456")
    page.get_by_role("button", name=words.done).click()
    expect(page.get_by_role("listitem").first).to_contain_text(words.told)
    assert street.status(number) == "TRADE_SUCCESS"
    page.get_by_role("listitem").first.get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text(number)
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"20\d{26}"))


def test_a_camera_that_may_not_be_used_or_is_not_there_leaves_other_ways(
    phone: Callable[..., Page], filming: tuple[Browser, Path], street: Street
) -> None:
    refused = phone("en-GB", filming[0])
    refused.goto(f"{street.phone('amy')}/wallet/scan")
    refused.get_by_role("button", name="Camera").click()
    expect(refused.get_by_role("alert")).to_contain_text("The camera may not be used: allow it")
    absent = phone("en-GB")
    absent.context.grant_permissions(["camera"])
    absent.goto(f"{street.phone('amy')}/wallet/scan")
    expect(absent.get_by_role("alert")).to_contain_text("There is no camera here.")
    expect(absent.get_by_text("Drop or paste a picture anywhere here")).to_be_visible()


def test_every_code_that_leads_nowhere_gets_its_own_sentence(phone: Callable[..., Page], street: Street) -> None:
    page = phone("en-GB")
    page.goto(f"{street.phone('amy')}/wallet/code")
    own = page.locator("[data-digits]").inner_text()
    page.goto(f"{street.phone('amy')}/wallet/scan")

    def dropped(kind: str, data: str) -> None:
        page.evaluate(
            """([kind, data]) => {
              const given = new DataTransfer();
              if (kind === "file") given.items.add(new File([data], "code.png", { type: "image/png" }));
              else given.setData("text/plain", data);
              const drop = new DragEvent("drop", { dataTransfer: given, bubbles: true });
              document.querySelector("[data-scan]").dispatchEvent(drop);
            }""",
            [kind, data],
        )

    for kind, data, sentence in (
        ("text", own, "That is your own payment code."),
        ("text", "281234567890123456", "That is somebody's payment code."),
        ("text", "WIFI:S:guest;;", "This code is not for the toy wallet."),
        ("file", "not a picture", "This is no picture that the wallet can read."),
    ):
        dropped(kind, data)
        expect(page.get_by_role("alert")).to_contain_text(sentence)
    code = street.book("place", number=street.number())["qr_code"]
    street.book("advance", seconds=3 * 3600)
    dropped("text", code)
    expect(page.get_by_role("dialog")).to_contain_text("Ask the shop for a new one.")


@BOTH
def test_a_forgotten_pin_is_told_to_the_page_at_once_and_made_new_by_two_questions(
    phone: Callable[..., Page], street: Street, words: Words
) -> None:
    trade = street.new_trade()
    page = phone(words.locale)
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    begin(page, words)
    page.get_by_role("button", name=words.forgot).click()
    expect(partner.locator("#told")).to_have_text("99")
    sheet = page.get_by_role("dialog")
    page.keyboard.type("0000")
    expect(sheet.get_by_role("alert").filter(visible=True)).to_have_text(re.compile("."))
    page.keyboard.type(street.user_id("amy")[-4:])
    message = sheet.locator("[data-text]")
    expect(message).to_have_text(re.compile(r"\d{6}"))
    page.keyboard.type(message.inner_text())
    for step, typed in (("new", "654321"), ("again", "111111"), ("new", "246810"), ("again", "246810")):
        sheet.locator(f"[data-step={step}]").wait_for()
        page.keyboard.type(typed)
    sheet.locator("[data-step=changed] button").click()
    assert street.status(trade) == "WAIT_BUYER_PAY"
    partner.locator("#pay").click()
    begin(page, words)
    page.keyboard.type("246810")
    page.get_by_role("button", name=words.done).click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"
    street.renew("amy")


def test_the_fifth_wrong_pin_locks_it_and_a_new_one_opens_it(phone: Callable[..., Page], street: Street) -> None:
    code = street.control("buyers/ben/payment-code")["code"]
    trade = street.book("till", number=street.number(), code=code)["trade_no"]
    page = phone("en-GB")
    page.goto(f"{street.phone('ben')}/wallet")
    begin(page, ENGLISH)
    hint = page.get_by_role("dialog").get_by_role("alert").filter(visible=True)
    for left in (4, 3, 2, 1):
        page.keyboard.type("000000")
        expect(hint).to_have_text(f"That PIN is not right. Tries left: {left}.")
    page.keyboard.type("000000")
    expect(hint).to_contain_text("now it is locked")
    assert street.status(trade) == "WAIT_BUYER_PAY"
    page.get_by_role("button", name="Make a new PIN").click()
    page.keyboard.type(street.user_id("ben")[-4:])
    message = page.locator("[data-text]")
    expect(message).to_have_text(re.compile(r"\d{6}"))
    page.keyboard.type(message.inner_text())
    for step in ("new", "again"):
        page.locator(f"[data-step={step}]").wait_for()
        page.keyboard.type("246810")
    page.get_by_role("button", name="Back to the payment").click()
    begin(page, ENGLISH)
    page.keyboard.type("246810")
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    assert street.status(trade) == "TRADE_SUCCESS"
    page.goto(f"{street.phone('ben')}/wallet/messages")
    expect(page.get_by_role("list").first).to_contain_text("Your PIN is locked")
    street.renew("ben")


@BOTH
def test_who_refuses_at_the_till_is_told_that_nothing_was_paid(
    phone: Callable[..., Page], street: Street, words: Words
) -> None:
    page = phone(words.locale)
    page.goto(f"{street.phone('ben')}/wallet/code")
    code = page.locator("[data-digits]").get_attribute("data-digits")
    trade = street.book("till", number=street.number(), code=code)["trade_no"]
    page.get_by_role("dialog").get_by_role("button", name=words.refuse).click()
    expect(page.get_by_role("dialog").locator("[data-ended]")).to_be_visible()
    assert street.status(trade) == "TRADE_CLOSED"
    page.goto(f"{street.phone('ben')}/wallet/bills/{trade}")
    expect(page.locator(".w-state")).to_have_text("not paid" if words is ENGLISH else "未付款")


def test_too_little_money_is_topped_up_and_the_payment_goes_on(phone: Callable[..., Page], street: Street) -> None:
    street.control("buyers", id="chloe", balance="10.00")
    number = street.number()
    code = street.book("place", number=number)["qr_code"]
    page = phone("en-GB")
    page.goto(f"{street.phone('chloe')}/wallet/order?code={quote(code, safe='')}")
    page.get_by_role("button", name="Add ¥300.00 and go on").click()
    begin(page, ENGLISH)
    page.keyboard.type("123456")
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("Toy money left: ¥50.85")


def test_of_two_phones_with_one_order_one_pays_and_the_other_is_told(
    phone: Callable[..., Page], street: Street
) -> None:
    number = street.number()
    order = f"/wallet/order?code={quote(street.book('place', number=number)['qr_code'], safe='')}"
    first, second, friend = phone("en-GB"), phone("en-GB"), phone("en-GB")
    first.goto(street.phone("amy") + order)
    second.goto(street.phone("amy") + order)
    second.get_by_role("dialog").get_by_role("button", name=re.compile("^Pay ")).wait_for()
    friend.goto(street.phone("chloe") + order)
    expect(friend.get_by_role("dialog")).to_contain_text("Somebody else is paying this order.")
    begin(first, ENGLISH)
    first.keyboard.type("123456")
    expect(first.get_by_role("heading", name="Paid")).to_be_visible()
    # The other sheet finds out by itself.
    expect(second.get_by_role("dialog")).to_contain_text("This order is already paid.")
    assert street.status(number) == "TRADE_SUCCESS"


def test_an_order_that_is_closed_meanwhile_closes_the_open_sheet(phone: Callable[..., Page], street: Street) -> None:
    trade = street.new_trade()
    page = phone("en-GB")
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    begin(page, ENGLISH)
    street.control(f"trades/{trade}/refuse")
    expect(page.get_by_role("dialog")).to_contain_text("This order is closed. Ask the shop for a new one.")
    page.get_by_role("button", name="OK").click()
    expect(partner.locator("#told")).to_have_text("4000")


@BOTH
def test_a_shops_page_says_whose_it_is_and_asks_before_it_gets_a_profile(
    phone: Callable[..., Page], street: Street, words: Words
) -> None:
    page = phone(words.locale)
    partner = open_partner(page, street, "/profile")
    expect(page.locator("[data-page-origin]").first).to_have_text(f"127.0.0.1:{street.partner_port}")
    before = len(street.seen())
    partner.locator("button[value=no]").click()
    expect(partner.get_by_role("status")).to_be_visible()
    assert not any("/back" in one["path"] for one in street.seen()[before:])
    partner = open_partner(page, street, "/profile")
    partner.locator("button[value=yes]").click()
    page.wait_for_url(re.compile("at=%2Fback"))
    back = next(one for one in reversed(street.seen()) if one["path"].startswith("/back?"))
    assert "scope=auth_user" in back["path"] and "auth_code=" in back["path"] and "state=xyz" in back["path"]


def test_the_code_is_large_for_a_scanner_and_stays_the_same_after_closing(
    phone: Callable[..., Page], street: Street
) -> None:
    from tests.sandbox.wallet.test_phone import decoded

    page = phone("en-GB")
    page.goto(f"{street.phone('chloe')}/wallet/settings")
    with page.expect_navigation():
        page.locator("input[name=code_digits][value='24']").check()
    page.goto(f"{street.phone('chloe')}/wallet/code")
    digits = page.locator("[data-digits]").get_attribute("data-digits")
    assert digits and re.fullmatch(r"28\d{22}", digits)
    page.emulate_media(color_scheme="dark")
    for picture in ("bars", "qr"):
        page.locator(f"section [data-enlarge={picture}]").click()
        assert list(decoded(page).values()) == [digits]
        page.keyboard.press("Escape")
    expect(page.locator("[data-digits]")).to_have_attribute("data-digits", digits)


def test_at_a_desk_the_toy_till_and_a_drawn_code_stand_in_for_a_shop(
    phone: Callable[..., Page], street: Street
) -> None:
    page = phone("en-GB")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{street.phone('amy')}/wallet/code")
    page.get_by_role("button", name="Scan the phone").click()
    expect(page.locator("[data-told]")).to_have_text("Paid: 12.50 USD")
    page.goto(f"{street.phone('amy')}/wallet/scan")
    page.get_by_role("button", name="An order's code").click()
    page.locator("[data-drag]").drag_to(page.locator("[data-scan]"))
    expect(page.get_by_role("dialog")).to_contain_text("36.50")
    page.get_by_role("button", name="Close without paying").click()
    page.get_by_role("button", name="A shop's printed code").click()
    expect(page.locator("[data-told] code")).to_contain_text("/stx")
    page.get_by_role("button", name="Hold it before the phone").click()
    expect(page.get_by_role("heading", name="Pay a shop")).to_be_visible()


def test_axe_finds_no_fault_on_the_wallets_screens(phone: Callable[..., Page], street: Street) -> None:
    trade = street.new_trade()
    page = phone("en-GB")
    page.set_viewport_size({"width": 1280, "height": 800})
    found: list[str] = []

    def look(where: str) -> None:
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found.extend(f"{where} ({scheme}): {fault}" for fault in faults(page))

    for path in ("", "/code", "/scan", "/messages", "/bills", f"/bills/{trade}", "/settings"):
        page.goto(f"{street.phone('amy')}/wallet{path}")
        look(path)
    page.goto(f"{street.phone('amy')}/wallet/order?code={trade}")
    begin(page, ENGLISH)
    look("the sheet")
    page.goto(f"http://localhost:{street.port}/wallet")
    look("the choice of phones")
    assert found == []


def test_at_twice_the_size_nothing_is_lost_sideways(phone: Callable[..., Page], street: Street) -> None:
    page = phone("en-GB")
    # What a browser does at 200 %: half as many pixels, each twice as large.
    page.set_viewport_size({"width": 640, "height": 400})
    for path in ("", "/code", "/scan", "/bills", "/settings"):
        page.goto(f"{street.phone('amy')}/wallet{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    street.new_trade()
    open_partner(page, street).locator("#pay").click()
    begin(page, ENGLISH)
    page.get_by_role("dialog").get_by_role("button", name="0", exact=True).scroll_into_view_if_needed()
    expect(page.get_by_role("dialog").get_by_role("button", name="0", exact=True)).to_be_in_viewport()
