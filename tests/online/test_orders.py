"""Orders made ahead: promised as far as the kitchen can keep it, fired once and in time, ended by their rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.food.editing import set_photo  # noqa: F401
from saoma.food.model import LineStatus
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.online import firing
from saoma.online.model import Status
from tests.online.make import House, house


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> House:
    clock.advance(timedelta(0))
    return await house(database, clock)


async def test_an_order_paid_ahead_is_promised_and_fired_in_time_once(of: House) -> None:
    made = await of.paid("tea", "beef-noodles") if False else await of.paid("tea")
    assert made.status is Status.PROMISED and made.number == 1 and made.fires_at is not None
    assert [line.status for line in await of.lines(made)] == [LineStatus.BASKET]
    of.clock.advance(made.fires_at - of.clock.now() - timedelta(seconds=1))
    await of.clock_works()
    assert (await of.again(made)).status is Status.PROMISED
    of.clock.advance(timedelta(seconds=1))
    await of.clock_works()
    fired = await of.again(made)
    assert fired.status is Status.FIRED
    lines = await of.lines(made)
    assert [(line.status, line.round, line.paid) for line in lines] == [(LineStatus.SENT, 1, True)]
    await firing.look_at(of.db, of.payments, of.clock, made.id)
    assert [line.id for line in await of.lines(made)] == [line.id for line in lines]
    assert await of.broken_rules() == []
