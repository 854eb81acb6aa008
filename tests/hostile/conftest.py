"""One world for the whole folder: opening it costs more than most tests here."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from saoma.kit.clock import MovableClock
from saoma.kit.postgres import EmbeddedPostgres
from tests.hostile.make import World, world


@pytest.fixture(scope="package")
def database_address(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A database of this folder's own."""
    name = f"t_hostile_{uuid.uuid4().hex[:8]}"
    yield postgres.make_database(name, template=template)
    postgres.drop_database(name)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def of(database_address: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The world."""
    clock = MovableClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))
    async with world(database_address, tmp_path_factory.mktemp("storage"), clock) as made:
        yield made
