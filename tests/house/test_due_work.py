"""Every due handler is safe to run twice: one after the other, and at the same time, on real rows with a fake Alipay.

A lease that ends while its worker is only slow makes exactly this happen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import DueWork
from saoma.payments.audit import faults
from saoma.payments.model import Payment
from saoma.restaurant import sittings
from saoma.restaurant.bill import Whole
from tests.house.tables import ROOT, SOURCE
from tests.restaurant.make import ANNA, Restaurant, restaurant


class Fact(msgspec.Struct, frozen=True, order=True):
    """One line of the truth."""

    what: str
    said: str


_TRUTH = """
SELECT 'payment' AS what, concat_ws(' ', id, status, booked, payable_state, refunded, gave_back) AS said FROM payments
UNION ALL SELECT 'refund', concat_ws(' ', id, status, amount) FROM refunds
UNION ALL SELECT 'posting', concat_ws(' ', id, kind, source, destination, amount) FROM postings
UNION ALL SELECT 'share', concat_ws(' ', payment_id, state, amount, refunded) FROM bill_shares
UNION ALL SELECT 'sitting', concat_ws(' ', id, status, closed_by) FROM sittings
UNION ALL SELECT 'tab', concat_ws(' ', id, status) FROM tabs
UNION ALL SELECT 'line', concat_ws(' ', id, status, paid_by, paid) FROM tab_lines
"""


async def truth(of: Restaurant) -> list[Fact]:
    """Everything about money and tables that must not change by a repeat, on our side and at Alipay."""
    async with of.db.reading() as rows:
        ours = await rows.rows(Fact, _TRUTH)
    theirs = [
        Fact("trade", f"{trade.order_number} {trade.state} {trade.debits} {trade.given_back}")
        for trade in of.alipay.trades.values()
    ]
    return sorted(ours + theirs)


async def opened(of: Restaurant) -> Payment:
    """Anna has eaten and her wallet shows what is to be paid."""
    sitting, anna = await of.sit(ANNA)
    await of.eats(sitting, anna, "tea")
    return await of.pays(sitting, Whole(), guest_id=anna.id)


async def begun_but_not_sent(of: Restaurant) -> str:
    sitting, anna = await of.sit(ANNA)
    await of.eats(sitting, anna, "tea")
    wish = of.new_payment(sitting, (await of.bill(sitting)).left, {"choice": "whole", "lines": []})
    return (await of.payments.start(wish)).id


async def waits_for_its_buyer(of: Restaurant) -> str:
    return (await opened(of)).id


async def paid_and_nobody_told_us(of: Restaurant) -> str:
    payment = await opened(of)
    of.alipay.buyer_pays(payment.order_number)
    return payment.id


async def past_its_deadline(of: Restaurant) -> str:
    payment = await opened(of)
    of.clock.advance(timedelta(seconds=301))
    return payment.id


async def paid_while_it_was_being_cancelled(of: Restaurant) -> str:
    payment = await opened(of)
    of.alipay.buyer_pays(payment.order_number)
    of.alipay.fails("cancel", "silence_before")
    await of.payments.give_up(payment.id, "stf_1")
    return payment.id


async def refund_nobody_heard_of(of: Restaurant) -> str:
    payment = await of.money_arrives(await opened(of))
    of.alipay.fails("refund", "silence_after")
    return (await of.payments.refund(payment.id, payment.money, "cold", "stf_1", "r1")).id


async def refund_that_never_arrived(of: Restaurant) -> str:
    payment = await of.money_arrives(await opened(of))
    of.alipay.fails("refund", "silence_before")
    return (await of.payments.refund(payment.id, payment.money, "cold", "stf_1", "r1")).id


async def table_nobody_ordered_at(of: Restaurant) -> str:
    sitting, _ = await of.sit(ANNA)
    of.clock.advance(sittings.FORGOTTEN_AFTER)
    return sitting.id


async def table_that_has_paid(of: Restaurant) -> str:
    payment = await of.money_arrives(await opened(of))
    of.clock.advance(sittings.LINGERS)
    return payment.payable_id


async def table_that_owes(of: Restaurant) -> str:
    sitting, anna = await of.sit(ANNA)
    await of.eats(sitting, anna, "tea")
    of.clock.advance(sittings.FORGOTTEN_AFTER)
    return sitting.id


Situation = Callable[[Restaurant], Awaitable[str]]
SITUATIONS: list[tuple[str, Situation]] = [
    ("payments", begun_but_not_sent),
    ("payments", waits_for_its_buyer),
    ("payments", paid_and_nobody_told_us),
    ("payments", past_its_deadline),
    ("payments", paid_while_it_was_being_cancelled),
    ("refunds", refund_nobody_heard_of),
    ("refunds", refund_that_never_arrived),
    ("sittings", table_nobody_ordered_at),
    ("sittings", table_that_has_paid),
    ("sittings", table_that_owes),
]
each_situation = pytest.mark.parametrize(
    ("work", "situation"), SITUATIONS, ids=[situation.__name__ for _, situation in SITUATIONS]
)


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


def works(of: Restaurant) -> dict[str, DueWork]:
    """All that a worker does, by name."""
    return {work.name: work for work in [*of.payments.works(), *sittings.works(of.db, of.clock)]}


async def check(of: Restaurant) -> None:
    """No rule of the payment core is broken, and nobody was debited or paid back twice."""
    async with of.db.reading() as rows:
        assert await faults(rows, of.clock.now()) == []
    for trade in of.alipay.trades.values():
        assert trade.debits <= 1 and trade.given_back <= trade.amount.minor


@each_situation
async def test_a_handler_that_runs_again_changes_nothing(of: Restaurant, work: str, situation: Situation) -> None:
    row_id = await situation(of)
    handle = works(of)[work].handle
    await handle(row_id)
    first = await truth(of)
    await handle(row_id)
    assert await truth(of) == first
    await check(of)


@each_situation
async def test_a_handler_that_runs_twice_at_once_acts_once(of: Restaurant, work: str, situation: Situation) -> None:
    row_id = await situation(of)
    handle = works(of)[work].handle
    await asyncio.gather(handle(row_id), handle(row_id), handle(row_id))
    together = await truth(of)
    await handle(row_id)
    assert await truth(of) == together, "what ran at the same time was not finished"
    await check(of)


async def test_every_kind_of_work_is_tried_here(of: Restaurant) -> None:
    assert set(works(of)) == {work for work, _ in SITUATIONS}


def test_a_worker_drives_every_work_there_is() -> None:
    made = re.compile(r"def works\(")
    makers = [path for path in SOURCE.rglob("*/*.py") if made.search(path.read_text(encoding="utf-8"))]
    given = re.findall(r"(\w+)\.works\(", (ROOT / "src" / "saoma" / "app.py").read_text(encoding="utf-8"))
    assert sorted(set(given)) == sorted(path.stem for path in makers)
