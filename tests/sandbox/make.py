"""Makes books, orders and running sandboxes; the partner, key and times are those of the published samples."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import aiohttp
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from saoma.alipay.signing import Signatory, SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.alipay.wire import Answer, form, read_answer
from saoma.kit.clock import BEIJING, MovableClock
from saoma.kit.money import Money
from saoma.sandbox.book.model import Order, Partner, Product
from saoma.sandbox.book.standing import StandingClock
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.config import BuyerSetting, Config
from saoma.sandbox.mapi.gateway import Reply
from saoma.sandbox.server import Sandbox, application

PARTNER = "2088000000000001"
APP = "2016000000000000"
KEY = "abcdefghijklmnopqrstuvwxyz123456"
#: The buyer of the samples, and a code of theirs that simply pays.
ALICE = "2088000000009999"
CODE = "281234567890123456"
LUNCH = datetime(2024, 1, 5, 12, 15, 32, tzinfo=BEIJING)
STORE = (
    '{"secondary_merchant_id":"SM_1001","secondary_merchant_industry":"5812",'
    '"secondary_merchant_name":"Example Noodle Bar","store_id":"ST_01","store_name":"Harbour Branch",'
    '"terminal_id":"T01"}'
)

PAY = "alipay.acquire.overseas.spot.pay"
QUERY = "alipay.acquire.overseas.query"
CANCEL = "alipay.acquire.cancel"
CLOSE = "alipay.acquire.close"
REFUND = "alipay.acquire.overseas.spot.refund"
REFUND_QUERY = "alipay.acquire.refund.query"
PRECREATE = "alipay.acquire.precreate"
CREATE = "alipay.acquire.create"


@cache
def alipay_keys() -> tuple[str, str]:
    """The sandbox's own key pair, made once for all tests."""
    return new_rsa_key()


@cache
def partner_keys() -> tuple[str, str]:
    """A partner's key pair, made once for all tests."""
    return new_rsa_key()


def clock(at: datetime = LUNCH) -> MovableClock:
    """A clock that stands still until it is pushed."""
    return MovableClock(at)


def book(at: datetime = LUNCH) -> Book:
    """An empty book in memory, with anna's wallet beside the sample buyer's."""
    made = Book(clock(at), Store())
    made.add_buyer("anna", balance=Money(500_00, "CNY"))
    return made


def order(number: str = "POS-1", amount: str = "12.50", product: Product = Product.BARCODE, **changes: Any) -> Order:
    """An order of the sample partner in USD."""
    currency = changes.pop("currency", "USD")
    pricing = changes.pop("trans_currency", currency)
    return Order(
        partner=changes.pop("partner", PARTNER),
        number=number,
        product=product,
        subject=changes.pop("subject", "Noodle set"),
        amount=Money.parse(amount, pricing),
        currency=currency,
        **changes,
    )


def settings(**changes: Any) -> Config:
    """Settings with the sample partner (MD5 for the XML gateway, RSA2 for the JSON one) and two buyers."""
    made = Config(
        partners=[Partner(PARTNER, APP, md5_key=KEY, public_key=partner_keys()[1])],
        buyers=[BuyerSetting("anna"), BuyerSetting("chen", pin_required=True)],
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def store() -> Store:
    """A store in memory that already has the sandbox's key: making one costs more than a test."""
    made = Store()
    made.keep("key", "alipay", alipay_keys())
    return made


# --- requests ------------------------------------------------------------------------------------------------------


def pay_fields(number: str = "POS-20240105-000001", code: str = CODE, **changes: str) -> dict[str, str]:
    """A barcode payment as in the published sample."""
    fields = {
        "_input_charset": "UTF-8",
        "service": PAY,
        "partner": PARTNER,
        "alipay_seller_id": PARTNER,
        "trans_name": "Noodle set",
        "partner_trans_id": number,
        "currency": "USD",
        "trans_amount": "12.50",
        "buyer_identity_code": code,
        "identity_code_type": "barcode",
        "trans_create_time": "20240105121530",
        "biz_product": "OVERSEAS_MBARCODE_PAY",
        "extend_info": STORE,
    }
    return fields | changes


def create_fields(number: str = "H5-20240105-000003", **changes: str) -> dict[str, str]:
    """A trade for a known buyer as in the published sample."""
    fields = {
        "_input_charset": "UTF-8",
        "service": CREATE,
        "partner": PARTNER,
        "buyer_id": ALICE,
        "currency": "USD",
        "trans_currency": "USD",
        "extend_params": STORE,
        "notify_url": "https://pos.example.com/alipay/notify",
        "out_trade_no": number,
        "product_code": "OVERSEAS_MBARCODE_PAY",
        "subject": "Noodle set",
        "timestamp": "2024-01-05 12:15:00",
        "total_fee": "12.50",
    }
    return fields | changes


def basic(service: str, **fields: str) -> dict[str, str]:
    """Any other request."""
    return {"_input_charset": "UTF-8", "service": service, "partner": PARTNER} | fields


def cancel_fields(number: str, **changes: str) -> dict[str, str]:
    """A cancel of the samples' lunchtime."""
    return basic(CANCEL, out_trade_no=number, timestamp="2024-01-05 12:15:00") | changes


def refund_fields(number: str, refund: str = "RF-1", amount: str = "2.50", **changes: str) -> dict[str, str]:
    """A refund that is carried out at once."""
    return (
        basic(
            REFUND, partner_trans_id=number, partner_refund_id=refund, refund_amount=amount, currency="USD", is_sync="Y"
        )
        | changes
    )


def signed(
    fields: Mapping[str, str], signatory: Signatory | None = None, codec: str = "utf-8", *, open_api: bool = False
) -> dict[str, str]:
    """The fields with `sign_type` and `sign`."""
    signatory = signatory or md5_signatory(KEY)
    whole = dict(fields) | {"sign_type": fields.get("sign_type", signatory.sign_type.value)}
    text = string_to_sign(whole, keep_sign_type=open_api)
    return whole | {"sign": signatory.sign(text.encode(codec))}


def partner_signatory(kind: SignType = SignType.RSA2) -> Signatory:
    """Signs as the partner and verifies as the sandbox's key wants it."""
    return rsa_signatory(kind, partner_keys()[0], alipay_keys()[1])


@dataclass
class Desk:
    """A sandbox without a server: calls go straight to its XML gateway, as fast as a function."""

    sandbox: Sandbox

    @property
    def book(self) -> Book:
        """What the sandbox remembers."""
        return self.sandbox.book

    def get(self, fields: Mapping[str, str]) -> Reply:
        """GET with everything in the URL, in the order given."""
        charset = fields.get("_input_charset", "GBK")
        return self.sandbox.mapi.answer(form(fields, charset), b"")

    def answer(self, fields: Mapping[str, str], signatory: Signatory | None = None) -> Answer:
        """Sign, send, read, and check the answer's signature where it has one."""
        codec = "gbk" if fields.get("_input_charset", "GBK").upper().startswith("GB") else "utf-8"
        body = self.get(signed(fields, signatory, codec)).body
        assert body is not None
        said = read_answer(body)
        if said.fields:
            assert said.is_signed_by(signatory or md5_signatory(KEY), codec)
        return said

    def call(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        """The business fields of an answer that the gateway gave."""
        said = self.answer(fields)
        assert said.is_success, said.error
        return said.fields

    def error(self, fields: Mapping[str, str]) -> str:
        """The gateway's refusal of a signed call."""
        said = self.answer(fields)
        assert not said.is_success, said.fields
        return said.error

    def text(self, fields: Mapping[str, str]) -> str:
        """The plain text that a file service answers."""
        reply = self.get(signed(fields))
        assert reply.body is not None
        assert reply.content_type.startswith("text/plain"), reply.body
        return reply.body.decode()

    def advance(self, **by: float) -> None:
        """Push the clock."""
        self.book.advance(timedelta(**by))


def desk(at: datetime = LUNCH, **changes: Any) -> Desk:
    """A sandbox whose clock stands at `at`; `changes` are those of `settings`."""
    return Desk(Sandbox(settings(**changes), clock(at), store=store()))


# --- a running sandbox ---------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A sandbox on a port of its own, and a client for it."""

    sandbox: Sandbox
    url: str
    client: aiohttp.ClientSession
    told: list[dict[str, str]] = field(default_factory=list)

    @property
    def book(self) -> Book:
        """What the sandbox remembers."""
        return self.sandbox.book

    async def send(self, fields: Mapping[str, str], charset: str = "UTF-8") -> bytes:
        """POST fields as they are, the charset in the URL too."""
        head = {"Content-Type": f"application/x-www-form-urlencoded;charset={charset}"}
        body = form({name: value for name, value in fields.items() if name != "_input_charset"}, charset)
        query = f"?_input_charset={fields['_input_charset']}" if "_input_charset" in fields else ""
        async with self.client.post(f"{self.url}/gateway.do{query}", data=body, headers=head) as answer:
            assert answer.status == 200
            return await answer.read()

    async def call(self, fields: Mapping[str, str]) -> Answer:
        """Sign, send, read, and check the answer's signature where it has one."""
        answer = read_answer(await self.send(signed(fields)))
        if answer.is_success:
            assert answer.is_signed_by(md5_signatory(KEY), "UTF-8")
        return answer

    async def error(self, fields: Mapping[str, str]) -> str:
        """Send fields that are already signed (or not), and tell the gateway's refusal."""
        answer = read_answer(await self.send(fields))
        assert not answer.is_success
        return answer.error

    async def control(self, method: str, path: str, data: Any = None, status: int = 200) -> Any:
        """Use the control API."""
        async with self.client.request(method, f"{self.url}/control/{path}", json=data) as answer:
            said = await answer.text()
            assert answer.status == status, said
            return json.loads(said)

    async def advance(self, **by: float) -> None:
        """Push the clock."""
        units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        seconds = sum(units[unit] * value for unit, value in by.items())
        await self.control("POST", "clock", {"advance_seconds": seconds})


@contextlib.asynccontextmanager
async def running(at: datetime | None = LUNCH, config: Config | None = None) -> AsyncIterator[Running]:
    """A sandbox behind a real socket; `at` None lets its clock run."""
    port = free_port()
    sandbox = Sandbox(config or settings(), clock(at) if at else StandingClock(), port, store())
    app, served = _IDLE.pop() if _IDLE else _new_app()
    served.append(sandbox)
    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as client:
        await ready(client, url)
        try:
            yield Running(sandbox, url, client)
        finally:
            server.stop()  # type: ignore[no-untyped-call]
            await serving
            served.clear()
            _IDLE.append((app, served))


#: Applications that serve nobody now, each with the list in which it finds its sandbox: making one costs more than most
#: tests.
_IDLE: Final[list[tuple[Litestar, list[Sandbox]]]] = []


def _new_app() -> tuple[Litestar, list[Sandbox]]:
    served: list[Sandbox] = []
    return application(lambda: served[0]), served


async def ready(client: aiohttp.ClientSession, url: str) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        with contextlib.suppress(aiohttp.ClientError):
            async with client.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.02)
    raise AssertionError("the sandbox never became ready")


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that a running sandbox does by itself, at most ten seconds."""
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
