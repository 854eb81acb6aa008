"""A local Alipay as a process of its own, the clients as others, and somebody who listens for notifications."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import serialization

from saoma.alipay.signing import new_rsa_key
from saoma.sandbox.book.store import Store
from tests.clients.installing import HERE, NPM, folder_of, node

OFFICIAL, COMMUNITY, OLD = "alipay-sdk-python", "python-alipay-sdk", "alipay"
_DRIVERS: Final = {OFFICIAL: "drive_official.py", COMMUNITY: "drive_community.py", OLD: "drive_old.py"}
#: Each client has a partner of its own, so that none waits for faults of another.
PARTNERS: Final = {OFFICIAL: "2088000000000011", COMMUNITY: "2088000000000012", OLD: "2088000000000013",
                   NPM: "2088000000000014"}  # fmt: skip
MD5_KEY: Final = "0123456789abcdefghijklmnopqrstuv"
AES_KEY: Final = "AAECAwQFBgcICQoLDA0ODw=="


@cache
def alipay_keys() -> tuple[str, str]:
    """The sandbox's own pair; short, because one of the clients reckons in Python."""
    return new_rsa_key(1024)


@cache
def partner_keys() -> tuple[str, str]:
    """The pair of every partner here."""
    return new_rsa_key(1024)


@dataclass
class Alipay:
    """The sandbox's process, seen from outside."""

    port: int
    told: list[dict[str, str]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    notify_url: str = ""

    def control(self, method: str, path: str, data: Any = None) -> Any:
        """Use the control API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/control/{path}", method=method,
            data=None if data is None else json.dumps(data).encode(), headers={"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def code(self, buyer: str = "anna") -> str:
        """A payment code as a wallet shows it."""
        return str(self.control("POST", f"buyers/{buyer}/payment-code")["code"])

    def notification(self, number: str) -> dict[str, str]:
        """What its partner was told about an order, as it was posted."""
        while True:
            for fields in self.told:
                if fields["out_trade_no"] == number:
                    return dict(fields)
            assert self.arrived.wait(10), "no notification came"
            self.arrived.clear()

    def plan(self, service: str, fault: str) -> None:
        """Let the next call of a service go wrong."""
        self.control("POST", "faults", {"service": service, "fault": fault, "seconds": 0})


class Client:
    """A client's process: one line of JSON there, one back."""

    def __init__(self, name: str, setup: Mapping[str, Any]) -> None:
        folder = folder_of(name)
        if name == NPM:
            command, env = [str(node()), str(HERE / "npm" / "drive.mjs"), str(folder)], dict(os.environ)
        else:
            command = [sys.executable, str(HERE / _DRIVERS[name])]
            env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._begin(setup)
        self._setup = setup

    @contextlib.contextmanager
    def configured(self, changes: Mapping[str, Any]) -> Iterator[None]:
        """For a while, another configuration."""
        self._begin({**self._setup, **changes})
        try:
            yield
        finally:
            self._begin(self._setup)

    def do(self, what: str, **named: Any) -> dict[str, Any]:
        """The answer as it was written: `said`, or `raised` and `message`."""
        self._write({"do": what, **named})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client's process ended"
        return dict(json.loads(line))

    def ask(self, method: str, content: Any, **named: Any) -> Any:
        """What a call said; it must not raise."""
        answer = self.do("call", method=method, content=content, **named)
        assert "said" in answer, answer
        return answer["said"]

    def fails(self, method: str, content: Any) -> str:
        """What a call raised, with its message."""
        answer = self.do("call", method=method, content=content)
        assert "raised" in answer, answer
        return f"{answer['raised']}: {answer['message']}"

    def close(self) -> None:
        """End it: its input is closed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _begin(self, setup: Mapping[str, Any]) -> None:
        answer = self.do("begin", **setup)
        assert "said" in answer, answer

    def _write(self, data: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(data) + "\n")
        self._process.stdin.flush()


def setup_of(alipay: Alipay, name: str) -> dict[str, Any]:
    """What a client's user would put into its configuration, in the forms that each wants."""
    private = serialization.load_pem_private_key(partner_keys()[0].encode(), password=None)
    form = serialization.PrivateFormat.PKCS8 if name == NPM else serialization.PrivateFormat.TraditionalOpenSSL
    text = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    bare = "".join(text.splitlines()[1:-1])
    return {
        "port": alipay.port,
        "partner": PARTNERS[name],
        "app_id": f"20160000000000{PARTNERS[name][-2:]}",
        "md5_key": MD5_KEY,
        "private_key": bare if name in (OFFICIAL, NPM) else text,
        "alipay_public_key": alipay_keys()[1],
    }


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Alipay]:
    """`saoma sandbox` as its users start it, with the clients' partners, and a listener for what they are told."""
    store = Store(folder / "book.sqlite")
    store.keep("key", "alipay", alipay_keys())
    store.close()
    partners = [
        {
            "partner": pid,
            "app_id": f"20160000000000{pid[-2:]}",
            "md5_key": MD5_KEY,
            "public_key": partner_keys()[1],
            "aes_key": AES_KEY,
        }
        for pid in PARTNERS.values()
    ]
    buyers = [{"id": "anna", "balance": 5000}, {"id": "poor", "balance": 1}]
    config = folder / "sandbox.json"
    config.write_text(json.dumps({"state": "book.sqlite", "partners": partners, "buyers": buyers}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        alipay = Alipay(probe.getsockname()[1])
    with _listening(alipay):
        process = subprocess.Popen(
            [sys.executable, "-m", "saoma.cli", "sandbox", "--port", str(alipay.port), "--config", str(config)],
            env={**os.environ, "SAOMA_FOLLOW_STDIN": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            while "Press Ctrl-C" not in (line := process.stdout.readline()):
                assert line, "the sandbox did not start"
            while not _answers(alipay):
                time.sleep(0.02)
            yield alipay
        finally:
            process.terminate()
            process.wait(15)


def _answers(alipay: Alipay) -> bool:
    try:
        alipay.control("GET", "clock")
    except urllib.error.URLError:
        return False
    return True


@contextlib.contextmanager
def _listening(alipay: Alipay) -> Iterator[None]:
    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            alipay.told.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"success" if self.path == "/notify" else b"later")
            alipay.arrived.set()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    alipay.notify_url = f"http://127.0.0.1:{server.server_port}/notify"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
