"""The real process, killed without warning: whatever was answered is still true when it comes back."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.command import run
from saoma.sandbox.config import read_config
from tests.sandbox import make
from tests.sandbox.make import KEY, PARTNER, Running

START = """
import sys
from pathlib import Path
from saoma.sandbox.command import run
run(int(sys.argv[1]), Path(sys.argv[2]))
"""


ROUGH = """
steps:
- {fault: rejected, code: HAS_NO_PRIVILEGE, service: alipay.acquire.close, times: 3}
- {at: 9d, buyer: pays}
"""


def close_of(number: str) -> dict[str, str]:
    return make.basic(make.CLOSE, out_trade_no=number)


class Process:
    """A sandbox in a process of its own, on the same file and port each time it is started."""

    def __init__(self, folder: Path, client: aiohttp.ClientSession) -> None:
        self.port = make.free_port()
        self.config = folder / "sandbox.json"
        self.client = client
        self.process: asyncio.subprocess.Process | None = None
        partner = {"partner": PARTNER, "app_id": make.APP, "md5_key": KEY}
        settings = {"state": "book.sqlite3", "partners": [partner], "buyers": [{"id": "anna", "balance": 5000}]}
        self.config.write_text(json.dumps(settings))

    async def start(self) -> Running:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", START, str(self.port), str(self.config)
        )
        wire = Running(None, f"http://127.0.0.1:{self.port}", self.client)  # type: ignore[arg-type]
        await make.ready(self.client, wire.url)
        return wire

    async def end(self, by: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(by)
        return await self.process.wait()


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    async with aiohttp.ClientSession() as client:
        made = Process(tmp_path, client)
        yield made
        if made.process is not None and made.process.returncode is None:
            await made.end(signal.SIGKILL)


def timestamped(fields: dict[str, str], now: str) -> dict[str, str]:
    return fields | {"timestamp": now}


async def test_a_killed_sandbox_remembers_all_it_answered(process: Process) -> None:
    wire = await process.start()
    key = (await wire.control("GET", "partners"))["partners"][0]["alipay_public_key"]
    await wire.advance(hours=1)
    async with wire.client.post(f"{wire.url}/control/scenarios", data=ROUGH) as begun:
        assert begun.status == 200
    assert await wire.error(make.signed(close_of("GONE"))) == "HAS_NO_PRIVILEGE"
    code = (await wire.control("POST", "buyers/anna/payment-code"))["code"]
    answered: list[str] = []

    async def pay(number: int) -> None:
        fields = make.pay_fields(f"N-{number}", make.CODE if number else code, trans_amount="1.00")
        answer = await wire.call(fields)
        assert answer.fields["result_code"] == "SUCCESS"
        answered.append(f"N-{number}")

    await pay(0)
    now = (await wire.control("GET", "clock"))["beijing"]
    await wire.call(make.refund_fields("N-0", amount="0.40"))
    await wire.call(timestamped(make.cancel_fields("GONE"), now))
    crowd = [asyncio.create_task(pay(number)) for number in range(1, 400)]
    await make.until(lambda: len(answered) > 60)
    await process.end(signal.SIGKILL)
    await asyncio.gather(*crowd, return_exceptions=True)
    assert len(answered) < 400

    wire = await process.start()
    trades = {one["out_trade_no"]: one for one in (await wire.control("GET", "trades"))["trades"]}
    assert set(answered) <= set(trades)
    assert trades["N-0"]["refunded"] == "0.40"
    assert len({one["trade_no"] for one in trades.values()}) == len(trades)
    buyers = {one["id"]: one for one in (await wire.control("GET", "buyers"))["buyers"]}
    assert buyers["anna"]["balance"] == "4995.74"
    paid_by_alice = sum(1 for one in trades.values() if one["buyer_id"] == "alice" and one["status"] == "TRADE_SUCCESS")
    assert float(buyers["alice"]["balance"]) == pytest.approx(10_000_000 - 7.10 * paid_by_alice)

    assert (await wire.control("GET", "partners"))["partners"][0]["alipay_public_key"] == key
    assert (await wire.control("GET", "clock"))["beijing"] >= now
    again = await wire.call(make.pay_fields("N-0", code, trans_amount="1.00"))
    assert again.fields["alipay_trans_id"] == trades["N-0"]["trade_no"]
    assert await wire.error(make.signed(close_of("GONE"))) == "HAS_NO_PRIVILEGE"
    playing = (await wire.control("GET", "scenarios"))["playing"]
    assert [(step["state"], step["played"]) for step in playing["steps"]] == [("on", 2), ("waiting", 0)]
    late = await wire.call(make.pay_fields("GONE", trans_amount="1.00"))
    assert late.fields["error"] == "TRADE_HAS_CLOSE"
    spent = await wire.call(make.pay_fields("OTHER", code, trans_amount="1.00"))
    assert spent.fields["error"] == "SOUNDWAVE_PARSER_FAIL"
    fresh = await wire.call(make.pay_fields("FRESH", trans_amount="1.00"))
    assert fresh.fields["alipay_trans_id"] > max(one["trade_no"] for one in trades.values())
    calls = (await wire.control("GET", f"calls?partner={PARTNER}&out_trade_no=N-0"))["calls"]
    assert [call["service"] for call in calls] == [make.PAY, make.REFUND, make.PAY]


async def test_a_notification_that_was_due_goes_out_after_the_restart(process: Process) -> None:
    wire = await process.start()
    nobody = f"http://127.0.0.1:{make.free_port()}/notify"
    await wire.call(make.pay_fields("N-1", notify_url=nobody))
    await wire.advance(seconds=0)
    await process.end(signal.SIGKILL)
    wire = await process.start()
    (before,) = (await wire.control("GET", "notifications/N-1"))["notifications"]
    await wire.advance(minutes=2)
    (after,) = (await wire.control("GET", "notifications/N-1"))["notifications"]
    assert after["notify_id"] == before["notify_id"]
    assert len(after["deliveries"]) == len(before["deliveries"]) + 1


async def test_it_stops_when_it_is_told_to(process: Process) -> None:
    wire = await process.start()
    await wire.control("POST", "faults", {"service": make.PAY, "fault": "silence_after", "seconds": 600})
    hanging = asyncio.create_task(wire.send(make.signed(make.pay_fields())))
    await wire.control("GET", "clock")
    assert await asyncio.wait_for(process.end(signal.SIGTERM), 20) == 0
    with pytest.raises(aiohttp.ClientError):
        await hanging
    with sqlite3.connect(process.config.parent / "book.sqlite3") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Invalid, match=r"Port \d+ can't be used"):
            run(taken.getsockname()[1])
        with pytest.raises(Invalid, match=r"Port \d+ can't be used.*another with --sftp-port"):
            run(make.free_port(), sftp_port=taken.getsockname()[1])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "wrong"),
        ("a.toml", "colour = 'red'", "there is no 'colour'"),
        ("a.toml", "[[buyers]]\nid = 'anna'\nbalance = 'lots'", "buyers"),
    ],
)
def test_wrong_settings_are_one_clear_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(Invalid, match=words):
        read_config(path)
    with pytest.raises(Invalid, match="can't be read"):
        read_config(tmp_path / "nowhere.toml")


def test_a_file_that_can_not_be_written_for_a_moment_costs_no_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    file = tmp_path / "book.sqlite3"
    book = Book(make.clock(), Store(file))
    book.add_buyer("anna", balance=Money(500_00, "CNY"))
    code, other = book.new_payment_code("anna").code, sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        book.pay_by_code(make.order("while it was locked"), code)
    other.execute("ROLLBACK")
    book.pay_by_code(make.order("after it"), book.new_payment_code("anna").code)
    again = Book(make.clock(), Store(file))
    assert again.trades == book.trades
    assert again.buyer("anna").balance == book.buyer("anna").balance == 500_00 - sum(t.cny for t in again.all_trades())
