"""Barcode payments at a till: what each outcome looks like to the cashier, and whose payments a till may touch."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator

import pytest

from saoma.checkout.panel import panel_of
from saoma.checkout.showing import Till
from saoma.identity import model
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotAllowed, NotFound
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.web.page import environment
from tests.checkout import make
from tests.identity import make as identity
from tests.identity import web


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> make.House:
    """A shop in front of a fake Alipay."""
    return await make.house(database, clock)


@pytest.fixture
async def till(house: make.House) -> AsyncIterator[web.Browser]:
    """A till with a cashier at it."""
    async with make.people(house) as (_, till, _):
        yield till


async def pane(till: web.Browser, payment: Payment, lang: str = "en") -> tuple[str, str]:
    """What the till shows of a payment, and its words."""
    answer = await till.get(f"/till-payments/{payment.id}?done=/till&lang={lang}", **{"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-shows="(\w+)"', answer.text)
    assert found
    return found[1], html.unescape(web.text_of(answer.text))


async def test_success_shows_that_goods_may_go_and_sounds(house: make.House, till: web.Browser) -> None:
    payment = await house.barcode_payment(await house.cashier())
    shows, words = await pane(till, payment)
    assert shows == "paid"
    assert "You may hand over the goods" in words
    page = (await till.get(f"/till-payments/{payment.id}", **{"HX-Request": "true"})).text
    assert 'data-sound="paid"' in page
    assert "hx-get" not in page


async def test_a_refusal_shows_its_sentence_and_that_no_money_moved(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    payment = await house.barcode_payment(await house.cashier())
    shows, words = await pane(till, payment)
    assert shows == "not_paid"
    assert "No money was taken" in words
    assert "Do not hand over goods" in words
    assert "BUYER_BALANCE_NOT_ENOUGH" in words, "the gateway's sentence (the fake says its code)"


@pytest.mark.parametrize("fault", ["unknown", "silence_before", "silence_after", "system_error_after", "bad_signature"])
async def test_whatever_is_not_certain_is_shown_as_waiting(house: make.House, till: web.Browser, fault: str) -> None:
    house.alipay.fails("open", fault)
    payment = await house.barcode_payment(await house.cashier())
    shows, words = await pane(till, payment)
    assert shows == "waiting"
    assert "Do not hand over goods yet" in words
    assert "Next question" in words
    assert "Deadline" in words
    assert "Stop waiting and cancel" in words


async def test_waiting_counts_down_to_the_next_question_and_to_the_deadline(house: make.House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    panel = panel_of(payment, house.alipay, "en", house.clock.now())
    assert panel.ask_at == payment.due_at
    assert panel.patience_seconds == 60
    house.clock.advance(payment.patience.first_query)
    assert panel_of(payment, house.alipay, "en", house.clock.now()).ask_at is None, "being asked right now"


async def test_a_customer_who_thinks_and_then_pays_turns_the_pane_jade(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    assert (await pane(till, payment))[0] == "waiting"
    house.alipay.buyer_pays(payment.order_number)
    await house.pass_time(5)
    assert (await pane(till, payment))[0] == "paid"


async def test_the_deadline_cancels_and_says_so(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    for _ in range(30):
        await house.pass_time(4)
    shows, words = await pane(till, payment)
    assert shows == "cancelled"
    assert "No money was taken" in words


async def test_stop_waiting_cancels_at_alipay_and_is_kept_in_the_trail(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    answer = await till.post(f"/till-payments/{payment.id}/give-up?done=/till", **{"HX-Request": "true"})
    assert 'data-shows="cancelled"' in answer.text
    assert house.alipay.count("cancel") == 1
    async with house.db.reading() as rows:
        assert await rows.value("SELECT what FROM audit WHERE subject = %(id)s", {"id": payment.id}) == "gave_up"


async def test_a_cancel_without_an_answer_goes_on_and_nothing_is_handed_over(
    house: make.House, till: web.Browser
) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    house.alipay.fails("cancel", "silence_after")
    await till.post(f"/till-payments/{payment.id}/give-up", **{"HX-Request": "true"})
    shows, words = await pane(till, payment)
    assert shows == "stopping"
    assert "Do not hand over goods yet" in words
    assert "Stop waiting" not in words


async def test_giving_up_a_moment_too_late_shows_the_payment_as_paid(house: make.House, till: web.Browser) -> None:
    payment = await house.barcode_payment(await house.cashier())
    answer = await till.post(f"/till-payments/{payment.id}/give-up", **{"HX-Request": "true"})
    assert 'data-shows="paid"' in answer.text
    assert house.alipay.count("cancel") == 0


async def test_what_needs_a_person_calls_the_manager(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    house.alipay.trades[payment.order_number].amount = Money(1, "USD")
    house.alipay.buyer_pays(payment.order_number)
    await house.pass_time(5)
    assert (await house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION
    shows, words = await pane(till, payment)
    assert shows == "call_manager"
    assert "Call the manager" in words
    assert "Don't charge the customer again" in words
    assert "请叫店长" in (await pane(till, payment, "zh"))[1]


async def test_a_pane_works_without_scripts(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    page = (await till.get(f"/till-payments/{payment.id}?done=/till")).text
    assert page.startswith("<!doctype html>")
    answer = await till.post(f"/till-payments/{payment.id}/give-up?done=/till")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/till-payments/{payment.id}?done=/till")


async def test_open_redirect_the_next_button_stays_at_home(house: make.House, till: web.Browser) -> None:
    payment = await house.barcode_payment(await house.cashier())
    page = (await till.get(f"/till-payments/{payment.id}?done=//evil.example")).text
    assert 'href="//evil' not in page
    assert "done=//evil" not in page
    assert 'href="/till"' in page


@pytest.mark.parametrize("scan", ["https://shop.test/t/AB12", "5901234123457", "28123", "hello"])
async def test_a_scan_that_is_no_payment_code_is_refused_before_anything_is_sent(house: make.House, scan: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await house.barcode_payment(await house.cashier(), code=scan)
    assert "scan" in str(refusal.value).lower()
    assert house.alipay.calls == []


async def test_only_people_who_take_payments_take_payments(house: make.House) -> None:
    for role in (Role.WAITER, Role.KITCHEN):
        with pytest.raises(NotAllowed):
            await house.barcode_payment(await house.cashier(role))
    assert house.alipay.calls == []


async def test_a_cashier_of_another_merchant_takes_no_payment_here(house: make.House) -> None:
    other = await identity.shop(house.db, name="Burrito Bar")
    with pytest.raises(NotFound):
        await house.barcode_payment(await house.cashier(Role.OWNER, at=other))
    assert house.alipay.calls == []


async def test_a_cashier_of_another_store_takes_no_payment_here(house: make.House) -> None:
    async with house.db.transaction() as tx:
        airport = await model.add_store(tx, house.shop.merchant.id, name="Airport", zone="Asia/Singapore")
    elsewhere = await identity.staff(house.db, house.shop, store_id=airport.id)
    with pytest.raises(NotFound):
        await house.barcode_payment(elsewhere)


async def test_seeing_anothers_payment_a_till_of_another_merchant_finds_nothing(house: make.House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    other = await identity.shop(house.db, name="Burrito Bar")
    async with make.people(house) as (_, _, stranger):
        assert (await stranger.get(f"/till-payments/{payment.id}")).headers["location"].startswith("/sign-in")
        await house.sign_in(stranger, await house.cashier(Role.OWNER, at=other))
        assert (await stranger.get(f"/till-payments/{payment.id}")).status_code == 404
        assert (await stranger.post(f"/till-payments/{payment.id}/give-up")).status_code == 404
    assert (await house.payments.get(payment.id)).status is Status.PENDING


async def test_csrf_another_site_cancels_no_payment(house: make.House, till: web.Browser) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.barcode_payment(await house.cashier())
    assert (await till.client.post(f"/till-payments/{payment.id}/give-up")).status_code == 403
    assert (await house.payments.get(payment.id)).status is Status.PENDING


async def test_several_tills_at_once_each_get_their_own_result(house: make.House) -> None:
    cashiers = [await house.cashier() for _ in range(3)]
    payments = await asyncio.gather(
        *(house.barcode_payment(cashiers[n % 3], code=f"28{n:016d}", minor=1000 + n) for n in range(9))
    )
    assert {payment.status for payment in payments} == {Status.SUCCEEDED}
    assert sorted(payment.amount for payment in payments) == [1000 + n for n in range(9)]
    assert len({payment.trade_number for payment in payments}) == 9


def test_every_pane_that_is_not_success_forbids_to_hand_over() -> None:
    loader = environment().loader
    assert loader is not None
    text = loader.get_source(environment(), "checkout/payment_panel.html")[0]
    results = re.findall(r"ui\.result\(.*?%}", text, re.DOTALL)
    assert len(results) == len(Till) - 1, "failed and cancelled share one"
    assert sum("_(hand_over)" in result for result in results) == 1, "what staff may do stands with success alone"
    assert sum("Do not hand over goods" in result for result in results) == len(results) - 1
