"""Follows a quick-start page in an empty folder: saves its code blocks, runs its programs, and reads what they print.

Nothing of a page is repeated here: a program that is wrong on the page is wrong in the test. Only ports are put in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "quickstart"
PARTNER: Final = "2088000000000001"
SIGNING: Final = re.compile(
    r"^ *(?:#|//) --- signing: (\w+) ---\n.*?--- end of signing ---\n", re.DOTALL | re.MULTILINE
)


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Alipay:
    """`saoma sandbox` as a process, seen from outside."""

    port: int

    def control(self, method: str, path: str, data: bytes | None = None) -> Any:
        """Use the control API as the pages do, without a content type."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/control/{path}", data, method=method)
        request.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(request, timeout=20) as answer:
            said = answer.read()
        return json.loads(said) if said.startswith((b"{", b"[")) else said.decode()


@contextlib.contextmanager
def sandbox() -> Iterator[Alipay]:
    """A local Alipay with nothing but its defaults."""
    alipay = Alipay(free_port())
    command = [sys.executable, "-m", "saoma.cli", "sandbox", "--port", str(alipay.port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "SAOMA_FOLLOW_STDIN": "1"},
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        while True:
            assert process.poll() is None, "the sandbox did not start"
            with contextlib.suppress(OSError):
                alipay.control("GET", "clock")
                break
            time.sleep(0.02)
        yield alipay
    finally:
        process.terminate()
        process.communicate(timeout=15)


class Page:
    """One page, as text; its programs speak to this sandbox and listen at this port."""

    def __init__(self, name: str, alipay: Alipay) -> None:
        self._text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        self._alipay = alipay
        self.listens_at = free_port()

    def file(self, name: str) -> str:
        """The code that the page says to save under a name."""
        found = re.search(rf"\*\*`{re.escape(name)}`\*\*.*?```\w+\n(.*?)```", self._text, re.DOTALL)
        assert found, f"the page does not say what {name} holds"
        return self.here(found[1])

    def with_rsa2(self, program: str) -> str:
        """A program whose lines between the two marks are those that the page has for RSA2."""
        blocks = {found[1]: found[0] for found in SIGNING.finditer(self._text)}
        changed, count = SIGNING.subn(lambda _: blocks["RSA2"], program)
        assert count == 1
        return changed

    def commands(self) -> str:
        """Everything the page says to type."""
        return "".join(re.findall(r"```sh\n(.*?)```", self._text, re.DOTALL))

    def here(self, code: str) -> str:
        """Code with this sandbox's port, and one that is free."""
        return code.replace("localhost:8001", f"localhost:{self._alipay.port}").replace("9000", str(self.listens_at))


@dataclass
class Till:
    """A program of a page, and how it is run."""

    folder: Path
    run: Sequence[str]
    listen: Sequence[str]
    env: dict[str, str]
    is_slow: bool = False

    def does(self, *words: str) -> list[str]:
        """Run it to its end; the words that it printed."""
        done = subprocess.run(
            [*self.run, *words], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        return (done.stdout + done.stderr).split()

    def first(self, *words: str) -> list[str]:
        """The same, in a process of its own in any case."""
        return Till.does(self, *words)

    def close(self) -> None:
        """End what stays between its commands."""

    @contextlib.contextmanager
    def listening(self) -> Iterator[Path]:
        """While it listens for notifications, the file that holds what it printed."""
        heard = self.folder / "heard.txt"
        with heard.open("w") as out:
            process = subprocess.Popen(self.listen, cwd=self.folder, env=self.env, stdout=out, stderr=out)
        try:
            until = time.monotonic() + 30
            while not re.search("listening|started", heard.read_text()):
                assert process.poll() is None, heard.read_text()
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.02)
            yield heard
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)
