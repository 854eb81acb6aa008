"""An order to an address, from each person's side: ordered and paid in the wallet, cooked, brought, followed live.

Nobody reloads a page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Cast, House, Person

pytestmark = pytest.mark.journey


def shop_of(house: House) -> str:
    """Where the noodle house's printed code for orders leads."""
    sql = (
        "SELECT o.code FROM online_stores o JOIN stores s ON s.id = o.store_id"
        " JOIN merchants m ON m.id = s.merchant_id WHERE m.name = 'Noodle House'"
    )
    return f"{house.app_url}/order/{house.query(sql)[0][0]}"


def orders_home(amy: Person, house: House) -> str:
    """Dishes, delivery, an address, the PIN; tells the address of the order's own page."""
    shop = amy.shop
    amy.scan("amy", shop_of(house))
    # The dumplings, in whichever language: no dish of the house has the same price.
    dumplings, total = shop.get_by_test_id("dish").filter(has_text="7.20"), shop.get_by_test_id("basket-total")
    for cost in ("7.20", "14.40", "21.60"):
        dumplings.get_by_role("button").last.click()
        expect(total).to_contain_text(cost)
    shop.get_by_test_id("when").click()
    shop.locator("label.way").filter(has=shop.locator("input[value=bring]")).click()
    shop.get_by_test_id("take-when").click()
    shop.get_by_test_id("open-basket").click()
    shop.get_by_test_id("go-on").click()
    form = shop.get_by_test_id("address")
    form.locator("input[name=zone]").first.check()
    form.locator("input[name=street]").fill("海港路 12 号")
    form.locator("input[name=door]").fill("4 楼")
    form.locator("input[name=name]").fill("李静")
    form.locator("input[name=phone]").fill("+65 9123 4567")
    shop.get_by_test_id("keep-address").click()
    expect(shop.get_by_test_id("where")).to_contain_text("海港路 12 号")
    shop.get_by_test_id("pay-ahead").click()
    amy.page.locator("[data-do=pin]").click()
    amy.type_pin()
    shop.locator("#pay[data-shows=paid]").wait_for()
    token = house.query("SELECT token FROM online_orders WHERE mode = 'bring' ORDER BY opened_at DESC LIMIT 1")[0][0]
    return f"{shop_of(house)}/o/{token}"


def cooks(kai: Person, lin: Person, number: str) -> None:
    """The cashier lets the kitchen begin at once, the cook makes it."""
    kai.sign_in("kai", "/online")
    card = kai.page.locator(f'[data-testid=ahead][data-number="{number}"]')
    card.get_by_test_id("make").click()
    expect(card).to_have_attribute("data-stage", "cooking")
    lin.sign_in("lin", "/kitchen")
    ticket = lin.page.locator("#cards article").filter(has_text=re.compile(rf"{number}\b"))
    for state in ("cooking", "ready"):
        ticket.locator("[data-bump]").click()
        expect(ticket).to_have_attribute("data-state", state)


def test_an_order_is_brought_to_the_door_and_the_customer_follows_every_stage(house: House, cast: Cast) -> None:
    amy, follows = cast.guest(), cast.guest()
    kai, lin, wei, mei = (cast.staff() for _ in range(4))
    where = orders_home(amy, house)
    follows.page.goto(where)
    expect(follows.page.get_by_test_id("order-state")).to_have_attribute("data-stage", "received")
    number = follows.page.get_by_test_id("number").inner_text()
    road = follows.page.get_by_test_id("stages")

    mei.sign_in("mei", "/deliveries")
    cooks(kai, lin, number)
    expect(road).to_have_attribute("data-stage", "waiting")
    expect(mei.page.locator(f'[data-testid=waiting][data-label="{number}"]')).to_contain_text("海港路 12 号")

    wei.sign_in("wei", "/courier")
    wei.page.get_by_test_id("take-next").click()
    card = wei.page.get_by_test_id("card").filter(has_text=number)
    expect(card.get_by_test_id("call")).to_have_attribute("href", "tel:+6591234567")
    expect(road).to_contain_text("Wei")
    card.get_by_test_id("picked-up").click()
    expect(road).to_have_attribute("data-stage", "picked_up")
    expect(mei.page.locator(f'[data-testid=moving][data-label="{number}"]')).to_contain_text("Wei")
    card.get_by_test_id("near").click()
    expect(road).to_have_attribute("data-stage", "near")

    code = follows.page.get_by_test_id("door-code").locator("strong").inner_text()
    wrong = f"{(int(code) + 1) % 10000:04}"
    card.get_by_test_id("code").fill(wrong)
    card.get_by_test_id("delivered").click()
    expect(wei.page.get_by_test_id("refusal")).to_contain_text(cast.pick(en="not the code", zh="码不对"))
    expect(road).to_have_attribute("data-stage", "near")
    card.get_by_test_id("code").fill(code)
    card.get_by_test_id("delivered").click()
    expect(card).to_have_count(0)
    expect(road).to_have_attribute("data-stage", "delivered")
    expect(road).to_contain_text(cast.pick(en="Arrived", zh="已送达"))
    expect(mei.page.locator("#ended")).to_contain_text("海港路 12 号")
    sold = house.query("SELECT status FROM online_orders WHERE token = %s", where.rsplit("/", 1)[1])
    assert sold == [("collected",)]
