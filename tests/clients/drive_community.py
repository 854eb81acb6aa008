"""Drives `python-alipay-sdk`: reads one JSON line per call, writes one per answer.

It runs with that client's folder on the path, and with nothing of Saoma. The client knows Alipay's two hosts only;
its users change `_gateway` for any other."""

# mypy: ignore-errors
# (what it imports is installed elsewhere)
from __future__ import annotations

import json
import sys
from typing import Any

from alipay import AliPay, DCAliPay

client: AliPay


def begin(**setup: Any) -> None:
    """Take on a configuration: with keys, or with certificates."""
    global client
    if "app_cert" in setup:
        client = DCAliPay(
            appid=setup["app_id"],
            app_private_key_string=setup["private_key"],
            app_public_key_cert_string=setup["app_cert"],
            alipay_public_key_cert_string=setup["alipay_cert"],
            alipay_root_cert_string=setup["alipay_root_cert"],
        )
    else:
        client = AliPay(
            appid=setup["app_id"],
            app_private_key_string=setup["private_key"],
            alipay_public_key_string=setup["alipay_public_key"],
        )
    client._gateway = f"http://localhost:{setup['port']}/gateway.do"


def call(method: str, content: dict[str, Any], notify_url: str = "") -> dict[str, Any]:
    """One method by the function that the client has for it."""
    if method == "alipay.trade.fastpay.refund.query":
        return client.api_alipay_trade_fastpay_refund_query(**content)
    extra = {"notify_url": notify_url} if notify_url else {}
    return getattr(client, f"api_{method.replace('.', '_')}")(**content, **extra)


def verify(fields: dict[str, str]) -> bool:
    """A notification, as the client's page shows it."""
    told = dict(fields)
    signature = told.pop("sign")
    return client.verify(told, signature)


def numbers() -> dict[str, str]:
    """What the client computes from its certificates."""
    return {"app_cert_sn": client.app_cert_sn, "alipay_root_cert_sn": client.alipay_root_cert_sn}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = {"begin": begin, "call": call, "verify": verify, "numbers": numbers}[asked.pop("do")](**asked)
        print(json.dumps({"said": said}), flush=True)
    except Exception as trouble:
        print(json.dumps({"raised": type(trouble).__name__, "message": str(trouble)}), flush=True)
