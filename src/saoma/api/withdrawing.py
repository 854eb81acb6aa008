"""`/api/v1/payments/withdraw`: spend a reference no payment has, so that a request still on its way comes too late.

This is not a cancel: where a payment has the reference, it is refused, and that payment is to be cancelled."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency

from saoma.api.answers import json
from saoma.api.bodies import Withdrawal, WithdrawalAnswer
from saoma.api.door import allows, body_of, idempotency_key, key_of
from saoma.api.payments import store_for
from saoma.api.references import withdraw
from saoma.identity.api_keys import Scope
from saoma.kit.db import Database


@post("/payments/withdraw", guards=[allows(Scope.PAYMENTS_WRITE)], status_code=200)
async def withdraw_reference(request: Request[Any, Any, Any], db: NamedDependency[Database]) -> Response[bytes]:
    """Spend a reference; done twice, it is spent once."""
    idempotency_key(request)
    body = await body_of(request, Withdrawal)
    async with db.transaction() as tx:
        store_id = await store_for(tx, key_of(request), body.store)
        await withdraw(tx, store_id, body.reference)
    return json(WithdrawalAnswer(reference=body.reference, store=store_id))


handlers: list[Any] = [withdraw_reference]
