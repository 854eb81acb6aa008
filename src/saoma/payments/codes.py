"""Printed codes, one per counter: the row is there before the provider is asked, and asking again is always safe.

What pays through a code is not begun by us; see `arrivals`. A stopped code may still bring money that was under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from saoma.gateway import (
    CodeMove,
    CodeRefused,
    CodeReport,
    CodeStands,
    Gateway,
    MerchantCodes,
    PrintedCode,
    SecondaryMerchant,
    Unclear,
)
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, json_column
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.ids import new_id
from saoma.payments.calling import asked

NO_ANSWER: Final = "Alipay didn't answer clearly. Try again; the code stays as it was."
REFUSED: Final = "Alipay refused this ({code}). Check the store's name and address."
GONE: Final = "This code was deleted and can't be used again. Make a new one."
LABEL_TAKEN: Final = "There is a code with this name already. Choose another name."


class CodeStatus(StrEnum):
    """Where a printed code stands. A `WANTED` one has no address yet: ask for it again."""

    WANTED = "wanted"
    ACTIVE = "active"
    STOPPED = "stopped"
    DELETED = "deleted"


class MerchantCode(msgspec.Struct, frozen=True, kw_only=True):
    """One printed code. `address` is what its QR says; `place` and `country` are what the provider is told."""

    id: str
    merchant_id: str
    store_id: str
    account_id: str
    label: str
    currency: str
    country: str
    place: str
    shop: dict[str, str]
    address: str
    status: CodeStatus
    version: int


_COLUMNS: Final = ", ".join(MerchantCode.__struct_fields__)
_INSERT = f"""
INSERT INTO merchant_codes ({_COLUMNS}, created_by, created_at)
VALUES ({", ".join(f"%({name})s" for name in MerchantCode.__struct_fields__)}, %(by)s, %(now)s)
ON CONFLICT (store_id, label) WHERE status <> 'deleted' DO NOTHING
"""  # noqa: S608
_READ = f"SELECT {_COLUMNS} FROM merchant_codes WHERE id = %(id)s"  # noqa: S608
_OF_STORE = f"""
SELECT {_COLUMNS} FROM merchant_codes WHERE store_id = %(store_id)s AND status <> 'deleted' ORDER BY label, id
"""  # noqa: S608
#: Only the version that was decided upon is changed: two people at two screens never undo each other unseen.
_CHANGE = f"""
UPDATE merchant_codes SET address = %(address)s, status = %(status)s, label = %(label)s, place = %(place)s,
    country = %(country)s, shop = %(shop)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s RETURNING {_COLUMNS}
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A wish for a printed code. `shop.store_id` must be the counter's own: a store id has one code."""

    merchant_id: str
    store_id: str
    account_id: str
    label: str
    currency: str
    shop: SecondaryMerchant
    country: str = ""
    place: str = ""


NO_PRINTED_CODES: Final = (
    "This store takes its money through an acquirer, which prints no codes. Show the code of each order at the till."
)


class Codes:
    """Makes, changes, stops and deletes printed codes."""

    def __init__(
        self, db: Database, clock: Clock, gateways: Mapping[str, Gateway], notify_url: Callable[[str], str]
    ) -> None:
        self._db = db
        self._clock = clock
        self._gateways = gateways
        self._notify_url = notify_url

    def why_none(self, account_id: str) -> str:
        """Why no code can be made at this account, in a sentence (a key of the texts); empty where one can."""
        gateway = self._gateways.get(account_id)
        return "" if gateway is None or isinstance(gateway, MerchantCodes) else NO_PRINTED_CODES

    def _printer(self, account_id: str) -> MerchantCodes:
        gateway = self._gateways.get(account_id)
        if gateway is None:
            raise NotFound("No payment account {account} is set up.", account=account_id)
        if not isinstance(gateway, MerchantCodes):
            raise Invalid(NO_PRINTED_CODES)
        return gateway

    async def create(self, new: NewCode, by: str) -> MerchantCode:
        """Make a code, or leave it `wanted` where there was no clear answer; `ask_again` goes on from there.

        Raises `Invalid`, `Conflict` for a name that is taken or a refusal, `NotFound`."""
        self._printer(new.account_id)
        label = " ".join(new.label.split())
        if not label or len(label) > 40:
            raise Invalid("Give the code a name of at most 40 letters, such as Counter 1.")
        code_id = new_id("mco")
        values: dict[str, Any] = asdict(new) | {"id": code_id, "label": label, "address": "", "version": 0}
        values |= {"status": "wanted", "shop": json_column(_of_counter(new.shop, code_id, label)), "by": by}
        async with self._db.transaction() as tx:
            if await tx.run(_INSERT, values | {"now": self._clock.now()}) == 0:
                raise Conflict(LABEL_TAKEN)
        return await self.ask_again(code_id)

    async def ask_again(self, code_id: str) -> MerchantCode:
        """Ask for a code that has no address yet; one that has is as it is. Raises `Conflict` for a refusal."""
        code = await self.get(code_id)
        if code.status is not CodeStatus.WANTED:
            return code
        report = await asked(self._printer(code.account_id).create_code(self._printed(code)), "create_code")
        if isinstance(report, Unclear):
            return code
        return await self._write(code, address=_address(report), status=CodeStatus.ACTIVE)

    async def modify(self, code_id: str, label: str, place: str, country: str) -> MerchantCode:
        """Another name or address on the same printed code. Raises `Invalid`, `Conflict`, `NotFound`."""
        code = await self._living(code_id)
        label = " ".join(label.split())[:40] or code.label
        shop = _of_counter(SecondaryMerchant(**code.shop), code.id, label)
        wanted = msgspec.structs.replace(code, label=label, place=place, country=country, shop=shop)
        if code.status is not CodeStatus.WANTED:
            call = self._printer(code.account_id).modify_code(code.address, self._printed(wanted))
            _address(await asked(call, "modify_code"))
        return await self._write(code, label=label, place=place, country=country, shop=shop)

    async def move(self, code_id: str, move: CodeMove) -> MerchantCode:
        """Stop a code, let it work again, or delete it for good. Raises `Conflict`, `NotFound`."""
        code = await self._living(code_id)
        status = {
            CodeMove.STOP: CodeStatus.STOPPED,
            CodeMove.RESTART: CodeStatus.ACTIVE,
            CodeMove.DELETE: CodeStatus.DELETED,
        }[move]
        if code.status is CodeStatus.WANTED:
            # It may exist at the provider: then nobody has ever seen it, and asking again would bring it back.
            raise Conflict(NO_ANSWER)
        if code.status is status:
            return code
        _address(await asked(self._printer(code.account_id).move_code(code.address, move), "move_code"))
        return await self._write(code, status=status)

    async def get(self, code_id: str) -> MerchantCode:
        """One code. Raises `NotFound`."""
        async with self._db.reading() as rows:
            return await rows.one(MerchantCode, _READ, {"id": code_id})

    async def of_store(self, rows: Rows, store_id: str) -> list[MerchantCode]:
        """The codes of one store that are not deleted, by name."""
        return await rows.rows(MerchantCode, _OF_STORE, {"store_id": store_id})

    async def _living(self, code_id: str) -> MerchantCode:
        code = await self.get(code_id)
        if code.status is CodeStatus.DELETED:
            raise Conflict(GONE)
        return code

    def _printed(self, code: MerchantCode) -> PrintedCode:
        return PrintedCode(
            id=code.id,
            shop=SecondaryMerchant(**code.shop),
            currency=code.currency,
            notify_url=self._notify_url(code.account_id),
            country=code.country,
            place=code.place,
        )

    async def _write(self, code: MerchantCode, **changes: Any) -> MerchantCode:
        after = msgspec.structs.asdict(msgspec.structs.replace(code, **changes))
        after |= {"shop": json_column(after["shop"]), "status": after["status"].value}
        async with self._db.transaction() as tx:
            written = await tx.maybe(MerchantCode, _CHANGE, after)
            await tx.tell(f"till:{code.store_id}", "codes")
        if written is None:
            raise Conflict("Somebody changed this code meanwhile. Look at it again.")
        return written


def _of_counter(shop: SecondaryMerchant, code_id: str, label: str) -> dict[str, str]:
    """The shop as the provider must know this one counter, so that it keeps a code of its own."""
    name = shop.store_name.partition(" · ")[0]
    return asdict(shop) | {"store_id": code_id, "store_name": f"{name} · {label}", "terminal_id": ""}


def _address(report: CodeReport) -> str:
    match report:
        case CodeStands(address, _):
            return address
        case CodeRefused(code, _):
            raise Conflict(REFUSED, code=code)
        case Unclear():
            raise Conflict(NO_ANSWER)
