"""The payment core with its world around it, for every test in this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.payments.make import House


@pytest.fixture(autouse=True)
def few_words() -> Iterator[None]:
    """Only warnings and worse are worth reading when a test fails."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.LogfmtRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(30),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> House:
    """A payment core, a fake Alipay, and one bill of 12.50."""
    house = House(database, clock)
    await house.bill()
    return house
