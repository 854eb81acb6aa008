"""Drives `alipay-sdk-python`, Alipay's own: reads one JSON line per call, writes one per answer.

It runs with that client's folder on the path, and with nothing of Saoma. The client reaches ports 80 and 443 only
(it can't even put another into its URL), so connections to port 80 are led to the sandbox below it."""

# mypy: ignore-errors
# (what it imports is installed elsewhere)
from __future__ import annotations

import importlib
import json
import socket
import sys
from typing import Any

setup: dict[str, Any] = {}
_connect = socket.create_connection


def _led(address: tuple[str, int], *rest: Any, **named: Any) -> socket.socket:
    return _connect(("127.0.0.1", setup["port"]) if address[1] == 80 else address, *rest, **named)


socket.create_connection = _led

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig  # noqa: E402
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient  # noqa: E402
from alipay.aop.api.util.SignatureUtils import get_sign_content, verify_with_rsa  # noqa: E402

settings = AlipayClientConfig()
client = DefaultAlipayClient(settings)


def begin(**given: Any) -> None:
    """Take on a configuration."""
    setup.update(given)
    settings.server_url = given.get("server_url", "http://localhost/gateway.do")
    settings.app_id = given["app_id"]
    settings.app_private_key = given["private_key"]
    settings.alipay_public_key = given["alipay_public_key"]
    settings.encrypt_type = "AES" if given.get("aes_key") else ""
    settings.encrypt_key = given.get("aes_key", "")


def call(method: str, content: dict[str, Any], notify_url: str = "", charset: str = "utf-8") -> dict[str, Any]:
    """One method by the request, model and response classes that the client has for it."""
    stem = "".join(part.capitalize() for part in method.split("."))
    settings.charset = charset
    model = getattr(importlib.import_module(f"alipay.aop.api.domain.{stem}Model"), f"{stem}Model")
    request = getattr(importlib.import_module(f"alipay.aop.api.request.{stem}Request"), f"{stem}Request")
    response = getattr(importlib.import_module(f"alipay.aop.api.response.{stem}Response"), f"{stem}Response")()
    asked = request(biz_model=model.from_alipay_dict(content))
    if notify_url:
        asked.notify_url = notify_url
    response.parse_response_content(client.execute(asked))
    read = {name: value for name, value in vars(response).items() if isinstance(value, str) and value}
    return {name.lstrip("_"): value for name, value in read.items()} | {"is_success": response.is_success()}


def verify(fields: dict[str, str]) -> bool:
    """A notification by the client's own functions, as its users do it."""
    told = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
    try:
        return verify_with_rsa(setup["alipay_public_key"], get_sign_content(told).encode(), fields["sign"])
    except Exception:
        return False


for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = {"begin": begin, "call": call, "verify": verify}[asked.pop("do")](**asked)
        print(json.dumps({"said": said}), flush=True)
    except Exception as trouble:
        print(json.dumps({"raised": type(trouble).__name__, "message": str(trouble)}), flush=True)
