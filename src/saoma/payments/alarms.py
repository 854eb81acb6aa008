"""Alarms: a person is told, once per group, again one level up, until somebody acknowledges.

Raising costs one statement and sends nothing: a worker finds the row due, and sends through Apprise in a thread.
Telling twice after a crash is possible and harmless; not telling is neither."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

import msgspec
import structlog

from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.due import DueWork
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.i18n import LANGUAGES, texts
from saoma.kit.ids import new_id
from saoma.kit.seal import Seal
from saoma.payments.alarm_rules import CALM, LAST_LEVEL, REPEAT_AFTER, quiet_until, rule
from saoma.payments.alarm_sending import check_target, send_by_apprise
from saoma.payments.alarm_words import meaning

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)
_SEND_LIMIT_SECONDS: Final = 30
_TRIES: Final = 12
_LONGEST_SILENCE: Final = timedelta(days=7)


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One group of the same trouble. It is over when `over_at` is set; `level` is how far up it was told."""

    id: str
    rule: str
    key: str
    merchant_id: str
    text: str
    times: int
    first_at: datetime
    last_at: datetime
    level: int
    acknowledged_by: str
    acknowledged_at: datetime | None
    over_at: datetime | None
    due_at: datetime | None
    tries: int

    @property
    def sentence(self) -> str:
        """What is the matter, a key of the texts."""
        return rule(self.rule).sentence


ALARM_COLUMNS: Final = ", ".join(Alarm.__struct_fields__)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told, from which level on. `url` is the sealed Apprise address."""

    id: str
    merchant_id: str
    name: str
    url: str
    level: int
    quiet_from: time | None
    quiet_to: time | None
    zone: str


TARGET_COLUMNS: Final = ", ".join(Target.__struct_fields__)


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A rule (with an empty key) or a group that rings for nobody until its end."""

    id: str
    rule: str
    key: str
    until: datetime
    said_by: str
    reason: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one target. `sent_at` is None until it went; `trouble` is why it did not yet."""

    id: str
    alarm_id: str
    target_id: str
    round: int
    at: datetime
    due_at: datetime | None
    tries: int
    sent_at: datetime | None
    trouble: str


_RAISE = f"""
INSERT INTO alarms (id, rule, key, merchant_id, text, first_at, last_at, due_at)
SELECT %(id)s, %(rule)s, %(key)s, %(merchant_id)s, %(text)s, at, at, at
FROM (SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS at) AS moment
ON CONFLICT (rule, key) WHERE over_at IS NULL DO UPDATE SET
    times = alarms.times + 1, last_at = excluded.last_at, text = excluded.text
RETURNING {ALARM_COLUMNS}
"""  # noqa: S608


async def raise_alarm(
    where: Rows | Database, rule: str, key: str, text: str, merchant_id: str = "", now: datetime | None = None
) -> Alarm:
    """Ring, or count one more of a group that rings already. `text` says what exactly; it must hold no secret.

    Within a transaction the alarm is only there if the trouble is; the database's own time counts without `now`."""
    params = {"id": new_id("alm"), "rule": rule, "key": key, "merchant_id": merchant_id, "text": text[:2000]}
    if isinstance(where, Database):
        async with where.transaction() as tx:
            return await raise_alarm(tx, rule, key, text, merchant_id, now)
    raised = await where.one(Alarm, _RAISE, params | {"now": now})
    if raised.times == 1:
        log.warning("alarm.raised", rule=rule, group=key, merchant=merchant_id, text=text[:200])
        if isinstance(where, Transaction):
            await where.tell("alarms", "alarm", {"alarm_id": raised.id})
    return raised


async def open_alarms(rows: Rows, merchant_id: str = "", limit: int = 200) -> list[Alarm]:
    """What rings or was acknowledged and is not over, the unacknowledged first. An empty merchant means all."""
    sql = f"""SELECT {ALARM_COLUMNS} FROM alarms
              WHERE over_at IS NULL AND (%(merchant_id)s = '' OR merchant_id = %(merchant_id)s)
              ORDER BY acknowledged_at IS NOT NULL, last_at DESC, id LIMIT %(limit)s"""  # noqa: S608
    return await rows.rows(Alarm, sql, {"merchant_id": merchant_id, "limit": limit})


async def past_alarms(rows: Rows, merchant_id: str = "", limit: int = 50) -> list[Alarm]:
    """What is over, the latest first."""
    sql = f"""SELECT {ALARM_COLUMNS} FROM alarms
              WHERE over_at IS NOT NULL AND (%(merchant_id)s = '' OR merchant_id = %(merchant_id)s)
              ORDER BY last_at DESC, id LIMIT %(limit)s"""  # noqa: S608
    return await rows.rows(Alarm, sql, {"merchant_id": merchant_id, "limit": limit})


async def alarm(rows: Rows, alarm_id: str) -> Alarm:
    """One alarm. Raises `NotFound`."""
    return await rows.one(Alarm, f"SELECT {ALARM_COLUMNS} FROM alarms WHERE id = %(id)s", {"id": alarm_id})  # noqa: S608


async def acknowledge(tx: Transaction, alarm_id: str, by: str, now: datetime) -> None:
    """Somebody looks after it: nobody else is told, and it is over when its trouble has stayed away for an hour.

    The first who says so stays its owner."""
    await tx.run(
        """UPDATE alarms SET acknowledged_by = %(by)s, acknowledged_at = %(now)s, due_at = %(due)s
           WHERE id = %(id)s AND acknowledged_at IS NULL AND over_at IS NULL""",
        {"id": alarm_id, "by": by, "now": now, "due": now + CALM},
    )
    await tx.tell("alarms", "alarm", {"alarm_id": alarm_id})


async def silence(
    tx: Transaction, *, rule: str, key: str = "", until: datetime, by: str, reason: str, now: datetime
) -> None:
    """Keep a rule, or one group of it, from ringing until a moment within the next seven days. Raises `Invalid`."""
    if not now < until <= now + _LONGEST_SILENCE:
        raise Invalid("A silence ends within seven days. Choose when.")
    if not reason.strip():
        raise Invalid("Write why: others will wonder why nothing rings.")
    await tx.run(
        """INSERT INTO alarm_silences (id, rule, key, until, said_by, reason, at)
           VALUES (%(id)s, %(rule)s, %(key)s, %(until)s, %(by)s, %(reason)s, %(now)s)""",
        {"id": new_id("sil"), "rule": rule, "key": key, "until": until, "by": by, "reason": reason, "now": now},
    )


async def silences(rows: Rows, now: datetime) -> list[Silence]:
    """Every silence that has not ended."""
    sql = """SELECT id, rule, key, until, said_by, reason FROM alarm_silences WHERE until > %(now)s
             ORDER BY until, id"""
    return await rows.rows(Silence, sql, {"now": now})


async def end_silence(tx: Transaction, silence_id: str, now: datetime) -> None:
    """Let it ring again from now on."""
    await tx.run(
        "UPDATE alarm_silences SET until = %(now)s WHERE id = %(id)s AND until > %(now)s",
        {"id": silence_id, "now": now},
    )
    await tx.run("UPDATE alarms SET due_at = %(now)s WHERE over_at IS NULL AND acknowledged_at IS NULL", {"now": now})


async def add_target(
    tx: Transaction,
    seal: Seal,
    *,
    name: str,
    url: str,
    level: int = 0,
    merchant_id: str = "",
    quiet: tuple[time, time] | None = None,
    zone: str = "Asia/Shanghai",
    loopback: bool = False,
) -> str:
    """Keep somebody to tell; tells the id. Raises `Invalid` for an address that can't be read or may not be called."""
    if not name.strip():
        raise Invalid("Give a name and an Apprise address, such as mailto:// or slack://.")
    check_target(url, loopback=loopback)
    if not 0 <= level <= LAST_LEVEL:
        raise Invalid("The level is a number from 0 (told first) to 3 (told last).")
    target_id = new_id("tgt")
    await tx.run(
        """INSERT INTO alarm_targets (id, merchant_id, name, url, level, quiet_from, quiet_to, zone)
           VALUES (%(id)s, %(merchant_id)s, %(name)s, %(url)s, %(level)s, %(quiet_from)s, %(quiet_to)s, %(zone)s)""",
        {
            "id": target_id,
            "merchant_id": merchant_id,
            "name": name.strip(),
            "url": seal.seal(url),
            "level": level,
            "quiet_from": quiet[0] if quiet else None,
            "quiet_to": quiet[1] if quiet else None,
            "zone": zone,
        },
    )
    return target_id


async def remove_target(tx: Transaction, target_id: str) -> None:
    """Tell them nothing more. Raises `NotFound`."""
    if not await tx.run("UPDATE alarm_targets SET active = false WHERE id = %(id)s AND active", {"id": target_id}):
        raise NotFound("There is nobody of that kind to tell.")


async def targets(rows: Rows, merchant_id: str = "") -> list[Target]:
    """Who is told, the first level first. An empty merchant means all of them."""
    sql = f"""SELECT {TARGET_COLUMNS} FROM alarm_targets
              WHERE active AND (%(merchant_id)s = '' OR merchant_id = %(merchant_id)s) ORDER BY level, name, id"""  # noqa: S608
    return await rows.rows(Target, sql, {"merchant_id": merchant_id})


@dataclass(frozen=True, slots=True)
class _Sending:
    target: Target
    alarm: Alarm


class Alarms:
    """Rings and delivers, as due work. `send` is given so that tests can watch it; Apprise is what it is for.

    `loopback` lets alarms go to this very machine, as with webhooks."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        seal: Seal,
        send: Callable[[str, str, str], bool] | None = None,
        *,
        loopback: bool = False,
    ) -> None:
        self.db = db
        self.clock = clock
        self.seal = seal
        self._send = send or partial(send_by_apprise, loopback=loopback)

    def works(self) -> list[DueWork]:
        """What a worker must drive."""
        return [
            DueWork("alarms", "alarms", LEASE, self.ring),
            DueWork("alarm_deliveries", "alarm_deliveries", LEASE, self.deliver),
        ]

    async def ring(self, alarm_id: str) -> None:
        """Write the messages of an alarm's next round, go one level up, or find that it is over. Safe to repeat."""
        now = self.clock.now()
        async with self.db.transaction() as tx:
            sql = f"SELECT {ALARM_COLUMNS} FROM alarms WHERE id = %(id)s FOR UPDATE"  # noqa: S608
            ringing = await tx.one(Alarm, sql, {"id": alarm_id})
            if ringing.over_at is not None:
                await _look_again(tx, ringing, None)
            elif ringing.acknowledged_at is not None:
                await self._calm_down(tx, ringing, now)
            elif (until := await _silent_until(tx, ringing, now)) is not None:
                await _look_again(tx, ringing, until)
            else:
                await self._round(tx, ringing, now)

    async def _calm_down(self, tx: Transaction, ringing: Alarm, now: datetime) -> None:
        calm = ringing.last_at + CALM
        if now < calm:
            await _look_again(tx, ringing, calm)
            return
        await tx.run(
            "UPDATE alarms SET over_at = %(now)s, due_at = NULL WHERE id = %(id)s", {"id": ringing.id, "now": now}
        )

    async def _round(self, tx: Transaction, ringing: Alarm, now: datetime) -> None:
        told = int(
            await tx.value(
                "SELECT count(DISTINCT round) FROM alarm_deliveries WHERE alarm_id = %(id)s", {"id": ringing.id}
            )
        )
        last = await tx.value("SELECT max(at) FROM alarm_deliveries WHERE alarm_id = %(id)s", {"id": ringing.id})
        gap = rule(ringing.rule).escalate_after if ringing.level < LAST_LEVEL else REPEAT_AFTER
        if last is not None and now < last + gap:
            # Another worker has just told this round.
            await _look_again(tx, ringing, last + gap)
            return
        level = min(told, LAST_LEVEL)
        await tx.run("UPDATE alarms SET level = %(level)s WHERE id = %(id)s", {"id": ringing.id, "level": level})
        sql = f"""SELECT {TARGET_COLUMNS} FROM alarm_targets
                  WHERE active AND level <= %(level)s AND merchant_id IN ('', %(merchant_id)s)"""  # noqa: S608
        for target in await tx.rows(Target, sql, {"level": level, "merchant_id": ringing.merchant_id}):
            await tx.run(
                """INSERT INTO alarm_deliveries (id, alarm_id, target_id, round, at, due_at)
                   VALUES (%(id)s, %(alarm_id)s, %(target_id)s, %(round)s, %(now)s, %(due_at)s)
                   ON CONFLICT DO NOTHING""",
                {
                    "id": new_id("adl"),
                    "alarm_id": ringing.id,
                    "target_id": target.id,
                    "round": told,
                    "now": now,
                    "due_at": send_at(target, ringing, now),
                },
            )
        gap = rule(ringing.rule).escalate_after if level < LAST_LEVEL else REPEAT_AFTER
        await _look_again(tx, ringing, now + gap)

    async def deliver(self, delivery_id: str) -> None:
        """Send one message, or put it off with growing gaps. What was acknowledged meanwhile is not sent any more."""
        sending = await self._read(delivery_id)
        if sending is None:
            return
        said = texts("en")(sending.alarm.sentence)
        title = f"Saoma: {said} · {texts('zh')(sending.alarm.sentence)}"
        body = f"{_in_words(sending.alarm)}\n({sending.alarm.rule} {sending.alarm.key}, ×{sending.alarm.times})"
        trouble = ""
        try:
            async with asyncio.timeout(_SEND_LIMIT_SECONDS):
                url = self.seal.open(sending.target.url)
                sent = await asyncio.to_thread(self._send, url, title, body)
        except Exception as error:
            sent, trouble = False, type(error).__name__
        async with self.db.reading() as rows:
            await rows.run(
                _SENT if sent else _PUT_OFF,
                {"id": delivery_id, "now": self.clock.now(), "trouble": trouble or "not taken", "tries": _TRIES},
            )
        if not sent:
            log.warning("alarm.not_delivered", alarm=sending.alarm.id, target=sending.target.name, trouble=trouble)

    async def _read(self, delivery_id: str) -> _Sending | None:
        async with self.db.reading() as rows:
            sql = """SELECT id, alarm_id, target_id, round, at, due_at, tries, sent_at, trouble FROM alarm_deliveries
                     WHERE id = %(id)s"""
            delivery = await rows.one(Delivery, sql, {"id": delivery_id})
            about = await alarm(rows, delivery.alarm_id)
            sql = f"SELECT {TARGET_COLUMNS} FROM alarm_targets WHERE id = %(id)s AND active"  # noqa: S608
            target = await rows.maybe(Target, sql, {"id": delivery.target_id})
            if delivery.sent_at is None and target is not None and about.acknowledged_at is None:
                return _Sending(target, about)
            await rows.run("UPDATE alarm_deliveries SET due_at = NULL WHERE id = %(id)s", {"id": delivery_id})
            return None


def _in_words(about: Alarm) -> str:
    """What a message says: in words and both languages first, then what one looks up."""
    said = meaning(about.rule, about.text)
    both = [texts(lang)(said.sentence, **said.values) for lang in LANGUAGES] if said.sentence else []
    return "\n".join([*both, said.beside])


_SENT = "UPDATE alarm_deliveries SET sent_at = %(now)s, due_at = NULL, trouble = '' WHERE id = %(id)s"
_PUT_OFF = """
UPDATE alarm_deliveries SET trouble = %(trouble)s, due_at = CASE WHEN tries >= %(tries)s THEN NULL
    ELSE %(now)s::timestamptz + least(interval '15 seconds' * power(2, tries), interval '30 minutes') END
WHERE id = %(id)s AND sent_at IS NULL
"""


def send_at(target: Target, about: Alarm, now: datetime) -> datetime:
    """When this target may be told: now, or when its quiet hours end, unless it is urgent."""
    if target.quiet_from is None or target.quiet_to is None or rule(about.rule).urgent:
        return now
    return quiet_until(now, target.quiet_from, target.quiet_to, target.zone) or now


async def _look_again(tx: Transaction, ringing: Alarm, due_at: datetime | None) -> None:
    await tx.run("UPDATE alarms SET due_at = %(due_at)s WHERE id = %(id)s", {"id": ringing.id, "due_at": due_at})


async def _silent_until(tx: Transaction, ringing: Alarm, now: datetime) -> datetime | None:
    until = await tx.value(
        """SELECT max(until) FROM alarm_silences
           WHERE rule = %(rule)s AND key IN ('', %(key)s) AND until > %(now)s""",
        {"rule": ringing.rule, "key": ringing.key, "now": now},
    )
    return until if isinstance(until, datetime) else None
