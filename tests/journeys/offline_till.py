"""A till that can be cut from the server and killed.

It is a browser of its own with a profile on the disk, behind a wire that somebody can pull, or that loses answers on
their way back."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser import FLAGS, find, libraries
from tests.journeys.conftest import DESK, PHONE, House, free_port


class Wire:
    """Carries bytes between a browser and the server, as long as nobody has pulled it."""

    #: The version in the worker's script, as a browser reads it once a newer release answers.
    NEWER = b'"version":"' + b"0" * 12 + b'"'

    def __init__(self, house: House) -> None:
        self.newer = False
        self.target = int(house.app_url.rpartition(":")[2])
        self.port = free_port()
        self.lost = 0
        self._losing = 0
        self._open: set[socket.socket] = set()
        self._door: socket.socket | None = None

    def plug(self, losing: int = 0) -> None:
        """Connect; of the next `losing` orders the answers get lost after the server has done its work, and of every
        second one the request before."""
        self._losing, self.lost = losing, 0
        door = socket.create_server(("127.0.0.1", self.port))
        self._door = door
        threading.Thread(target=self._welcome, args=(door,), daemon=True).start()

    def pull(self) -> None:
        """Nobody gets through from now on, and who was talking is cut off."""
        if self._door is not None:
            with contextlib.suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._door = None
        for end in list(self._open):
            _hang_up(end)

    def _welcome(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._open |= {near, far}
            loses = threading.Event()
            threading.Thread(target=self._carry, args=(near, far, loses, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, loses, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, loses: threading.Event, asking: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if self.newer and asking and piece.startswith(b"GET /sw.js"):
                    piece = piece.replace(b"\r\nAccept-Encoding:", b"\r\nX-No-Encoding:.")
                if self.newer and not asking:
                    piece = re.sub(rb'"version":"\w{12}"', self.NEWER, piece)
                if asking and piece.startswith(b"POST /offline/orders") and self._losing:
                    self._losing -= 1
                    if self._losing % 2:
                        self.lost += 1
                        break
                    loses.set()
                if not asking and loses.is_set():
                    self.lost += 1
                    break
                sink.sendall(piece)
        for end in (source, sink):
            self._open.discard(end)
            _hang_up(end)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class OfflineTill:
    """One till: its wire, its profile, and the browser that is killed and started again.

    `phone` makes it one on a phone, in Chinese; else it stands on a desk, in English."""

    def __init__(self, playwright: Playwright, house: House, login: str, folder: Path, *, phone: bool = False) -> None:
        self.playwright, self.house, self.login, self.folder = playwright, house, login, folder
        self.lang, self.size = ("zh", PHONE) if phone else ("en", DESK)
        self.wire = Wire(house)
        self.wire.plug()
        self.origin = f"http://{login}.localhost:{self.wire.port}"
        self.start()

    def start(self) -> None:
        """Start the browser on its profile, and look at it."""
        port, path = free_port(), find()
        assert path, "no browser: run  make browser"
        self.process = subprocess.Popen(
            [
                *(
                    path,
                    "--headless=new",
                    *FLAGS,
                    "--lang=en-US",
                    "--no-default-browser-check",
                ),
                *(f"--remote-debugging-port={port}", f"--user-data-dir={self.folder}", "about:blank"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **libraries()},
            start_new_session=True,
        )
        self.browser = self._attached(port)
        context = self.browser.contexts[0]
        self.page: Page = context.pages[0] if context.pages else context.new_page()
        self.page.set_viewport_size(self.size)

    def _attached(self, port: int) -> Browser:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        return self.playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")

    def kill(self) -> None:
        """As when the machine loses its power: SIGKILL to the browser and all of its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        with contextlib.suppress(Exception):
            self.browser.close()

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        self.wire.pull()

    def sign_in(self, path: str) -> None:
        """Follow the start page's link, on the till's own origin, and go to a screen."""
        link = re.sub(r":\d+/", f":{self.wire.port}/", self.house.sign_in_link(self.login), count=1)
        self.page.goto(f"{link}?lang={self.lang}")
        self.page.locator("form button[type=submit]").click()
        self.page.wait_for_url(re.compile(r"localhost:\d+/(?!sign-in)"))
        self.page.goto(self.origin + path)

    def prepare(self, path: str = "/till") -> None:
        """A working day begins: somebody signs in, and the till learns what it needs without the server."""
        self.sign_in(path)
        self.page.wait_for_selector("html[data-offline=ready]", state="attached")

    def cut(self, path: str = "/till") -> None:
        """The wire is pulled; the till is opened again."""
        self.wire.pull()
        self.page.goto(self.origin + path)
        expect(self.page.locator("#offline[data-state=lost]")).to_be_attached()

    def take_by_hand(self, count: int) -> None:
        """Real clicks: the table, a dish, keep."""
        keys = self.page.locator("button[data-dish]:not([disabled])")
        plain = [key for key in keys.all() if "…" not in key.inner_text()]
        waiting = self.waiting()
        for number in range(1, count + 1):
            self.page.get_by_test_id("place").nth(number % 3 + 18).click()
            plain[number % len(plain)].click()
            self.page.get_by_test_id("keep").click()
            self.page.wait_for_selector(f"#offline[data-waiting='{waiting + number}']", state="attached")

    def take_by_script(self, count: int) -> None:
        """The same clicks on the same buttons, dispatched by a script: tables, and every fifth one the counter."""
        self.page.evaluate(_TAKE, count)

    def waiting(self) -> int:
        """How many orders the till says are waiting."""
        return int("".join(filter(str.isdigit, self.page.get_by_test_id("waiting").inner_text())) or 0)

    def deliver(self) -> None:
        """Wait until the till says that nothing waits; sign in again if the kill has cost it its cookies.

        Until then the browser says "online" again and again, as in a room with bad reception."""
        self.page.evaluate(_ONLINE)
        root = self.page.locator("#offline")
        signed_out, empty = '#offline[data-state="sign-in"]', '#offline[data-state="connected"][data-waiting="0"]'
        self.page.wait_for_selector(f"{signed_out}, {empty}", state="attached", timeout=20_000)
        if root.get_attribute("data-state") == "sign-in":
            self.sign_in("/offline")
            self.page.evaluate(_ONLINE)
            self.page.wait_for_selector(empty, state="attached", timeout=20_000)

    def device(self) -> str:
        """The id under which this browser's orders are known: it has one."""
        (device,) = self.page.evaluate(_DEVICES)
        return str(device)

    def orders(self) -> list[tuple[Any, ...]]:
        """This till's orders as the books have them, in the order in which they became real."""
        return self.house.query(
            "SELECT seq::int, state, kind, landed_id, jsonb_array_length(content -> 'lines') FROM offline_orders"
            " WHERE device_id = %s ORDER BY settled_at, seq",
            self.device(),
        )

    def letter(self) -> str:
        """What stands before its provisional numbers."""
        ((letter,),) = self.house.query(
            "SELECT DISTINCT split_part(label, '-', 1) FROM offline_orders WHERE device_id = %s", self.device()
        )
        return str(letter)


_TAKE = """async (count) => {
  const click = (wanted) => document.querySelector(wanted).click();
  const dishes = [...document.querySelectorAll("button[data-dish]:not([disabled])")];
  const keys = dishes.filter((key) => !key.textContent.includes("…"));
  const said = document.getElementById("said");
  for (let n = 0; n < count; n++) {
    click(n % 5 ? "[data-kind=table]" : "[data-kind=counter]");
    if (n % 5) document.querySelectorAll("[data-testid=place]")[n % 3 + 18].click();
    for (let d = 0; d <= n % 3; d++) keys[(n + d) % keys.length].click();
    const before = said.dataset.label;
    click("#keep");
    while (said.dataset.label === before) await new Promise((later) => setTimeout(later, 1));
  }
  click("[data-kind=table]");
}"""
_ONLINE = """() => {
  const root = document.getElementById("offline");
  const sent = () => root.dataset.state === "connected" && root.dataset.waiting === "0";
  const over = () => root.dataset.state === "sign-in" || sent();
  const timer = setInterval(() => (over() ? clearInterval(timer) : dispatchEvent(new Event("online"))), 100);
}"""
_DEVICES = """() => new Promise((resolve) => {
  const asked = indexedDB.open("saoma-offline");
  asked.onsuccess = () => {
    const every = asked.result.transaction("devices").objectStore("devices").getAll();
    every.onsuccess = () => { resolve(every.result.map((one) => one.id)); asked.result.close(); };
  };
})"""


@contextlib.contextmanager
def tills(
    playwright: Playwright, house: House, folder: Path, *logins: str, phone: bool = False
) -> Iterator[list[OfflineTill]]:
    """Some tills, gone at the end."""
    made: list[OfflineTill] = []
    try:
        for number, login in enumerate(logins):
            made.append(OfflineTill(playwright, house, login, folder / f"till-{number}", phone=phone))
        yield made
    finally:
        for one in made:
            one.close()
