"""Offers on the diner's phone, at the till and at the counter, over HTTP."""

from __future__ import annotations

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.marketing import coupons
from saoma.marketing.model import Mechanism, Offer
from saoma.marketing.offers import store_offer
from tests.fastfood import make as counters
from tests.marketing.make import running_offer
from tests.restaurant.make import app, form_value, restaurant, till, wallet_phone


async def test_a_phone_sees_the_offer_enters_a_coupon_once_and_is_told_when_it_does_not_fit(
    database: Database, clock: MovableClock
) -> None:
    house = await restaurant(database, clock)
    await running_offer(house, Mechanism.PERCENT, percent=20, until_time="23:59:00")
    save = await running_offer(
        house, Mechanism.SPEND_SAVE, threshold=1500, amount=300, needs_coupon=True, name="Voucher", name_zh="代金券"
    )
    async with database.transaction() as tx:
        batch = await coupons.make_batch(tx, house.store_id, save.id, 1, clock.now())
        code = (await coupons.codes(tx, save.id, batch))[0].code
    sitting, anna = await house.sit()
    path = f"/t/{house.tables[0].code}"
    await house.eats(sitting, anna, "beef")
    async with wallet_phone(app(house), house) as phone:
        bill = (await phone.get(f"{path}/bill", lang="zh")).text
        assert "欢乐时光" in bill
        assert "全场 8 折，23:59 前" in bill
        assert form_value(bill, "amount") == "760"
        sheet = (await phone.get(f"{path}/offers")).text
        assert "Happy hour" in sheet
        assert "Voucher" not in sheet
        refused = (await phone.post(f"{path}/coupon", {"coupon": "nonsense"})).text
        assert "There is no such coupon code" in refused
        short = (await phone.post(f"{path}/coupon", {"coupon": code})).text
        assert "Order $5.50 more" in short
        await house.eats(sitting, anna, "plain")
        for _ in range(2):
            taken = (await phone.post(f"{path}/coupon", {"coupon": code})).text
            assert "Voucher" in taken
            assert form_value(taken, "amount") == "940"
    async with till(app(house), house) as desk:
        pane = (await desk.get(f"/till/bills/{sitting.id}/discount")).text
        assert 'data-testid="coupon"' in pane
        again = (await desk.post(f"/till/bills/{sitting.id}/coupon", {"coupon": "nonsense"})).text
        assert "There is no such coupon code" in again


async def test_a_counter_order_that_a_coupon_makes_free_goes_to_the_kitchen_without_a_payment(
    database: Database, clock: MovableClock
) -> None:
    house = await counters.house(database, clock)
    gift = Offer(
        id="", store_id=house.store_id, name="Gift", mechanism=Mechanism.AMOUNT, amount=99_00, needs_coupon=True
    )
    async with database.transaction() as tx:
        offer = await store_offer(tx, gift, clock.now(), "staff_a")
        batch = await coupons.make_batch(tx, house.store_id, offer.id, 1, clock.now())
        code = (await coupons.codes(tx, offer.id, batch))[0].code
    order = await house.begin("beef")
    async with counters.browser(house) as desk:
        page = (await desk.post(f"/counter/orders/{order.id}/coupon", {"coupon": code})).text
        assert "Gift" in page
        assert 'data-testid="free"' in page
        for _ in range(2):
            sent = (await desk.post(f"/counter/orders/{order.id}/free")).text
            assert 'data-stage="making"' in sent
    assert not any((await house.broken_rules()).values())
