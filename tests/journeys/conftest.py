"""The stage of the journeys: the real demo, all its processes, started once; and phones with people who hold them.

Everything is real here: PostgreSQL, app, worker, local Alipay, Chromium. `SAOMA_NO_BROWSER=1` leaves the stage dark."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium_running

expect.set_options(timeout=15_000)
PHONE = {"width": 390, "height": 780}
DESK = {"width": 1366, "height": 860}
Choice = TypeVar("Choice")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """The running demo, as `demo.json` tells it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[str, Any] = json.loads((folder / "demo.json").read_text())
        self.app_url: str = self.told["app_url"]
        self.sandbox_url: str = self.told["sandbox_url"]
        self.database_url: str = self.told["database_url"]
        page = (folder / "start.html").read_text()
        self._links = dict(re.findall(r'href="(http://(\w+)\.localhost:\d+/sign-in/link/[^"]+)"', page))

    def table(self, merchant: str, number: int) -> dict[str, Any]:
        """One of a restaurant's tables; each journey takes another, so that none meets another's guests."""
        return [each for each in self.told["tables"] if each["merchant"] == merchant][number]

    def sign_in_link(self, login: str) -> str:
        """The start page's link for a member of staff."""
        return next(link for link, name in self._links.items() if name == login)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the sandbox's control API: GET without a body, POST with one."""
        request = urllib.request.Request(
            f"{self.sandbox_url}/control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the books."""
        import psycopg

        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[call-overload,no-any-return]


def start_demo(folder: Path, *, data: bool = True, acquirer: bool = False) -> subprocess.Popen[bytes]:
    """Run `saoma demo` in `folder` and wait for its `ready`."""
    ports = ["--port", str(free_port()), "--sandbox-port", str(free_port())]
    ports += ["--with-acquirer", "--acquirer-port", str(free_port())] if acquirer else []
    out = folder / "demo.out"
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "saoma.cli", "demo", *ports, "--data-dir", str(folder), "--no-browser"],
        stdout=out.open("wb"),
        stderr=subprocess.STDOUT,
        cwd=Path(__file__).resolve().parents[2] if data else folder,
    )
    until = time.monotonic() + 150
    while time.monotonic() < until:
        if "\nready\n" in out.read_text(errors="replace"):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    logs = "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in folder.glob("*.log"))
    raise AssertionError(f"the demo did not get ready:\n{out.read_text(errors='replace')}\n{logs}")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo with its acquirer, started once for all journeys and stopped with Ctrl-C."""
    folder = tmp_path_factory.mktemp("house")
    process = start_demo(folder, acquirer=True)
    yield House(folder)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, "Ctrl-C stops everything and ends well"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the journeys of a module: a longer life would keep its event loop in other tests' way."""
    with chromium_running() as browser:
        yield browser


class Person:
    """Somebody with a screen of their own. What their browser complains about is kept and fails the test."""

    def __init__(self, context: BrowserContext, house: House) -> None:
        self.context = context
        self.house = house
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.type, said.text))

    def _hear(self, kind: str, text: str) -> None:
        # A page that is left in the middle of a fetch says so; that is no fault of the page.
        if kind == "error" and "Failed to fetch" not in text:
            self.complaints.append(text)

    def scan(self, name: str, url: str) -> None:
        """Open an address with the toy wallet of buyer `name`."""
        port = self.house.sandbox_url.rpartition(":")[2]
        self.page.goto(f"http://{name}.localhost:{port}/wallet/open?url={quote(url, safe='')}")

    def sign_in(self, login: str, path: str) -> None:
        """Follow the start page's link and go to a screen."""
        self.page.goto(self.house.sign_in_link(login))
        self.page.locator("form button[type=submit]").click()
        self.page.wait_for_url(re.compile(r"localhost:\d+/(?!sign-in)"))
        origin = self.page.url.split("/", 3)[:3]
        self.page.goto("/".join(origin) + path)

    @property
    def shop(self) -> Any:
        """The shop's page inside the wallet."""
        return self.page.frame_locator("iframe[name=page]")

    def type_pin(self, pin: str = "123456") -> None:
        """Press the wallet's keys."""
        for digit in pin:
            self.page.locator(f"[data-key='{digit}']:visible").click()


@pytest.fixture
def person(chromium: Browser, house: House) -> Iterator[Callable[..., Person]]:
    """Makes people: `person("en")`, `person("zh", desk=True)`."""
    people: list[Person] = []

    def make(lang: str = "en", *, desk: bool = False) -> Person:
        context = chromium.new_context(
            viewport=DESK if desk else PHONE, locale={"en": "en-US", "zh": "zh-CN"}[lang], reduced_motion="reduce"
        )
        one = Person(context, house)
        people.append(one)
        return one

    yield make
    complaints = [complaint for one in people for complaint in one.complaints]
    for one in people:
        with contextlib.suppress(Exception):
            one.context.close()
    assert not complaints, complaints


@dataclass(frozen=True)
class Cast:
    """Who plays a flow, and how: between its two castings every flow is seen in both languages and at both widths.

    In English guests hold phones and staff stand at desks; in Chinese guests sit at desks and staff hold phones."""

    lang: str
    _make: Callable[..., Person]

    def guest(self) -> Person:
        """A customer with a browser of their own."""
        return self._make(self.lang, desk=self.lang == "zh")

    def staff(self) -> Person:
        """One of the shop's people."""
        return self._make(self.lang, desk=self.lang == "en")

    def pick(self, *, en: Choice, zh: Choice) -> Choice:
        """What differs: a word on the screen, a table that the other casting doesn't use."""
        return en if self.lang == "en" else zh


@pytest.fixture(params=["en", "zh"])
def cast(request: pytest.FixtureRequest, person: Callable[..., Person]) -> Cast:
    """The people of one flow; asking for them plays the test twice."""
    return Cast(request.param, person)
