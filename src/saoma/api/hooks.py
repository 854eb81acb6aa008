"""`/api/v1/webhooks`: subscribe addresses to events, see what was delivered, send it again.

A key for some stores sees and makes webhooks for those stores only."""

from __future__ import annotations

from typing import Any, cast

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from saoma.api import pages, repeats
from saoma.api.answers import json, json_of_made
from saoma.api.bodies import AttemptAnswer, DeliveryAnswer, NewWebhook, WebhookAnswer
from saoma.api.door import allows, body_of, fingerprint, idempotency_key, key_of, query_of
from saoma.api.problems import Refusal
from saoma.identity.api_keys import Scope
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.ids import check_id
from saoma.notifications.webhooks import Delivery, Webhook, Webhooks

AnyRequest = Request[Any, Any, Any]


def _webhook(webhook: Webhook, secret: str | None = None) -> WebhookAnswer:
    return WebhookAnswer(
        id=webhook.id,
        url=webhook.url,
        events=webhook.events,
        stores=webhook.store_ids,
        created_at=webhook.created_at,
        failing_since=webhook.failing_since,
        disabled_at=webhook.disabled_at,
        disabled_because=webhook.disabled_because,
        secret=secret,
    )


async def _delivery(hooks: Webhooks, rows: Rows, delivery: Delivery) -> DeliveryAnswer:
    tries = await hooks.attempts(rows, delivery.id)
    return DeliveryAnswer(
        id=delivery.id,
        event=delivery.event_id,
        type=delivery.kind,
        subject=delivery.subject_id,
        status=cast(Any, delivery.status),
        created_at=delivery.created_at,
        next_attempt_at=delivery.due_at,
        delivered_at=delivery.delivered_at,
        attempts=[
            AttemptAnswer(
                at=each.at,
                outcome=each.outcome,
                http_status=each.http_status,
                milliseconds=each.milliseconds,
                answer=each.answer,
            )
            for each in tries
        ],
    )


@post("/webhooks", guards=[allows(Scope.WEBHOOKS)])
async def make_webhook(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    hooks: NamedDependency[Webhooks],
) -> Response[bytes]:
    """Subscribe an address. The answer, and each repetition of it, tells the secret; nothing else ever does."""
    key = key_of(request)
    idempotency_key(request)
    body = await body_of(request, NewWebhook)

    async def make(tx: Transaction) -> str:
        made, _ = await hooks.add(
            tx,
            merchant_id=key.merchant_id,
            url=body.url,
            events=body.events,
            stores=key.store_ids,
            by=f"api:{key.id}",
        )
        return made.id

    webhook_id, repeated = await repeats.make_once(request, db, clock, body, make)
    await hooks.heard()
    async with db.reading() as rows:
        webhook = await hooks.get(rows, key.merchant_id, key.store_ids, webhook_id)
        secret = await hooks.secret(rows, webhook_id)
    return json_of_made(_webhook(webhook, secret), f"webhooks/{webhook_id}", repeated=repeated)


@get("/webhooks", guards=[allows(Scope.WEBHOOKS)])
async def list_webhooks(request: AnyRequest, hooks: NamedDependency[Webhooks]) -> Response[bytes]:
    """The subscriptions, newest first."""
    key, query = key_of(request), query_of(request, "limit", "cursor", "lang")
    limit = pages.limit_of(query)
    found = await hooks.page(key.merchant_id, key.store_ids, pages.before(query), limit + 1)
    return json(pages.page_of(found, limit, _webhook, lambda webhook: (pages.BIRTH, webhook.id)))


async def _webhook_for(request: AnyRequest, hooks: Webhooks, rows: Rows, webhook_id: str) -> Webhook:
    key = key_of(request)
    return await hooks.get(rows, key.merchant_id, key.store_ids, check_id("whk", webhook_id))


@get("/webhooks/{webhook_id:str}", guards=[allows(Scope.WEBHOOKS)])
async def show_webhook(
    request: AnyRequest,
    db: NamedDependency[Database],
    hooks: NamedDependency[Webhooks],
    webhook_id: FromPath[str],
) -> Response[bytes]:
    """One subscription."""
    query_of(request, "lang")
    async with db.reading() as rows:
        return json(_webhook(await _webhook_for(request, hooks, rows, webhook_id)))


@delete("/webhooks/{webhook_id:str}", guards=[allows(Scope.WEBHOOKS)], status_code=204)
async def delete_webhook(
    request: AnyRequest,
    db: NamedDependency[Database],
    hooks: NamedDependency[Webhooks],
    webhook_id: FromPath[str],
) -> None:
    """End a subscription: nothing more is sent to it."""
    async with db.transaction() as tx:
        webhook = await _webhook_for(request, hooks, tx, webhook_id)
        await hooks.delete(tx, webhook, f"api:{key_of(request).id}")


@get("/webhooks/{webhook_id:str}/deliveries", guards=[allows(Scope.WEBHOOKS)])
async def list_deliveries(
    request: AnyRequest,
    db: NamedDependency[Database],
    hooks: NamedDependency[Webhooks],
    webhook_id: FromPath[str],
) -> Response[bytes]:
    """What went or goes to one webhook, newest first, with every attempt."""
    query = query_of(request, "limit", "cursor", "lang")
    limit = pages.limit_of(query)
    async with db.reading() as rows:
        webhook = await _webhook_for(request, hooks, rows, webhook_id)
        found = await hooks.deliveries(rows, webhook.id, pages.before(query), limit + 1)
        told = {each.id: await _delivery(hooks, rows, each) for each in found[:limit]}
    return json(pages.page_of(found, limit, lambda each: told[each.id], lambda each: (pages.BIRTH, each.id)))


@post("/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay", guards=[allows(Scope.WEBHOOKS)])
async def replay_delivery(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    hooks: NamedDependency[Webhooks],
    webhook_id: FromPath[str],
    delivery_id: FromPath[str],
) -> Response[bytes]:
    """Send an event again, byte for byte; a repetition of this request sends it no third time."""
    key, name = key_of(request), idempotency_key(request)
    if await request.body() not in (b"", b"{}"):
        raise Refusal("invalid", "A replay has no body.")
    check_id("dlv", delivery_id)
    async with db.transaction() as tx:
        webhook = await _webhook_for(request, hooks, tx, webhook_id)
        marks = (key.owner, name, fingerprint(request, None))
        # The first to come keeps its own request's id; whoever finds another's only looks.
        mine = str(request.scope["state"].get("request_id", ""))
        first = await repeats.keep(tx, clock, *marks, mine) == mine
        if first:
            delivery = await hooks.replay(tx, webhook, delivery_id, f"api:{key.id}")
        else:
            delivery = await hooks.delivery(tx, webhook.id, delivery_id)
        return json(await _delivery(hooks, tx, delivery), 202, repeated=not first)


handlers: list[Any] = [
    make_webhook,
    list_webhooks,
    show_webhook,
    delete_webhook,
    list_deliveries,
    replay_delivery,
]
