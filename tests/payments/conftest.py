"""The payment core with its world around it, for every test in this room."""

from __future__ import annotations

import pytest

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.payments.make import House


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> House:
    """A payment core, a fake Alipay, and one bill of 12.50."""
    house = House(database, clock)
    await house.bill()
    return house
