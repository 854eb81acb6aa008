"""Alarms over real PostgreSQL, and by real Apprise to a small server: grouped, escalated, silenced, quiet at night."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.payments.alarm_rules import CALM, RULES, quiet_until, rule
from saoma.payments.alarms import (
    Alarms,
    acknowledge,
    add_target,
    alarm,
    end_silence,
    open_alarms,
    past_alarms,
    raise_alarm,
    silence,
    silences,
)

SEAL = Seal("a deployment's secret of its own, 32+")


class Desk:
    """Alarms with a pretended sender that keeps what it was told to send, and may refuse."""

    def __init__(self, db: Database, clock: MovableClock) -> None:
        self.db = db
        self.clock = clock
        self.sent: list[str] = []
        self.bodies: list[str] = []
        self.broken = False
        self.alarms = Alarms(db, clock, SEAL, self._send)

    def _send(self, url: str, title: str, body: str) -> bool:
        if self.broken:
            raise OSError("no route")
        self.bodies.append(body)
        self.sent.append(f"{url.split('/')[2]} {body.splitlines()[0]}")
        return True

    async def person(self, name: str, level: int = 0, **more: Any) -> None:
        async with self.db.transaction() as tx:
            await add_target(tx, SEAL, name=name, url=f"json://{name}", level=level, **more)

    async def ring(self, name: str = "payment_stuck", key: str = "acc", text: str = "look") -> str:
        return (await raise_alarm(self.db, name, key, text, now=self.clock.now())).id

    async def play(self, minutes: float = 0) -> list[str]:
        """Let time pass in steps; what was sent meanwhile."""
        before = len(self.sent)
        end = self.clock.now() + timedelta(minutes=minutes)
        while True:
            while await drive_due(self.db, self.alarms.works(), self.clock):
                pass
            if self.clock.now() >= end:
                return self.sent[before:]
            self.clock.advance(min(timedelta(minutes=1), end - self.clock.now()))


@pytest.fixture
def desk(database: Database, clock: MovableClock) -> Desk:
    return Desk(database, clock)


async def test_the_same_trouble_rings_once_however_often_it_is_seen(desk: Desk) -> None:
    await desk.person("ann")
    ids = {await desk.ring(text=f"payment {number}") for number in range(20)}
    assert len(ids) == 1
    assert await desk.play(1) == ["ann payment 19"]
    await desk.ring()
    assert await desk.play(1) == []
    async with desk.db.reading() as rows:
        (ringing,) = await open_alarms(rows)
    assert ringing.times == 21


async def test_a_message_says_in_both_languages_what_its_code_means_before_the_code(desk: Desk) -> None:
    await desk.person("ann")
    await desk.ring("cancel_failed", text="SO1: 12.50 USD, ACQ.NO_CANCEL")
    assert await desk.play() == ["ann Alipay refused to cancel this payment"]
    words = "Alipay refused to cancel this payment\n支付宝拒绝撤销这笔付款\nSO1: 12.50 USD (ACQ.NO_CANCEL)\n"
    assert desk.bodies == [words + "(cancel_failed acc, ×1)"]


async def test_another_key_or_rule_is_another_alarm(desk: Desk) -> None:
    await desk.person("ann")
    await desk.ring(key="one")
    await desk.ring(key="two")
    await desk.ring("late_money", key="one")
    assert len(await desk.play()) == 3


async def test_many_processes_that_ring_at_once_make_one_alarm(desk: Desk) -> None:
    ids = await asyncio.gather(*(desk.ring() for _ in range(20)))
    assert len(set(ids)) == 1


async def test_what_nobody_acknowledges_goes_up_level_by_level(desk: Desk) -> None:
    for level, name in enumerate(("ann", "bob", "cat")):
        await desk.person(name, level)
    alarm_id = await desk.ring()
    assert await desk.play(9) == ["ann look"]
    assert sorted(await desk.play(3)) == ["ann look", "bob look"]
    assert sorted(await desk.play(10)) == ["ann look", "bob look", "cat look"]
    async with desk.db.transaction() as tx:
        await acknowledge(tx, alarm_id, "stf_ann", desk.clock.now())
    assert await desk.play(600) == []


async def test_an_acknowledged_alarm_is_over_when_its_trouble_stays_away(desk: Desk) -> None:
    await desk.person("ann")
    alarm_id = await desk.ring()
    await desk.play()
    async with desk.db.transaction() as tx:
        await acknowledge(tx, alarm_id, "stf_ann", desk.clock.now())
        await acknowledge(tx, alarm_id, "stf_bob", desk.clock.now())
    await desk.play(50)
    await desk.ring()  # it is seen once more, and somebody is at it: nobody is told
    await desk.play(50)
    async with desk.db.reading() as rows:
        known = await alarm(rows, alarm_id)
        assert known.over_at is None and known.acknowledged_by == "stf_ann"
    await desk.play(CALM.total_seconds() / 60)
    async with desk.db.reading() as rows:
        assert [each.id for each in await past_alarms(rows)] == [alarm_id] and await open_alarms(rows) == []
    assert await desk.ring() != alarm_id
    assert await desk.play() == ["ann look"]


async def test_a_silence_holds_until_its_end_and_not_longer(desk: Desk) -> None:
    await desk.person("ann")
    async with desk.db.transaction() as tx:
        until = desk.clock.now() + timedelta(hours=1)
        await silence(tx, rule="payment_stuck", until=until, by="stf_ann", reason="maintenance", now=desk.clock.now())
    await desk.ring()
    await desk.ring("late_money", text="other")
    assert await desk.play(5) == ["ann other"]
    async with desk.db.transaction() as tx:
        await acknowledge(tx, (await raise_alarm(tx, "late_money", "acc", "x")).id, "stf_ann", desk.clock.now())
    assert await desk.play(54) == []
    assert await desk.play(3) == ["ann look"]


async def test_a_silence_can_be_ended_early(desk: Desk) -> None:
    await desk.person("ann")
    async with desk.db.transaction() as tx:
        until = desk.clock.now() + timedelta(days=1)
        await silence(tx, rule="payment_stuck", until=until, by="ann", reason="noise", now=desk.clock.now())
    await desk.ring()
    assert await desk.play(5) == []
    async with desk.db.transaction() as tx:
        (quiet,) = await silences(tx, desk.clock.now())
        await end_silence(tx, quiet.id, desk.clock.now())
    assert await desk.play() == ["ann look"]


@pytest.mark.parametrize(("hours", "reason"), [(0, "why"), (24 * 8, "why"), (1, " ")])
async def test_a_silence_has_an_end_and_a_reason(desk: Desk, hours: int, reason: str) -> None:
    async with desk.db.transaction() as tx:
        now = desk.clock.now()
        with pytest.raises(Invalid):
            await silence(tx, rule="late_money", until=now + timedelta(hours=hours), by="ann", reason=reason, now=now)


async def test_quiet_hours_hold_back_what_can_wait_and_nothing_urgent(desk: Desk) -> None:
    # It is noon in Beijing.
    await desk.person("ann", quiet=(time(11), time(13)), zone="Asia/Shanghai")
    await desk.ring("never_notified", text="can wait")
    await desk.ring("late_money", text="can not")
    assert not RULES["never_notified"].urgent and RULES["late_money"].urgent
    assert await desk.play(2) == ["ann can not"]
    assert "ann can wait" in await desk.play(61)


async def test_a_merchant_is_told_of_its_own_and_the_operator_of_all(desk: Desk) -> None:
    await desk.person("operator")
    await desk.person("noodles", merchant_id="mer_noodles")
    await desk.person("burritos", merchant_id="mer_burritos")
    await raise_alarm(desk.db, "payment_stuck", "k", "look", "mer_noodles", desk.clock.now())
    assert sorted(await desk.play()) == ["noodles look", "operator look"]


async def test_what_can_not_be_sent_is_tried_again(desk: Desk) -> None:
    await desk.person("ann")
    desk.broken = True
    await desk.ring()
    assert await desk.play(3) == []
    desk.broken = False
    assert "ann look" in await desk.play(6)


async def test_a_handler_that_runs_again_or_twice_at_once_tells_nobody_twice(desk: Desk) -> None:
    await desk.person("ann")
    alarm_id = await desk.ring()
    await asyncio.gather(*(desk.alarms.ring(alarm_id) for _ in range(4)))
    await desk.alarms.ring(alarm_id)
    assert await desk.play() == ["ann look"]
    async with desk.db.reading() as rows:
        delivery = await rows.value("SELECT id FROM alarm_deliveries")
    await desk.alarms.deliver(delivery)
    assert desk.sent == ["ann look"]


async def test_an_address_is_kept_sealed_and_an_unreadable_one_refused(desk: Desk) -> None:
    await desk.person("ann")
    async with desk.db.transaction() as tx:
        kept = await tx.value("SELECT url FROM alarm_targets")
        assert "ann" not in kept and SEAL.open(kept) == "json://ann"
        with pytest.raises(Invalid):
            await add_target(tx, SEAL, name="bob", url="nonsense")


async def test_a_rule_without_a_line_in_the_table_still_rings(desk: Desk) -> None:
    await desk.person("ann")
    await desk.ring("something_new")
    assert await desk.play() == ["ann look"]
    assert rule("something_new").sentence


@pytest.fixture
def listener() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A server that keeps what is posted to it."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, heard
    server.shutdown()
    thread.join(5)
    server.server_close()


async def test_apprise_really_delivers(
    database: Database, clock: MovableClock, listener: tuple[int, list[dict[str, Any]]]
) -> None:
    port, heard = listener
    alarms = Alarms(database, clock, SEAL, loopback=True)
    async with database.transaction() as tx:
        await add_target(tx, SEAL, name="chat", url=f"json://127.0.0.1:{port}/hook", loopback=True)
        await raise_alarm(tx, "late_money", "acc", "SM001: USD 12.50", now=clock.now())
    for _ in range(2):
        await drive_due(database, alarms.works(), clock)
    (message,) = heard
    assert "Money arrived after we said it did not" in message["title"] and "钱" in message["title"]
    assert "SM001: USD 12.50" in message["message"]


zones = st.sampled_from(["Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"])
moments = st.integers(1_704_000_000, 1_830_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
walls = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(now=moments, quiet_from=walls, quiet_to=walls, zone=zones)
def test_quiet_hours_end_soon_and_are_over_then(now: datetime, quiet_from: time, quiet_to: time, zone: str) -> None:
    ends = quiet_until(now, quiet_from, quiet_to, zone)
    wall = now.astimezone(ZoneInfo(zone)).time()
    if quiet_from == quiet_to:
        assert ends is None
        return
    inside = quiet_from <= wall < quiet_to if quiet_from < quiet_to else wall >= quiet_from or wall < quiet_to
    if not inside:
        assert ends is None
    elif ends is not None:
        assert now < ends <= now + timedelta(hours=25)
        assert ends.tzinfo is not None
        # An end that the clock jumps over in spring reads an hour later.
        there = ends.astimezone(ZoneInfo(zone)).time()
        late = (there.hour * 60 + there.minute) - (quiet_to.hour * 60 + quiet_to.minute)
        assert late % (24 * 60) in (0, 30, 60)
