"""The other side of the waiting benchmark: every trade waits for its buyer, and every question is remembered.

It answers `WAIT_BUYER_PAY`, signed, after the delay of a real line; it speaks no more HTTP than the client needs, so
that it takes little of the cores it shares with what is measured."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qsl

import uvloop

from saoma.alipay.signing import SignType, rsa_signatory
from saoma.alipay.wire import write_answer

given = json.loads(sys.stdin.read())
signatory = rsa_signatory(SignType.RSA2, given["private"], None)
asked: list[tuple[str, float]] = []
answers: dict[str, bytes] = {}


def answer(order_number: str) -> bytes:
    """The signed answer about one trade; it never changes, so it is made once."""
    if order_number not in answers:
        fields = {
            "alipay_trans_id": "20260302" + order_number[-20:],
            "alipay_trans_status": "WAIT_BUYER_PAY",
            "currency": "USD",
            "out_trade_no": order_number,
            "partner_trans_id": order_number,
            "result_code": "SUCCESS",
            "trans_amount": "12.50",
        }
        answers[order_number] = framed(write_answer("alipay", fields, {}, signatory, "UTF-8"), "text/xml")
    return answers[order_number]


def framed(body: bytes, kind: str) -> bytes:
    """A body with its HTTP head."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Line(asyncio.Protocol):
    """One kept connection, one question at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing read."""
        self.transport: Any = transport
        self.read = b""

    def data_received(self, data: bytes) -> None:
        """Answer when a whole question has come."""
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length:
            return
        self.read = b""
        if head.startswith(b"GET"):
            told = json.dumps(asked).encode()
            asked.clear()
            self.transport.write(framed(told, "application/json"))
            return
        order_number = dict(parse_qsl(body.decode()))["partner_trans_id"]
        asked.append((order_number, time.time()))
        asyncio.get_running_loop().call_later(given["delay"], self.say, order_number)

    def say(self, order_number: str) -> None:
        """The answer, unless they hung up."""
        if not self.transport.is_closing():
            self.transport.write(answer(order_number))


async def main() -> None:
    """Listen until told to stop."""
    server = await asyncio.get_running_loop().create_server(Line, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
