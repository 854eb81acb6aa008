"""Pulling plugs: the replay of a real restaurant while app, worker and sandbox are killed again and again.

    python -m saoma.demo.chaos FILE --kills 12 --seed 1 [--only 200]
    python -m saoma.demo.chaos --payments 10000 --kills 50 --seed 1     (the rough one, in `rough`)

Kills come by seed, in random order, each process at least once where there are enough kills. At the end every order
must be paid once, debits equal credits, and the local Alipay's own book must say the same as ours, trade by trade."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from saoma.demo.cast import DemoFile, read_demo
from saoma.demo.processes import saoma
from saoma.demo.replay import REPLAYED
from saoma.demo.rough import Rough
from saoma.demo.rough_report import print_outcome
from saoma.gateway import BY_STAFF
from saoma.kit.db import Database
from saoma.kit.money import Money

#: Whose plug is pulled; the replay itself is one of them: it resumes where it was.
VICTIMS = ("app", "worker", "sandbox", "replay")


@dataclass
class Verdict:
    """What was done and what the two books say."""

    kills: dict[str, int] = field(default_factory=dict)
    replay_agrees: bool = False
    trades: int = 0
    payments: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return self.replay_agrees and not self.faults


class _Payment(msgspec.Struct):
    order_number: str
    status: str
    amount: int
    currency: str
    refunded: int


def _kill(pid: int) -> None:
    """SIGKILL a process: no handler runs, nothing is flushed. What it started must notice by itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _pids(folder: Path) -> dict[str, int]:
    lines = (folder / "pids").read_text().split("\n")
    return {name: int(pid) for name, pid in (line.split() for line in lines if line)}


async def pull_plugs(
    file: Path, folder: Path, *, kills: int, seed: int, only: int = 0, gap: tuple[float, float] = (2.0, 6.0)
) -> Verdict:
    """Replay `file` against the demo running in `folder`, killing as the seed says; the verdict of both books."""
    dice = random.Random(seed)
    victims = [VICTIMS[i % len(VICTIMS)] for i in range(kills)]
    dice.shuffle(victims)
    verdict = Verdict(kills=dict.fromkeys(VICTIMS, 0))
    words = saoma("replay", str(file), "--data-dir", str(folder), "--only", str(only))
    with (folder / "chaos.log").open("wb") as log:
        replay = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, start_new_session=True)
        while victims:
            await asyncio.sleep(dice.uniform(*gap))
            if replay.returncode is not None:
                break
            victim = victims.pop()
            if victim == "replay":
                _kill(replay.pid)
                await replay.wait()
                replay = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, start_new_session=True)
            else:
                _kill(_pids(folder)[victim])
            verdict.kills[victim] += 1
        verdict.replay_agrees = await replay.wait() == 0
    demo = read_demo(folder)
    assert demo is not None
    await _back_again(demo)
    await _compare(demo, verdict)
    if not verdict.replay_agrees:
        verdict.faults.append("the replay says: " + (folder / "chaos.log").read_text(errors="replace")[-1500:])
    return verdict


async def _back_again(demo: DemoFile, *, seconds: float = 40) -> None:
    """Wait until what was killed last answers again."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session, asyncio.timeout(seconds):
        for url in (demo.app_url, demo.sandbox_url):
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.1)


async def _compare(demo: DemoFile, verdict: Verdict) -> None:
    """Hold the sandbox's book against ours: each trade of theirs is one payment of ours, alike in money and outcome."""
    db = await Database.open(demo.database_url, max_size=2)
    try:
        played = next(each["name"] for each in demo.merchants if each["key"] == REPLAYED)
        for account in (each for each in demo.accounts if each["merchant"] == played):
            theirs = {each["out_trade_no"]: each for each in await _trades(demo, account["partner"])}
            async with db.reading() as rows:
                found = await rows.rows(
                    _Payment,
                    "SELECT order_number, status, amount, currency, refunded FROM payments"
                    # What staff take themselves never was at Alipay.
                    " WHERE account_id = %(account)s AND method <> ALL(%(by_staff)s)",
                    {"account": account["id"], "by_staff": [method.value for method in sorted(BY_STAFF)]},
                )
                out_of_balance = await rows.value(
                    "SELECT count(*) FROM (SELECT payment_id FROM postings GROUP BY payment_id HAVING count(*) >"
                    " 1 + (SELECT count(*) FROM refunds r WHERE r.payment_id = postings.payment_id)) AS doubled"
                )
            ours = {each.order_number: each for each in found}
            verdict.trades += len(theirs)
            verdict.payments += len(ours)
            if out_of_balance:
                verdict.faults.append(f"{out_of_balance} payments are posted more than once")
            for number, trade in theirs.items():
                fault = _differs(ours.get(number), trade)
                if fault:
                    verdict.faults.append(f"{number}: {fault}")
            for number, payment in ours.items():
                if payment.status == "succeeded" and number not in theirs:
                    verdict.faults.append(f"{number}: we say paid, the local Alipay knows no such trade")
                if payment.status not in ("succeeded", "failed", "cancelled"):
                    verdict.faults.append(f"{number}: still {payment.status}")
    finally:
        await db.close()


async def _trades(demo: DemoFile, partner: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{demo.sandbox_url}/control/trades", params={"partner": partner}) as answer,
    ):
        found: list[dict[str, Any]] = json.loads(await answer.text())["trades"]
        return found


def _differs(payment: _Payment | None, trade: dict[str, Any]) -> str:
    if payment is None:
        return "the local Alipay has a trade that we know nothing of"
    if Money.parse(str(trade["amount"]), trade["currency"]) != Money(payment.amount, payment.currency):
        return f"amounts differ: {trade['amount']} there, {payment.amount} here"
    paid_there = trade["status"] in ("TRADE_SUCCESS", "TRADE_FINISHED")
    paid_here = payment.status == "succeeded" and payment.refunded < payment.amount
    if paid_there != paid_here:
        return f"{trade['status']} there, {payment.status} here"
    return ""


def print_verdict(verdict: Verdict, console: Console) -> None:
    """The table people look at."""
    table = Table(title="Plugs pulled", show_header=False)
    for name, count in verdict.kills.items():
        table.add_row(f"{name} killed", str(count))
    table.add_row("trades in the local Alipay's book", f"{verdict.trades:,}")
    table.add_row("payments in ours", f"{verdict.payments:,}")
    table.add_row("differences", str(len(verdict.faults)))
    console.print(table)
    for fault in verdict.faults[:20]:
        console.print(f"[red]{fault}[/red]", soft_wrap=True)
    console.print(
        "[green]nothing lost, nothing doubled[/green]" if verdict.holds else "[red]THE BOOKS DO NOT HOLD[/red]"
    )


async def _rough(words: argparse.Namespace) -> int:
    console = Console(highlight=False, width=140)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        # the database's own user must walk in where we are root
        os.chmod(name, 0o755)
        day = Rough(
            Path(name),
            port=words.port,
            payments=words.payments,
            kills=words.kills,
            seed=words.seed,
            seconds=words.minutes * 60,
        )
        outcome = await day.run(lambda text: console.print(f"[dim]{text}[/dim]"))
        if not outcome.holds and words.keep:
            shutil.copytree(name, words.keep, dirs_exist_ok=True, ignore_dangling_symlinks=True)
    print_outcome(outcome, console)
    return 0 if outcome.holds else 1


async def _main(words: argparse.Namespace) -> int:
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        ports = ["--port", str(words.port), "--sandbox-port", str(words.port + 1)]
        demo = await asyncio.create_subprocess_exec(
            *saoma("demo", *ports, "--data-dir", name, "--no-browser"),
            stdout=(folder / "demo.out").open("wb"),
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            with console.status("Starting a demo"):
                while "\nready\n" not in (folder / "demo.out").read_text():
                    if demo.returncode is not None:
                        console.print((folder / "demo.out").read_text())
                        return 1
                    await asyncio.sleep(0.2)
            with console.status(f"Replaying {words.file.name} with {words.kills} kills, seed {words.seed}"):
                verdict = await pull_plugs(
                    words.file.resolve(), folder, kills=words.kills, seed=words.seed, only=words.only
                )
            console.print((folder / "chaos.log").read_text(errors="replace"), soft_wrap=True)
            print_verdict(verdict, console)
        finally:
            demo.send_signal(signal.SIGINT)
            await demo.wait()
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Replay real orders, or take payments, while all is being broken.")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--payments", type=int, default=0, help="so many payments through the partner API instead")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no more payments after so long")
    parser.add_argument("--keep", type=Path, help="where to keep the logs of a run that did not hold")
    parser.add_argument("--port", type=int, default=8300)
    given = parser.parse_args()
    if given.payments:
        sys.exit(uvloop.run(_rough(given)))
    if given.file is None:
        parser.error("name a file of orders, or how many --payments")
    sys.exit(asyncio.run(_main(given)))
