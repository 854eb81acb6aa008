"""The till over HTTP: open bills, the scanned code in all its ends, refunds, closing, orders taken by staff."""

from __future__ import annotations

import re

import pytest

from saoma.gateway import Method
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.restaurant import sittings
from saoma.restaurant.bill import Whole
from saoma.restaurant.model import Sitting
from tests.food import make as food
from tests.restaurant import make
from tests.restaurant.make import ANNA, BEN, Restaurant, app, phone, restaurant, till

CODE = "281234567890123456"


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def dinner(house: Restaurant) -> Sitting:
    sitting, anna = await house.sit(ANNA)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, anna, "beef", "tea")
    await house.eats(sitting, ben, "plain")
    return sitting


def take_form(html: str) -> dict[str, str]:
    """What the till's form would send without a hand on it."""
    form = re.search(r'<form id="take".*?</form>', html, re.S)
    assert form
    return {name: make.form_value(form[0], name) for name in ("key", "shown")} | {"payment_code": CODE}


async def pane(browser: make.Phone, sitting: Sitting) -> str:
    answer = await browser.get(f"/till/bills/{sitting.id}", htmx=True)
    assert answer.status_code == 200
    return answer.text


async def test_open_bills_are_tiles_with_what_they_owe(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        page = (await cashier.get("/till")).text
    assert make.testids(page, "bill-tile") == 1
    tile = re.search(rf'data-tile="{sitting.id}".*?</a>', page, re.S)
    assert tile
    assert "$17.50" in tile[0]
    assert "2 guests" in tile[0]


async def test_nobody_without_a_sign_in_sees_the_till(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with phone(app(house)) as stranger:
        for path in ("/till", "/till/bills", f"/till/bills/{sitting.id}", "/office/tables"):
            answer = await stranger.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")


async def test_another_shops_cashier_finds_nothing_here(house: Restaurant) -> None:
    from tests.identity import make as identity

    sitting = await dinner(house)
    other = await identity.shop(house.db, name="Burrito Bar")
    spy = await identity.staff(house.db, other, Role.MANAGER, name="Spy")
    async with phone(app(house)) as browser:
        await browser.get(f"/staff-is/{spy.id}")
        assert (await browser.get(f"/till/bills/{sitting.id}", htmx=True)).status_code == 404
        assert (await browser.post(f"/till/bills/{sitting.id}/pay", {"payment_code": CODE})).status_code == 404
        assert (await browser.post(f"/till/bills/{sitting.id}/close")).status_code == 404
        assert (await browser.get(f"/till?store={house.store_id}")).status_code == 404
        assert sitting.id not in (await browser.get("/till")).text


async def test_a_scan_takes_the_rest_of_the_bill(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", take_form(await pane(cashier, sitting)))
        assert 'data-shows="paid"' in answer.text
        assert "$17.50" in answer.text
        done = await pane(cashier, sitting)
    assert "Paid in full" in done
    bill = await house.bill(sitting)
    assert bill.covered
    async with house.db.reading() as rows:
        assert (await rows.value("SELECT method FROM payments")) == Method.BARCODE


async def test_a_scan_takes_only_the_ticked_dishes(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        shown = await pane(cashier, sitting)
        tea = re.search(r'name="line" value="([^"]+)" data-minor="200"', shown)
        assert tea
        form = take_form(shown) | {"line": tea[1], "shown": "200"}
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", form)
        assert 'data-shows="paid"' in answer.text
        after = await pane(cashier, sitting)
    assert tea[1] not in re.findall(r'name="line" value="([^"]+)" data-minor', after)
    assert (await house.bill(sitting)).left.minor == 1550


async def test_a_typed_amount_is_taken_and_more_than_is_left_is_refused(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting)) | {"typed": "20.00", "shown": "2000"}
        refused = await cashier.post(f"/till/bills/{sitting.id}/pay", form)
        assert "That is more than what is left on this bill." in refused.text
        form = take_form(await pane(cashier, sitting)) | {"typed": "10", "shown": "1000"}
        assert 'data-shows="paid"' in (await cashier.post(f"/till/bills/{sitting.id}/pay", form)).text
    bill = await house.bill(sitting)
    assert (bill.paid.minor, bill.left.minor) == (1000, 750)


async def test_pressing_enter_twice_charges_once(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting))
        for _ in range(2):
            assert 'data-shows="paid"' in (await cashier.post(f"/till/bills/{sitting.id}/pay", form)).text
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM payments") == 1


async def test_a_scan_that_is_no_payment_code_charges_nothing_and_says_what_it_was(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting)) | {"payment_code": "4006381333931"}
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", form)
    assert "product" in answer.text
    assert not house.alipay.calls


async def test_the_amount_on_the_screen_is_the_amount_that_is_charged(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting))
        _, anna = await house.sit(ANNA)
        await house.eats(sitting, anna, "tea")
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", form)
        assert "The bill changed meanwhile." in answer.text
        assert make.form_value(answer.text, "shown") == "1950"
    assert not house.alipay.calls


async def test_the_till_cannot_take_what_a_phone_is_paying(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting))
        await house.pays(sitting, Whole())
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", form)
        assert 'data-testid="refusal"' in answer.text
        assert "is being paid" in answer.text
    assert house.alipay.count("open") == 1


async def test_a_declined_code_leaves_the_bill_as_it_was(house: Restaurant) -> None:
    sitting = await dinner(house)
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    async with till(app(house), house) as cashier:
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", take_form(await pane(cashier, sitting)))
        assert 'data-shows="not_paid"' in answer.text
        assert "Do not hand over goods" in answer.text
    bill = await house.bill(sitting)
    assert (bill.left.minor, bill.held.minor, bill.paid.minor) == (1750, 0, 0)


async def test_while_the_buyer_thinks_the_pane_waits_and_giving_up_frees_the_bill(house: Restaurant) -> None:
    sitting = await dinner(house)
    house.alipay.buyer = "thinks"
    async with till(app(house), house) as cashier:
        answer = await cashier.post(f"/till/bills/{sitting.id}/pay", take_form(await pane(cashier, sitting)))
        assert 'data-shows="waiting"' in answer.text
        assert "Do not hand over goods yet" in answer.text
        assert (await house.bill(sitting)).held.minor == 1750
        where = answer.headers["hx-push-url"]
        payment_id = where.rpartition("/")[2]
        reloaded = await cashier.get(where)
        assert "<!doctype html>" in reloaded.text
        assert 'data-shows="waiting"' in reloaded.text
        await cashier.post(f"/till-payments/{payment_id}/give-up?done=/till")
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    assert (await house.bill(sitting)).left.minor == 1750


async def test_a_waiter_sees_bills_and_takes_no_money(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house, Role.WAITER) as waiter:
        shown = await pane(waiter, sitting)
        assert 'data-testid="scan"' not in shown
        answer = await waiter.post(f"/till/bills/{sitting.id}/pay", {"payment_code": CODE, "key": "k"})
        assert answer.status_code == 403
    assert not house.alipay.calls


async def test_scanning_a_tables_own_code_opens_its_bill(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        found = await cashier.post("/till/scan", {"payment_code": f"http://shop.test/t/{house.tables[0].code}"})
        assert found.headers["hx-redirect"] == f"/till/bills/{sitting.id}"
        asked = await cashier.post("/till/scan", {"payment_code": CODE})
        assert "Choose the bill first" in asked.text


async def test_a_manager_gives_back_one_dish_with_a_reason_and_only_once(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    lines = await house.eats(sitting, anna, "beef", "tea")
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    path = f"/till/bills/{sitting.id}/payments/{payment.id}/refund"
    async with till(app(house), house, Role.MANAGER) as manager:
        assert 'data-testid="refund-dialog"' in await pane(manager, sitting)
        form = {"line": lines[1], "reason": "", "key": "refund 1", "typed": ""}
        assert "Write why the money is given back" in (await manager.post(path, form)).text
        wrong = form | {"typed": "99.00", "reason": "cold tea", "key": "refund 0"}
        kept = (await manager.post(path, wrong)).text.partition(f'<dialog id="refund-{payment.id}"')[2]
        kept = kept.partition("</dialog>")[0]
        assert "data-open-now" in kept and 'value="cold tea"' in kept and 'value="99.00"' in kept
        assert re.search(rf'value="{lines[1]}"\s+checked', kept), "the ticked dish stays ticked"
        assert "more than what is left of this payment" in kept, "the refusal stands where it can be mended"
        for _ in range(2):
            answer = await manager.post(path, form | {"reason": "cold tea"})
            assert answer.status_code == 200
        assert "$2.00 given back" in answer.text
        too_much = await manager.post(path, {"typed": "9.51", "reason": "x", "key": "refund 2"})
        assert "That is more than what is left of this payment." in too_much.text
    assert (await house.payments.get(payment.id)).refunded == 200
    assert house.alipay.count("refund") == 1
    async with house.db.reading() as rows:
        noted = await rows.value("SELECT detail->>'reason' FROM audit WHERE what = 'asked_refund' LIMIT 1")
    assert noted == "cold tea"


async def test_what_a_cashier_gives_back_waits_for_a_manager(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    async with till(app(house), house) as cashier, till(app(house), house, Role.MANAGER) as manager:
        assert "Ask for a refund" in await pane(cashier, sitting)
        path = f"/till/bills/{sitting.id}/payments/{payment.id}/refund"
        assert (await cashier.post(path, {"reason": "cold", "key": "k"})).status_code == 200
        (refund,) = await house.payments.refunds_of(payment.id)
        assert refund.status is RefundStatus.REQUESTED
        assert house.alipay.count("refund") == 0
        assert "a refund waits for a second person" in await pane(cashier, sitting)
        assert (await cashier.post(f"/till/refunds/{refund.id}/approve", {})).status_code == 403
        assert 'data-testid="refunds-waiting"' in (await manager.get("/till")).text
        assert "cold" in (await manager.get("/till/refunds")).text
        assert (await manager.post(f"/till/refunds/{refund.id}/approve", {})).status_code == 303
        again = await manager.post(f"/till/refunds/{refund.id}/approve", {})
        assert again.status_code == 404
    assert (await house.payments.get(payment.id)).refunded == 200
    assert house.alipay.count("refund") == 1


async def test_a_payment_of_another_bill_cannot_be_refunded_here(house: Restaurant) -> None:
    first, anna = await house.sit(ANNA)
    await house.eats(first, anna, "tea")
    payment = await house.money_arrives(await house.pays(first, Whole()))
    second, ben = await house.sit(BEN, table=1)
    await house.eats(second, ben, "tea")
    async with till(app(house), house, Role.MANAGER) as manager:
        path = f"/till/bills/{second.id}/payments/{payment.id}/refund"
        assert (await manager.post(path, {"reason": "x", "key": "k"})).status_code == 404


async def test_a_paid_bill_is_closed_and_an_unpaid_one_is_not(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    async with till(app(house), house) as cashier:
        refused = await cashier.post(f"/till/bills/{sitting.id}/close", htmx=False)
        assert refused.status_code == 409
        await house.money_arrives(await house.pays(sitting, Whole()))
        closed = await cashier.post(f"/till/bills/{sitting.id}/close", htmx=False)
        assert closed.headers["location"] == "/till"
        page = (await cashier.get("/till")).text
        assert make.testids(page, "bill-tile") == 0
        assert "Closed lately" in page
        assert "This bill is closed." in await pane(cashier, sitting)
    assert not (await house.again(sitting)).is_open


async def test_staff_take_an_order_for_a_table_that_does_not_scan(house: Restaurant) -> None:
    async with till(app(house), house, Role.WAITER) as waiter:
        opened = await waiter.post(f"/till/tables/{house.tables[1].id}/open", htmx=False)
        where = opened.headers["location"]
        assert where.endswith("/order")
        bill_path = where.removesuffix("/order")
        assert "Jasmine tea" in (await waiter.get(where)).text
        beef = house.dish("beef")
        size = food.choices(beef, "Large")[0]
        lines = f"{bill_path}/lines"
        assert (await waiter.post(lines, {"item": house.dish("tea").id, "key": "1"})).status_code == 200
        chosen = await waiter.post(lines, {"item": beef.id, "option-x": size, "key": "2"})
        assert make.testids(chosen.text, "chosen-line") == 2
        assert "$13.00" in chosen.text
        sent = await waiter.post(f"{bill_path}/send")
        assert sent.headers["hx-redirect"] == bill_path
        await waiter.post(f"{bill_path}/send")
        shown = (await waiter.get(bill_path, htmx=True)).text
        assert "The restaurant" in shown
    async with house.db.reading() as rows:
        sitting = await sittings.sitting(rows, bill_path.rpartition("/")[2])
    assert (await house.bill(sitting)).ordered.minor == 1300


async def test_staff_send_their_own_dishes_and_leave_the_guests_basket_alone(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    async with house.db.transaction() as tx:
        await sittings.ordering.add_line(tx, sitting.tab_id, house.dish("plain").id, [], 1, anna.id, "", "hers")
    async with till(app(house), house, Role.WAITER) as waiter:
        await waiter.post(f"/till/bills/{sitting.id}/lines", {"item": house.dish("tea").id, "key": "1"})
        await waiter.post(f"/till/bills/{sitting.id}/send")
    async with house.db.reading() as rows:
        statuses = {line.name: line.status for line in await sittings.ordering.lines(rows, sitting.tab_id)}
    assert statuses == {"Plain noodles": "basket", "Jasmine tea": "sent"}


async def test_opening_a_taken_table_gives_its_bill(house: Restaurant) -> None:
    sitting, _ = await house.sit(ANNA)
    async with till(app(house), house) as cashier:
        opened = await cashier.post(f"/till/tables/{house.tables[0].id}/open", htmx=False)
        assert opened.headers["location"] == f"/till/bills/{sitting.id}/order"


async def test_the_office_adds_renames_and_prints_tables(house: Restaurant) -> None:
    async with till(app(house), house, Role.MANAGER) as manager:
        assert (await manager.post("/office/tables", {"name": "Window", "area": "Hall"}, htmx=False)).status_code == 303
        page = (await manager.get("/office/tables")).text
        assert "Window" in page
        taken = await manager.post("/office/tables", {"name": "window"}, htmx=False)
        assert "Another table already has this name." in taken.text
        renamed = await manager.post(f"/office/tables/{house.tables[0].id}", {"name": "7", "area": ""}, htmx=False)
        assert renamed.status_code == 303
        old = house.tables[0].code
        await manager.post(f"/office/tables/{house.tables[0].id}/code", htmx=False)
        assert old not in (await manager.get("/office/tables")).text
        sheet = (await manager.get("/office/tables/print")).text
        assert make.testids(sheet, "sheet") == 4
        assert "用支付宝扫一扫" in sheet
        assert "Scan with Alipay" in sheet
        one = (await manager.get(f"/office/tables/print?table={house.tables[1].id}")).text
        assert make.testids(one, "sheet") == 1


async def test_the_printed_code_leads_to_the_table(house: Restaurant) -> None:
    import segno

    async with till(app(house), house, Role.MANAGER) as manager:
        sheet = (await manager.get(f"/office/tables/print?table={house.tables[1].id}")).text
    from saoma.kit.qr import qr_svg

    path = re.search(r'd="([^"]+)"', qr_svg(f"http://shop.test/t/{house.tables[1].code}"))
    assert path
    assert path[1] in sheet
    assert segno.make(f"http://shop.test/t/{house.tables[1].code}", error="m").version <= 4


async def test_a_cashier_may_not_change_tables(house: Restaurant) -> None:
    async with till(app(house), house) as cashier:
        assert (await cashier.get("/office/tables")).status_code == 403
        assert (await cashier.post("/office/tables", {"name": "x"}, htmx=False)).status_code == 403


async def test_the_till_speaks_chinese(house: Restaurant) -> None:
    sitting = await dinner(house)
    async with till(app(house), house) as cashier:
        page = (await cashier.get(f"/till/bills/{sitting.id}", lang="zh-CN")).text
    for english in ("Open bills", "Left to pay", "Everything that is left", "Charge", "Guest 1", "Do not hand over"):
        assert f">{english}" not in page
    for chinese in ("未结账单", "还需支付", "剩余全部", "收款"):
        assert chinese in page
