"""A local Alipay without a socket, and signed calls of its Open API; partner and times are the samples'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from saoma.alipay.wire import OpenApiAnswer, read_openapi_answer
from saoma.sandbox.config import Config
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.make import APP, CODE, LUNCH

PAY = "alipay.trade.pay"
CREATE = "alipay.trade.create"
PRECREATE = "alipay.trade.precreate"
QUERY = "alipay.trade.query"
CANCEL = "alipay.trade.cancel"
CLOSE = "alipay.trade.close"
REFUND = "alipay.trade.refund"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"
BILL = "alipay.data.dataservice.bill.downloadurl.query"
NOTIFY = "https://pos.example.com/alipay/notify"


@dataclass
class Desk:
    """One partner's side of the Open API: asks, and checks that what comes back is signed over its own text."""

    sandbox: Sandbox
    common: dict[str, str] = field(default_factory=dict)

    def signed(self, method: str, content: Mapping[str, Any] | str | None = None, **changes: str) -> dict[str, str]:
        """The parameters of a call, signed; an empty change leaves a parameter out."""
        fields = {
            "app_id": APP, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
            "timestamp": "2024-01-05 12:15:32", "version": "1.0",
        } | self.common  # fmt: skip
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            fields["biz_content"] = text
        fields = {name: value for name, value in (fields | changes).items() if value}
        codec = "gbk" if fields.get("charset", "").lower() in ("gbk", "gb2312") else "utf-8"
        return make.signed(fields, make.partner_signatory(), codec, open_api=True)

    def send(self, fields: Mapping[str, str]) -> bytes:
        """What comes back for parameters as they are, common ones in the URL as SDKs put them; empty for silence."""
        codec = "gbk" if fields.get("charset", "").lower() in ("gbk", "gb2312") else "utf-8"
        body = {name: value for name, value in fields.items() if name == "biz_content"}
        query = {name: value for name, value in fields.items() if name not in body}
        reply = self.sandbox.openapi.answer(
            urlencode(query, encoding=codec).encode(), urlencode(body, encoding=codec).encode()
        )
        return reply.body or b""

    def ask(self, method: str, content: Mapping[str, Any] | str | None = None, **changes: str) -> dict[str, Any]:
        """The fields of a signed answer in the method's own node."""
        said = self.read(self.send(self.signed(method, content, **changes)), changes.get("charset", "utf-8"))
        assert said.node == f"{method.replace('.', '_')}_response"
        assert said.is_signed_by(make.partner_signatory())
        return dict(said.fields)

    def read(self, body: bytes, charset: str = "utf-8") -> OpenApiAnswer:
        """An answer, strictly read."""
        return read_openapi_answer(body, charset)

    def pay(self, number: str = "T1", amount: str = "12.50", code: str = CODE, **more: Any) -> dict[str, Any]:
        """A payment at the till."""
        notify = {"notify_url": NOTIFY} if more.pop("told", False) else {}
        content = {
            "out_trade_no": number, "scene": "bar_code", "auth_code": code, "subject": "面 Noodles",
            "total_amount": amount,
        }  # fmt: skip
        return self.ask(PAY, content | more, **notify)

    def status(self, number: str = "T1") -> str:
        """What a query says of it."""
        said = self.ask(QUERY, {"out_trade_no": number})
        return str(said.get("trade_status") or said["sub_code"])

    def push(self, **by: float) -> None:
        """Let time pass."""
        self.sandbox.book.advance(timedelta(**by))

    def plan(self, service: str, fault: str, times: int = 1, code: str = "") -> None:
        """Let the next calls go wrong."""
        self.sandbox.faults.plan(Fault(service, FaultKind(fault), times, 0, code))


def desk(config: Config | None = None, at: datetime = LUNCH) -> Desk:
    """A sandbox with the sample partner."""
    return Desk(Sandbox(config or make.settings(), make.clock(at), 8001, make.store()))
