"""A client of Alipay+ for tests: signs what is sent, and checks the signature of what comes back."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saoma.alipay.signing import Signatory
from saoma.sandbox.book.model import Partner
from saoma.sandbox.plus.gateway import Heard
from saoma.sandbox.plus.signing import read_signature, text_to_sign, write_signature
from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.near import Near

CLIENT = "SANDBOX_5X00000000000000"
PAY = "/ams/api/v1/payments/pay"
TIME = "2024-01-05T12:15:30+08:00"


def partner(**changes: Any) -> Partner:
    """The sample partner as a client of Alipay+."""
    known: dict[str, Any] = {"client_id": CLIENT, "client_public_key": make.partner_keys()[1]} | changes
    return Partner(make.PARTNER, make.APP, md5_key=make.KEY, public_key=make.partner_keys()[1], **known)


def pay_body(number: str = "pay_test_0001", code: str = make.CODE, **changes: Any) -> dict[str, Any]:
    """A payment with a payment code; a change is named by its path, with `__` for the dots, and None takes it away."""
    body: dict[str, Any] = {
        "productCode": "IN_STORE_PAYMENT",
        "paymentRequestId": number,
        "order": {
            "referenceOrderId": "order_0001",
            "orderDescription": "Lunch",
            "orderAmount": {"currency": "USD", "value": "1231"},
            "merchant": {
                "referenceMerchantId": "M0001",
                "merchantMCC": "5812",
                "merchantName": "Some Merchant",
                "store": {"referenceStoreId": "S0001", "storeName": "Some Store", "storeMCC": "5812"},
            },
            "env": {"storeTerminalId": "T01", "storeTerminalRequestTime": "2024-01-05T12:15:30+08:00"},
        },
        "paymentAmount": {"currency": "USD", "value": "1231"},
        "paymentMethod": {"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": code},
        "paymentFactor": {"inStorePaymentScenario": "PaymentCode"},
    }
    return changed(body, **changes)


def order_code_body(number: str = "pay_test_0001", **changes: Any) -> dict[str, Any]:
    """A payment with an order code, in a scenario spelled as the SDK's enumeration spells it."""
    body = pay_body(number, paymentMethod__paymentMethodId=None, order__env=None)
    body["paymentFactor"]["inStorePaymentScenario"] = "ORDERCODE"
    return changed(body, **changes)


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with other values at some paths."""
    made = copy.deepcopy(body)
    for path, value in changes.items():
        *above, last = path.split("__")
        place = made
        for name in above:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def signed(operation: str, body: dict[str, Any]) -> Heard:
    """A signed request, to be given to a gateway directly."""
    raw, path = json.dumps(body).encode(), f"/ams/api/v1/payments/{operation}"
    headers = {
        "content-type": "application/json; charset=UTF-8", "client-id": CLIENT, "request-time": TIME,
        "signature": write_signature(make.partner_signatory(), text_to_sign(path, CLIENT, TIME, raw)),
    }  # fmt: skip
    return Heard("POST", path, headers, raw)


@dataclass
class Said:
    """An answer whose signature holds, or that has none."""

    body: dict[str, Any]
    signed: bool

    @property
    def code(self) -> str:
        """Its resultCode."""
        return str(self.body["result"]["resultCode"])

    @property
    def outcome(self) -> tuple[str, str]:
        """Its resultStatus and resultCode."""
        return self.body["result"]["resultStatus"], self.code


@dataclass
class Client:
    """One client of Alipay+ at a running sandbox."""

    wire: Running | Near
    client_id: str = CLIENT
    signatory: Signatory = field(default_factory=make.partner_signatory)

    @property
    def running(self) -> Running:
        """The web server, for tests that have one."""
        assert isinstance(self.wire, Running)
        return self.wire

    async def ask(self, operation: str, body: dict[str, Any]) -> Said:
        """Sign, send, read; an answer with a wrong signature fails the test."""
        return await self.send(json.dumps(body).encode(), f"/ams/api/v1/payments/{operation}")

    async def send(
        self, raw: bytes, path: str = PAY, method: str = "POST", signed: bytes | None = None, **headers: str
    ) -> Said:
        """The same for bytes as they are; `signed` signs another text than the right one, headers replace ours."""
        text = signed or text_to_sign(path, self.client_id, TIME, raw)
        head = {
            "Content-Type": "application/json; charset=UTF-8",
            "Client-Id": self.client_id,
            "Request-Time": TIME,
            "Signature": write_signature(self.signatory, text),
        }
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(self.wire, Near):
            lower = {name.lower(): value for name, value in head.items()}
            reply = await self.wire.send_plus(Heard(method, path, lower, raw))
            assert reply.body is not None
            return self._checked(path, reply.body, reply.headers)
        url = self.wire.url + path
        async with self.wire.client.request(method, url, data=raw, headers=head) as answer:
            assert answer.status == 200
            return self._checked(path, await answer.read(), answer.headers)

    def _checked(self, path: str, said: bytes, headers: Mapping[str, str]) -> Said:
        header = headers.get("Signature")
        if header is None:
            return Said(json.loads(said), signed=False)
        assert headers["Content-Type"] == "application/json; charset=UTF-8"
        text = text_to_sign(path, headers["Client-Id"], headers["Response-Time"], said)
        signature = read_signature(header)
        assert signature is not None
        assert self.signatory.verify(text, signature.value), "the answer's signature is wrong"
        return Said(json.loads(said), signed=True)
