"""The toy wallet in a real browser against a real sandbox process: scan, see, pay, refuse, show a code."""

from __future__ import annotations

import io
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest
import segno
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.sandbox.wallet.conftest import Street, free_port

pytestmark = pytest.mark.journey


def open_partner(page: Page, street: Street, buyer: str = "amy", path: str = "/t/4") -> FrameLocator:
    page.goto(f"{street.phone(buyer)}/wallet/open?url={quote(street.partner + path, safe='')}")
    return page.frame_locator("iframe[name=page]")


def type_pin(page: Page, pin: str = "123456") -> None:
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Pay ")).click()
    for digit in pin:
        page.get_by_role("dialog").get_by_role("button", name=digit, exact=True).click()


def test_a_pasted_link_opens_inside_and_the_partner_sees_alipay(page: Page, street: Street) -> None:
    page.goto(f"{street.phone('amy')}/wallet")
    page.get_by_role("link", name="Scan").click()
    page.get_by_label("Or paste what the code says").fill(f"{street.partner}/t/4?a=1")
    page.get_by_role("button", name="Open it").click()
    expect(page.frame_locator("iframe").get_by_role("heading", name="Noodle House")).to_be_visible()
    expect(page.get_by_role("heading", name="Noodle House", exact=True)).to_be_visible()
    request = next(one for one in reversed(street.seen()) if one["path"] == "/t/4?a=1")
    agent = request["headers"]["User-Agent"]
    assert "AlipayClient/" in agent and "AliApp(AP/" in agent and "HeadlessChrome" not in agent
    assert request["headers"]["Host"] == f"127.0.0.1:{street.partner_port}"
    assert "wallet_partner" not in request["headers"].get("Cookie", "")
    expect(page.frame_locator("iframe").locator("#agent")).to_contain_text("AlipayClient/")


def test_trade_pay_with_the_pin_pays_and_tells_the_page_so(page: Page, street: Street) -> None:
    trade, before = street.new_trade(), len(street.seen())
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Noodle House 面馆")
    expect(sheet).to_contain_text("36.50")
    expect(sheet).to_contain_text("¥259.15")
    type_pin(page, "000000")
    expect(sheet).to_contain_text("That PIN is not right")
    assert street.status(trade) == "WAIT_BUYER_PAY"
    page.keyboard.type("123456")
    expect(sheet.get_by_role("heading", name="Paid")).to_be_visible()
    sheet.get_by_role("button", name="Done").click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"
    # The page shows what it heard first, and sends it on then.
    while not (told := [one for one in street.seen()[before:] if one["path"] == "/told"]):
        page.wait_for_timeout(50)
    assert told[-1]["body"] == "9000" and told[-1]["headers"]["Origin"] == street.partner
    assert "session=s3cret" in told[-1]["headers"]["Cookie"]


def test_refusing_tells_6001_and_the_same_trade_can_be_paid_afterwards(page: Page, street: Street) -> None:
    trade = street.new_trade()
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(partner.locator("#told")).to_have_text("6001")
    assert street.status(trade) == "WAIT_BUYER_PAY"
    partner.locator("#pay").click()
    type_pin(page)
    page.get_by_role("button", name="Done").click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"


def test_a_trade_that_can_not_be_paid_tells_4000_with_a_sentence(page: Page, street: Street) -> None:
    trade = street.new_trade()
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    type_pin(page)
    page.get_by_role("button", name="Done").click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"
    partner.locator("#pay").click()
    expect(page.get_by_role("dialog")).to_contain_text("This order is already paid.")
    page.get_by_role("button", name="OK").click()
    expect(partner.locator("#told")).to_have_text("4000")


def test_the_page_can_be_told_something_else_than_the_truth(page: Page, street: Street) -> None:
    trade = street.new_trade()
    page.goto(f"{street.phone('amy')}/wallet/settings")
    page.get_by_label("After tradePay, tell pages").select_option("9000")
    page.wait_for_function("document.cookie.includes('wallet_answer=9000')")
    partner = open_partner(page, street)
    partner.locator("#pay").click()
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "WAIT_BUYER_PAY"


def test_a_page_that_loads_alipays_library_pays_through_it_also_without_the_internet(
    page: Page, street: Street
) -> None:
    page.route("https://**", lambda route: route.abort())
    trade = street.new_trade()
    partner = open_partner(page, street, path="/library")
    partner.locator("#pay").click()
    type_pin(page)
    page.get_by_role("button", name="Done").click()
    expect(partner.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"
    open_partner(page, street)
    frame = page.frame(name="page")
    assert frame is not None
    frame.wait_for_function("window.AlipayJSBridge")
    assert frame.evaluate("typeof ap") == "undefined"


def test_an_alipayhk_buyers_phone_is_alipayhk_to_every_page(page: Page, street: Street) -> None:
    street.control("buyers", id="hana", name="Hana", hk=True)
    partner = open_partner(page, street, buyer="hana")
    expect(partner.locator("#agent")).to_contain_text("AlipayClientHK/")


def test_without_a_shell_the_bridge_draws_the_sheet_over_the_page(page: Page, street: Street) -> None:
    trade = street.new_trade()
    page.goto(f"{street.phone('amy')}/wallet/go?url={quote(street.partner + '/t/5', safe='')}")
    assert page.url == f"{street.phone('amy')}/t/5"
    page.locator("#pay").click()
    expect(page.get_by_role("dialog")).to_contain_text("Noodle House 面馆")
    type_pin(page)
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#told")).to_have_text("9000")
    assert street.status(trade) == "TRADE_SUCCESS"


def test_events_stream_through_and_redirects_stay_inside(page: Page, street: Street) -> None:
    partner = open_partner(page, street, path="/moved")
    expect(partner.locator("#live")).to_have_text(re.compile("tick [1-9]"))
    frame = page.frame(name="page")
    assert frame is not None and frame.url == f"{street.phone('amy')}/t/7?from=moved"
    partner.get_by_role("link", name="Next page").click()
    page.wait_for_url(re.compile("at=%2Fnext"))
    page.get_by_role("button", name="Back").click()
    page.wait_for_url(re.compile("at=%2Ft%2F7"))


def test_the_silent_authorization_comes_back_to_the_same_phone(page: Page, street: Street) -> None:
    open_partner(page, street, path="/login")
    page.wait_for_url(re.compile("at=%2Fback"))
    back = next(one for one in reversed(street.seen()) if one["path"].startswith("/back?"))
    assert "auth_code=" in back["path"] and "state=xyz" in back["path"]


def test_each_buyer_has_a_phone_of_their_own(context: BrowserContext, street: Street) -> None:
    amy, ben = context.new_page(), context.new_page()
    open_partner(amy, street).get_by_role("heading").wait_for()
    ben.goto(f"{street.phone('ben')}/t/4")
    expect(ben.get_by_role("alert")).to_have_text("No page is open on this phone. Scan a code to begin.")
    ben.goto(f"http://localhost:{street.port}/wallet")
    ben.get_by_role("link", name="Amy").click()
    expect(ben.get_by_role("heading", name="Hello, Amy")).to_be_visible()


def decoded(page: Page) -> dict[str, str]:
    picture = Image.open(io.BytesIO(page.screenshot()))
    return {str(found.format): found.text for found in zxingcpp.read_barcodes(picture)}


@pytest.mark.parametrize("size", [(360, 740), (1440, 900)])
def test_the_payment_code_is_read_by_a_scanner_as_bars_and_as_a_square(page: Page, street: Street, size: Any) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{street.phone('amy')}/wallet/code")
    digits = page.locator("[data-digits]").get_attribute("data-digits")
    assert digits and re.fullmatch(r"28\d{16}", digits)
    found = decoded(page)
    assert sorted(found.values()) == [digits, digits], found
    assert any("128" in kind for kind in found) and any("QR" in kind for kind in found)
    page.get_by_role("button", name="New code").click()
    expect(page.locator("[data-digits]")).not_to_have_attribute("data-digits", digits)
    paid = street.book("till", number=street.number(), code=page.locator("[data-digits]").get_attribute("data-digits"))
    assert paid["status"] == "TRADE_SUCCESS" and paid["buyer"] == "amy"


def test_a_till_that_waits_brings_the_pin_pad_to_the_phone_by_itself(page: Page, street: Street) -> None:
    page.goto(f"{street.phone('ben')}/wallet/code")
    code = page.locator("[data-digits]").get_attribute("data-digits")
    trade = street.book("till", number=street.number(), code=code)["trade_no"]
    expect(page.get_by_role("dialog")).to_contain_text("A till wants your confirmation")
    type_pin(page)
    expect(page.get_by_role("dialog").get_by_role("heading", name="Paid")).to_be_visible()
    assert street.status(trade) == "TRADE_SUCCESS"
    page.get_by_role("button", name="Done").click()
    expect(page.locator("[data-digits]")).not_to_have_attribute("data-digits", str(code))
    page.goto(f"{street.phone('ben')}/wallet/messages")
    expect(page.get_by_role("listitem").first).to_contain_text("You paid Noodle House 面馆")


def test_refusing_at_the_phone_closes_the_tills_payment(page: Page, street: Street) -> None:
    page.goto(f"{street.phone('ben')}/wallet/code")
    code = page.locator("[data-digits]").get_attribute("data-digits")
    trade = street.book("till", number=street.number(), code=code)["trade_no"]
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("dialog")).to_contain_text("You refused.")
    assert street.status(trade) == "TRADE_CLOSED"


def test_a_picture_of_an_order_code_leads_to_the_cashier(page: Page, street: Street) -> None:
    number = street.number()
    code = street.book("place", number=number)["qr_code"]
    picture = io.BytesIO()
    segno.make(code, micro=False).save(picture, kind="png", scale=6)
    page.goto(f"{street.phone('amy')}/wallet/scan")
    page.locator("input[type=file]").set_input_files(
        {"name": "code.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.get_by_role("dialog")).to_contain_text("36.50")
    type_pin(page)
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="Hello, Amy")).to_be_visible()
    assert street.status(number) == "TRADE_SUCCESS"


def test_a_picture_without_a_code_and_a_foreign_code_get_a_sentence(page: Page, street: Street) -> None:
    page.goto(f"{street.phone('amy')}/wallet/scan")
    blank = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(blank, "png")
    page.locator("input[type=file]").set_input_files(
        {"name": "blank.png", "mimeType": "image/png", "buffer": blank.getvalue()}
    )
    expect(page.get_by_role("alert")).to_contain_text("There is no code in this picture")
    for text, sentence in (
        ("WIFI:S:guest;;", "This code is not for the toy wallet"),
        ("281234567890123456", "That is somebody's payment code"),
        ("http://169.254.169.254/latest/meta-data", "The toy wallet opens pages on this computer"),
    ):
        page.get_by_label("Or paste what the code says").fill(text)
        page.get_by_role("button", name="Open it").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)


def test_a_shops_code_asks_for_the_amount_first(page: Page, street: Street) -> None:
    code = street.book("shop")["qr_code"]
    page.goto(f"{street.phone('amy')}/wallet/open?url={quote(code, safe='')}")
    expect(page.get_by_role("button", name="Pay", exact=True)).to_be_disabled()
    for key in ("1", "2", ".", "5", "0", "9"):
        page.get_by_role("button", name=key, exact=True).click()
    expect(page.get_by_label("Amount in USD")).to_have_value("12.50")
    page.get_by_role("button", name="Pay", exact=True).click()
    page.get_by_role("button", name="Pay 12.50 USD").click()
    page.keyboard.type("123456")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Paid")).to_be_visible()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://example.com/",
        "file:///etc/passwd",
        "http://localhost@evil.test/",
    ],
)
def test_the_wallet_is_no_open_proxy(street: Street, url: str) -> None:
    for path in (f"/wallet/open?url={quote(url, safe='')}", f"/wallet/go?url={quote(url, safe='')}"):
        assert fetched(street, path)[0] == 422
    status, text = fetched(street, "/latest/meta-data", cookie=f"wallet_partner={url}")
    assert status == 404 and "No page is open on this phone" in text


def test_a_partner_can_not_send_the_phone_elsewhere(street: Street) -> None:
    status, text = fetched(street, "/away", cookie=f"wallet_partner={street.partner}")
    assert status == 422 and "The toy wallet opens pages on this computer" in text


def test_without_a_buyers_host_nothing_is_fetched_for_anybody(street: Street) -> None:
    assert fetched(street, "/t/4", host=f"localhost:{street.port}", cookie=f"wallet_partner={street.partner}")[0] == 404


def test_another_site_can_not_make_the_wallet_pay(street: Street) -> None:
    trade = street.new_trade()
    body = f'{{"act":"pay","pin":"123456","trade":"{trade}"}}'.encode()
    headers = {"Content-Type": "application/json", "Origin": "http://evil.test"}
    assert fetched(street, "/wallet/cashier", body=body, headers=headers)[0] == 403
    assert street.status(trade) == "WAIT_BUYER_PAY"


def test_a_fragment_and_a_script_pass_byte_for_byte(street: Street) -> None:
    cookie = f"wallet_partner={street.partner}"
    for path in ("/fragment", "/page.js", "/page.css"):
        with urllib.request.urlopen(street.partner + path) as answer:
            assert fetched(street, path, cookie=cookie)[1] == answer.read().decode()
    assert '<script src="/wallet/bridge.js"' in fetched(street, "/t/4", cookie=cookie)[1]
    plain = fetched(street, "/t/4", cookie=f"{cookie}; wallet_agent=browser")[1]
    assert "/wallet/bridge.js" not in plain


def test_a_long_form_reaches_the_partner_whole(street: Street) -> None:
    body = b"x" * 3_000_000
    cookie = f"wallet_partner={street.partner}"
    assert fetched(street, "/length", cookie=cookie, body=body) == (200, "3000000")


def test_a_page_that_comes_packed_is_unpacked_for_the_bridge(street: Street) -> None:
    status, text = fetched(street, "/zipped", cookie=f"wallet_partner={street.partner}")
    assert status == 200 and text.index("/wallet/bridge.js") < text.index("/page.js")


def test_a_page_that_can_t_be_unpacked_ends_as_one_that_broke_off(street: Street) -> None:
    assert fetched(street, "/badly-zipped", cookie=f"wallet_partner={street.partner}")[0] == 200


def test_a_partner_that_does_not_answer_is_said_so(street: Street) -> None:
    status, text = fetched(street, "/t/4", cookie=f"wallet_partner=http://127.0.0.1:{free_port()}")
    assert status == 502 and "server does not answer" in text


def test_a_link_on_the_bare_host_asks_whose_phone_first(street: Street) -> None:
    path = f"/wallet/open?url={quote(street.partner + '/t/4', safe='')}"
    text = fetched(street, path, host=f"localhost:{street.port}")[1]
    assert f'href="{street.phone("amy")}{path}"' in text


def test_a_page_of_a_server_that_is_down_can_be_loaded_again(page: Page, street: Street) -> None:
    url = quote(f"http://127.0.0.1:{free_port()}/t/4", safe="")
    page.goto(f"{street.phone('amy')}/wallet/open?url={url}")
    frame = page.frame_locator("iframe[name=page]")
    expect(frame.get_by_role("alert")).to_have_text("The partner's server does not answer. Is it running?")
    with page.expect_response(lambda answer: answer.url.endswith("/t/4") and answer.status == 502):
        frame.get_by_role("link", name="Load again").click()
    frame.get_by_role("link", name="Back to the wallet").click()
    expect(page.get_by_role("heading", name="Hello, Amy")).to_be_visible()


def test_a_closed_page_lets_go_of_the_partners_stream(page: Page, street: Street) -> None:
    def streams() -> int:
        with urllib.request.urlopen(f"{street.partner}/streams") as answer:
            return int(answer.read())

    expect(open_partner(page, street).locator("#live")).to_have_text(re.compile("tick"))
    assert streams() >= 1
    page.goto("about:blank")
    for _ in range(50):
        if streams() == 0:
            break
        page.wait_for_timeout(100)
    assert streams() == 0


def fetched(
    street: Street, path: str, host: str = "", cookie: str = "", body: bytes | None = None, headers: Any = None
) -> tuple[int, str]:
    """Status and text as a phone gets them, redirects on its own host followed."""
    sent = {"Host": host or f"amy.localhost:{street.port}", "Cookie": cookie, **(headers or {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{street.port}{path}", body, sent)) as ok:
            return ok.status, ok.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
@pytest.mark.parametrize(
    "path", ["", "/code", "/scan", "/messages", "/settings", "/bills", "/shop/stx000000000000000000abc"]
)
def test_a_small_phone_shows_every_page_whole_in_both_languages(
    chromium: Browser, street: Street, path: str, language: str
) -> None:
    street.book("shop")
    page = chromium.new_page(viewport={"width": 360, "height": 740}, locale=language)
    page.goto(f"{street.phone('chloe')}/wallet{path}")
    page.locator("main").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.querySelectorAll('main *')].every(e => e.getBoundingClientRect().right <= 361)")
    text = page.locator("main").inner_text()
    assert bool(re.search("[一-鿿]{2}", re.sub("面馆|中文|小本", "", text))) is (language == "zh-CN"), text
    small = page.evaluate(
        "[...document.querySelectorAll('main a[href], main button')].filter(e => e.offsetParent && !e.closest('h2'))"
        ".map(e => [e.innerText, e.getBoundingClientRect().height]).filter(([, high]) => high < 43)"
    )
    assert [text for text, _ in small if "Take another" not in text and "换一部" not in text] == []
    page.close()
