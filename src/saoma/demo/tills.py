"""The tills of a rough run: programs of partners that take money through the API while everything around them breaks.

A till that hears nothing repeats its request under the same Idempotency-Key, as the API asks it to; what it was told
is noted and held against the books at the end."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import aiohttp

from saoma.demo.people import Gone, Wallets
from saoma.demo.rough_plan import Buyer, Wish, wish
from saoma.kit.errors import SaomaError
from saoma.kit.money import Money

T = TypeVar("T")
CURRENCY: Final = "USD"
_LIMIT: Final = aiohttp.ClientTimeout(total=12, sock_connect=3)
#: How long one request is repeated before the till says that the house is down for good, in seconds.
_PATIENCE: Final = 180.0
_WALLETS_OF_A_KIND: Final = 8


class HouseDown(SaomaError):
    """A request was repeated for minutes and never answered."""


@dataclass
class Told:
    """What the tills met and were told; `wrong` is what no till should ever be told."""

    begun: int = 0
    requests: int = 0
    repeated: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


async def until_there(act: Callable[[], Awaitable[T]]) -> T:
    """Do it again as long as the local Alipay is gone. Raises `HouseDown` after minutes."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while True:
        try:
            return await act()
        except Gone as gone:
            if loop.time() > until:
                raise HouseDown(str(gone)) from gone
            await asyncio.sleep(0.2)


class Shop:
    """One merchant's way into the API."""

    def __init__(self, url: str, key: str, told: Told) -> None:
        self._url = f"{url}/api/v1"
        self._told = told
        self._session = aiohttp.ClientSession(
            timeout=_LIMIT, headers={"Authorization": f"Bearer {key}"}, connector=aiohttp.TCPConnector(limit=0)
        )

    async def close(self) -> None:
        """Go home."""
        await self._session.close()

    async def post(self, path: str, key: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        """One request until it is answered, each time under the same key. Raises `HouseDown`."""
        return await self._ask("POST", path, {"Idempotency-Key": key}, body)

    async def get(self, path: str, wait: int = 0) -> tuple[int, dict[str, Any]]:
        """Look at something, waiting up to `wait` seconds for its end."""
        return await self._ask("GET", path, {"Prefer": f"wait={wait}"} if wait else {}, None)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        why = ""
        while loop.time() < until:
            self._told.requests += 1
            try:
                async with self._session.request(
                    method, self._url + path, json=body, headers=headers, allow_redirects=False
                ) as answer:
                    said = await answer.json(content_type=None)
                    if answer.status < 500 and answer.status != 429:
                        return answer.status, said
                    why = f"{answer.status} {said}"
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                why = f"{type(error).__name__} {error}"
            self._told.repeated += 1
            await asyncio.sleep(0.15)
        raise HouseDown(f"{method} {path}: {why}")


@dataclass
class Street:
    """All that the tills share: shops, wallets, and the people who carry them."""

    shops: list[Shop]
    wallets: Wallets
    told: Told
    seed: int
    buyers: dict[str, str] = field(default_factory=dict)
    later: set[asyncio.Task[None]] = field(default_factory=set)

    async def fill(self) -> None:
        """Give everybody a wallet."""
        for kind, balance in (("rich", "9000000.00"), ("asked", "9000000.00"), ("poor", "0.50")):
            for number in range(_WALLETS_OF_A_KIND):
                name = f"{kind}{number}"
                self.buyers[name] = await until_there(partial(self.wallets.known, name, balance, asks=kind == "asked"))

    def buyer(self, wanted: Wish) -> str:
        """Who wants to pay this."""
        kind = "poor" if wanted.buyer is Buyer.POOR else "asked" if wanted.asks else "rich"
        return f"{kind}{wanted.number % _WALLETS_OF_A_KIND}"

    async def play(self, number: int) -> None:
        """One order from the first scan to the last refund. Raises `HouseDown`."""
        wanted = wish(number, self.seed)
        self.told.begun += 1
        name = f"{self.seed}-{number}"
        requests = [(name, await self._body(wanted, name))]
        if wanted.twin:
            requests.append((f"{name}-twin", await self._body(wanted, name)))
        elif wanted.doubled:
            requests.append(requests[0])
        answers = await asyncio.gather(*(self._begin(wanted, key, body) for key, body in requests))
        payments = {payment["id"]: payment for payment in answers if payment is not None}
        if not wanted.twin and len(payments) != 1:
            self.told.wrong.append(f"{name}: one request became {len(payments)} payments")
        for payment in payments.values():
            await self._go_on(wanted, name, payment)

    async def _body(self, wanted: Wish, name: str) -> dict[str, Any]:
        buyer = self.buyer(wanted)
        body = {
            "method": wanted.method,
            "amount": Money(wanted.amount, CURRENCY).text,
            "currency": CURRENCY,
            "subject": f"Order {name}",
            "reference": name,
        }
        if wanted.method == "barcode":
            body["payment_code"] = await until_there(lambda: self.wallets.payment_code(buyer))
        elif wanted.method == "wallet_page":
            body["buyer_id"] = self.buyers[buyer]
        return body

    async def _begin(self, wanted: Wish, key: str, body: dict[str, Any]) -> dict[str, Any] | None:
        status, said = await self.shops[wanted.merchant].post("/payments", key, body)
        kind = str(said.get("type", "")).rpartition("/")[2]
        if status == 409 and kind == "reference-taken" and wanted.twin:
            self.told.refused[kind] += 1
            return None
        if status not in (200, 201, 202):
            self.told.wrong.append(f"{key}: {status} {said}")
            return None
        first = self.told.ids.setdefault(key, said["id"])
        if first != said["id"]:
            self.told.wrong.append(f"{key}: was {first}, then {said['id']}")
        self._note(said)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        self.told.statuses[said["id"]] = said["status"]

    async def _go_on(self, wanted: Wish, name: str, payment: dict[str, Any]) -> None:
        shop, open_ = self.shops[wanted.merchant], ("created", "pending")
        if wanted.cancels:
            _, said = await shop.post(f"/payments/{payment['id']}/cancel", f"{payment['id']}-cancel", None)
            payment = self._looked(said, payment)
        if payment["status"] in open_:
            acts = self._buyer_acts(wanted, payment["out_trade_no"])
            if wanted.buyer is Buyer.PAYS_LATE:
                task = asyncio.create_task(acts)
                self.later.add(task)
                task.add_done_callback(self.later.discard)
                return
            await acts
        if wanted.refunds:
            _, said = await shop.get(f"/payments/{payment['id']}", wait=3)
            await self._give_back(wanted, self._looked(said, payment))

    def _looked(self, said: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
        if "status" in said and said.get("id") == before["id"]:
            self._note(said)
            return said
        self.told.wrong.append(f"{before['id']}: {said}")
        return before

    async def _buyer_acts(self, wanted: Wish, order_number: str) -> None:
        """What happens in the wallet. The order may have ended meanwhile: then nothing does."""
        await asyncio.sleep(wanted.wait)
        match wanted.buyer:
            case Buyer.PAYS | Buyer.PAYS_LATE | Buyer.POOR:
                act = "pay"
            case Buyer.REFUSES:
                act = "refuse"
            case Buyer.NEVER:
                return
        with contextlib.suppress(HouseDown):
            if wanted.method == "order_code":
                await until_there(partial(self.wallets.act, order_number, "scan", self.buyer(wanted)))
            await until_there(partial(self.wallets.act, order_number, act, self.buyer(wanted)))

    async def _give_back(self, wanted: Wish, payment: dict[str, Any]) -> None:
        if payment["status"] != "succeeded":
            return
        shop, left = self.shops[wanted.merchant], wanted.amount
        for place, share in enumerate(wanted.refunds):
            amount = min(left, max(1, wanted.amount * share // 100))
            left -= amount
            body = {"amount": Money(amount, CURRENCY).text, "reason": "rough run"}
            path, key = f"/payments/{payment['id']}/refunds", f"{payment['id']}-back{place}"
            status, said = await shop.post(path, key, body)
            if status not in (200, 201, 202):
                # contrary evidence may have made the payment somebody's case meanwhile
                self.told.refused[f"refund {status}"] += 1
                _, now = await shop.get(f"/payments/{payment['id']}")
                if now.get("status") == "succeeded":
                    self.told.wrong.append(f"{key}: {status} {said}")
                return
            first = self.told.ids.setdefault(key, said["id"])
            if first != said["id"]:
                self.told.wrong.append(f"{key}: was {first}, then {said['id']}")
            self.told.refunds[said["id"]] = said["status"]


async def trade(street: Street, payments: int, tills: int, seconds: float = math.inf) -> None:
    """All the orders, `tills` at once; no new ones after so many seconds. Raises `HouseDown`."""
    numbers = iter(range(1, payments + 1))
    clock = asyncio.get_running_loop().time
    until = clock() + seconds

    async def till() -> None:
        for number in numbers:
            if clock() > until:
                return
            await street.play(number)

    await asyncio.gather(*(till() for _ in range(tills)))
    while street.later:
        await asyncio.wait(street.later)
