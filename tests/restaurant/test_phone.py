"""The diner's phone over HTTP: what each phone sees and may do, with the real frame around it."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.restaurant.bill import Whole
from tests.restaurant import make
from tests.restaurant.make import ANNA, BEN, CountingRows, Restaurant, app, phone, restaurant, wallet_phone


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def adds(browser: make.Phone, house: Restaurant, code: str, table: int = 0, key: str = "") -> None:
    dish = house.dish(code)
    data = {"item": dish.id, "key": key or make.fresh()}
    if code == "beef":
        data[f"option-{dish.groups[0].id}"] = dish.groups[0].options[0].id
    answer = await browser.post(f"/t/{house.tables[table].code}/add", data)
    assert answer.status_code == 200, answer.text


async def orders(browser: make.Phone, house: Restaurant, *codes: str, table: int = 0) -> None:
    for code in codes:
        await adds(browser, house, code, table)
    answer = await browser.post(f"/t/{house.tables[table].code}/send")
    assert answer.status_code == 200
    assert 'data-testid="sent"' in answer.text


def pay_form(html: str, choice: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]*>(?:(?!</form>).)*name="choice" value="{choice}".*?</form>', html, re.S)
    assert form, f"no way to pay {choice}"
    return {name: make.form_value(form[0], name) for name in ("choice", "amount", "key")}


async def test_inside_the_wallet_an_unknown_buyer_is_sent_to_the_authorization_and_back(house: Restaurant) -> None:
    async with phone(app(house), make.ALIPAY) as browser:
        code = house.tables[0].code
        first = await browser.get(f"/t/{code}")
        assert first.status_code == 303
        assert first.headers["location"].startswith("/alipay/authorize?next=%2Ft%2F")
        asked = await browser.get(first.headers["location"])
        assert asked.headers["location"].startswith("http://127.0.0.1:8001/oauth2/publicAppAuthorize.htm?")


async def test_a_wallet_that_gives_no_buyer_is_not_sent_round_in_circles(house: Restaurant) -> None:
    async with phone(app(house), make.ALIPAY) as browser:
        code = house.tables[0].code
        await browser.get(f"/t/{code}")
        second = await browser.get(f"/t/{code}")
        assert second.status_code == 200
        assert "Connect Alipay" in second.text


async def test_a_known_buyer_sits_down_by_opening_the_page(house: Restaurant) -> None:
    async with wallet_phone(app(house), house) as browser:
        page = await browser.get(f"/t/{house.tables[0].code}")
        assert page.status_code == 200
        assert "outside-wallet" not in page.text
        assert "Beef noodles" in page.text
        assert "$9.50" in page.text
    _, anna = await house.sit(ANNA)
    assert anna.seat == 1


async def test_outside_the_wallet_the_page_says_what_to_do_and_can_order(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        page = await browser.get(f"/t/{house.tables[0].code}")
        assert "Open this table in Alipay to pay here" in page.text
        await orders(browser, house, "tea")
        bill = await browser.get(f"/t/{house.tables[0].code}/bill", htmx=True)
        assert 'data-testid="pay-at-till"' in bill.text
        assert 'data-testid="pay-whole"' not in bill.text


async def test_looking_at_a_table_from_outside_the_wallet_opens_no_sitting(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        await browser.get(f"/t/{house.tables[0].code}")
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM sittings") == 0


async def test_ordering_works_without_scripts(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        code = house.tables[0].code
        page = await browser.get(f"/t/{code}")
        data = {"item": house.dish("tea").id, "key": make.form_value(page.text, "key")}
        added = await browser.post(f"/t/{code}/add", data, htmx=False)
        assert (added.status_code, added.headers["location"]) == (303, f"/t/{code}")
        basket = await browser.get(f"/t/{code}/basket")
        assert "<!doctype html>" in basket.text
        assert "Jasmine tea" in basket.text
        sent = await browser.post(f"/t/{code}/send", htmx=False)
        assert "on its way to the kitchen" in sent.text


async def test_a_repeated_tap_with_the_same_key_adds_one_dish(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        await adds(browser, house, "tea", key="tap 1")
        await adds(browser, house, "tea", key="tap 1")
        bar = await browser.get(f"/t/{house.tables[0].code}/bar", htmx=True)
        assert "1 chosen" in bar.text
        assert "$2.00" in bar.text


async def test_friends_see_each_others_dishes_and_change_only_their_own(house: Restaurant) -> None:
    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        await anna.get(f"/t/{code}")
        await ben.get(f"/t/{code}")
        await adds(anna, house, "beef")
        basket = (await ben.get(f"/t/{code}/basket", htmx=True)).text
        assert "Beef noodles" in basket
        line = re.search(r'id="(line?_[0-9a-z]+|[a-z]+_[0-9a-z]{25})" data-testid="basket-line"', basket)
        assert line
        refused = await ben.post(f"/t/{code}/lines/{line[1]}", {"quantity": "0"})
        assert refused.status_code == 403
        assert "Only the person who chose a dish can change it." in refused.text
        changed = await anna.post(f"/t/{code}/lines/{line[1]}", {"quantity": "3"})
        assert "$28.50" in changed.text


async def test_two_phones_that_press_send_at_once_send_each_dish_once(house: Restaurant) -> None:
    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        await anna.get(f"/t/{code}")
        await ben.get(f"/t/{code}")
        await adds(anna, house, "tea")
        await adds(ben, house, "plain")
        await asyncio.gather(*(browser.post(f"/t/{code}/send") for browser in (anna, ben) for _ in range(3)))
    sitting, _ = await house.sit(ANNA)
    assert (await house.bill(sitting)).ordered.minor == 800


async def test_a_guest_of_another_table_sees_and_changes_nothing_of_this_one(house: Restaurant) -> None:
    server = app(house)
    here, there = house.tables[0].code, house.tables[1].code
    async with wallet_phone(server, house, ANNA) as anna, phone(server) as stranger:
        await anna.get(f"/t/{here}")
        await adds(anna, house, "tea")
        basket = (await anna.get(f"/t/{here}/basket", htmx=True)).text
        line = re.search(r'id="([a-z]+_[0-9a-z]{25})" data-testid="basket-line"', basket)
        assert line
        await adds(stranger, house, "plain", table=1)
        assert "Jasmine" not in (await stranger.get(f"/t/{there}/basket", htmx=True)).text
        assert "Jasmine" not in (await stranger.get(f"/t/{here}/basket", htmx=True)).text
        assert (await stranger.get(f"/t/{here}/bill", htmx=True)).status_code == 403
        assert (await stranger.post(f"/t/{here}/send")).status_code == 403
        assert (await stranger.post(f"/t/{here}/lines/{line[1]}", {"quantity": "0"})).status_code == 403
        assert (await stranger.post(f"/t/{there}/lines/{line[1]}", {"quantity": "0"})).status_code == 404
        pay = {"choice": "whole", "amount": "200", "key": "x"}
        assert (await stranger.post(f"/t/{here}/pay", pay)).status_code == 403
        again = (await anna.get(f"/t/{here}/basket", htmx=True)).text
        assert line[1] in again


async def test_own_dishes_are_paid_in_the_wallet_and_the_rest_stays(house: Restaurant) -> None:
    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        await anna.get(f"/t/{code}")
        await ben.get(f"/t/{code}")
        await orders(anna, house, "beef")
        await orders(ben, house, "tea")
        bill = (await anna.get(f"/t/{code}/bill", htmx=True)).text
        form = pay_form(bill, "mine")
        assert form["amount"] == "950"
        answer = await anna.post(f"/t/{code}/pay", form)
        where = answer.headers["hx-redirect"]
        assert where.startswith("/pay/pay_")
        payment = await house.payments.get(where.removeprefix("/pay/").partition("?")[0])
        assert (payment.buyer_id, payment.amount) == (ANNA, 950)
        seen = (await ben.get(f"/t/{code}/bill", htmx=True)).text
        assert "Guest 1 is paying $9.50 now" in seen
        await house.money_arrives(payment)
        rest = pay_form((await ben.get(f"/t/{code}/bill", htmx=True)).text, "whole")
        assert rest["amount"] == "200"
        paid = (await anna.get(f"/t/{code}/bill", htmx=True)).text
        assert f"/receipt/{payment.id}" in paid


async def test_two_phones_that_press_pay_at_once_never_overpay(house: Restaurant) -> None:
    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        await anna.get(f"/t/{code}")
        await ben.get(f"/t/{code}")
        await orders(anna, house, "beef")
        await orders(ben, house, "tea")
        forms = [pay_form((await browser.get(f"/t/{code}/bill", htmx=True)).text, "whole") for browser in (anna, ben)]
        answers = await asyncio.gather(anna.post(f"/t/{code}/pay", forms[0]), ben.post(f"/t/{code}/pay", forms[1]))
        going = [answer for answer in answers if answer.headers.get("hx-redirect")]
        staying = [answer for answer in answers if not answer.headers.get("hx-redirect")]
        assert len(going) == 1
        assert "Somebody is paying the rest right now." in staying[0].text
    sitting, _ = await house.sit(ANNA)
    bill = await house.bill(sitting)
    assert bill.held == bill.ordered


async def test_pressing_pay_twice_opens_one_payment(house: Restaurant) -> None:
    code = house.tables[0].code
    async with wallet_phone(app(house), house) as anna:
        await anna.get(f"/t/{code}")
        await orders(anna, house, "tea")
        form = pay_form((await anna.get(f"/t/{code}/bill", htmx=True)).text, "whole")
        first = await anna.post(f"/t/{code}/pay", form)
        second = await anna.post(f"/t/{code}/pay", form)
        assert first.headers["hx-redirect"] == second.headers["hx-redirect"]
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM payments") == 1


async def test_a_bill_that_changed_is_shown_again_before_it_is_paid(house: Restaurant) -> None:
    code = house.tables[0].code
    async with wallet_phone(app(house), house) as anna:
        await anna.get(f"/t/{code}")
        await orders(anna, house, "tea")
        form = pay_form((await anna.get(f"/t/{code}/bill", htmx=True)).text, "whole")
        await orders(anna, house, "plain")
        answer = await anna.post(f"/t/{code}/pay", form)
        assert "The bill changed while you were looking." in answer.text
        assert pay_form(answer.text, "whole")["amount"] == "800"
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM payments") == 0


async def test_a_guest_with_a_nickname_cannot_pay_in_the_wallet(house: Restaurant) -> None:
    code = house.tables[0].code
    async with phone(app(house)) as mia:
        await mia.post(f"/t/{code}/name", {"name": "Mia"})
        await orders(mia, house, "tea")
        refused = await mia.post(f"/t/{code}/pay", {"choice": "whole", "amount": "200", "key": "x"})
        assert refused.status_code == 403
        assert "pay at the till" in refused.text
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM payments") == 0


async def test_a_buyer_id_in_the_address_or_form_is_not_believed(house: Restaurant) -> None:
    code = house.tables[0].code
    async with phone(app(house), make.ALIPAY) as browser:
        await orders(browser, house, "tea")
        answer = await browser.post(
            f"/t/{code}/pay?buyer_id={ANNA}", {"choice": "whole", "amount": "200", "buyer_id": ANNA, "key": "x"}
        )
        assert answer.status_code == 403


async def test_one_lets_go_of_ones_own_payment_and_of_nobody_elses(house: Restaurant) -> None:
    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house, ANNA) as anna, wallet_phone(server, house, BEN) as ben:
        await anna.get(f"/t/{code}")
        await ben.get(f"/t/{code}")
        await orders(anna, house, "tea")
        form = pay_form((await anna.get(f"/t/{code}/bill", htmx=True)).text, "whole")
        where = (await anna.post(f"/t/{code}/pay", form)).headers["hx-redirect"]
        payment_id = where.removeprefix("/pay/").partition("?")[0]
        assert (await ben.post(f"/t/{code}/payments/{payment_id}/let-go")).status_code == 404
        answer = await anna.post(f"/t/{code}/payments/{payment_id}/let-go")
        assert pay_form(answer.text, "whole")["amount"] == "200"


async def test_a_sold_out_dish_says_so_and_cannot_be_added(house: Restaurant) -> None:
    from saoma.food.menus.menu import set_sold_out

    async with house.db.transaction() as tx:
        await set_sold_out(tx, house.dish("tea").id, sold_out=True)
    code = house.tables[0].code
    async with phone(app(house)) as browser:
        page = (await browser.get(f"/t/{code}")).text
        row = re.search(rf'<li class="row dish off"[^>]*data-item="{house.dish("tea").id}".*?</li>', page, re.S)
        assert row
        assert "Sold out" in row[0]
        assert "<button" not in row[0]
        answer = await browser.post(f"/t/{code}/add", {"item": house.dish("tea").id, "key": "k"})
        assert answer.status_code == 409


async def test_hidden_dishes_are_nowhere(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        assert "bottle" not in (await browser.get(f"/t/{house.tables[0].code}")).text
        secret = house.dish("secret").id
        assert (await browser.get(f"/t/{house.tables[0].code}/dish/{secret}")).status_code == 404


async def test_the_page_in_chinese_speaks_chinese(house: Restaurant) -> None:
    async with phone(app(house)) as browser:
        page = (await browser.get(f"/t/{house.tables[0].code}", lang="zh-CN")).text
        assert "牛肉面" in page
        assert "用支付宝" in page
        assert "Sold out" not in page
        assert "Basket" not in page


async def test_when_all_is_paid_the_phone_says_so_and_offers_the_receipt(house: Restaurant) -> None:
    code = house.tables[0].code
    async with wallet_phone(app(house), house) as anna:
        await anna.get(f"/t/{code}")
        await orders(anna, house, "tea")
        form = pay_form((await anna.get(f"/t/{code}/bill", htmx=True)).text, "whole")
        where = (await anna.post(f"/t/{code}/pay", form)).headers["hx-redirect"]
        payment = await house.payments.get(where.removeprefix("/pay/").partition("?")[0])
        await house.money_arrives(payment)
        page = (await anna.get(f"/t/{code}")).text
        assert "Paid. Thank you!" in page
        assert f"/receipt/{payment.id}" in page


async def test_the_first_page_asks_few_questions(house: Restaurant, monkeypatch: pytest.MonkeyPatch) -> None:
    from saoma.food.menus import menu as food_menu

    server = app(house)
    code = house.tables[0].code
    async with wallet_phone(server, house) as anna:
        await anna.get(f"/t/{code}")
        await orders(anna, house, "beef", "tea")
        food_menu._KEPT.clear()
        counting = CountingRows(monkeypatch)
        page = await anna.get(f"/t/{code}")
        assert page.status_code == 200
    asked = [sql for sql in counting.questions if "sessions" not in sql]
    of_menu = [sql for sql in asked if "menu" in sql]
    of_sitting = [sql for sql in asked if "menu" not in sql]
    assert len(of_menu) <= 4, of_menu
    assert len(of_sitting) <= 5, "one of them is the kitchen's: when will it be ready"
    assert asked


async def test_one_more_dish_reads_what_the_table_has_once(house: Restaurant, monkeypatch: pytest.MonkeyPatch) -> None:
    server = app(house)
    async with wallet_phone(server, house) as anna:
        await anna.get(f"/t/{house.tables[0].code}")
        await orders(anna, house, "tea")
        counting = CountingRows(monkeypatch)
        await adds(anna, house, "tea")
    for table, most in (("FROM bill_shares", 1), ("ORDER BY created_at, id", 1), ("WITH making", 1)):
        assert sum(table in sql for sql in counting.questions) == most, table
    assert len(counting.questions) <= 15, counting.questions


async def test_the_first_page_is_light(house: Restaurant) -> None:
    from saoma.web.assets import assets

    async with wallet_phone(app(house), house) as anna:
        page = await anna.get(f"/t/{house.tables[0].code}")
    linked = re.findall(r'(?:src|href)="/assets/([^"]+)"', page.text)
    weight = len(gzip.compress(page.content, 6))
    weight += sum(len(assets()[name].gzip or assets()[name].plain) for name in set(linked))
    assert len(linked) >= 4
    assert weight < 60_000, weight


async def test_the_page_has_one_name_for_every_control(house: Restaurant) -> None:
    async with wallet_phone(app(house), house) as anna:
        page = (await anna.get(f"/t/{house.tables[0].code}")).text
    assert 'aria-label="Add Jasmine tea"' in page
    assert 'aria-label="Choose Beef noodles"' in page
    assert "style=" not in page
    assert "onclick" not in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


async def test_a_closed_sitting_is_over_for_the_phones_that_sat_there(house: Restaurant) -> None:
    from saoma.restaurant import sittings

    code = house.tables[0].code
    async with phone(app(house)) as browser:
        await adds(browser, house, "tea")
        async with house.db.transaction() as tx:
            sitting_id = await tx.value("SELECT id FROM sittings")
            await sittings.close(tx, sitting_id, house.clock.now(), by="staff")
        assert (await browser.get(f"/t/{code}/bill", htmx=True)).status_code == 403
        assert "Nothing chosen yet" in (await browser.get(f"/t/{code}/bar", htmx=True)).text


async def test_a_payment_whose_share_is_whole_pays_what_was_shown(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "tea")
    payment = await house.pays(sitting, Whole())
    assert payment.amount == 1150


async def test_a_phone_that_sits_down_with_its_first_dish_hears_the_table_from_then_on(house: Restaurant) -> None:
    from saoma.web.topics import read_topics
    from tests.identity.make import SECRET

    code = house.tables[0].code
    async with phone(app(house)) as browser:

        def heard(html: str) -> list[str]:
            found = re.search(r'data-live="/live\?t=([^"]+)"', html)
            return read_topics(found[1], SECRET, house.clock.now()) if found else []

        before = heard((await browser.get(f"/t/{code}")).text)
        assert before == [f"menu:{house.store_id}"]
        first = await browser.post(f"/t/{code}/add", {"item": house.dish("tea").id, "key": "1"})
        sitting, _ = await house.sit(ANNA)
        assert sitting.topic in heard(first.text)
        assert f"tab:{sitting.tab_id}" in heard(first.text)
        second = await browser.post(f"/t/{code}/add", {"item": house.dish("tea").id, "key": "2"})
        assert heard(second.text) == []


async def test_nobody_hears_another_table(house: Restaurant) -> None:
    async with wallet_phone(app(house), house) as anna, phone(app(house)) as stranger:
        here, _ = await house.sit(BEN)
        page = (await anna.get(f"/t/{house.tables[1].code}")).text
        assert here.id not in page
        assert here.id not in (await stranger.get(f"/t/{house.tables[0].code}")).text
