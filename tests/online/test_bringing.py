"""Orders that are brought: the fee is in what is paid, the courier comes when the kitchen begins, the page follows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saoma.delivery import carrying, deliveries
from saoma.delivery.editing import ZoneDraft, add_zone, set_rules
from saoma.delivery.model import Reason, Stage
from saoma.delivery.quoting import Rules
from saoma.delivery.zones import Circle
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.online import bringing, orders
from saoma.online.model import KIND, OnlineOrder, Status
from saoma.online.visits import path_of
from saoma.payments.cases import cases_of
from tests.delivery.make import STORE
from tests.identity import make as identity
from tests.online import web
from tests.online.make import ANNA, House, house

ADDRESS = {"street": "12 Long Street", "door": "4th floor", "name": "Anna", "phone": "+65 9123 4567"}
ENDED = {KIND: bringing.ended}


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> House:
    made = await house(database, clock)
    async with database.transaction() as tx:
        await set_rules(tx, made.store_id, Rules(latitude=STORE.latitude, longitude=STORE.longitude))
        for name, fee, metres in (("Near", 300, 1500), ("Far", 500, 4000)):
            draft = ZoneDraft(
                name=name,
                name_zh="",
                shape=Circle(metres),
                fee=Money(fee, "USD"),
                minimum=Money(400, "USD"),
                free_from=Money(1000, "USD"),
                minutes=15,
            )
            await add_zone(tx, made.store_id, draft)
    return made


async def ordered(of: House, phone: web.Browser, *, quantity: int = 2, where: dict[str, str] | None = None) -> str:
    """Tea in the basket, delivery chosen, an address written: the page that places the order."""
    root = path_of((await of.offer()).code)
    await phone.get(f"/buyer-is/{ANNA}/{of.shop.account_id}")
    menu = await phone.get(root)
    tea = {"item": of.dish("tea").id, "quantity": str(quantity), **web.fields(menu)}
    await phone.post(f"{root}/add", tea)
    await phone.post(f"{root}/when", {"mode": "bring", "slot": ""})
    asked = await phone.get(f"{root}/place")
    assert 'data-testid="bring"' in asked, "who has given no address is asked for it"
    zone = re.findall(r'name="zone" value="(zon_\w+)"', asked)[0]
    answer = await phone.post(f"{root}/bring", ADDRESS | (where or {"zone": zone}))
    if answer.status_code != 303:
        return answer.text
    return await phone.get(answer.headers["location"])


async def pays(of: House, phone: web.Browser, page: str) -> OnlineOrder:
    """Presses "Pay", types the PIN."""
    root = path_of((await of.offer()).code)
    answer = await phone.post(f"{root}/place", {**web.fields(page), "pay": "ahead", "note": ""})
    assert answer.status_code == 303, answer.text
    payment_id = answer.headers["location"].split("/")[2].split("?")[0]
    payment = await of.money_arrives(await of.payments.get(payment_id))
    async with of.db.reading() as rows:
        return await orders.order(rows, payment.payable_id)


async def on_its_way(of: House, order: OnlineOrder) -> tuple[Staff, str]:
    """The kitchen makes it, a courier takes it and leaves."""
    mei = await identity.staff(of.db, of.shop, Role.COURIER, name="Mei Lin")
    now = of.clock.now()
    async with of.db.transaction() as tx:
        for seen in (LineStatus.SENT, LineStatus.COOKING):
            await kitchen.bump(tx, of.store_id, order.tab_id, 1, seen)
        taken = await carrying.take_next(tx, of.store_id, mei, "one", now)
        assert taken is not None
        await carrying.pick_up(tx, of.store_id, taken.id, mei, now)
    return mei, taken.id


async def test_an_order_is_paid_with_its_fee_made_brought_and_followed(of: House) -> None:
    async with web.browser(of, web.app(of), agent=web.ALIPAY) as phone:
        page = await ordered(of, phone)
        assert "12 Long Street" in page and "3.00" in page and "7.00" in page and "pay-later" not in page
        order = await pays(of, phone, page)
        assert (order.status, order.fee, await of.left_paid(order)) == (Status.PROMISED, 300, Money(700, "USD"))
        where = f"{path_of((await of.offer()).code)}/o/{order.token}"
        shown = await phone.get(where)
        assert 'data-stage="received"' in shown and "I'm here" not in shown and 'data-testid="stages"' not in shown
        await of.later(hours=1)
        async with of.db.reading() as rows:
            waiting = await deliveries.of_order(rows, KIND, order.id)
        assert waiting is not None
        assert (waiting.status, waiting.label, waiting.tab_id) == (Stage.WAITING, order.label, order.tab_id)
        assert order.slot_at is not None
        assert waiting.promised_at == order.slot_at + timedelta(minutes=15)
        with pytest.raises(Conflict):
            async with of.db.transaction() as tx:
                await orders.collect(tx, order.id, "stf", of.clock.now())
        mei, delivery_id = await on_its_way(of, order)
        shown = await phone.get(where)
        assert (
            "Courier found · Mei" in re.sub(r"\s+", " ", shown)
            and waiting.code in shown
            and 'data-stage="picked_up"' in shown
        )
        async with of.db.transaction() as tx:
            await carrying.hand_over(tx, of.store_id, delivery_id, mei, of.clock.now(), ENDED, code=waiting.code)
        shown = await phone.get(where)
        assert 'data-stage="delivered"' in shown and waiting.code not in shown
        assert (await of.again(order)).status is Status.COLLECTED
        await of.later(hours=3)
        assert (await of.again(order)).status is Status.COLLECTED, "nobody is a no-show at home"
        # A month later the books still know what was sold, and nobody knows any more to whom and where.
        await of.later(days=29)
        assert (await of.again(order)).phone
        await of.later(days=2)
        async with of.db.reading() as rows:
            gone = await deliveries.of_order(rows, KIND, order.id)
            note = await rows.value("SELECT note FROM tabs WHERE id = %(id)s", {"id": order.tab_id})
        after = await of.again(order)
        assert gone is not None
        assert {after.name, after.phone, after.note, note, gone.name, gone.phone, gone.street, gone.door} == {""}
        assert (after.status, after.due_at, gone.point) == (Status.COLLECTED, None, None)
    assert await of.broken_rules() == []


async def test_the_fee_follows_the_basket_and_goes_when_it_is_collected_after_all(of: House) -> None:
    async with web.browser(of, web.app(of), agent=web.ALIPAY) as phone:
        assert "Add dishes for" in await ordered(of, phone, quantity=1)
    async with web.browser(of, web.app(of), agent=web.ALIPAY) as phone:
        page = await ordered(of, phone, quantity=3)
        root = path_of((await of.offer()).code)
        tea = {"item": of.dish("tea").id, "quantity": "2", "key": "more"}
        await phone.post(f"{root}/add", tea)
        answer = await phone.post(f"{root}/place", {**web.fields(page), "pay": "ahead"})
        assert answer.status_code == 409, "what is paid is what was shown"
        assert "10.00" in answer.text and "3.00" not in answer.text, "from here on it is free"
        await phone.post(f"{root}/when", {"mode": "pick_up", "slot": ""})
        page = await phone.get(f"{root}/place")
        assert 'data-testid="where"' not in page and "10.00" in page


async def test_the_place_of_the_phone_finds_the_area_and_one_too_far_is_refused_in_words(of: House) -> None:
    far = {"latitude": "1.325", "longitude": "103.85"}
    async with web.browser(of, web.app(of), agent=web.ALIPAY, lang="zh") as phone:
        page = await ordered(of, phone, where=far)
        assert "Far" in page and "9.00" in page
    async with web.browser(of, web.app(of), agent=web.ALIPAY, lang="zh") as phone:
        page = await ordered(of, phone, where={"latitude": "2.0", "longitude": "103.85"})
        assert "不在配送范围内" in page and "12 Long Street" in page


async def test_what_comes_back_ends_the_order_and_a_case_proposes_what_to_give_back(of: House) -> None:
    async with web.browser(of, web.app(of), agent=web.ALIPAY) as phone:
        order = await pays(of, phone, await ordered(of, phone))
        await of.later(hours=1)
        mei, delivery_id = await on_its_way(of, order)
        async with of.db.transaction() as tx:
            await carrying.fail(tx, of.store_id, delivery_id, mei, Reason.NOBODY_THERE, of.clock.now())
        where = f"{path_of((await of.offer()).code)}/o/{order.token}"
        assert "The courier can&#39;t reach you" in await phone.get(where)
        for _ in range(2):
            async with of.db.transaction() as tx:
                await carrying.bring_back(tx, of.store_id, delivery_id, mei, of.clock.now(), ENDED)
        assert "Your order came back to the shop" in await phone.get(where)
    assert (await of.again(order)).status is Status.NO_SHOW
    (payment,) = await of.payments.of_payable(KIND, order.id)
    async with of.db.reading() as rows:
        (case,) = await cases_of(rows, "payment", payment.id)
    assert (case.kind, case.money) == ("not_delivered", Money(200, "USD"))
    assert await of.broken_rules() == []


async def test_an_order_that_is_called_off_is_never_brought(of: House) -> None:
    async with web.browser(of, web.app(of), agent=web.ALIPAY) as phone:
        order = await pays(of, phone, await ordered(of, phone))
        where = f"{path_of((await of.offer()).code)}/o/{order.token}"
        await phone.post(f"{where}/cancel")
    async with of.db.reading() as rows:
        off = await deliveries.of_order(rows, KIND, order.id)
        assert off is not None
        assert off.status is Stage.CANCELLED
        assert await carrying.open_cards(rows, of.store_id) == []
