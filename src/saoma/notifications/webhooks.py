"""Webhooks: a merchant's own addresses that want to hear, their secrets, and what was delivered to them.

Another merchant's webhook is not there (`NotFound`). A secret is shown once, and kept sealed because it must sign."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime

import msgspec

from saoma.identity import audit
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal
from saoma.notifications.addresses import check_url
from saoma.notifications.outbox import EventKind, Outbox

#: More addresses than this are a mistake, and each would be called for every event.
MOST_WEBHOOKS = 20


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. `failing_since` is the first of an unbroken row of failed attempts."""

    id: str
    merchant_id: str
    url: str
    events: list[EventKind]
    store_ids: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook, with its last attempt."""

    id: str
    event_id: str
    kind: EventKind
    subject_id: str
    status: str
    created_at: datetime
    due_at: datetime | None
    delivered_at: datetime | None
    attempts: int
    last_outcome: str
    last_http_status: int | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try: `outcome`: `delivered`, `refused` (no 2xx), `silent`, `unreachable` or `forbidden`."""

    at: datetime
    outcome: str
    http_status: int | None
    milliseconds: int
    answer: str


_COLUMNS = ", ".join(Webhook.__struct_fields__)
_MINE = "merchant_id = %(merchant_id)s AND deleted_at IS NULL AND (%(stores)s::text[] = '{}' OR store_ids <> '{}' AND store_ids <@ %(stores)s::text[])"  # noqa: E501
_ONE = f"SELECT {_COLUMNS} FROM webhooks WHERE id = %(id)s AND {_MINE}"  # noqa: S608
_PAGE = f"""
SELECT {_COLUMNS} FROM webhooks WHERE {_MINE} AND (%(before)s = '' OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608
_DELIVERIES = """
SELECT d.id, d.event_id, e.kind, e.subject_id, d.status, d.created_at, d.due_at, d.delivered_at,
       (SELECT count(*) FROM webhook_attempts a WHERE a.delivery_id = d.id) AS attempts,
       coalesce(last.outcome, '') AS last_outcome, last.http_status AS last_http_status
FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event_id
LEFT JOIN LATERAL (
    SELECT outcome, http_status FROM webhook_attempts a WHERE a.delivery_id = d.id ORDER BY id DESC LIMIT 1
) last ON true
WHERE d.webhook_id = %(webhook_id)s AND (%(id)s = '' OR d.id = %(id)s) AND (%(before)s = '' OR d.id < %(before)s)
ORDER BY d.id DESC LIMIT %(limit)s
"""
_REPLAY = """
UPDATE webhook_deliveries SET status = 'pending', begun_at = %(now)s, due_at = %(now)s, tries = 0
WHERE id = %(id)s AND webhook_id = %(webhook_id)s AND status <> 'pending'
"""


class Webhooks:
    """The merchant's side of webhooks. `stores` limits what a caller sees to webhooks of those stores alone."""

    def __init__(self, db: Database, clock: Clock, seal: Seal, outbox: Outbox, *, loopback: bool = False) -> None:
        self.db = db
        self.clock = clock
        self.seal = seal
        self.outbox = outbox
        self.loopback = loopback

    async def add(
        self, tx: Transaction, *, merchant_id: str, url: str, events: list[EventKind], stores: list[str], by: str
    ) -> tuple[Webhook, str]:
        """Subscribe an address, and tell the secret that signs for it. Call `heard` after the commit.

        Raises `Invalid` for an address nothing may be sent to, `Conflict` when there are too many already."""
        check_url(url, loopback=self.loopback)
        await tx.run("SELECT id FROM merchants WHERE id = %(id)s FOR UPDATE", {"id": merchant_id})
        count = await tx.value(
            "SELECT count(*) FROM webhooks WHERE merchant_id = %(id)s AND deleted_at IS NULL", {"id": merchant_id}
        )
        if count >= MOST_WEBHOOKS:
            raise Conflict("This merchant has {most} webhooks already. Delete one first.", most=MOST_WEBHOOKS)
        secret = f"whsec_{secrets.token_urlsafe(32)}"
        made = Webhook(
            id=new_id("whk"),
            merchant_id=merchant_id,
            url=url,
            events=sorted(set(events)),
            store_ids=stores,
            created_at=self.clock.now(),
            failing_since=None,
            disabled_at=None,
            disabled_because="",
        )
        await tx.run(
            """INSERT INTO webhooks (id, merchant_id, url, events, store_ids, sealed_secret, created_at)
               VALUES (%(id)s, %(merchant_id)s, %(url)s, %(events)s, %(store_ids)s, %(sealed)s, %(created_at)s)""",
            msgspec.structs.asdict(made)
            | {"events": [event.value for event in made.events], "sealed": self.seal.seal(secret)},
        )
        await audit.note(
            tx, self.clock, who=by, what="webhook_added", subject=made.id, merchant_id=merchant_id, detail={"url": url}
        )
        return made, secret

    async def heard(self) -> None:
        """Come back when every process knows of a webhook that was committed before: from then on nothing is missed."""
        await asyncio.sleep(self.outbox.remembered_for)

    async def secret(self, rows: Rows, webhook_id: str) -> str:
        """What signs for this webhook."""
        sealed = await rows.value("SELECT sealed_secret FROM webhooks WHERE id = %(id)s", {"id": webhook_id})
        return self.seal.open(str(sealed))

    async def get(self, rows: Rows, merchant_id: str, stores: list[str], webhook_id: str) -> Webhook:
        """One webhook. Raises `NotFound`."""
        return await rows.one(Webhook, _ONE, {"id": webhook_id, "merchant_id": merchant_id, "stores": stores})

    async def page(self, merchant_id: str, stores: list[str], before: str, limit: int) -> list[Webhook]:
        """Webhooks, newest first, those older than `before`."""
        given = {"merchant_id": merchant_id, "stores": stores, "before": before, "limit": limit}
        async with self.db.reading() as rows:
            return await rows.rows(Webhook, _PAGE, given)

    async def delete(self, tx: Transaction, webhook: Webhook, by: str) -> None:
        """End a subscription: nothing more is sent, what was sent stays on record."""
        now = {"id": webhook.id, "now": self.clock.now()}
        await tx.run("UPDATE webhooks SET deleted_at = %(now)s WHERE id = %(id)s", now)
        await end_pending(tx, webhook.id)
        await audit.note(
            tx, self.clock, who=by, what="webhook_deleted", subject=webhook.id, merchant_id=webhook.merchant_id
        )

    async def deliveries(self, rows: Rows, webhook_id: str, before: str, limit: int) -> list[Delivery]:
        """What went or goes to a webhook, newest first."""
        given = {"webhook_id": webhook_id, "id": "", "before": before, "limit": limit}
        return await rows.rows(Delivery, _DELIVERIES, given)

    async def attempts(self, rows: Rows, delivery_id: str) -> list[Attempt]:
        """Every try of one delivery, in order."""
        return await rows.rows(
            Attempt,
            """SELECT at, outcome, http_status, milliseconds, answer FROM webhook_attempts
               WHERE delivery_id = %(id)s ORDER BY id""",
            {"id": delivery_id},
        )

    async def replay(self, tx: Transaction, webhook: Webhook, delivery_id: str, by: str) -> Delivery:
        """Send an event again, unchanged; one that is on its way already just stays so. Raises `NotFound`."""
        again = {"id": delivery_id, "webhook_id": webhook.id, "now": self.clock.now()}
        if await tx.run(_REPLAY, again):
            await audit.note(
                tx, self.clock, who=by, what="webhook_replayed", subject=delivery_id, merchant_id=webhook.merchant_id
            )
        return await self.delivery(tx, webhook.id, delivery_id)

    async def delivery(self, rows: Rows, webhook_id: str, delivery_id: str) -> Delivery:
        """One delivery to one webhook. Raises `NotFound`."""
        given = {"webhook_id": webhook_id, "id": delivery_id, "before": "", "limit": 1}
        found = await rows.maybe(Delivery, _DELIVERIES, given)
        if found is None:
            raise NotFound("There is no such delivery, or it is not yours to see.")
        return found


async def end_pending(tx: Transaction, webhook_id: str) -> None:
    """Nothing that waits for this webhook is sent any more."""
    await tx.run(
        """UPDATE webhook_deliveries SET status = 'failed', due_at = NULL
           WHERE webhook_id = %(id)s AND status = 'pending'""",
        {"id": webhook_id},
    )
