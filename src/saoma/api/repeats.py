"""Requests under an Idempotency-Key whose result does not keep the key itself: stores, webhooks, refunds, cancels.

The answer to a repetition tells the thing as it stands now, not as it stood: whoever lost an answer wants the truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request

from saoma.api.door import fingerprint, idempotency_key, key_of
from saoma.api.problems import Refusal
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction

_KEEP = """
INSERT INTO api_requests (merchant_id, key, fingerprint, made, created_at)
VALUES (%(merchant_id)s, %(key)s, %(fingerprint)s, %(made)s, %(now)s) ON CONFLICT (merchant_id, key) DO NOTHING
"""
_KNOWN = "SELECT fingerprint, made FROM api_requests WHERE merchant_id = %(merchant_id)s AND key = %(key)s"
_A_PAYMENT = "SELECT true FROM payments WHERE merchant_id = %(merchant_id)s AND key = %(payment_key)s"


class _Known(msgspec.Struct, frozen=True):
    fingerprint: str
    made: str


def payment_key(key: str) -> str:
    """The key under which the payment core keeps a payment that was begun through the API."""
    return f"api:{key}"


def key_of_payment(kept: str) -> str:
    """The Idempotency-Key behind what the payment core keeps; empty for what was not begun through the API."""
    return kept.removeprefix("api:") if kept.startswith("api:") else ""


def reused() -> Refusal:
    """The same key came with other content."""
    return Refusal("key-reused", "This Idempotency-Key came with another request before. Take a fresh one.")


async def keep(tx: Transaction, clock: Clock, merchant_id: str, key: str, mark: str, thing: str) -> str:
    """Keep that this request made `thing`; an earlier one's where it was done before, waiting for one in flight.

    Raises `Refusal` when the key came with other content."""
    given = {
        "merchant_id": merchant_id,
        "key": key,
        "fingerprint": mark,
        "made": thing,
        "now": clock.now(),
        "payment_key": payment_key(key),
    }
    if await tx.value(_A_PAYMENT, given):
        raise reused()
    if await tx.run(_KEEP, given):
        return thing
    known = await tx.one(_Known, _KNOWN, given)
    if known.fingerprint != mark:
        raise reused()
    return known.made


async def made(tx: Transaction, merchant_id: str, key: str, thing: str) -> None:
    """Say what the request made, in the transaction that kept it before it was known."""
    await tx.run(
        "UPDATE api_requests SET made = %(made)s WHERE merchant_id = %(merchant_id)s AND key = %(key)s",
        {"made": thing, "merchant_id": merchant_id, "key": key},
    )


async def forget(tx: Transaction, merchant_id: str, key: str) -> None:
    """The request was refused and did nothing: its key may be used again."""
    await tx.run(
        "DELETE FROM api_requests WHERE merchant_id = %(merchant_id)s AND key = %(key)s",
        {"merchant_id": merchant_id, "key": key},
    )


async def make_once(
    request: Request[Any, Any, Any],
    db: Database,
    clock: Clock,
    body: Any,
    make: Callable[[Transaction], Awaitable[str]],
) -> tuple[str, bool]:
    """Make a thing and keep its id under the request's key, in one transaction; whether it was there comes second."""
    key, name = key_of(request), idempotency_key(request)
    marks = (key.owner, name, fingerprint(request, body))
    async with db.transaction() as tx:
        # The key is taken first: a repetition waits here for the first, and finds what that one made.
        known = await keep(tx, clock, *marks, "")
        if known:
            return known, True
        thing = await make(tx)
        await made(tx, key.owner, name, thing)
    return thing, False
