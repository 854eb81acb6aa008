"""A day reconciled: each class of difference is found exactly, twice adds nothing, a kill costs nothing."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from saoma.gateway import StatementLine
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.payments import findings, ledger, statement_lines
from saoma.payments.reconciliation import Busy, Run, RunStatus, Terms, reconcile
from saoma.payments.statement_lines import DailyFile, Progress
from tests.payments.daily import ACCOUNT, PARTNER, RATE, Day, Row, fee, settlement_file, trades_file

TERMS = Terms(partner=PARTNER, since=date(2026, 3, 1), fee_rate=RATE, grace_days=0)


@pytest.fixture
def day(database: Database) -> Day:
    return Day(database)


async def run(day: Day, clock: MovableClock, *files: DailyFile, on: date | None = None, **more: object) -> Run:
    return await reconcile(day.db, clock, on or day.day, ACCOUNT, files, TERMS, **more)  # type: ignore[arg-type]


async def found(day: Day, made: Run) -> list[tuple[str, str]]:
    """Class and own number of everything that differs."""
    async with day.db.reading() as rows:
        return sorted((one.class_, one.own_number) for one in await findings.lines(rows, made.id))


async def everything(db: Database) -> list[tuple[str, int]]:
    """How much there is of each kind of row that reconciliation writes."""
    async with db.reading() as rows:
        tables = ("recon_files", "recon_lines", "recon_findings", "settlements", "postings", "cases")
        return [(name, await rows.value(f"SELECT count(*) FROM {name}")) for name in tables]


async def balances(db: Database) -> dict[tuple[str, str], int]:
    async with db.reading() as rows:
        return {(one.account, one.currency): one.balance.minor for one in await ledger.balances(rows)}


async def trade(day: Day) -> None:
    """Five payments, a refund of one, and one that was paid and cancelled."""
    rows = [await day.payment(minor) for minor in (1250, 800, 99, 3650, 100000)]
    await day.refund(rows[0], 250)
    await day.cancelled()


async def test_a_day_without_differences_agrees_line_by_line(day: Day, clock: MovableClock) -> None:
    await trade(day)
    made = await run(day, clock, day.trades)
    assert (made.status, made.problem) == (RunStatus.DONE, "")
    assert await found(day, made) == []
    async with day.db.reading() as rows:
        (shown,) = await findings.runs(rows)
    assert (shown.lines, shown.agree, shown.differ) == (8, 8, 0)


async def test_each_class_of_difference_is_found_exactly(day: Day, clock: MovableClock) -> None:
    await trade(day)
    good = list(day.rows)
    stranger = await day.payment(ours=False)
    lonely = await day.payment(theirs=False)
    altered = await day.payment(1250)
    altered.minor += 1
    altered.charge = fee(altered.minor)
    failed = await day.payment(status="failed")
    dear = await day.payment(5000)
    dear.charge += 10
    late = await day.payment(700)
    made = await run(day, clock, day.trades)
    assert await found(day, made) == sorted(
        [
            ("only_theirs", stranger.own),
            ("only_ours", lonely.own),
            ("amount_differs", altered.own),
            ("status_differs", failed.own),
            ("fee_differs", dear.own),
        ]
    )
    next_day = day.day + timedelta(days=1)
    paid_out = [*good, stranger, altered, failed, dear, good[1]]
    second = await run(day, clock, settlement_file(next_day, paid_out), on=next_day)
    assert [one for one in await found(day, second) if one[0] == "settled_twice"] == [("settled_twice", good[1].own)]
    assert [one for one in await found(day, second) if one[0] == "never_settled"] == [("never_settled", late.own)]
    assert len(await found(day, second)) == 2


async def test_running_a_day_twice_adds_nothing(day: Day, clock: MovableClock) -> None:
    await trade(day)
    await day.payment(ours=False)
    next_day = day.day + timedelta(days=1)
    after = []
    for _ in range(3):
        await run(day, clock, day.trades)
        await run(day, clock, settlement_file(next_day, day.rows), on=next_day)
        after.append(await everything(day.db))
    assert after[0] == after[1] == after[2]


async def test_the_order_of_lines_does_not_matter(database: Database, clock: MovableClock) -> None:
    day = Day(database)
    await trade(day)
    await day.payment(ours=False)
    await day.payment(theirs=False)
    random.Random(7).shuffle(day.rows)
    made = await run(day, clock, day.trades)
    assert [name for name, _ in await found(day, made)] == ["only_ours", "only_theirs"]


async def test_payouts_move_clearing_to_bank_and_fees_exactly_once(day: Day, clock: MovableClock) -> None:
    await trade(day)
    before = await balances(day.db)
    assert before["alipay_clearing", "USD"] == 1250 + 800 + 99 + 3650 + 100000 - 250
    next_day = day.day + timedelta(days=1)
    file = settlement_file(next_day, day.rows)
    for _ in range(2):
        await run(day, clock, day.trades)
        await run(day, clock, file, on=next_day)
        after = await balances(day.db)
        assert after["alipay_clearing", "USD"] == 0
        fees = sum(fee(minor) for minor in (1250, 800, 99, 3650, 100000)) - fee(250)
        assert after["fees", "USD"] == fees
        assert after["bank", "USD"] == before["alipay_clearing", "USD"] - fees
        assert sum(minor for (_, currency), minor in after.items() if currency == "USD") == 0


async def test_a_stranger_paid_out_is_posted_once_we_know_it(day: Day, clock: MovableClock) -> None:
    stranger = await day.payment(1000, ours=False)
    next_day = day.day + timedelta(days=1)
    await run(day, clock, day.trades)
    second = await run(day, clock, settlement_file(next_day, [stranger]), on=next_day)
    assert ("bank", "USD") not in await balances(day.db)
    found_out = Day(day.db, day.day)
    await found_out.payment(1000, trade=stranger.trade, theirs=False)
    await run(day, clock, settlement_file(next_day, [stranger]), on=next_day)
    assert (await balances(day.db))["bank", "USD"] == 1000 - fee(1000)
    first = await run(day, clock, day.trades)
    assert await found(day, first) == [] == await found(day, second)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("step", ["loading", "matching"])
@pytest.mark.parametrize("at", [1, 2])
async def test_a_killed_run_is_gone_on_with(
    day: Day, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, step: str, at: int
) -> None:
    monkeypatch.setattr(statement_lines, "PART", 3)
    monkeypatch.setattr("saoma.payments.reconciliation.PART", 3)
    await trade(day)
    await day.payment(ours=False)
    seen = 0

    def kill(progress: Progress) -> None:
        nonlocal seen
        seen += progress.step == step
        if seen == at and progress.step == step:
            raise Killed

    with pytest.raises(Killed):
        await run(day, clock, day.trades, watch=kill)
    read: list[Progress] = []
    made = await run(day, clock, day.trades, watch=read.append)
    assert made.status is RunStatus.DONE
    assert next(progress.done for progress in read if progress.step == step) == 3 * at + 3
    assert [name for name, _ in await found(day, made)] == ["only_theirs"]
    async with day.db.reading() as rows:
        (shown,) = await findings.runs(rows)
    assert (shown.lines, shown.agree, shown.differ) == (9, 8, 1)


async def test_a_wrong_total_count_stops_the_day_and_rings(day: Day, clock: MovableClock) -> None:
    await trade(day)
    rung: list[tuple[str, str, str]] = []

    async def ring(rule: str, key: str, text: str) -> None:
        rung.append((rule, key, text))

    made = await run(day, clock, trades_file(day.day, day.rows, count=99), ring=ring)
    assert made.status is RunStatus.FAILED and "99" in made.problem
    assert [rule for rule, _, _ in rung] == ["file_wrong"]
    assert dict(await everything(day.db))["recon_lines"] == 0
    assert (await run(day, clock, day.trades)).status is RunStatus.DONE


async def test_a_file_of_another_partner_or_day_is_refused(day: Day, clock: MovableClock) -> None:
    await trade(day)
    made = await run(day, clock, trades_file(day.day, day.rows, partner="2088000000000009"))
    assert made.status is RunStatus.FAILED and "2088000000000009" in made.problem
    made = await run(day, clock, trades_file(day.day - timedelta(days=1), day.rows))
    assert made.status is RunStatus.FAILED and "2026-03-01" in made.problem


async def test_a_missing_file_on_a_day_with_trade_rings_and_waits(day: Day, clock: MovableClock) -> None:
    await trade(day)
    rung: list[str] = []

    async def ring(rule: str, _key: str, _text: str) -> None:
        rung.append(rule)

    made = await run(day, clock, ring=ring)
    assert (made.status, rung) == (RunStatus.WAITING, ["file_missing"])
    assert await found(day, made) == [], "nothing is said about lines of a file nobody has seen"
    quiet = await run(day, clock, ring=ring, on=day.day - timedelta(days=1))
    assert (quiet.status, len(rung)) == (RunStatus.NOTHING, 1)


async def test_a_corrected_file_takes_the_place_of_the_first(day: Day, clock: MovableClock) -> None:
    await trade(day)
    row = await day.payment(900)
    row.minor = 901
    first = await run(day, clock, day.trades)
    assert await found(day, first) == [("amount_differs", row.own)]
    row.minor, row.charge = 900, fee(900)
    again = await run(day, clock, day.trades)
    assert await found(day, again) == []
    async with day.db.reading() as rows:
        assert await rows.value("SELECT status FROM cases") == "closed"
        assert await rows.value("SELECT count(*) FROM recon_lines") == len(day.rows)


async def test_a_corrected_settlement_file_pays_nobody_twice(day: Day, clock: MovableClock) -> None:
    await trade(day)
    next_day = day.day + timedelta(days=1)
    await run(day, clock, day.trades)
    await run(day, clock, settlement_file(next_day, day.rows[:4]), on=next_day)
    made = await run(day, clock, settlement_file(next_day, day.rows[::-1]), on=next_day)
    assert await found(day, made) == []
    assert (await balances(day.db))["alipay_clearing", "USD"] == 0


async def test_money_around_midnight_is_looked_for_on_both_days(day: Day, clock: MovableClock) -> None:
    next_day = Day(day.db, day.day + timedelta(days=1))
    late = await day.payment(at=day.at(23, 59, 58), heard_at=next_day.at(0, 0, 3), theirs=False)
    cancelled = await day.cancelled(at=day.at(23, 59, 50), undone_at=next_day.at(0, 14, 0))
    day.rows.remove(cancelled)
    refunded = await day.payment()
    refund = await day.refund(refunded, 100, at=day.at(23, 59, 59), theirs=False)
    first = await run(day, clock, day.trades)
    assert await found(day, first) == [], "tomorrow's file may still have them"
    next_day.rows = [cancelled, refund]
    made = await run(day, clock, next_day.trades, on=next_day.day)
    assert await found(day, made) == [("only_ours", late.own)], "no file of either day has it"
    next_day.rows.append(late)
    made = await run(day, clock, next_day.trades, on=next_day.day)
    assert await found(day, made) == []


async def test_a_line_that_is_there_twice_is_only_theirs(day: Day, clock: MovableClock) -> None:
    await trade(day)
    day.rows.append(day.rows[0])
    made = await run(day, clock, day.trades)
    assert await found(day, made) == [("only_theirs", day.rows[0].own)]


async def test_a_cancel_is_matched_by_the_trade_number(day: Day, clock: MovableClock) -> None:
    paid = await day.payment()
    day.rows.append(Row("CANCEL", "", paid.trade, paid.minor, paid.at))
    made = await run(day, clock, day.trades)
    assert await found(day, made) == [("status_differs", "")], "it succeeded here and was undone there"


async def test_foreign_exchange_goes_through_an_account_of_its_own(day: Day, clock: MovableClock) -> None:
    row = await day.payment(10000, currency="TWD")
    next_day = day.day + timedelta(days=1)

    class Paid(Row):
        def line(self) -> str:
            return (
                super().line().replace("|USD|100.00|1", "|TWD|100.00|0.03100000").replace("100.00|1.20|", "3.10|0.04|")
            )

        def settled(self, at: object) -> str:
            return (
                super().settled(at)  # type: ignore[arg-type]
                .replace("100.00|700.00|1.20|98.80|691.60|", "3.10|21.70|0.04|3.06|21.42|")
                .replace("|USD|100.00|1", "|TWD|100.00|0.03100000")
            )  # fmt: skip

    paid = Paid("PAYMENT", row.own, row.trade, 10000, row.at)
    assert await found(day, await run(day, clock, trades_file(day.day, [paid]))) == []
    made = await run(day, clock, settlement_file(next_day, [paid]), on=next_day)
    assert await found(day, made) == []
    after = await balances(day.db)
    assert after["alipay_clearing", "TWD"] == 0 and after["exchange", "TWD"] == 10000
    assert (after["exchange", "USD"], after["bank", "USD"], after["fees", "USD"]) == (-310, 306, 4)


async def test_two_processes_do_not_run_one_day_together(day: Day, clock: MovableClock) -> None:
    await trade(day)
    busy: list[Exception] = []
    inner = day.trades

    def meanwhile() -> object:
        return inner.open()

    async def second() -> None:
        try:
            await run(day, clock, inner)
        except Busy as error:
            busy.append(error)

    async def ring(_rule: str, _key: str, _text: str) -> None:
        await second()

    made = await run(day, clock, ring=ring)
    assert made.status is RunStatus.WAITING and len(busy) == 1


async def test_each_difference_becomes_one_case_with_its_money(day: Day, clock: MovableClock) -> None:
    stranger = await day.payment(1234, ours=False)
    made = await run(day, clock, day.trades)
    await run(day, clock, day.trades)
    async with day.db.reading() as rows:
        (one,) = await findings.lines(rows, made.id)
        assert await rows.value("SELECT count(*) FROM cases WHERE kind = 'only_theirs' AND at_risk = 1234") == 1
        assert one.case_id == await rows.value("SELECT id FROM cases")
        text = "".join([part async for part in findings.export_csv(rows, made.id)])
    assert len(text.splitlines()) == 2 and stranger.own in text and "12.34" in text


async def test_a_whole_wrong_file_does_not_bury_the_console(
    day: Day, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "CASES_PER_CLASS", 3)
    for _ in range(8):
        await day.payment(ours=False)
    await run(day, clock, day.trades)
    assert dict(await everything(day.db))["cases"] == 4


def test_lines_are_read_into_our_words() -> None:
    row = Row("PAYMENT", "P1", "2026", 1250, Day(None).at())  # type: ignore[arg-type]
    line: StatementLine = next(trades_file(date(2026, 3, 2), [row]).open().lines)
    assert (line.own_number, line.amount.text, line.fee.text) == ("P1", "12.50", "0.15")
