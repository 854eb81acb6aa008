"""Drives the old `alipay`, which speaks `service=` with MD5: reads one JSON line per call, writes one per answer.

It runs with that client's folder on the path, and with nothing of Saoma. In-store services it does not know by name;
its own URL builder signs any service, and `paramnames` keeps away the parameters it would add unasked."""

# mypy: ignore-errors
# (what it imports is installed elsewhere)
from __future__ import annotations

import json
import sys

import requests

from alipay import Alipay

client: Alipay


def begin(partner: str, md5_key: str, port: int, **_: object) -> None:
    """Take on a configuration."""
    global client
    gateway = f"http://localhost:{port}/gateway.do"
    Alipay.GATEWAY_URL = gateway
    Alipay.NOTIFY_GATEWAY_URL = gateway + "?service=notify_verify&partner=%s&notify_id=%s"
    client = Alipay(partner, md5_key, seller_id=partner)


def call(service: str, fields: dict[str, str]) -> str:
    """One service by the client's URL builder, fetched as it fetches; the answer is XML that it leaves unread."""
    names = ["service", "partner", "_input_charset", *fields]
    return requests.get(client._build_url(service, paramnames=names, **fields)).text


def query(number: str) -> str:
    """The one query it has a function for."""
    return client.single_trade_query(out_trade_no=number)


def checkout(number: str) -> str:
    """The online product's page, by the function it has for it."""
    url = client.create_forex_trade_url(out_trade_no=number, subject="Tea", currency="USD", total_fee="1.00")
    return requests.get(url).text


def refund(trade_no: str) -> str:
    """The one refund it has a function for."""
    lines = [{"trade_no": trade_no, "fee": "1.00", "note": "cold"}]
    return client.refund_fastpay_by_platform_pwd(batch_list=lines, batch_no="20260101001")


def verify(fields: dict[str, str]) -> bool:
    """A notification: its signature, and then Alipay asked whether it was sent."""
    return client.verify_notify(**fields)


DOES = {"begin": begin, "call": call, "query": query, "checkout": checkout, "refund": refund, "verify": verify}
for line in sys.stdin:
    asked = json.loads(line)
    sys.stdout, written = sys.stderr, sys.stdout  # one of its functions prints what it is given
    try:
        answer = {"said": DOES[asked.pop("do")](**asked)}
    except Exception as trouble:
        answer = {"raised": type(trouble).__name__, "message": str(trouble)}
    sys.stdout = written
    print(json.dumps(answer), flush=True)
