"""The local Alipay as the validator uses it: its control API over HTTP, whose only client this is."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from saoma.kit.errors import SaomaError
from saoma.validator.timeline import Call, Notice

_LIMIT: Final = aiohttp.ClientTimeout(total=40)
_STARTS_WITHIN: Final = 20.0
#: How many calls are read at first, and at most.
_FEW, _MANY = 100, 30_000


class NoSandbox(SaomaError):
    """The local Alipay does not answer, or not as one does."""


class Control:
    """One local Alipay at `url`. `partner` is whose calls are read."""

    def __init__(self, url: str, partner: str, session: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/")
        self.partner = partner
        self.session = session

    async def ask(self, method: str, path: str, body: Any = None, *, missing: bool = False) -> Any:
        """Use the control API. `missing`: what can't be done there (4xx) is None. Raises `NoSandbox`."""
        try:
            async with self.session.request(method, f"{self.url}/control/{path}", json=body, timeout=_LIMIT) as answer:
                said = await answer.text()
                if missing and 400 <= answer.status < 500:
                    return None
                if answer.status != 200:
                    raise NoSandbox(f"{self.url} answers {answer.status} to {path}: {said[:200]}")
                return json.loads(said)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as trouble:
            why = f"no local Alipay answers at {self.url} ({type(trouble).__name__})"
            raise NoSandbox(f"{why}: start one with  saoma sandbox  or add --own-sandbox") from None

    async def now(self) -> datetime:
        """What its clock says."""
        return datetime.fromisoformat((await self.ask("GET", "clock"))["now"])

    async def partners(self) -> list[str]:
        """The partner ids that it knows."""
        return [one["partner"] for one in (await self.ask("GET", "partners"))["partners"]]

    async def push(self, seconds: float) -> datetime:
        """Push its clock; what falls due happens and is told before this returns."""
        return datetime.fromisoformat((await self.ask("POST", "clock", {"advance_seconds": seconds}))["now"])

    async def stand(self, *, still: bool) -> None:
        """Let its clock stand still between pushes, or run again."""
        await self.ask("POST", "clock/stand", {"still": still})

    async def plan(self, service: str, fault: str, times: int = 1, seconds: float = 6) -> None:
        """Let the next calls of a service go wrong."""
        await self.ask("POST", "faults", {"service": service, "fault": fault, "times": times, "seconds": seconds})

    async def behave(self) -> None:
        """No more misbehaviour."""
        await self.ask("DELETE", "faults")

    async def calls(self, limit: int = 3000, number: str = "") -> list[Call]:
        """The partner's calls, oldest first."""
        about = f"&out_trade_no={number}" if number else ""
        said = await self.ask("GET", f"calls?partner={self.partner}&limit={limit}{about}")
        return [
            Call(
                datetime.fromisoformat(one["at"]), one["service"], one["out_trade_no"], one["request"],
                one["response"], one["why"],
            )
            for one in said["calls"]
        ]  # fmt: skip

    async def calls_since(self, moment: datetime) -> list[Call]:
        """The partner's calls from a moment on; only as much of the log is read as is needed."""
        limit = _FEW
        while True:
            found = await self.calls(limit)
            if len(found) < limit or found[0].at < moment or limit >= _MANY:
                return [call for call in found if call.at >= moment]
            limit *= 4

    async def trade(self, number: str) -> dict[str, Any]:
        """Alipay's record of a trade; empty where there is none."""
        return await self.ask("GET", f"trades/{number}?partner={self.partner}", missing=True) or {}

    async def notices(self, number: str) -> list[Notice]:
        """Every delivery of every notification about an order, in order; a repeated one is `again`."""
        said = await self.ask("GET", f"notifications/{number}")
        found: list[Notice] = []
        for notice in said["notifications"]:
            status = notice["fields"].get("trade_status", "")
            for place, tried in enumerate(notice["deliveries"]):
                at, kind = datetime.fromisoformat(tried["at"]), "again" if place else "first"
                found.append(Notice(at, number, kind, tried["status"], tried["answer"], status))
        return sorted(found, key=lambda each: each.at)

    async def forge(self, number: str, changes: dict[str, str], *, spoiled: bool) -> dict[str, Any]:
        """Tell a lie; what was answered."""
        body = {"changes": changes, "spoil_signature": spoiled}
        return dict(await self.ask("POST", f"notifications/{number}/forge", body))


@asynccontextmanager
async def own_sandbox(url: str) -> AsyncIterator[str]:
    """A local Alipay of this run at `url`, in a process of its own; its address. Raises `NoSandbox`."""
    port = urlsplit(url).port or 8001
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as trouble:
            why = f"port {port} can't be used for a local Alipay: {trouble.strerror}"
            raise NoSandbox(
                f"{why}. Is a sandbox running there already? Leave --own-sandbox out, and that one is used; or name "
                "another with --sandbox http://localhost:9001, and let your program call that"
            ) from None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "saoma.cli", "sandbox", "--port", str(port),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "SAOMA_FOLLOW_STDIN": "1"},
    )  # fmt: skip
    url = f"http://localhost:{port}"
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(_STARTS_WITHIN):
            while True:
                with suppress(aiohttp.ClientError):
                    async with session.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            break
                if process.returncode is not None:
                    raise NoSandbox(f"the local Alipay ended at once:  saoma sandbox --port {port}  says why")
                await asyncio.sleep(0.05)
        yield url
    except TimeoutError:
        raise NoSandbox("the local Alipay did not start in time") from None
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
