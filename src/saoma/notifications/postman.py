"""The postman: sends due deliveries, notes every attempt, and tells the owner's record when an address is given up.

An event may arrive twice (a worker that dies after sending): receivers tell by its id."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from saoma.identity import audit
from saoma.kit.addresses import AddressRefused
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.due import DueWork
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.notifications.addresses import PublicOnly, check_url
from saoma.notifications.retrying import TRIED_FOR, next_attempt
from saoma.notifications.signing import HEADER, signature
from saoma.notifications.webhooks import end_pending
from saoma.payments.alarms import raise_alarm

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=30)
_ANSWERED_WITHIN: Final = 10.0
_KEPT_OF_ANSWER: Final = 500


class _Parcel(msgspec.Struct, frozen=True):
    webhook_id: str
    merchant_id: str
    url: str
    sealed_secret: str
    event_id: str
    body: str


class _Locked(msgspec.Struct, frozen=True):
    begun_at: datetime
    tries: int


class _Failing(msgspec.Struct, frozen=True):
    failing_since: datetime


class _Outcome(msgspec.Struct, frozen=True):
    word: str
    http_status: int | None = None
    answer: str = ""


_PARCEL = """
SELECT w.id AS webhook_id, w.merchant_id, w.url, w.sealed_secret, e.id AS event_id, e.body
FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN webhook_events e ON e.id = d.event_id
WHERE d.id = %(id)s AND d.status = 'pending'
"""
_ATTEMPT = """
INSERT INTO webhook_attempts (delivery_id, at, outcome, http_status, milliseconds, answer)
VALUES (%(id)s, %(now)s, %(outcome)s, %(http_status)s, %(milliseconds)s, %(answer)s)
"""
_LOCK = "SELECT begun_at, tries FROM webhook_deliveries WHERE id = %(id)s AND status = 'pending' FOR UPDATE"
_LOCK_WEBHOOK = "SELECT id FROM webhooks WHERE id = %(webhook_id)s FOR NO KEY UPDATE"
_DELIVERED = """
UPDATE webhook_deliveries SET status = 'delivered', delivered_at = %(now)s, due_at = NULL WHERE id = %(id)s
"""
#: Whoever answers again is trusted again, also after it was given up and somebody replayed.
_WELL_AGAIN = """
UPDATE webhooks SET failing_since = NULL, disabled_at = NULL, disabled_because = ''
WHERE id = %(webhook_id)s AND (failing_since IS NOT NULL OR disabled_at IS NOT NULL)
"""


class Postman:
    """Delivers. Open it (`async with`) before work begins; `loopback` is for a deployment beside its own receiver."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        seal: Seal,
        *,
        loopback: bool = False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.db = db
        self.clock = clock
        self.seal = seal
        self.loopback = loopback
        self.jitter = jitter
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(resolver=PublicOnly(loopback=self.loopback), use_dns_cache=False, limit=64)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=_ANSWERED_WITHIN),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Saoma-Webhooks/1"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def works(self) -> list[DueWork]:
        """What a worker must drive."""
        return [DueWork("webhooks", "webhook_deliveries", LEASE, self.deliver)]

    async def deliver(self, delivery_id: str) -> None:
        """Try one delivery that is pending, and decide what follows."""
        async with self.db.reading() as rows:
            parcel = await rows.maybe(_Parcel, _PARCEL, {"id": delivery_id})
        if parcel is None:
            return
        began = time.perf_counter()
        outcome = await self._send(parcel, delivery_id)
        took = round((time.perf_counter() - began) * 1000)
        async with self.db.transaction() as tx:
            await self._note(tx, parcel, delivery_id, outcome, took)

    async def _send(self, parcel: _Parcel, delivery_id: str) -> _Outcome:
        assert self._session is not None, "open the postman first"
        body = parcel.body.encode()
        headers = {
            "Content-Type": "application/json",
            HEADER: signature(self.seal.open(parcel.sealed_secret), body, self.clock.now()),
            "Saoma-Event-Id": parcel.event_id,
            "Saoma-Delivery-Id": delivery_id,
        }
        try:
            check_url(parcel.url, loopback=self.loopback)
            async with self._session.post(parcel.url, data=body, headers=headers, allow_redirects=False) as answer:
                start = await answer.content.read(_KEPT_OF_ANSWER)
                word = "delivered" if 200 <= answer.status < 300 else "refused"
                text = start.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
                return _Outcome(word, answer.status, text)
        except (AddressRefused, Invalid) as error:
            return _Outcome("forbidden", None, str(error))
        except TimeoutError:
            return _Outcome("silent")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressRefused):
                return _Outcome("forbidden", None, str(error.os_error))
            return _Outcome("unreachable", None, f"{type(error).__name__}: {error}"[:_KEPT_OF_ANSWER])

    async def _note(
        self, tx: Transaction, parcel: _Parcel, delivery_id: str, outcome: _Outcome, milliseconds: int
    ) -> None:
        now = self.clock.now()
        about = {"id": delivery_id, "webhook_id": parcel.webhook_id, "now": now}
        # The webhook first, its deliveries after it: everybody who takes both takes them in this order.
        await tx.run(_LOCK_WEBHOOK, about)
        row = await tx.maybe(_Locked, _LOCK, about)
        await tx.run(
            _ATTEMPT,
            about
            | {
                "outcome": outcome.word,
                "http_status": outcome.http_status,
                "milliseconds": milliseconds,
                "answer": outcome.answer,
            },
        )
        if row is None:
            return
        if outcome.word == "delivered":
            await tx.run(_DELIVERED, about)
            await tx.run(_WELL_AGAIN, about)
            return
        failing = await tx.one(
            _Failing,
            "UPDATE webhooks SET failing_since = coalesce(failing_since, %(now)s) WHERE id = %(webhook_id)s"
            " RETURNING failing_since",
            about,
        )
        due_at = next_attempt(row.begun_at, now, row.tries, self.jitter())
        status = "failed" if due_at is None else "pending"
        await tx.run(
            "UPDATE webhook_deliveries SET status = %(status)s, due_at = %(due_at)s WHERE id = %(id)s",
            about | {"status": status, "due_at": due_at},
        )
        log.warning("webhook.not_taken", webhook=parcel.webhook_id, delivery=delivery_id, outcome=outcome.word)
        if due_at is None and now - failing.failing_since >= TRIED_FOR * 0.8:
            await self._give_up(tx, parcel, failing.failing_since, outcome)

    async def _give_up(self, tx: Transaction, parcel: _Parcel, since: datetime, outcome: _Outcome) -> None:
        """Nothing was taken for days: stop calling, and leave a notice where the owner looks."""
        why = f"Nothing was taken since {since:%Y-%m-%d %H:%M} UTC; the last attempt was {outcome.word}."
        ended = await tx.run(
            """UPDATE webhooks SET disabled_at = %(now)s, disabled_because = %(why)s
               WHERE id = %(id)s AND disabled_at IS NULL""",
            {"id": parcel.webhook_id, "now": self.clock.now(), "why": why},
        )
        if not ended:
            return
        await end_pending(tx, parcel.webhook_id)
        await audit.note(
            tx,
            self.clock,
            who="webhooks",
            what="webhook_disabled",
            subject=parcel.webhook_id,
            merchant_id=parcel.merchant_id,
            detail={"url": urlsplit(parcel.url)._replace(query="").geturl(), "why": why},
        )
        await raise_alarm(
            tx, "webhook_dead", parcel.webhook_id, f"{_host(parcel.url)}: {why}", parcel.merchant_id, self.clock.now()
        )
        log.error("webhook.disabled", webhook=parcel.webhook_id, merchant=parcel.merchant_id, why=why)


def _host(url: str) -> str:
    """Where it went, without what may be secret in the path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
