"""Many payments that wait for their buyers: is each asked about when it is due, once, and what does that cost?

    python bench/waiting_payments.py [--seconds 10] [--only 1000]

Real workers (`saoma worker`) on a durable PostgreSQL follow payments in WAIT_BUYER_PAY at a gateway that answers after
200 ms. Late is the time from the moment a row asked for attention to the question's arrival at the gateway; a trigger
in the benchmark's own database notes the first, the gateway the second."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass

import aiohttp
from running import cpu_seconds, end, family_seconds, free_port, memory_mb, own_postgres, saoma, start, wait_for

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType, new_rsa_key
from saoma.identity import model
from saoma.kit.db import Database
from saoma.kit.postgres import EmbeddedPostgres
from saoma.kit.seal import Seal
from saoma.migrations import migrate
from saoma.payments.patience import POLICIES

SECRET = "b" * 40
DELAY = 0.2
_NOTE = """
CREATE UNLOGGED TABLE claimed (number text, was_due timestamptz);
CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claimed VALUES (NEW.order_number, OLD.due_at);
    RETURN NULL;
END $$;
CREATE TRIGGER note_claim AFTER UPDATE OF tries ON payments FOR EACH ROW
    WHEN (NEW.tries > OLD.tries AND NEW.due_at > OLD.due_at AND NEW.version = OLD.version)
    EXECUTE FUNCTION note_claim();
"""
_FLOOR = """
CREATE TABLE floor (order_number text PRIMARY KEY, due_at timestamptz, tries int NOT NULL DEFAULT 0,
    version int NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE INDEX floor_due ON floor (due_at) WHERE due_at IS NOT NULL;
"""
_FLOOR_WAITING = """
INSERT INTO floor (order_number, due_at)
SELECT 'SM' || lpad(i::text, 24, '0'), clock_timestamp() + interval '2 seconds'
    + i * %(spread)s / %(count)s * interval '1 second' FROM generate_series(1, %(count)s) AS i
"""
_WAITING = """
INSERT INTO payments (id, merchant_id, account_id, order_number, method, status, amount, currency, subject,
    payable_kind, payable_id, part, policy, shop, opened_by, key, fingerprint, trade_number, sends, payable_state,
    created_at, opened_at, give_up_at, due_at)
SELECT 'pay_' || i, %(merchant)s, %(account)s, 'SM' || lpad(i::text, 24, '0'), %(method)s, 'pending', 1250, 'USD',
    'Noodles', 'api', 'bench' || i, '{}', %(policy)s,
    '{"id": "SM_1", "name": "Bench", "industry": "5812", "store_id": "S", "store_name": "B", "terminal_id": ""}',
    'bench', 'k' || i, '', '', 1, 'held', %(opened)s, %(opened)s, %(opened)s + %(patience)s * interval '1 second',
    %(first)s::timestamptz + i * %(spread)s / %(count)s * interval '1 second'
FROM generate_series(1, %(count)s) AS i
"""


@dataclass(frozen=True)
class Case:
    """How many payments wait for how many workers; with `in_step` all of them come due at the very same moment."""

    count: int
    workers: int
    policy: str
    in_step: bool = False
    floor: bool = False

    @property
    def late_phase(self) -> bool:
        """Whether these payments are past their first minute, when the policy asks less often."""
        return self.policy == "order_code"

    @property
    def gap(self) -> float:
        """Seconds from an answer to the next question, at most."""
        policy = POLICIES[self.policy]
        return (policy.gap_later if self.late_phase else policy.gap).total_seconds()

    @property
    def name(self) -> str:
        """A line's beginning."""
        who = "bare program" if self.floor else f"{self.workers} worker{'s' if self.workers > 1 else ''}"
        return f"{self.count:>6,} every {self.gap:g} s{', in step' if self.in_step else ''}, {who}"


@dataclass(frozen=True)
class Found:
    """What a case showed. Times in milliseconds, memory in MB; CPU as parts of one core."""

    asked: int
    late: list[float]
    twice: int
    cpu: list[float]
    cpu_each: float
    memory: list[float]
    busy_database: float


async def put_up(db: Database, case: Case, account_id: str, merchant_id: str) -> None:
    """Put the payments there, due from a moment ahead on."""
    async with db.reading() as rows:
        await rows.run("SELECT 1")
        now = await rows.value("SELECT clock_timestamp()")
        opened = f"{61 if case.late_phase else 0} seconds"
        await rows.run(
            _WAITING.replace("%(opened)s", f"(%(now)s::timestamptz - interval '{opened}')").replace(
                "%(first)s", "(%(now)s::timestamptz + interval '2 seconds')"
            ),
            {
                "merchant": merchant_id,
                "account": account_id,
                "method": "order_code" if case.late_phase else "barcode",
                "policy": case.policy,
                "now": now,
                "patience": POLICIES[case.policy].give_up_after.total_seconds(),
                "spread": 0.0 if case.in_step else case.gap,
                "count": case.count,
            },
        )
        await rows.run("ANALYZE payments")


async def lateness(db: Database, asked: list[tuple[str, float]]) -> tuple[list[float], int]:
    """How late each question was, and how many were asked that no row asked for."""
    arrivals: dict[str, list[float]] = defaultdict(list)
    for number, at in asked:
        arrivals[number].append(at)
    late: list[float] = []
    claims: dict[str, list[float]] = defaultdict(list)
    async with db.reading() as rows:
        cursor = await rows.connection.execute("SELECT number, extract(epoch FROM was_due)::float8 AS due FROM claimed")
        for row in await cursor.fetchall():
            claims[row["number"]].append(row["due"])
    twice = 0
    for number, moments in arrivals.items():
        wanted = sorted(claims[number])
        twice += max(0, len(moments) - len(wanted))
        late += [(at - due) * 1000 for due, at in zip(wanted, sorted(moments), strict=False)]
    return sorted(late), twice


def database_seconds(server: EmbeddedPostgres) -> float:
    """The CPU of PostgreSQL and all its children so far."""
    return family_seconds(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]))


async def run_case(case: Case, server: EmbeddedPostgres, template: str, seconds: float) -> Found:
    """One case in a database of its own."""
    private, public = new_rsa_key()
    name = f"waiting_{time.monotonic_ns()}"
    url = server.make_database(name, template=template)
    port = free_port()
    processes = [start("waiting_gateway.py", port, json.dumps({"private": private, "delay": DELAY}))]
    gateway = f"http://127.0.0.1:{port}/gateway.do"
    db = await Database.open(url, max_size=4)
    try:
        await wait_for(processes[0], port)
        account = Account(
            partner="2088000000000001",
            app_id="2016000000000001",
            sign_type=SignType.RSA2,
            private_key=private,
            alipay_public_key=public,
            gateway_url=gateway,
        )
        async with db.transaction() as tx:
            account_id = await model.add_account(tx, Seal(SECRET), account)
            merchant = await model.add_merchant(
                tx, name="Bench", currency="USD", account_id=account_id, industry="5812", secondary_id="SM_1"
            )
            await tx.run(_FLOOR)
            await tx.run(_NOTE.replace("ON payments", "ON floor") if case.floor else _NOTE)
        if case.floor:
            told = {"private": private, "public": public, "database": url, "gateway": gateway, "gap": case.gap}
            busy = [start("waiting_floor.py", 0, json.dumps(told))]
        else:
            settings = {"database_url": url, "secret": SECRET, "log_level": "WARNING"}
            busy = [saoma("worker", **settings) for _ in range(case.workers)]
        processes += busy
        await ready(db, busy, beats=0 if case.floor else case.workers)
        if case.floor:
            async with db.reading() as rows:
                await rows.run(_FLOOR_WAITING, {"spread": case.gap, "count": case.count})
        else:
            await put_up(db, case, account_id, merchant.id)
        await asyncio.sleep(2)
        before, database_before, began = (
            [cpu_seconds(one.pid) for one in busy],
            database_seconds(server),
            time.monotonic(),
        )
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        cpu = [cpu_seconds(one.pid) - was for one, was in zip(busy, before, strict=True)]
        database_cpu = database_seconds(server) - database_before
        memory = [memory_mb(one.pid) for one in busy]
        async with aiohttp.ClientSession() as http, http.get(gateway) as reply:
            asked: list[tuple[str, float]] = json.loads(await reply.read())
        late, twice = await lateness(db, asked)
        if any(one.poll() is not None for one in busy):
            raise SystemExit("a program ended by itself")
    finally:
        await db.close()
        for process in reversed(processes):
            end(process)
        server.drop_database(name)
    return Found(
        asked=len(asked),
        late=late,
        twice=twice,
        cpu=[each / took for each in cpu],
        cpu_each=sum(cpu) / max(1, len(asked)) * 1000,
        memory=memory,
        busy_database=database_cpu / took,
    )


async def ready(db: Database, busy: list[subprocess.Popen[str]], beats: int) -> None:
    """Until every worker has been heard of, and has had a moment to settle."""
    async with asyncio.timeout(60):
        while True:
            async with db.reading() as rows:
                if int(await rows.value("SELECT count(*) FROM heartbeats WHERE kind = 'worker'")) >= beats:
                    break
            if any(one.poll() is not None for one in busy):
                raise SystemExit("a worker ended at its start")
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)


def show(case: Case, found: Found) -> None:
    """One line of the table."""

    def at(part: float) -> str:
        return f"{found.late[min(len(found.late) - 1, int(len(found.late) * part))]:.0f}" if found.late else "-"

    print(
        f"{case.name:<40}{found.asked:>8}{at(0.5):>8}{at(0.99):>8}{at(1):>8}{found.twice:>7}"
        f"{' + '.join(f'{each:.2f}' for each in found.cpu):>13}{found.cpu_each:>9.2f}{found.busy_database:>7.2f}"
        f"{' + '.join(f'{each:.0f}' for each in found.memory):>11}",
        flush=True,
    )


async def main() -> None:
    """Every case in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", type=int, help="cases with so many payments alone")
    words = parser.parse_args()
    print(f"\nwaiting payments on {os.cpu_count()} cores shared with PostgreSQL and the gateway, RSA2\n")
    print(
        f"{'':40}{'asked':>8}{'p50 ms':>8}{'p99':>8}{'max':>8}{'twice':>7}"
        f"{'cores':>13}{'ms each':>9}{'db':>7}{'MB':>11}"
    )
    cases = [
        Case(1_000, 1, "barcode", floor=True),
        Case(1_000, 1, "barcode"),
        Case(1_000, 1, "barcode", in_step=True),
        Case(1_000, 2, "barcode"),
        Case(10_000, 1, "order_code", floor=True),
        Case(10_000, 1, "order_code"),
        Case(10_000, 2, "order_code"),
    ]
    with own_postgres() as server:
        migrate(server.make_database("template"))
        for case in cases:
            if words.only in (None, case.count):
                longer = 1.5 if case.count > 1_000 else 1
                show(case, await run_case(case, server, "template", words.seconds * longer))


if __name__ == "__main__":
    asyncio.run(main())
