"""A real sandbox process with a partner beside it, and a browser that holds its phones."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import chromium_running


@dataclass
class Street:
    """Where the sandbox and the partner are, with a back door into the book."""

    port: int
    partner_port: int
    numbers: list[int] = field(default_factory=lambda: [0])

    @property
    def partner(self) -> str:
        return f"http://127.0.0.1:{self.partner_port}"

    def phone(self, buyer: str) -> str:
        return f"http://{buyer}.localhost:{self.port}"

    def book(self, do: str, **wish: Any) -> Any:
        """Ask the test server's back door."""
        return self._post(f"http://127.0.0.1:{self.port}/control/book", json.dumps({"do": do, **wish}).encode())

    def control(self, path: str, **wish: Any) -> Any:
        """Ask the control API."""
        return self._post(f"http://127.0.0.1:{self.port}/control/{path}", json.dumps(wish).encode())

    def user_id(self, buyer: str) -> str:
        """Alipay's number of a buyer."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/control/buyers") as answer:
            known = json.load(answer)["buyers"]
        return next(str(one["user_id"]) for one in known if one["id"] == buyer)

    def renew(self, buyer: str) -> None:
        """The buyer's first PIN again, and money."""
        self.control("buyers", id=buyer, pin_required=buyer == "ben", balance="5000")

    def number(self) -> str:
        """An order number never used before."""
        self.numbers[0] += 1
        return f"W-{self.numbers[0]}"

    def new_trade(self) -> str:
        """A trade of Amy's, and the partner's page offers to pay it."""
        trade: str = self.book("create", number=self.number())["trade_no"]
        self._post(f"{self.partner}/trade", trade.encode())
        return trade

    def status(self, trade: str) -> str:
        return str(self.book("trade", number=trade)["status"])

    def seen(self) -> list[dict[str, Any]]:
        """Every request the partner got."""
        with urllib.request.urlopen(f"{self.partner}/seen") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def _post(self, url: str, body: bytes) -> Any:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def street() -> Iterator[Street]:
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "tests.sandbox.wallet.server", *map(str, ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and line.strip() != "ready":
            pass
        assert line, "the sandbox did not start"
        yield Street(*ports)
        process.kill()


# Not for the whole session: while this kind of playwright runs, no asynchronous test can.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with chromium_running() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A phone-sized window; a script error or a broken content policy on any page fails the test."""
    made = context.new_page()
    troubles: list[str] = []
    made.on("pageerror", lambda error: troubles.append(str(error)))
    made.on(
        "console",
        lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield made
    assert troubles == []
