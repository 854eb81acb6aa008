"""A sandbox, the test's integration in front of it, and the validator driving it: one call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from saoma.validator.adapter import meet
from saoma.validator.cases import ALL_SOLUTIONS, Case
from saoma.validator.control import Control
from saoma.validator.driving import drive
from saoma.validator.report import Finding
from saoma.validator.verdict import Outcome
from tests.sandbox import make
from tests.validator.doors import answer, doors
from tests.validator.shop import PARTNER, Shop

#: How long a planned silence lasts, in seconds.
HELD = 0.02


class Beside:
    """An adapter in this very process: hundreds of hooks by HTTP would take longer than what they ask for."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """As over HTTP."""
        return await answer(self._shop, hook, body)


@dataclass
class Bench:
    """One sandbox and one integration, to be driven again and again with other switches."""

    control: Control
    shop: Shop
    session: aiohttp.ClientSession

    async def drive(
        self, wrong: Iterable[str] = (), only: Iterable[str] = (), without: Iterable[str] = (), **hears: Any
    ) -> list[Finding]:
        """Drive it with these switches on, and without these hooks; by the rules of every solution, unless told."""
        shop = self.shop
        shop.wrong, shop.gateway = set(wrong), shop.first
        shop.forget()
        adapter = Beside(shop)
        hello = await meet(adapter)
        hello.hooks = [hook for hook in hello.hooks if hook not in without]
        hears.setdefault("solutions", ALL_SOLUTIONS)
        return await drive(self.control, adapter, hello, only=only, silence=HELD, **hears)

    async def right(self) -> Right:
        """Drive it with no switch on, and note which switches each case looks at: no others can change it."""
        looked: dict[str, set[str]] = {}

        def begins(_: Case) -> None:
            self.shop.used.clear()

        def found(finding: Finding) -> None:
            looked[finding.case.id] = set(self.shop.used)

        return Right(await self.drive(begins=begins, found=found), looked)


@dataclass
class Right:
    """A run without faults, and the switches that each case looked at."""

    found: list[Finding]
    looked: dict[str, set[str]]

    def cases_of(self, switch: str) -> list[str]:
        """The cases that a switch could change."""
        return [case for case, used in self.looked.items() if switch in used]


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """Both, served on ports of their own."""
    async with make.running(at=None) as sandbox, aiohttp.ClientSession() as session:
        shop = Shop(sandbox.url, session)
        shop.app_keys = make.partner_keys()
        runner = web.AppRunner(doors(shop), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        shop.home = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield Bench(Control(sandbox.url, PARTNER, session), shop, session)
        finally:
            await runner.cleanup()


def outcomes(found: Iterable[Finding]) -> dict[str, str]:
    """Every case's outcome and reason, in short."""
    return {each.case.id: f"{each.verdict.outcome.value}: {each.verdict.reason.key}" for each in found}


def failed(found: Iterable[Finding]) -> dict[str, str]:
    """The reasons of the cases that failed."""
    return {each.case.id: each.verdict.reason.key for each in found if each.verdict.outcome is Outcome.FAILED}
