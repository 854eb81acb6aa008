"""Stores in Alipay's register of sub-merchants: asked for by a person, carried out and followed by due rows.

Fast food and ticket offices must be registered before their first payment, others may be
(https://global.alipay.com/docs/ac/fastfood). A store whose account is at an acquirer is registered by the acquirer,
under the acquirer's own numbers, and never from here."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from saoma.alipay.client import AlipayClient
from saoma.alipay.registrar import AskReview, InReview, NoWord, Registered, TurnedDown, register, review
from saoma.alipay.submerchants import MaintainSubmerchant
from saoma.gateway import SecondaryMerchant
from saoma.identity import model
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.due import DueWork
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal

_LEASE: Final = timedelta(minutes=1)
#: Longer and longer between two questions, up to a day: a review is people's work.
_GAPS: Final = (*(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30)), *([timedelta(hours=1)] * 48))


class RegistrationStatus(StrEnum):
    """Where a registration stands."""

    WANTED = "wanted"
    IN_REVIEW = "in_review"
    REGISTERED = "registered"
    REFUSED = "refused"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One store's. `why` is Alipay's code or reason of the last no, or of the last answer that was none."""

    id: str
    store_id: str
    account_id: str
    country: str
    status: RegistrationStatus
    why: str
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    due_at: datetime | None
    tries: int


_COLUMNS: Final = ", ".join(Registration.__struct_fields__)
_ONE: Final = f"SELECT {_COLUMNS} FROM store_registrations WHERE id = %(id)s"  # noqa: S608
_OF_STORES: Final = f"SELECT {_COLUMNS} FROM store_registrations WHERE store_id = ANY (%(stores)s)"  # noqa: S608
_ASK: Final = f"""
INSERT INTO store_registrations (id, store_id, account_id, country, status, asked_by, asked_at, due_at)
VALUES (%(id)s, %(store_id)s, %(account_id)s, %(country)s, 'wanted', %(by)s, %(now)s, %(now)s)
ON CONFLICT (store_id) DO UPDATE SET account_id = excluded.account_id, country = excluded.country, status = 'wanted',
    why = '', asked_by = excluded.asked_by, asked_at = excluded.asked_at, decided_at = NULL, due_at = excluded.due_at,
    tries = 0
RETURNING {_COLUMNS}
"""  # noqa: S608
_KEEP: Final = """
UPDATE store_registrations SET status = %(status)s, why = %(why)s, due_at = %(due_at)s, decided_at = %(decided_at)s,
    tries = CASE WHEN status = %(status)s THEN tries ELSE 0 END
WHERE id = %(id)s AND asked_at = %(asked_at)s
"""


async def ask_to_register(
    tx: Transaction, clock: Clock, store_id: str, country: str, by: str, *, at_acquirer: bool
) -> Registration:
    """Want a store registered, or its changed data told. A worker does it.

    Raises `Invalid` for what could not be registered, `Conflict` for a store that its acquirer registers."""
    if at_acquirer:
        raise Conflict("This store takes its money through an acquirer, which registers it with Alipay.")
    account_id, shop, _, store = await model.shop_of(tx, store_id)
    given = {"id": new_id("reg"), "store_id": store_id, "account_id": account_id, "country": country.strip().upper()}
    if not store.address:
        raise Invalid("Alipay wants the store's address. Enter it first.")
    # what Alipay would refuse for its form is refused here, where somebody is typing it
    _request(shop, store, given["country"], clock.now()).fields()
    return await tx.one(Registration, _ASK, {**given, "by": by, "now": clock.now()})


async def registrations(rows: Rows, store_ids: list[str]) -> dict[str, Registration]:
    """What is known of these stores, by store."""
    return {found.store_id: found for found in await rows.rows(Registration, _OF_STORES, {"stores": store_ids})}


def _request(shop: SecondaryMerchant, store: model.Store, country: str, now: datetime) -> MaintainSubmerchant:
    return MaintainSubmerchant(
        merchant_id=shop.id,
        merchant_name=shop.name,
        store_id=shop.store_id,
        store_name=shop.store_name,
        store_country=country,
        store_address=store.address,
        store_industry=shop.industry,
        sent_at=now,
    )


class Registrations:
    """Carries registrations out and follows their reviews."""

    def __init__(self, db: Database, clock: Clock, seal: Seal, client: AlipayClient) -> None:
        self._db = db
        self._clock = clock
        self._seal = seal
        self._client = client

    async def drive(self, registration_id: str) -> None:
        """Take the next step of one: tell Alipay, or ask about its review. No transaction is open meanwhile."""
        async with self._db.reading() as rows:
            known = await rows.one(Registration, _ONE, {"id": registration_id})
            if known.status not in (RegistrationStatus.WANTED, RegistrationStatus.IN_REVIEW):
                await self._keep(rows, known, known.status, known.why, None)
                return
            _, shop, _, store = await model.shop_of(rows, known.store_id)
            account = await model.account(rows, self._seal, known.account_id)
        now = self._clock.now()
        if known.status is RegistrationStatus.WANTED:
            report: Registered | InReview | TurnedDown | NoWord = await register(
                self._client, account, _request(shop, store, known.country, now)
            )
        else:
            report = await review(self._client, account, AskReview(shop.id, shop.store_id, now))
        again = self._clock.now() + (_GAPS[known.tries] if known.tries < len(_GAPS) else timedelta(days=1))
        async with self._db.reading() as rows:
            match report:
                case Registered(reviewed):
                    why = "" if reviewed else "review_not_told"
                    await self._keep(rows, known, RegistrationStatus.REGISTERED, why, None)
                case InReview():
                    await self._keep(rows, known, RegistrationStatus.IN_REVIEW, "", again)
                case TurnedDown(why):
                    await self._keep(rows, known, RegistrationStatus.REFUSED, why, None)
                case NoWord(code):
                    await self._keep(rows, known, known.status, code, again)
                case _:
                    assert_never(report)

    async def _keep(
        self, rows: Rows, known: Registration, status: RegistrationStatus, why: str, due_at: datetime | None
    ) -> None:
        """Only if nobody asked anew meanwhile: what was answered then is about the older data."""
        decided = status in (RegistrationStatus.REGISTERED, RegistrationStatus.REFUSED)
        given = {"id": known.id, "asked_at": known.asked_at, "status": status.value, "why": why[:500], "due_at": due_at}
        await rows.run(_KEEP, given | {"decided_at": (known.decided_at or self._clock.now()) if decided else None})


def works(db: Database, clock: Clock, seal: Seal, client: AlipayClient) -> list[DueWork]:
    """What a worker must drive."""
    drive = Registrations(db, clock, seal, client).drive
    return [DueWork("store_registrations", "store_registrations", _LEASE, drive)]
