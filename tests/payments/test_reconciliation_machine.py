"""Any mixture of planted differences in any order is found exactly, and again nothing; a file of any size fits."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
import uuid
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saoma.alipay.statement import open_statement
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.postgres import EmbeddedPostgres
from saoma.payments import findings, ledger
from saoma.payments.reconciliation import RunStatus, Terms, reconcile
from saoma.payments.statement_lines import DailyFile
from tests import kept
from tests.payments.daily import ACCOUNT, PARTNER, RATE, Day, Row, fee, settlement_file, trades_file

TERMS = Terms(partner=PARTNER, since=date(2026, 3, 2), fee_rate=RATE, grace_days=0)
NEXT = date(2026, 3, 3)

WHAT = (
    *("agrees", "refunded", "cancelled", "only_theirs", "only_ours", "refund_only_ours", "amount_differs"),
    *("status_differs", "fee_differs", "twice_traded", "settled_twice", "never_settled", "settled_otherwise"),
)
EXPECTED = {
    "refund_only_ours": "only_ours",
    "twice_traded": "only_theirs",
    "settled_otherwise": "amount_differs",
    "agrees": "",
    "refunded": "",
    "cancelled": "",
}


_FORGET = """
TRUNCATE payments, refunds, payment_events, postings, settlements, recon_runs, recon_files, recon_lines,
    recon_findings, cases, case_events, live_events CASCADE
"""


@pytest.fixture(scope="module")
def emptied(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The address of a database that each example empties for itself."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    yield postgres.make_database(name, template=template)
    kept.forget(name)
    postgres.drop_database(name)


async def play(db: Database, clock: MovableClock, wishes: list[str], order: st.DataObject) -> None:
    day = Day(db)
    expected: list[str] = []
    paid_out: list[Row] = []
    for number, wish in enumerate(wishes):
        expected += [EXPECTED.get(wish, wish)] if EXPECTED.get(wish, wish) else []
        before = len(day.rows)
        minor = 500 + 37 * number
        settled: list[Row] | None = None
        match wish:
            case "refunded":
                await day.refund(await day.payment(minor), 100)
            case "cancelled":
                await day.cancelled(minor)
            case "only_theirs":
                await day.payment(minor, ours=False)
            case "only_ours":
                await day.payment(minor, theirs=False)
            case "refund_only_ours":
                await day.refund(await day.payment(minor), 100, theirs=False)
            case "amount_differs":
                row = await day.payment(minor)
                row.minor += 5
                row.charge = fee(row.minor)
            case "status_differs":
                await day.payment(minor, status="failed")
            case "fee_differs":
                (await day.payment(minor)).charge += 7
            case "twice_traded":
                row = await day.payment(minor)
                day.rows.append(row)
                settled = [row]
            case "settled_twice":
                row = await day.payment(minor)
                settled = [row, row]
            case "never_settled":
                await day.payment(minor)
                settled = []
            case "settled_otherwise":
                row = await day.payment(minor)
                settled = [Row(row.kind, row.own, row.trade, row.minor + 3, row.at, row.charge)]
            case _:
                await day.payment(minor)
        paid_out += day.rows[before:] if settled is None else settled
    rows, payout = order.draw(st.permutations(day.rows)), order.draw(st.permutations(paid_out))
    for _ in range(2):
        one = await reconcile(db, clock, day.day, ACCOUNT, [trades_file(day.day, rows)], TERMS)
        two = await reconcile(db, clock, NEXT, ACCOUNT, [settlement_file(NEXT, payout)], TERMS)
        assert one.status in (RunStatus.DONE, RunStatus.NOTHING) and two.status is RunStatus.DONE
        async with db.reading() as reading:
            found = [item.class_ for run in (one, two) for item in await findings.lines(reading, run.id)]
            balances = await ledger.balances(reading)
        assert sorted(found) == sorted(expected)
        for currency in {balance.currency for balance in balances}:
            assert sum(each.balance.minor for each in balances if each.currency == currency) == 0


@given(st.lists(st.sampled_from(WHAT), min_size=1, max_size=12), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_exactly_what_was_planted_is_found_in_any_order(emptied: str, wishes: list[str], order: st.DataObject) -> None:
    async def run() -> None:
        db = kept.keep(Database(emptied, max_size=3))
        await db.start()
        try:
            async with db.reading() as rows:
                await rows.run(_FORGET)
            await play(db, MovableClock(Day(db).at(20)), wishes, order)
        finally:
            await db.close()

    asyncio.run(run())


class Stream(io.RawIOBase):
    """A file of so many lines that is nowhere as a whole."""

    def __init__(self, lines: int) -> None:
        self._lines, self._at = lines, -2
        row = Row("PAYMENT", "P{i:09d}", "2026{i:020d}", 1250, Day(None).at())  # type: ignore[arg-type]
        self._row = row.line() + "\n"

    def readline(self, size: int | None = -1) -> bytes:
        self._at += 1
        if self._at == -1:
            return f"Partner:{PARTNER}|Payment_time: 2026-03-02|Total_count:{self._lines}\n".encode()
        if self._at == 0:
            return _NAMES
        return self._row.format(i=self._at).encode() if self._at <= self._lines else b""


_NAMES = (
    b"Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|"
    b"Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|"
    b"Trans_forex_rate\n"
)


async def test_memory_does_not_grow_with_the_file(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saoma.payments.statement_lines.PART", 250)
    monkeypatch.setattr(findings, "CASES_PER_CLASS", 2)
    peaks = []
    for number, lines in enumerate((1_000, 6_000)):
        day = date(2026, 3, 2)
        file = DailyFile("f", f"d{number}", lambda lines=lines: open_statement(Stream(lines), "f"))  # type: ignore[misc, arg-type]
        tracemalloc.start()
        run = await reconcile(database, clock, day, ACCOUNT, [file], TERMS)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (run.status, run.problem) == (RunStatus.DONE, "")
        async with database.reading() as rows:
            assert await rows.value("SELECT count(*) FROM recon_lines") == lines
    assert peaks[1] < peaks[0] * 1.5, f"six times the lines took {peaks[1] / peaks[0]:.1f} times the memory"


def test_the_days_are_alipays() -> None:
    assert Day(None).at(0).utcoffset() == timedelta(hours=8)  # type: ignore[arg-type]
