"""The live call page in a real browser: a call appears by itself, is taken apart, and says why it was refused."""

from __future__ import annotations

import urllib.parse
import urllib.request
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.looking import faults
from tests.sandbox import make
from tests.sandbox.wallet.conftest import Street

pytestmark = pytest.mark.journey


@dataclass
class Words:
    """What the page says."""

    locale: str
    lost: str
    malformed: str
    refused_here: str
    all_calls: str


ENGLISH = Words(
    "en-GB", "connection lost, trying again…", "trans_amount does not have the form it should: x", "refused here",
    "All calls",
)  # fmt: skip
CHINESE = Words("zh-CN", "连接断开，正在重连…", "trans_amount 的格式不对：x", "在此拒绝", "全部调用")


def call(street: Street, fields: dict[str, str]) -> None:
    body = urllib.parse.urlencode({name: value for name, value in fields.items() if name != "_input_charset"}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{street.port}/gateway.do?_input_charset=UTF-8", body).read()


def test_a_refused_call_arrives_and_says_why_in_both_languages(chromium: Browser, street: Street) -> None:
    wide = chromium.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    wide.grant_permissions(["clipboard-read", "clipboard-write"])
    page, troubles = wide.new_page(), list[str]()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"http://localhost:{street.port}/calls")
    expect(page.locator("[data-live=on]")).to_be_visible()

    good = make.signed(make.pay_fields(street.number()))
    call(street, good)
    expect(page.locator("[data-details]")).to_contain_text("Let pass and done")
    expect(page.locator("[data-mark=passed]")).to_have_count(11)
    # a signature over another text: the amount was changed behind it
    number = street.number()
    call(street, make.signed(make.pay_fields(number)) | {"trans_amount": "9.50", "trans_name": "<b>soup</b>"})
    row = page.locator("[data-call]").first
    expect(row).to_contain_text(number)
    expect(row).to_contain_text("ILLEGAL_SIGN")
    expect(page.locator("[data-details]")).to_contain_text(number)
    expect(page.locator("[data-check=signature]")).to_have_attribute("data-mark", "failed")
    expect(page.locator("[data-hints]")).to_contain_text("No key on file made this signature")
    expect(page.locator("[data-details] pre").first).to_contain_text("trans_name=<b>soup</b>")

    # an older one is looked at, and what arrives meanwhile leaves it standing
    page.locator("[data-call]", has_text=good["partner_trans_id"]).click()
    expect(page.locator("[data-details]")).to_contain_text("Let pass and done")
    call(street, make.signed(make.basic("alipay.acquire.cancle")))
    expect(page.locator("[data-call]").first).to_contain_text("ILLEGAL_SERVICE")
    expect(page.locator("[data-details]")).to_contain_text("Let pass and done")
    page.get_by_role("button", name="Follow the newest").click()
    expect(page.locator("[data-hints]")).to_contain_text("Is alipay.acquire.cancel meant?")

    # the text to sign goes to whoever compares it with their own, and the order has a list of its own
    page.locator("[data-call]", has_text=number).click()
    page.get_by_role("button", name="Copy the text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("_input_charset=UTF-8&alipay_seller_id=") and copied.endswith("trans_name=<b>soup</b>")
    assert faults(page) == []
    page.get_by_role("link", name="All about this order").click()
    expect(page.locator("[data-call]")).to_have_count(1)
    page.get_by_role("searchbox").fill("cancle")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="No such calls")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("searchbox").fill("cancle")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("[data-call]")).to_have_count(1)
    page.get_by_role("link", name="Show all").click()

    page.get_by_role("link", name="中文").click()
    expect(page.locator("[data-hints]")).to_contain_text("没有 alipay.acquire.cancle 这个接口")
    page.get_by_role("link", name="出错的").click()
    expect(page.locator("[data-call]", has_text=good["partner_trans_id"])).to_have_count(0)
    expect(page.locator("[data-call]", has_text=number)).to_be_visible()
    assert troubles == []
    wide.close()


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_on_a_phone_a_call_is_a_page_of_its_own_and_a_lost_connection_heals(
    chromium: Browser, street: Street, words: Words
) -> None:
    narrow = chromium.new_context(viewport={"width": 390, "height": 800}, locale=words.locale)
    page, troubles = narrow.new_page(), list[str]()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    number = street.number()
    call(street, make.signed(make.pay_fields(number, trans_amount="x")))
    page.route("**/calls/live*", lambda route: route.abort())
    page.goto(f"http://localhost:{street.port}/calls?only=trouble")
    expect(page.get_by_text(words.lost)).to_be_visible()
    meanwhile = street.number()
    call(street, make.signed(make.pay_fields(meanwhile, trans_amount="x")))
    page.unroute("**/calls/live*")
    expect(page.locator("[data-live=on]")).to_be_visible()
    expect(page.locator("[data-call]", has_text=meanwhile)).to_be_visible()
    page.locator("[data-call]", has_text=number).click()
    expect(page.locator("[data-hints]")).to_contain_text(words.malformed)
    expect(page.locator("[data-mark=failed]")).to_contain_text(words.refused_here)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and faults(page) == []
    page.get_by_role("link", name=words.all_calls).click()
    expect(page.locator("[data-call]", has_text=number)).to_be_visible()
    assert troubles == []
    narrow.close()
