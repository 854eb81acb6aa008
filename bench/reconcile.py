"""A day of a million lines with planted differences of every class: lines/s, peak memory, and nothing else found.

    python bench/reconcile.py [--lines 1000000]

The floor does the least that could be called reconciling, in the same run: it splits each line, copies it into a table
and counts by one join what our books do not know or know with another amount.

Both books are made first (payments in our database, the two daily files on disk) and don't count. The peak is this
process's resident memory while it reads, matches and posts; what making the files took is not in it, because they are
made by a child."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg

from saoma.alipay.statement import open_statement
from saoma.kit.clock import SystemClock
from saoma.kit.db import Database
from saoma.kit.postgres import EmbeddedPostgres
from saoma.migrations import migrate
from saoma.payments import findings
from saoma.payments.reconciliation import Run, Terms, reconcile
from saoma.payments.statement_lines import DailyFile

PARTNER = "2088000000000001"
DAY = date(2026, 3, 2)
NEXT = date(2026, 3, 3)
FEE = 12
#: Of each class so many are planted.
PLANTED = 7
RATE = "0.012"

_BOOKS = """
INSERT INTO payments (id, merchant_id, account_id, order_number, method, status, amount, currency, subject,
    payable_kind, payable_id, part, policy, shop, opened_by, key, fingerprint, trade_number, refunded, refund_reserved,
    booked, payable_state, created_at, give_up_at, paid_at, final_at)
SELECT 'pay_' || i, 'mer_' || i %% 20, 'acc', 'P' || lpad(i::text, 9, '0'), 'barcode',
    CASE WHEN i %% %(many)s = 3 AND i / %(many)s < %(planted)s THEN 'failed' ELSE 'succeeded' END, 1000 + i %% 5000,
    'USD', 'Noodles', 'bench', 'b', '{}', 'barcode', '{}', 'bench', 'k' || i, '',
    '2026030221' || lpad(i::text, 18, '0'), 0, 0, NOT (i %% %(many)s = 3 AND i / %(many)s < %(planted)s), 'paid', at,
    at, at, at
FROM generate_series(0, %(count)s - 1) AS i,
    LATERAL (SELECT timestamptz '2026-03-02 08:00:00+08' + i %% 50000 * interval '1 second' AS at) AS moment
WHERE NOT (i %% %(many)s = 1 AND i / %(many)s < %(planted)s)
"""


def write_files(folder: Path, count: int) -> None:
    """What Alipay says of the day. Remainders of the running number say what is planted where."""
    many = count // PLANTED

    def planted(i: int) -> int:
        return i % many if i // many < PLANTED else -1

    names = "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|"
    names += "Transaction_type|Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
    names += "Trans_currency|Trans_amount|Trans_forex_rate\n"
    paid_names = "Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|"
    paid_names += "Payment_time|Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|"
    paid_names += "Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|Trans_forex_rate\n"
    trades = folder / f"{PARTNER}_transaction_{DAY:%Y%m%d}.txt"
    settled = folder / f"{PARTNER}_settlement_{NEXT:%Y%m%d}.txt"
    with trades.open("w") as one, settled.open("w") as two:
        one.write(f"Partner:{PARTNER}|Payment_time: {DAY}|Total_count:{count - PLANTED}\n{names}")
        two.write(paid_names)
        for i in range(count):
            kind = planted(i)
            if kind == 0:  # only ours: no line
                continue
            minor = 1000 + i % 5000 + (1 if kind == 2 else 0)
            fee = (minor * FEE + 500) // 1000 + (9 if kind == 4 else 0)
            second = 8 * 3600 + i % 50000
            at = f"{DAY} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            own, trade = f"P{i:09d}", f"2026030221{i:018d}"
            amount, charge, net = (f"{cents // 100}.{cents % 100:02d}" for cents in (minor, fee, minor - fee))
            one.write(f"{own}|{trade}|{amount}|{charge}|USD|{at}|PAYMENT||5812|Noodle House|T01||USD|{amount}|1\n")
            line = (
                f"{own}|{trade}|{amount}|{amount}|{charge}|{net}|{net}|USD|1.00000000|{at}|{NEXT} 15:46:00|P|L||5812|"
                f"Noodle House|T01||USD|{amount}|1\n"
            )
            if kind != 6:  # never settled
                two.write(line)
            if kind == 5:  # settled twice
                two.write(line)


def file_at(path: Path) -> DailyFile:
    """A file on disk."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return DailyFile(path.name, digest, lambda: open_statement(path.open("rb"), path.name))


def cells(path: Path) -> Iterator[tuple[str, str, int]]:
    """Own number, Alipay's number and cents of each line, read with no more care than a script would take."""
    with path.open() as lines:
        for line in lines:
            parts = line.split("|")
            if len(parts) >= 15 and parts[0][0] == "P" and parts[0][1].isdigit():
                yield parts[0], parts[1], round(float(parts[2]) * 100)


def floor(url: str, paths: Iterable[Path]) -> tuple[int, float]:
    """How many lines the bare program read and matched, and in how many seconds."""
    began, count = time.perf_counter(), 0
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE floor_lines (own text, trade text, amount bigint)")
        with connection.cursor().copy("COPY floor_lines FROM STDIN") as copy:
            for path in paths:
                for row in cells(path):
                    copy.write_row(row)
                    count += 1
        connection.execute("ANALYZE floor_lines")
        connection.execute(
            """SELECT count(*) FROM floor_lines AS l LEFT JOIN payments AS p ON p.order_number = l.own
               AND p.account_id = 'acc' WHERE p.id IS NULL OR p.amount <> l.amount"""
        )
        connection.commit()
        took = time.perf_counter() - began
        connection.execute("DROP TABLE floor_lines")
    return count, took


async def main(count: int, folder: Path, url: str) -> bool:
    """Make the books, run both days twice, and say what was found."""
    db = await Database.open(url, max_size=4)
    clock = SystemClock()
    params = {"many": count // PLANTED, "planted": PLANTED, "count": count}
    async with db.transaction() as tx:
        await tx.run("SET LOCAL session_replication_role = replica")
        await tx.run(_BOOKS, params)
    async with db.reading() as rows:
        await rows.run("ANALYZE payments")
    terms = Terms(partner=PARTNER, since=DAY, fee_rate=Decimal(RATE), grace_days=0)
    paths = {
        DAY: folder / f"{PARTNER}_transaction_{DAY:%Y%m%d}.txt",
        NEXT: folder / f"{PARTNER}_settlement_{NEXT:%Y%m%d}.txt",
    }
    files = {day: file_at(path) for day, path in paths.items()}

    async def both() -> tuple[list[Run], float]:
        began = time.perf_counter()
        made = [await reconcile(db, clock, day, "acc", [file], terms) for day, file in files.items()]
        return made, time.perf_counter() - began

    bare_lines, bare_seconds = floor(url, paths.values())
    before = resource.getrusage(resource.RUSAGE_SELF)
    runs, seconds = await both()
    after = resource.getrusage(resource.RUSAGE_SELF)
    found = await _found(db, runs)
    again, seconds_again = await both()
    twice = await _found(db, again)
    lines = sum(run.lines for run in runs)
    report = {
        "lines": lines,
        "seconds": round(seconds, 1),
        "lines_per_second": round(lines / seconds),
        "floor_lines_per_second": round(bare_lines / bare_seconds),
        "of_the_floor": round(lines / seconds / (bare_lines / bare_seconds), 2),
        "cpu_seconds_of_this_process": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "memory_before_mb": round(before.ru_maxrss / 1024),
        "planted_of_each": PLANTED,
        "found": found,
        "second_run_seconds": round(seconds_again, 1),
        "second_run_found": twice,
        "exactly_the_planted": set(found.values()) == {PLANTED} and twice == found,
    }
    print(json.dumps(report, indent=2))
    await db.close()
    return bool(report["exactly_the_planted"])


async def _found(db: Database, runs: list[Run]) -> dict[str, int]:
    async with db.reading() as rows:
        each = [await findings.counts(rows, run.id) for run in runs]
    return {name: sum(one[name] for one in each) for name in findings.CLASSES}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000, help="transactions; as many lines are paid out")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_files(options.write, options.lines)
        sys.exit(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, "--lines", str(options.lines), "--write", str(folder)], check=True)
        server = EmbeddedPostgres(folder / "pg")
        server.start()
        try:
            address = server.make_database("bench")
            migrate(address)
            good = asyncio.run(main(options.lines, folder, address))
        finally:
            server.stop()
    sys.exit(0 if good else 1)
