"""Makes accounts at the local Alipay and charges for them, and `Side`: one gateway with the people at its other end.

Another provider joins the suite by offering another `Side`; no test of `test_every_gateway` knows how it speaks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient
from saoma.alipay.direct import Direct
from saoma.alipay.signing import SignType
from saoma.gateway import Charge, Gateway, Method, SecondaryMerchant
from saoma.kit.clock import MovableClock
from saoma.kit.money import Money
from tests.alipay.make import rsa_pair
from tests.gateway.alipay import CANCEL, CREATE, PAY, QUERY, REFUND, Alipay, Letter, LetterBox
from tests.sandbox.make import free_port

_numbers = itertools.count(1)

SHOP = SecondaryMerchant(
    id="SM_1001", name="Noodle House 面馆", industry="5812", store_id="ST_01", store_name="海港路店", terminal_id="T01"
)
SERVICES = {"open": PAY, "page": CREATE, "query": QUERY, "cancel": CANCEL, "refund": REFUND}


async def account(alipay: Alipay, sign_type: SignType, charset: str = "UTF-8", gateway_url: str = "") -> Account:
    """A partner of its own at the local Alipay; no two share a key that signs."""
    number = f"2088{next(_numbers):012d}"
    md5_key = f"md5 key of partner {number}"
    private, public = rsa_pair("ours")
    alipay_key = await alipay.partner(number, sign_type, md5_key, public)
    return Account(
        partner=number,
        app_id=f"2021{number[4:]}",
        sign_type=sign_type,
        md5_key=md5_key if sign_type is SignType.MD5 else "",
        private_key=private,
        alipay_public_key=alipay_key,
        gateway_url=gateway_url or f"{alipay.url}/gateway.do",
        openapi_url=f"{alipay.url}/gateway.do",
        auth_url=f"{alipay.url}/oauth2/publicAppAuthorize.htm",
        environment="sandbox",
        currency="USD",
        charset=charset,
    )


def order_number() -> str:
    """One nobody used yet."""
    return f"G{next(_numbers):012d}"


@dataclass(repr=False)
class Side:
    """One gateway under test, and what may happen at its other end."""

    gateway: Gateway
    clock: MovableClock
    alipay: Alipay
    box: LetterBox
    account: Account
    client: AlipayClient
    faults: dict[str, str] = field(default_factory=lambda: SERVICES)

    async def charge(
        self, method: Method = Method.BARCODE, buyer: str = "anna", ending: str = "", **more: Any
    ) -> Charge:
        """36.50 USD of noodles, from `buyer`."""
        now = self.clock.now()
        values: dict[str, Any] = {
            "order_number": order_number(),
            "method": method,
            "amount": Money.parse("36.50", "USD"),
            "subject": "Beef noodles 牛肉面",
            "created_at": now,
            "expires_at": now + timedelta(minutes=5),
            "shop": SHOP,
            "notify_url": f"{self.box.url}/alipay/notify/{self.account.partner}",
        }
        if method is Method.BARCODE:
            values["payment_code"] = await self.alipay.code(buyer, ending)
        if method is Method.WALLET_PAGE:
            values["buyer_id"] = await self.alipay.user_id(buyer)
        return Charge(**(values | more))

    async def fails(self, call: str, fault: str, times: int = 1) -> None:
        """The next calls of one kind (`open`, `page`, `query`, `cancel`, `refund`) go wrong."""
        await self.alipay.fails(self.faults[call], fault, times)

    async def book(self, charge: Charge) -> dict[str, Any]:
        """What the other side has written down; empty for nothing."""
        return (await self.alipay.trades(self.account.partner)).get(charge.order_number, {})

    async def letters(self, charge: Charge, count: int = 1) -> list[Letter]:
        """What the other side posted about it."""
        return await self.box.of(charge.order_number, count)

    def cut_off(self) -> Gateway:
        """The same gateway where nothing can be reached."""
        nowhere = changed(self.account, gateway_url=f"http://127.0.0.1:{free_port()}/gateway.do")
        return Direct(nowhere, self.client, self.clock)


def changed(account: Account, **changes: Any) -> Account:
    """The same account with something else about it."""
    values = {name: getattr(account, name) for name in account.__dataclass_fields__}
    return Account(**(values | changes))


def direct(account: Account, client: AlipayClient, clock: MovableClock) -> Gateway:
    """A gateway of that account."""
    return Direct(account, client, clock)
