"""A meal paid from a phone: the eight published steps, told from each person's side, in both languages.

https://global.alipay.com/docs/ac/restaurant/restaurantintegration"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House
from tests.journeys.steps import adds, clear, close_bill, confirms, sitting_at

pytestmark = pytest.mark.journey


def test_two_friends_order_from_one_basket_and_each_pays_inside_the_wallet(house: House, cast: Cast) -> None:
    soup, dumplings = cast.pick(en=("Beef noodle soup", "Pork and chive dumplings"), zh=("红烧牛肉面", "猪肉韭菜饺"))
    large, mild = cast.pick(en=("Large", "Mild"), zh=("大碗", "微辣"))
    soup_costs, dumplings_cost, both = cast.pick(
        en=("$15.30", "$7.20", "$22.50"), zh=("US$15.30", "US$7.20", "US$22.50")
    )
    table = house.table("Noodle House", cast.pick(en=8, zh=9))
    kitchen, till, amy, ben = cast.staff(), cast.staff(), cast.guest(), cast.guest()
    kitchen.sign_in("lin", "/kitchen")
    till.sign_in("kai", "/till")
    clear(till, table)

    # 1-3: both scan the code; the wallet is known by its User-Agent; Alipay says, silently, who they are.
    amy.scan("amy", table["url"])
    expect(amy.shop.get_by_test_id("bar")).to_be_visible()
    ben.scan("ben", table["url"])
    expect(ben.shop.get_by_test_id("bar")).to_be_visible()
    sitting = sitting_at(house, table)
    known = "SELECT count(DISTINCT buyer_id) FROM guests WHERE sitting_id = %s AND buyer_id LIKE '2088%%'"
    assert house.query(known, sitting) == [(2,)], "each diner is an Alipay user of their own"

    # One basket: Amy's large soup shows on Ben's phone while he looks at his own.
    amy.shop.get_by_test_id("dish").filter(has_text=soup).locator(".plus").click()
    sheet = amy.shop.get_by_test_id("dish-sheet")
    sheet.get_by_text(large, exact=True).click()
    sheet.get_by_text(mild, exact=True).click()
    expect(sheet.locator("[data-sum]")).to_have_text(soup_costs)
    sheet.get_by_test_id("add").click()
    expect(amy.shop.get_by_test_id("basket-total")).to_contain_text(soup_costs)
    expect(ben.shop.get_by_test_id("basket-total")).to_contain_text(soup_costs)
    adds(ben.shop, dumplings)
    for one in (ben, amy):
        expect(one.shop.get_by_test_id("basket-total")).to_contain_text(both)

    # To the kitchen: the cook and the till know at once.
    amy.shop.get_by_test_id("open-basket").click()
    amy.shop.get_by_test_id("send").click()
    ticket = (
        kitchen.page.locator("#cards").get_by_role("article", name=table["table"], exact=True).filter(has_text=soup)
    )
    expect(ticket).to_be_visible()
    expect(ticket).to_contain_text(dumplings)
    tile = till.page.locator(f"[data-testid=bill-tile][data-table='{table['table']}']")
    expect(tile).to_contain_text(both)

    # 4-6: Amy pays her own dishes. Create, tradePay, confirm with the PIN.
    amy.shop.get_by_test_id("basket-sheet").locator("a[href$='/bill']").click()
    amy.shop.get_by_test_id("pay-mine").click()
    confirms(amy)
    expect(amy.shop.locator("#pay")).to_contain_text(soup_costs)
    expect(tile).to_contain_text(dumplings_cost)

    # Ben pays the rest; he refuses first, nothing is taken, and the same trade is paid on the second try.
    ben.shop.get_by_test_id("open-bill").click()
    expect(ben.shop.get_by_test_id("bill-left")).to_contain_text(dumplings_cost)
    ben.shop.get_by_test_id("pay-whole").click()
    ben.shop.locator("[data-pay-now]").click()
    ben.page.locator("[data-step=confirm] [data-do=close]").last.click()
    expect(ben.shop.locator("#pay[data-shows=pay_again]")).to_be_visible()
    confirms(ben)

    # 7: Alipay's notification arrived, not only our question.
    doors = (
        "SELECT DISTINCT e.door FROM payment_events e JOIN payments p ON p.id = e.payment_id WHERE p.payable_id = %s"
    )
    assert ("notice",) in house.query(doors, sitting)

    # The receipt, the till and the book agree.
    ben.shop.locator("a[href^='/receipt/']").click()
    expect(ben.shop.locator("body")).to_contain_text(dumplings)
    expect(ben.shop.locator("body")).to_contain_text(dumplings_cost)
    paid = "SELECT status, sum(amount)::int, count(*) FROM payments WHERE payable_id = %s GROUP BY 1"
    assert house.query(paid, sitting) == [("succeeded", 2250, 2)]

    # 8: Alipay tells the user by a message.
    port = house.sandbox_url.rpartition(":")[2]
    amy.page.goto(f"http://amy.localhost:{port}/wallet/messages")
    expect(amy.page.locator(".w-lines")).to_contain_text("15.30")

    # The cook bumps the ticket through, and the cashier closes the bill.
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "cooking")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_attribute("data-state", "ready")
    ticket.locator("[data-bump]").click()
    expect(ticket).to_have_count(0)
    close_bill(till, table)
