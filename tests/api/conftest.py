"""A deployment for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from saoma.api.routes import routers
from saoma.kit.clock import MovableClock
from tests.api.make import Deployment, Program, deployment


@pytest.fixture
async def house(database_url: str, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Deployment]:
    """The API with one shop over a fake Alipay; composing the screens as well takes longer than most tests."""
    async with deployment(database_url, clock, tmp_path, screens=routers) as made:
        yield made


@pytest.fixture
async def till(house: Deployment) -> Program:
    """A program that may do everything."""
    return await house.program()
