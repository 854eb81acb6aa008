"""The sandbox's own trade engine, gateway and notifications, without its server: nothing is kept, nothing is posted.

Messages are the real ones, signed and encoded; only the road between the two sides is ours (`network`)."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar, cast

from saoma.alipay.account import Account
from saoma.alipay.client import AlipayClient
from saoma.alipay.signing import SignType, md5_signatory, string_to_sign
from saoma.alipay.wire import form
from saoma.kit.clock import MovableClock
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.store import Store
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.faults import Faults
from saoma.sandbox.mapi.gateway import Mapi
from saoma.sandbox.mapi.news import MapiNews
from saoma.sandbox.notices import Delivery, Notice, Notices
from tests.simulation.network import Network

T = TypeVar("T")

PARTNER: Final = "2088000000000042"
#: Another merchant at the same Alipay, with a key of its own and bad intentions.
STRANGER: Final = "2088000000000666"
CURRENCY: Final = "USD"


def _account(partner: str) -> Account:
    return Account(
        partner=partner,
        app_id="",
        sign_type=SignType.MD5,
        md5_key=f"key-of-{partner}-0123456789",
        gateway_url="http://alipay.localhost/gateway.do",
        currency=CURRENCY,
    )


OURS: Final = _account(PARTNER)
THEIRS: Final = _account(STRANGER)


class _Forgetful(Store):
    """A store that keeps nothing: the book lives in memory and ends with its history."""

    def __init__(self) -> None:
        pass

    def read(self, kind: str, record: type[T]) -> Iterator[T]:
        return iter(())

    def one(self, kind: str, key: str, record: type[T]) -> T | None:
        # a key pair that nobody uses: making a real one takes longer than a whole history
        return cast(T, ("", "")) if kind == "key" else None

    def keep(self, kind: str, key: str, record: Any) -> None:
        pass

    def drop(self, kind: str, key: str) -> None:
        pass

    def log(self, *call: Any, **more: Any) -> None:
        pass

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        pass


class _Letters(Notices):
    """Notifications that go out over our own road."""

    def __init__(self, book: Book, post: Callable[[Notice, bytes], Awaitable[str]]) -> None:
        super().__init__(book)
        self._post_office = post

    async def _post(self, notice: Notice) -> Delivery:
        at = self._book.clock.now()
        said = await self._post_office(notice, self.posted(notice)[0])
        return Delivery(at, 200 if said else 0, said)

    @property
    def next_at(self) -> Any:
        """When the next one goes out; None when none waits."""
        while self._queue:
            at, notice_id = self._queue[0]
            notice = self._notices[notice_id]
            if notice.next_at == at and notice_id not in self._going_out:
                return at
            # an outdated note; one that is on its way queues itself up again when it comes back
            self._queue.remove((at, notice_id))
            self._queue.sort()
        return None

    def all(self) -> list[Notice]:
        """Everything Alipay ever wanted to tell."""
        return list(self._notices.values())


class Alipay:
    """One Alipay of one history. `post` carries a notification to us and brings the answer back."""

    def __init__(self, clock: MovableClock, post: Callable[[Notice, bytes], Awaitable[str]]) -> None:
        store = _Forgetful()
        self.book = Book(clock, store, "http://alipay.localhost")
        self.partners = Partners(store)
        for account in (OURS, THEIRS):
            self.partners.add(Partner(partner=account.partner, md5_key=account.md5_key, currency=CURRENCY))
        self.faults = Faults(store)
        self.letters = _Letters(self.book, post)
        MapiNews(self.book, self.partners, self.letters)
        self.mapi = Mapi(self.book, self.partners, self.faults, self.letters.is_genuine)


class Wire(AlipayClient):
    """The product's client with our road in the place of its socket."""

    def __init__(self, clock: MovableClock, network: Network, alive: Callable[[], None]) -> None:
        super().__init__(clock)
        self._network = network
        self._alive = alive
        self.waiting: set[Any] = set()

    async def _fetch(self, method: str, url: str, body: bytes | None, charset: str) -> bytes:
        self._alive()
        return await self._network.call(body or b"", self.waiting)


def signed_by(account: Account, fields: dict[str, str], key: str = "") -> bytes:
    """A form as `account` (or whoever holds `key`) would sign it."""
    signatory = md5_signatory(key) if key else account.signatory
    fields = {name: value for name, value in fields.items() if value and name not in ("sign", "sign_type")}
    sign = signatory.sign(string_to_sign(fields).encode())
    return form(fields | {"sign": sign, "sign_type": "MD5"}, "UTF-8")
