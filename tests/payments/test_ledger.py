"""The ledger is only ever added to, and the audit finds what is wrong with a book."""

from __future__ import annotations

import psycopg
import pytest

from saoma.kit.money import Money
from saoma.payments import ledger
from tests.payments.make import House, new_payment, page_payment


@pytest.mark.parametrize("table", ["postings", "payment_events"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET at = now()"])
async def test_history_can_not_be_rewritten(house: House, table: str, change: str) -> None:
    await house.payments.take(new_payment())
    async with house.db.reading() as rows:
        with pytest.raises(psycopg.errors.RestrictViolation):
            await rows.run(change.format(table))


async def test_a_sale_can_not_be_posted_twice(house: House) -> None:
    await house.payments.take(new_payment())
    copy = """INSERT INTO postings (at, kind, merchant_id, source, destination, amount, currency, payment_id)
              SELECT at, kind, merchant_id, source, destination, amount, currency, payment_id FROM postings"""
    async with house.db.reading() as rows:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await rows.run(copy)


async def test_debits_equal_credits_per_currency(house: House) -> None:
    await house.bill("1200", id="yen", currency="JPY")
    await house.payments.take(new_payment())
    payment = await house.payments.take(new_payment("yen", "1200", currency="JPY"))
    await house.payments.refund(payment.id, Money(200, "JPY"), "cold", "stf_ann", "r1")
    async with house.db.reading() as rows:
        balances = await ledger.balances(rows)
    for currency in ("USD", "JPY"):
        assert sum(b.money_in - b.money_out for b in balances if b.currency == currency) == 0
    clearing = {b.currency: b.balance for b in balances if b.account == ledger.ALIPAY_CLEARING}
    assert clearing == {"USD": Money(1250, "USD"), "JPY": Money(1000, "JPY")}


async def test_every_account_belongs_to_one_merchant(house: House) -> None:
    await house.bill(id="theirs")
    await house.payments.take(new_payment())
    await house.payments.take(new_payment("theirs", merchant_id="mer_burritos"))
    async with house.db.reading() as rows:
        assert {b.merchant_id for b in await ledger.balances(rows, "mer_burritos")} == {"mer_burritos"}


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("UPDATE payments SET amount = 1251", "a succeeded payment has its posting, of its amount"),
        (
            "UPDATE payments SET booked = false, status = 'needs_attention', final_at = NULL",
            "nothing but a succeeded payment has a posting",
        ),
        ("UPDATE payments SET status = 'cancelled'", "an undone payment leaves nothing in the book"),
        ("UPDATE refunds SET status = 'failed'", "a refund is booked once if it succeeded, else never"),
        ("UPDATE payments SET refunded = 1, refund_reserved = 1", "a payment counts its refunds"),
        ("UPDATE payments SET payable_state = 'held'", "the payable was told what became of it"),
        ("UPDATE payments SET due_at = '2020-01-01'", "what is due is looked after"),
        ("UPDATE payments SET status = 'cancelled', booked = false", "an end has its evidence"),
    ],
)
async def test_the_audit_finds_a_book_that_was_tampered_with(house: House, damage: str, rule: str) -> None:
    payment = await house.payments.take(new_payment())
    await house.payments.refund(payment.id, Money(100, "USD"), "cold", "stf_ann", "r1")
    assert await house.faults() == []
    async with house.db.reading() as rows:
        await rows.run(damage)
    assert rule in {fault.rule for fault in await house.faults()}


async def test_the_audit_finds_a_payment_that_nobody_follows(house: House) -> None:
    await house.payments.take(page_payment())
    async with house.db.reading() as rows:
        await rows.run("UPDATE payments SET give_up_at = '2020-01-01'")
    assert {fault.rule for fault in await house.faults()} == {"nothing stays open past its end"}
