"""Every due handler is safe to run twice: one after the other, and at the same time, on real rows with a fake Alipay.

A lease that ends while its worker is only slow makes exactly this happen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from saoma.fastfood import counter, forgotten
from saoma.fastfood.model import Channel
from saoma.food.menus.menu import set_sold_out
from saoma.kit.clock import MovableClock, beijing_day
from saoma.kit.db import Database
from saoma.kit.due import DueWork
from saoma.kit.storage import Storage
from saoma.notifications.outbox import EventKind, Outbox
from saoma.notifications.postman import Postman
from saoma.notifications.webhooks import Webhooks
from saoma.online import firing, orders
from saoma.payments.audit import faults
from saoma.payments.model import Payment
from saoma.restaurant import lingering, sittings
from saoma.restaurant.bill import Whole
from saoma.statements import daily
from saoma.statements.sources import Source, set_source
from tests.house.tables import ROOT, SOURCE
from tests.identity import make as identity
from tests.online import make as ahead
from tests.payments.daily import _TRADE_NAMES as TRADE_NAMES
from tests.payments.daily import PARTNER, Row, trades_file
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
UNION ALL SELECT 'order', concat_ws(' ', id, status) FROM counter_orders
UNION ALL SELECT 'ahead', concat_ws(' ', id, status, trouble, giving_back) FROM online_orders
UNION ALL SELECT 'ahead share', concat_ws(' ', payment_id, state, amount, refunded) FROM online_shares
UNION ALL SELECT 'tab', concat_ws(' ', id, status) FROM tabs
UNION ALL SELECT 'line', concat_ws(' ', id, status, paid_by, paid) FROM tab_lines
UNION ALL SELECT 'delivery', concat_ws(' ', id, status, delivered_at) FROM webhook_deliveries
UNION ALL SELECT 'webhook', concat_ws(' ', id, disabled_at, failing_since) FROM webhooks
UNION ALL SELECT 'day', concat_ws(' ', id, status, lines, agree, differ) FROM recon_runs
UNION ALL SELECT 'file', concat_ws(' ', digest, loaded, complete) FROM recon_files
UNION ALL SELECT 'finding', concat_ws(' ', class, key) FROM recon_findings
UNION ALL SELECT 'case', concat_ws(' ', id, kind, status) FROM cases
UNION ALL SELECT 'settled', concat_ws(' ', count(*)) FROM settlements
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


async def order_at_a_kiosk(of: Restaurant) -> counter.CounterOrder:
    async with of.db.transaction() as tx:
        order = await counter.begin(tx, of.store_id, Channel.KIOSK, "touched", "kiosk:1", of.clock.now())
        await counter.add(tx, order.id, of.dish("tea").id, [], 1, "", "tea", of.clock.now())
    return order


async def kiosk_that_was_left_alone(of: Restaurant) -> str:
    order = await order_at_a_kiosk(of)
    of.clock.advance(counter.LEFT_AT_KIOSK)
    return order.id


async def kiosk_that_is_in_use(of: Restaurant) -> str:
    return (await order_at_a_kiosk(of)).id


async def event_on_its_way(of: House, path: str) -> str:
    """A webhook's first delivery; under `/in` somebody listens."""
    async with of.db.transaction() as tx:
        about = {"merchant_id": of.shop.merchant.id, "events": [EventKind.PAYMENT_SUCCEEDED], "stores": []}
        outbox = Outbox(of.clock, remembered_for=0)
        hooks = Webhooks(of.db, of.clock, identity.seal(), outbox, loopback=True)
        await hooks.add(tx, url=f"http://127.0.0.1:{of.port}{path}", by="test", **about)
        event = {"merchant_id": of.shop.merchant.id, "store_id": of.store_id, "subject_id": "pay_1", "data": {}}
        assert await outbox.write(tx, kind=EventKind.PAYMENT_SUCCEEDED, **event) == 1
        return str(await tx.value("SELECT id FROM webhook_deliveries"))


async def event_for_who_listens(of: House) -> str:
    return await event_on_its_way(of, "/in")


async def event_for_who_turns_it_down(of: House) -> str:
    return await event_on_its_way(of, "/broken")


async def day_of_the_files(of: House, *lines: Row) -> str:
    """Yesterday's row is due, and Alipay's file of these lines lies in the folder."""
    day = beijing_day(of.clock.now())
    of.clock.advance(timedelta(days=1, hours=1))
    async with of.db.transaction() as tx:
        await tx.run("UPDATE accounts SET partner = %(partner)s", {"partner": PARTNER})
        source = Source(account_id=of.shop.account_id, kind="folder", folder=str(of.folder), since=day)
        await set_source(tx, identity.seal(), source)
    file = trades_file(day, list(lines))
    text = [
        f"Partner:{PARTNER}|Payment_time: {day}|Total_count:{len(lines)}",
        TRADE_NAMES,
        *(row.line() for row in lines),
    ]
    (of.folder / file.name).write_text("\n".join([*text, ""]))
    assert await daily.plan(of.db, of.clock) == 1
    async with of.db.reading() as rows:
        return str(await rows.value("SELECT id FROM recon_runs"))


async def day_that_agrees(of: House) -> str:
    payment = await of.money_arrives(await opened(of))
    line = Row("PAYMENT", payment.order_number, payment.trade_number, payment.amount, of.clock.now(), charge=0)
    return await day_of_the_files(of, line)


async def day_with_a_stranger_in_it(of: House) -> str:
    return await day_of_the_files(of, Row("PAYMENT", "SMNOBODY", "2026030200001", 1234, of.clock.now()))


async def ordered_ahead(of: House) -> ahead.House:
    """The same shop, taking orders ahead."""
    return await ahead.opened(of.db, of.clock, of.shop, of.menu, of.alipay, of.payments)


async def order_the_kitchen_must_begin(of: House) -> str:
    shop = await ordered_ahead(of)
    made = await shop.paid("tea")
    of.clock.advance(timedelta(hours=1))
    return made.id


async def order_with_a_dish_that_is_gone(of: House) -> str:
    made_id = await order_the_kitchen_must_begin(of)
    async with of.db.transaction() as tx:
        await set_sold_out(tx, of.dish("tea").id, sold_out=True)
    return made_id


async def order_nobody_came_for(of: House) -> str:
    shop = await ordered_ahead(of)
    await shop.offers(no_show="refunded")
    made = await shop.paid("tea")
    await shop.later(hours=1)
    async with of.db.transaction() as tx:
        await orders.make_ready(tx, made.id, of.clock.now())
    of.clock.advance(timedelta(hours=1))
    return made.id


async def order_whose_money_goes_back(of: House) -> str:
    shop = await ordered_ahead(of)
    made = await shop.paid("tea")
    async with of.db.transaction() as tx:
        await orders.call_off(tx, made.id, "customer", of.clock.now())
    return made.id


Situation = Callable[[Any], Awaitable[str]]
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
    ("counter_orders", kiosk_that_was_left_alone),
    ("counter_orders", kiosk_that_is_in_use),
    ("orders_ahead", order_the_kitchen_must_begin),
    ("orders_ahead", order_with_a_dish_that_is_gone),
    ("orders_ahead", order_nobody_came_for),
    ("orders_ahead", order_whose_money_goes_back),
    ("webhooks", event_for_who_listens),
    ("webhooks", event_for_who_turns_it_down),
    ("daily_files", day_that_agrees),
    ("daily_files", day_with_a_stranger_in_it),
]
each_situation = pytest.mark.parametrize(
    ("work", "situation"), SITUATIONS, ids=[situation.__name__ for _, situation in SITUATIONS]
)


@dataclass
class House(Restaurant):
    """A restaurant with a postman, a place for daily files, and a partner's program that listens at `port`."""

    postman: Postman | None = None
    folder: Path = Path()
    port: int = 0


@pytest.fixture
async def of(database: Database, clock: MovableClock, tmp_path: Path) -> AsyncIterator[House]:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if head.startswith(b"POST /in ") else b"503 Service Unavailable"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    made = await restaurant(database, clock)
    async with server, Postman(database, clock, identity.seal(), loopback=True, jitter=lambda: 0.0) as postman:
        port = server.sockets[0].getsockname()[1]
        yield House(**vars(made), postman=postman, folder=tmp_path, port=port)


def works(of: House) -> dict[str, DueWork]:
    """What a worker does with money, tables, partners and files, by name."""
    assert of.postman is not None
    files = daily.works(of.db, of.clock, identity.seal(), of.folder / "spool", Storage.at("memory:"))
    tables = [*lingering.works(of.db, of.clock), *forgotten.works(of.db, of.clock)]
    ahead_of_time = firing.works(of.db, of.payments, of.clock)
    every = [*of.payments.works(), *tables, *ahead_of_time, *of.postman.works(), *files]
    return {work.name: work for work in every}


async def check(of: Restaurant) -> None:
    """No rule of the payment core is broken, and nobody was debited or paid back twice."""
    async with of.db.reading() as rows:
        assert await faults(rows, of.clock.now()) == []
    for trade in of.alipay.trades.values():
        assert trade.debits <= 1 and trade.given_back <= trade.amount.minor


@each_situation
async def test_a_handler_that_runs_again_changes_nothing(of: House, work: str, situation: Situation) -> None:
    row_id = await situation(of)
    handle = works(of)[work].handle
    await handle(row_id)
    first = await truth(of)
    await handle(row_id)
    assert await truth(of) == first
    await check(of)


@each_situation
async def test_a_handler_that_runs_twice_at_once_acts_once(of: House, work: str, situation: Situation) -> None:
    row_id = await situation(of)
    handle = works(of)[work].handle
    await asyncio.gather(handle(row_id), handle(row_id), handle(row_id))
    together = await truth(of)
    await handle(row_id)
    assert await truth(of) == together, "what ran at the same time was not finished"
    await check(of)


async def test_every_kind_of_work_is_tried_here(of: House) -> None:
    assert set(works(of)) == {work for work, _ in SITUATIONS}


def test_a_worker_drives_every_work_there_is() -> None:
    made = re.compile(r"def works\(")
    makers = [path for path in SOURCE.rglob("*/*.py") if made.search(path.read_text(encoding="utf-8"))]
    given = re.findall(r"(\w+)\.works\(", (ROOT / "src" / "saoma" / "app.py").read_text(encoding="utf-8"))
    assert sorted(set(given)) == sorted(path.stem for path in makers)
