"""A deployment for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from saoma.kit.clock import MovableClock
from tests.api.make import Deployment, Program, deployment


@pytest.fixture
async def house(database_url: str, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Deployment]:
    """The application with one shop over a fake Alipay."""
    async with deployment(database_url, clock, tmp_path) as made:
        yield made


@pytest.fixture
async def till(house: Deployment) -> Program:
    """A program that may do everything."""
    return await house.program()
