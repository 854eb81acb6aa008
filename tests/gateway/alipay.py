"""The other side of the wire for these tests: the real sandbox as a process, and a letter box for what it posts.

Its clock runs; ours stands still between moves. `catch_up` brings the sandbox up to ours, so it is never behind."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from saoma.alipay.signing import SignType
from saoma.alipay.wire import parse_form
from saoma.kit.clock import beijing
from tests.sandbox.make import free_port

PAY = "alipay.acquire.overseas.spot.pay"
QUERY = "alipay.acquire.overseas.query"
CANCEL = "alipay.acquire.cancel"
REFUND = "alipay.acquire.overseas.spot.refund"
REFUND_QUERY = "alipay.acquire.refund.query"
CREATE = "alipay.acquire.create"
PRECREATE = "alipay.acquire.precreate"

#: Who comes to pay: anna pays at once, pia is asked for her PIN first, poor Paul has nothing.
BUYERS = [
    {"id": "anna", "balance": 50_000_000},
    {"id": "pia", "balance": 50_000_000, "pin_required": True},
    {"id": "paul", "balance": 0},
]
#: A planned silence ends in a dropped connection this soon, in seconds: long enough to be one, short enough to test.
HELD = 0.02


@dataclass(repr=False)
class Alipay:
    """The sandbox's process, on the same port and file each time it is started."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    http: aiohttp.ClientSession | None = None
    _told: tuple[datetime, float] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        config = self.folder / "sandbox.json"
        config.write_text(json.dumps({"state": "book.sqlite3", "buyers": BUYERS, "sftp_port": 0}))
        words = [sys.executable, "-m", "saoma.cli", "sandbox", "--port", str(self.port), "--config", str(config)]
        with (self.folder / "sandbox.log").open("ab") as log:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "SAOMA_FOLLOW_STDIN": "1"},
            )
        for _ in range(1500):
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                assert self.process.poll() is None, (self.folder / "sandbox.log").read_text()
                time.sleep(0.02)
        raise AssertionError("the sandbox never became ready")

    def kill(self) -> None:
        """SIGKILL: no last words."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Use the control API."""
        assert self.http is not None
        async with self.http.request(method, f"{self.url}/control/{path}", json=body) as answer:
            said = await answer.text()
            assert answer.status == status, f"{path}: {answer.status} {said}"
            return json.loads(said)

    # --- time ------------------------------------------------------------------------------------------------------

    async def now(self) -> datetime:
        """What its clock says."""
        return self._tell(await self.control("GET", "clock"))

    async def push(self, seconds: float) -> datetime:
        """Push its clock; what falls due happens, and is told, before this returns."""
        return self._tell(await self.control("POST", "clock", {"advance_seconds": seconds}))

    async def catch_up(self, moment: datetime) -> None:
        """Push its clock to `moment`, unless it is there already."""
        assert self._told is not None
        said, at = self._told
        behind = (moment - said).total_seconds() - (time.monotonic() - at)
        if behind > 0:
            await self.push(behind)

    async def lunch(self) -> None:
        """Push its clock to the next noon in Beijing, so that no test runs into midnight by chance."""
        local = beijing(await self.now())
        noon = local.replace(hour=12, minute=0, second=0, microsecond=0)
        if noon <= local:
            noon += timedelta(days=1)
        await self.push((noon - local).total_seconds())

    def _tell(self, answer: Any) -> datetime:
        now = datetime.fromisoformat(answer["now"]).astimezone(UTC)
        self._told = now, time.monotonic()
        return now

    # --- partners, buyers, misbehaviour ----------------------------------------------------------------------------

    async def partner(self, number: str, sign_type: SignType, md5_key: str, public_key: str) -> str:
        """Make a partner known; Alipay's public key."""
        told = {"partner": number, "app_id": f"2021{number[4:]}", "sign_type": sign_type.value, "md5_key": md5_key}
        answer = await self.control("POST", "partners", told | {"public_key": public_key})
        return str(answer["alipay_public_key"])

    async def user_id(self, buyer: str) -> str:
        """A buyer's 2088 number."""
        buyers = (await self.control("GET", "buyers"))["buyers"]
        return next(str(one["user_id"]) for one in buyers if one["id"] == buyer)

    async def balance(self, buyer: str) -> float:
        """What a buyer's wallet holds, in CNY."""
        buyers = (await self.control("GET", "buyers"))["buyers"]
        return next(float(one["balance"]) for one in buyers if one["id"] == buyer)

    async def code(self, buyer: str = "anna", ending: str = "") -> str:
        """What a buyer's wallet shows at a till; the last two digits may ask for a misbehaviour (90 to 99)."""
        code = str((await self.control("POST", f"buyers/{buyer}/payment-code"))["code"])
        return code[: len(code) - len(ending)] + ending

    async def fails(self, service: str, fault: str, times: int = 1, seconds: float = HELD) -> None:
        """The next calls of a service go wrong."""
        await self.control(
            "POST", "faults", {"service": service, "fault": fault, "times": times, "seconds": seconds}, 200
        )

    async def behave(self) -> None:
        """No more misbehaviour."""
        await self.control("DELETE", "faults")

    async def pays(self, number: str) -> None:
        """The buyer of a waiting trade types the PIN."""
        await self.control("POST", f"trades/{number}/pay")

    async def refuses(self, number: str) -> None:
        """The buyer of a waiting trade says no."""
        await self.control("POST", f"trades/{number}/refuse")

    # --- its book ----------------------------------------------------------------------------------------------------

    async def trades(self, partner: str) -> dict[str, dict[str, Any]]:
        """Its book about one partner, by order number."""
        said = await self.control("GET", f"trades?partner={partner}")
        return {one["out_trade_no"]: one for one in said["trades"]}

    async def trade(self, number: str) -> dict[str, Any] | None:
        """Its record of one trade, if there is one."""
        assert self.http is not None
        async with self.http.get(f"{self.url}/control/trades/{number}") as answer:
            return dict(await answer.json()) if answer.status == 200 else None

    async def calls(self, number: str) -> list[dict[str, Any]]:
        """Every call about one order, oldest first."""
        said = await self.control("GET", f"calls?out_trade_no={number}")
        return list(said["calls"])


@dataclass(frozen=True)
class Letter:
    """One posted notification, to the byte."""

    path: str
    body: bytes
    kind: str

    @property
    def fields(self) -> dict[str, str]:
        """Its form fields."""
        return parse_form(self.body, self.charset)

    @property
    def charset(self) -> str:
        """What its head says it is written in."""
        return self.kind.partition("charset=")[2]


@dataclass(repr=False)
class LetterBox:
    """Where the sandbox posts its notifications. It takes them all and keeps them: to everybody else they are lost,
    until somebody carries one on."""

    url: str = ""
    letters: list[Letter] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Hang it up."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Take it down."""
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.letters.append(Letter(request.path, await request.read(), request.headers.get("Content-Type", "")))
        self._came.set()
        return web.Response(text="success")

    async def of(self, number: str, count: int = 1) -> list[Letter]:
        """The letters about one order, as soon as there are so many."""
        needle = f"out_trade_no={number}".encode()
        async with asyncio.timeout(10):
            while len(found := [letter for letter in self.letters if needle in letter.body]) < count:
                self._came.clear()
                await self._came.wait()
        return found


def answer_of(call: Mapping[str, Any]) -> str:
    """What a call was answered, in one word or two: `SUCCESS`, `SUCCESS TRADE_CLOSED`, `FAILED X`, `X`, `silence`."""
    text = call["response"]
    if text is None:
        return "silence"

    def value(name: str) -> str:
        return str(text.partition(f"<{name}>")[2].partition(f"</{name}>")[0])

    words = [value("result_code"), value("alipay_trans_status"), value("action"), value("detail_error_code")]
    return " ".join(word for word in (*words, value("error")) if word)
