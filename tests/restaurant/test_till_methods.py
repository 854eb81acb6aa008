"""The till's other ways to pay over HTTP: a shown code, cash with change, card, account, the inbox, shop codes."""

from __future__ import annotations

import re
from typing import cast

import pytest

from saoma.alipay.acquirer import Acquirer
from saoma.alipay.acquirer_client import AcquirerAccount, AcquirerClient
from saoma.gateway import Gateway, Method
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.restaurant.model import Sitting
from saoma.restaurant.shares import KIND
from tests.identity.web import text_of
from tests.restaurant import make
from tests.restaurant.make import ANNA, Restaurant, app, restaurant, till
from tests.restaurant.test_till import pane, take_form


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def tea(house: Restaurant) -> Sitting:
    """A bill of 2.00."""
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    return sitting


async def only_payment(house: Restaurant, sitting: Sitting) -> Payment:
    (payment,) = await house.payments.of_payable(KIND, sitting.id)
    return payment


async def test_a_code_is_shown_and_the_pane_turns_green_when_it_is_paid(house: Restaurant) -> None:
    sitting = await tea(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting))
        shown = await cashier.post(f"/till/bills/{sitting.id}/code", form)
        assert 'data-testid="order-code"' in shown.text
        assert "Do not hand over goods yet" in shown.text
        again = await cashier.post(f"/till/bills/{sitting.id}/code", form)
        assert 'data-testid="order-code"' in again.text
        payment = await only_payment(house, sitting)
        house.alipay.buyer_pays(payment.order_number)
        await house.payments.nudge(payment.id)
        paid = await cashier.get(f"/till/bills/{sitting.id}/payments/{payment.id}", htmx=True)
        assert 'data-shows="paid"' in paid.text
        assert "Code on the till" in await pane(cashier, sitting)


async def test_cash_shows_the_change_and_repeats_nothing(house: Restaurant) -> None:
    sitting = await tea(house)
    async with till(app(house), house) as cashier:
        form = take_form(await pane(cashier, sitting)) | {"method": "cash", "given": "20"}
        for _ in range(2):
            shown = await cashier.post(f"/till/bills/{sitting.id}/taken", form)
            change = re.search(r'data-testid="change">([^<]+)<', shown.text)
            assert change
            assert "18.00" in change[1]
        payment = await only_payment(house, sitting)
        assert (payment.status, payment.method) == (Status.SUCCEEDED, Method.CASH)
        assert "Paid in full" in await pane(cashier, sitting)
        takings = (await cashier.get("/till/takings")).text
        assert 'data-method="cash"' in takings
    assert house.alipay.calls == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"method": "cash", "given": "1.99"}, "is less than what is to be paid"),
        ({"method": "account", "reference": " "}, "Write whose account"),
        ({"method": "barcode"}, "Choose cash"),
        ({"method": "cash", "given": "a lot"}, "is not an amount"),
    ],
)
async def test_what_can_not_be_written_down_says_why(house: Restaurant, form: dict[str, str], sentence: str) -> None:
    sitting = await tea(house)
    async with till(app(house), house) as cashier:
        answer = await cashier.post(f"/till/bills/{sitting.id}/taken", take_form(await pane(cashier, sitting)) | form)
        assert sentence in answer.text
    assert await house.payments.of_payable(KIND, sitting.id) == []


async def test_a_waiter_takes_no_cash(house: Restaurant) -> None:
    sitting = await tea(house)
    async with till(app(house), house, Role.WAITER) as waiter:
        for path in ("taken", "code"):
            answer = await waiter.post(f"/till/bills/{sitting.id}/{path}", {"method": "cash", "key": "k"})
            assert answer.status_code == 403


async def arrives(house: Restaurant, code_id: str, amount: str) -> str:
    """Somebody types `amount` at a printed code; the payment's id."""
    (account_id,) = house.payments.gateways
    number = house.alipay.pays_at_counter(code_id, Money.parse(amount, "USD"))
    notice = house.alipay.outbox.pop()
    assert (await house.payments.notified(account_id, notice)).accepted
    payment = await house.payments.of_order(account_id, number)
    assert payment is not None
    return payment.id


async def a_code(house: Restaurant, manager: make.Phone) -> str:
    """The office makes a code for counter 1; its id."""
    answer = await manager.post("/office/codes", {"label": "Counter 1", "country": "SG"})
    assert answer.status_code == 303
    async with house.db.reading() as rows:
        return str(await rows.value("SELECT id FROM merchant_codes WHERE label = 'Counter 1'"))


async def test_the_office_makes_prints_stops_and_deletes_a_code(house: Restaurant) -> None:
    async with till(app(house), house, Role.MANAGER) as manager:
        code_id = await a_code(house, manager)
        assert (await manager.post("/office/codes", {"label": "Counter 1"})).status_code == 409
        assert "Pay with Alipay" in (await manager.get("/office/codes/print")).text
        for move, status in (("stop", "stopped"), ("restart", "active")):
            assert (await manager.post(f"/office/codes/{code_id}/{move}", {})).status_code == 303
            assert f'data-status="{status}"' in (await manager.get("/office/codes")).text
        assert (await manager.post(f"/office/codes/{code_id}/melt", {})).status_code == 404
        assert (await manager.post(f"/office/codes/{code_id}/delete", {})).status_code == 303
        assert "data-status" not in (await manager.get("/office/codes")).text
    async with till(app(house), house) as cashier:
        assert (await cashier.get("/office/codes")).status_code == 403


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "through an acquirer, which prints no codes. Show the code of each order"),
        ("zh", "请在收银台为每笔订单出示订单码"),
    ],
)
async def test_the_office_of_a_store_at_an_acquirer_says_what_to_do_instead_of_a_form(
    house: Restaurant, lang: str, words: str
) -> None:
    (account_id,) = house.payments.gateways
    account = AcquirerAccount(url="https://acquirer.example", api_key="k" * 40, store="sto_1")
    gateways = cast(dict[str, Gateway], house.payments.gateways)
    async with till(app(house), house, Role.MANAGER) as manager:
        await a_code(house, manager)
        gateways[account_id] = Acquirer(account, AcquirerClient(), house.clock)
        page = (await manager.get(f"/office/codes?lang={lang}")).text
        assert words in text_of(page) and 'data-testid="no-codes-here"' in page
        assert 'data-testid="add-code"' not in page
        assert 'data-status="active"' in page, "a code made before still hangs somewhere"
        refused = await manager.post(f"/office/codes?lang={lang}", {"label": "Counter 2"})
        assert refused.status_code == 422 and words in text_of(refused.text)
    async with house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM merchant_codes") == 1


async def test_money_that_fits_a_bill_pays_it_and_other_money_waits_for_a_person(house: Restaurant) -> None:
    sitting = await tea(house)
    async with till(app(house), house, Role.MANAGER) as manager:
        code_id = await a_code(house, manager)
        near = await arrives(house, code_id, "2.20")
        inbox = (await manager.get("/till/bills", htmx=True)).text
        assert 'data-testid="arrival"' in inbox
        assert "$2.20 at Counter 1" in inbox
        shown = (await manager.get(f"/till/arrivals/{near}")).text
        assert "$0.20 too much" in shown
        answer = await manager.post(f"/till/arrivals/{near}/assign", {"bill": sitting.id})
        assert answer.status_code == 303
        bill = await pane(manager, sitting)
        assert "Shop code" in bill
        assert "$0.20 more than the bill has arrived" in bill
        assert (await manager.post(f"/till/arrivals/{near}/assign", {"bill": sitting.id})).status_code == 409
        lost = await arrives(house, code_id, "50.00")
        assert (await manager.post(f"/till/arrivals/{lost}/keep", {})).status_code == 303
        assert 'data-testid="arrival"' not in (await manager.get("/till/bills", htmx=True)).text


async def test_exactly_the_bill_is_assigned_with_its_dishes(house: Restaurant) -> None:
    sitting = await tea(house)
    async with till(app(house), house, Role.MANAGER) as manager:
        payment_id = await arrives(house, await a_code(house, manager), "2.00")
        assert "Paid in full" in await pane(manager, sitting)
    payment = await house.payments.get(payment_id)
    assert (payment.payable_id, len(payment.part["lines"])) == (sitting.id, 1)


async def test_another_shops_cashier_finds_no_arrival_here(house: Restaurant, database: Database) -> None:
    async with till(app(house), house, Role.MANAGER) as manager:
        payment_id = await arrives(house, await a_code(house, manager), "50.00")
    other = await restaurant(database, house.clock)
    async with till(app(other), other, Role.MANAGER) as stranger:
        assert (await stranger.get(f"/till/arrivals/{payment_id}")).status_code == 404
        for move in ("assign", "keep", "refund"):
            assert (await stranger.post(f"/till/arrivals/{payment_id}/{move}", {"bill": "x"})).status_code == 404


async def test_a_manager_never_approves_their_own_refund(house: Restaurant) -> None:
    async with till(app(house), house, Role.MANAGER) as manager, till(app(house), house, Role.OWNER) as owner:
        payment_id = await arrives(house, await a_code(house, manager), "250.00")
        form = {"reason": "paid twice", "key": "k"}
        assert (await manager.post(f"/till/arrivals/{payment_id}/refund", form)).status_code == 303
        (refund,) = await house.payments.refunds_of(payment_id)
        assert (await manager.post(f"/till/refunds/{refund.id}/approve", {})).status_code == 403
        assert "somebody else must agree" in (await manager.get("/till/refunds")).text
        assert (await owner.post(f"/till/refunds/{refund.id}/approve", {})).status_code == 303
    assert (await house.payments.get(payment_id)).refunded == 25000
