"""A meal paid from a phone: the eight published steps, told from each person's side, in both languages.

https://global.alipay.com/docs/ac/restaurant/restaurantintegration"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import House, Person

pytestmark = pytest.mark.journey

WORDS = {
    "en": {
        "soup": "Beef noodle soup",
        "dumplings": "Pork and chive dumplings",
        "large": "Large",
        "mild": "Mild",
        "paid": "Paid. Thank you!",
        "total": "$22.50",
        "amy": "$15.30",
        "ben": "$7.20",
        "receipt": "Receipt",
        "in_full": "Paid in full",
    },
    "zh": {
        "soup": "红烧牛肉面",
        "dumplings": "猪肉韭菜饺",
        "large": "大碗",
        "mild": "微辣",
        "paid": None,
        "total": "US$22.50",
        "amy": "US$15.30",
        "ben": "US$7.20",
        "receipt": None,
        "in_full": None,
    },
}


@pytest.mark.parametrize(("lang", "seat"), [("en", 8), ("zh", 9)])
def test_two_friends_order_from_one_basket_and_each_pays_inside_the_wallet(
    house: House, person: Callable[..., Person], lang: str, seat: int
) -> None:
    words = WORDS[lang]
    table = house.table("Noodle House", seat)
    kitchen, till = person(lang, desk=True), person(lang, desk=True)
    kitchen.sign_in("lin", "/kitchen")
    till.sign_in("kai", "/till")

    # 1-3: both scan the code; the wallet is known by its User-Agent; Alipay says, silently, who they are.
    amy, ben = person(lang), person(lang)
    amy.scan("amy", table["url"])
    expect(amy.shop.get_by_test_id("bar")).to_be_visible()
    ben.scan("ben", table["url"])
    expect(ben.shop.get_by_test_id("bar")).to_be_visible()
    buyers = house.query(
        "SELECT count(DISTINCT g.buyer_id) FROM guests g JOIN sittings s ON s.id = g.sitting_id"
        " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s AND g.buyer_id LIKE '2088%%'",
        table["code"],
    )
    assert buyers == [(2,)], "each diner is an Alipay user of their own"

    # One basket: Amy's large soup shows on Ben's phone while he looks at his own.
    amy.shop.get_by_test_id("dish").filter(has_text=words["soup"]).get_by_role("button").or_(
        amy.shop.get_by_test_id("dish").filter(has_text=words["soup"]).get_by_role("link")
    ).last.click()
    sheet = amy.shop.get_by_test_id("dish-sheet")
    sheet.get_by_text(words["large"], exact=True).click()
    sheet.get_by_text(words["mild"], exact=True).click()
    expect(sheet.locator("[data-sum]")).to_have_text(words["amy"])
    sheet.get_by_test_id("add").click()
    expect(amy.shop.get_by_test_id("basket-total")).to_contain_text(words["amy"])
    expect(ben.shop.get_by_test_id("basket-total")).to_contain_text(words["amy"])
    ben.shop.get_by_test_id("dish").filter(has_text=words["dumplings"]).get_by_role("button").last.click()
    expect(ben.shop.get_by_test_id("basket-total")).to_contain_text(words["total"])
    expect(amy.shop.get_by_test_id("basket-total")).to_contain_text(words["total"])

    # To the kitchen: the cook and the till know at once.
    amy.shop.get_by_test_id("bar").get_by_role("link").last.click()
    amy.shop.get_by_test_id("send").click()
    ticket = kitchen.page.locator("article.ticket").filter(has_text=words["soup"]).last
    expect(ticket).to_be_visible()
    expect(ticket).to_contain_text(words["dumplings"])
    tile = till.page.get_by_test_id("tiles").locator(f"[data-table='{table['table']}']")
    expect(tile).to_contain_text(words["total"])

    # 4-6: Amy pays her own dishes. Create, tradePay, confirm with the PIN.
    amy.page.reload()
    amy.shop.get_by_test_id("bar").get_by_role("link").first.click()
    amy.shop.get_by_test_id("pay-mine").click()
    amy.shop.locator("[data-pay-now]").click()
    amy.page.locator("[data-do=pin]").click()
    amy.type_pin()
    expect(amy.shop.locator("#pay[data-shows=paid]")).to_be_visible()
    expect(amy.shop.locator("#pay")).to_contain_text(words["amy"])
    expect(tile).to_contain_text(words["ben"])

    # Ben pays the rest; he refuses first, nothing is taken, and the same trade is paid on the second try.
    ben.page.reload()
    ben.shop.get_by_test_id("bar").get_by_role("link").first.click()
    expect(ben.shop.get_by_test_id("bill-left")).to_contain_text(words["ben"])
    ben.shop.get_by_test_id("pay-whole").click()
    ben.shop.locator("[data-pay-now]").click()
    ben.page.locator("[data-step=confirm] [data-do=close]").last.click()
    expect(ben.shop.locator("#pay[data-shows=pay_again]")).to_be_visible()
    ben.shop.locator("[data-pay-now]").click()
    ben.page.locator("[data-do=pin]").click()
    ben.type_pin()
    expect(ben.shop.locator("#pay[data-shows=paid]")).to_be_visible()

    # 7: Alipay's notification arrived, not only our question.
    doors = house.query(
        "SELECT DISTINCT e.door FROM payment_events e JOIN payments p ON p.id = e.payment_id"
        " JOIN sittings s ON s.id = p.payable_id JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s",
        table["code"],
    )
    assert ("notice",) in doors

    # The receipt, the till and the book agree.
    ben.shop.get_by_role("link", name=re.compile("Receipt|收据|小票")).click()
    expect(ben.shop.locator("body")).to_contain_text(words["ben"])
    paid = house.query(
        "SELECT p.status, sum(p.amount)::int, count(*) FROM payments p JOIN sittings s ON s.id = p.payable_id"
        " JOIN dining_tables t ON t.id = s.table_id WHERE t.code = %s GROUP BY 1",
        table["code"],
    )
    assert paid == [("succeeded", 2250, 2)]

    # 8: Alipay tells the user by a message.
    port = house.sandbox_url.rpartition(":")[2]
    amy.page.goto(f"http://amy.localhost:{port}/wallet/messages")
    expect(amy.page.locator(".w-lines")).to_contain_text("15.30")

    # The cook bumps the ticket through, and the table can be closed at the till.
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "cooking")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "ready")
